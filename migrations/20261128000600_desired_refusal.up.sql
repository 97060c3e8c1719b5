-- What Kafka refuses, and goes on refusing, of what a service shall have.

create table desired_refusal (
    service_id uuid not null references service on delete cascade,
    aggregate text not null constraint desired_refusal_aggregate check (
        aggregate in ('user', 'topic', 'acl', 'quota', 'dynamic_config')
    ),
    -- Which of them, or `all`.
    name text not null,
    message text not null,
    since timestamptz not null default now(),
    constraint desired_refusal_pkey primary key (service_id, aggregate, name)
);
