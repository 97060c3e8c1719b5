-- What brokers refused, summed up, for the logs of a service.

create table denial (
    -- Grows with each row: logs are read on from one.
    denial_id bigint generated always as identity,
    service_id uuid not null
        constraint denial_service_fkey references service on delete cascade,
    -- No reference: what a node refused stays to be read when the node is gone.
    node_id integer not null,
    -- In the broker's words. All null: others of the same node and look, which are not told apart.
    principal text,
    host text,
    operation text,
    resource_type text,
    resource_name text,
    request text,
    -- Null: the broker did not say.
    rule text constraint denial_rule check (rule in ('no_entry', 'deny_entry')),
    times bigint not null constraint denial_times check (times > 0),
    -- When it was refused last.
    last_at timestamptz not null,
    constraint denial_pkey primary key (service_id, denial_id),
    constraint denial_words check (
        num_nulls(principal, host, operation, resource_type, resource_name, request) in (0, 6)
    )
);
