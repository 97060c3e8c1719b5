-- A service is shown with its users and ACL entries. They were written one by one over time, so each
-- is on a page of its own; with all columns in the index, a list is a few pages of that.
alter table acl_entry
    drop constraint acl_entry_identical,
    add constraint acl_entry_identical
        unique (service_id, permission, topic, username) include (acl_id, created_at);
alter table kafka_acl_entry
    drop constraint kafka_acl_entry_identical,
    add constraint kafka_acl_entry_identical unique (
        service_id, principal, host, resource_type, resource_name, pattern_type, operation,
        permission_type
    ) include (acl_id, created_at);
alter table service_user
    drop constraint service_user_pkey,
    add constraint service_user_pkey
        primary key (service_id, username)
        include (type, password, password_version, applied_version, deleting, created_at);
