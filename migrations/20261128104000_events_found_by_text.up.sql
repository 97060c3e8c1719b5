-- A page of ACL entries, oldest first, is read from the index, without the others.
create index acl_entry_by_age on acl_entry (service_id, created_at, acl_id);
create index kafka_acl_entry_by_age on kafka_acl_entry (service_id, created_at, acl_id);

-- Events are looked for by any part of their description. The extension comes with Postgres (Debian
-- has it in the server's own package) and is a trusted one: the owner of the database may make it.
-- Where it cannot be made, everything works, and a search through many events takes longer.
do $$
begin
    create extension if not exists pg_trgm;
    create index event_by_description on event using gin (description gin_trgm_ops);
exception when undefined_file or feature_not_supported or insufficient_privilege then
    raise warning 'no index for texts of events, since pg_trgm cannot be made: %', sqlerrm;
end
$$;
