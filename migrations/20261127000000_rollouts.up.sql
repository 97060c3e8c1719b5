-- Rollouts that can go back, be paused, held and watched. `rollout.order_*` is read by nothing any
-- more and goes with a later migration.

alter table service
    -- The last revision with which every node was found whole, and what users had set then: where
    -- a rollback goes to. Null until the service is up for the first time.
    add stable_revision text references revision,
    add stable_user_config jsonb,
    add stable_dynamic_config jsonb,
    -- Whether changes wait for the maintenance window.
    add apply_in_window boolean not null default false;

update service set stable_revision = target_revision, stable_user_config = user_config,
                   stable_dynamic_config = dynamic_config
where not exists (select 1 from rollout
                  where rollout.service_id = service.service_id and ended_at is null);

-- Why no rollout may bring it any more.
alter table revision add rejected_reason text;

-- How long the node's restarts take, in milliseconds: a moving average.
alter table node add usual_ms bigint;

alter table rollout
    add base_revision text references revision,
    add direction text not null default 'forward'
        constraint rollout_direction check (direction in ('forward', 'back')),
    -- Why it went back, and why it stands: node, kind, why, and the end of the broker's log.
    add failure jsonb,
    add halted jsonb,
    add paused_by text,
    add paused_reason text,
    add abort boolean not null default false,
    add remedy text not null default 'wait'
        constraint rollout_remedy check (remedy in ('wait', 'consent', 'raise_replication')),
    add consent_by text,
    add consent_reason text,
    add window_dow text,
    add window_time text,
    add max_unavailable integer not null default 1
        constraint rollout_max_unavailable check (max_unavailable between 1 and 100),
    -- In place of the orchestrator's own.
    add canary_bake_ms bigint,
    add soak_ms bigint,
    add resumed_at timestamptz,
    add idempotency_key text,
    -- Whether nodes that run the target are restarted too.
    add restart_all boolean not null default false,
    -- What the orchestrator saw last. For display only.
    add status jsonb,
    add status_at timestamptz,
    add constraint rollout_pause check ((paused_by is null) = (paused_reason is null)),
    drop constraint rollout_outcome,
    add constraint rollout_outcome
        check (outcome in ('done', 'superseded', 'halted', 'rolled_back', 'aborted'));

create unique index rollout_idempotency_key on rollout (service_id, idempotency_key);
create index rollout_by_service on rollout (service_id, started_at desc);

-- The latest order to each node: restart it into this revision. `order_from` is the incarnation
-- that has to go. Written before anything is done about it.
create table rollout_node (
    rollout_id uuid not null references rollout on delete cascade,
    node_id integer not null,
    revision text not null references revision,
    order_from text,
    ordered_at timestamptz not null default now(),
    attempt integer not null,
    constraint rollout_node_pkey primary key (rollout_id, node_id)
);

insert into rollout_node (rollout_id, node_id, revision, order_from, ordered_at, attempt)
select rollout_id, order_node, order_revision, order_from, order_at, order_attempt
from rollout where ended_at is null and order_node is not null;

-- What happened in a rollout: append-only.
create table rollout_event (
    rollout_event_id bigint generated always as identity primary key,
    rollout_id uuid not null references rollout on delete cascade,
    node_id integer,
    kind text not null,
    detail text not null,
    at timestamptz not null default clock_timestamp()
);

create index rollout_event_by_rollout on rollout_event (rollout_id, rollout_event_id);

-- Partitions with more replicas than they shall have, for the time of a rollout: written here
-- before Kafka is told, and removed after they have their own replicas again.
create table raised_partition (
    service_id uuid not null references service on delete cascade,
    topic text not null,
    partition integer not null,
    original integer[] not null,
    constraint raised_partition_pkey primary key (service_id, topic, partition)
);
