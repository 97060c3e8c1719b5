drop table seen_claims;
drop table seen_use;
