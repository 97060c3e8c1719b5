alter table service_user
    drop constraint service_user_pkey,
    add constraint service_user_pkey primary key (service_id, username);
alter table kafka_acl_entry
    drop constraint kafka_acl_entry_identical,
    add constraint kafka_acl_entry_identical unique (
        service_id, principal, host, resource_type, resource_name, pattern_type, operation,
        permission_type
    );
alter table acl_entry
    drop constraint acl_entry_identical,
    add constraint acl_entry_identical unique (service_id, permission, topic, username);
