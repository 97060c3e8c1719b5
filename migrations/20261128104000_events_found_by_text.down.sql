-- The extension stays: others in the database may use it by now.
drop index if exists event_by_description;
drop index kafka_acl_entry_by_age;
drop index acl_entry_by_age;
