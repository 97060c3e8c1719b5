-- Values of watched claims go with them: the program of the version before knows no such claims.
update seen_claims it
set claims = it.claims - array(select claim from watched_claim w where w.service_id = it.service_id);
alter table seen_claims drop column absent;
drop table watched_claim;
