-- Kafka-native ACL entries, and client quotas.

create table kafka_acl_entry (
    service_id uuid not null references service on delete cascade,
    acl_id text not null,
    -- As the API spells them; `model` says what may be in them.
    principal text not null,
    host text not null,
    resource_type text not null,
    resource_name text not null,
    pattern_type text not null,
    operation text not null,
    permission_type text not null
        constraint kafka_acl_entry_permission_type check (permission_type in ('ALLOW', 'DENY')),
    created_at timestamptz not null default clock_timestamp(),
    constraint kafka_acl_entry_pkey primary key (service_id, acl_id),
    constraint kafka_acl_entry_identical unique (
        service_id, principal, host, resource_type, resource_name, pattern_type, operation,
        permission_type
    )
);

-- One limit of one entity. What is not here is not ours, and never changed in Kafka.
create table client_quota (
    service_id uuid not null references service on delete cascade,
    -- Names as the API spells them: `default` is Kafka's default entity. Empty: the entity has none.
    user_name text not null,
    client_id text not null,
    quota_key text not null constraint client_quota_quota_key check (
        quota_key in ('consumer_byte_rate', 'producer_byte_rate', 'request_percentage')
    ),
    -- Null: it is to be removed from Kafka, and then from here.
    quota_value double precision constraint client_quota_quota_value check (quota_value > 0),
    constraint client_quota_pkey primary key (service_id, user_name, client_id, quota_key),
    constraint client_quota_entity check (user_name <> '' or client_id <> '')
);
