drop table client_quota;
drop table kafka_acl_entry;
