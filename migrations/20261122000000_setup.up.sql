-- Projects, and the tokens that open them.

create table project (
    project_name text primary key,
    created_at timestamptz not null default now()
);

create table api_token (
    -- SHA-256 of the token. The token itself is shown once and never kept.
    token_hash bytea constraint api_token_pkey primary key,
    project_name text not null constraint api_token_project_fkey references project,
    -- 'admin': the whole project. 'rest_proxy': the settings of one service, nothing else.
    role text not null constraint api_token_role check (role in ('admin', 'rest_proxy')),
    service_id uuid,
    description text not null,
    created_at timestamptz not null default now(),
    constraint api_token_scope check ((role = 'rest_proxy') = (service_id is not null))
);

-- What a broker is started with: immutable, named by its content.

create table revision (
    revision_id text primary key,
    server_properties text not null,
    jvm_options jsonb not null,
    created_at timestamptz not null default now()
);

create table service (
    service_id uuid primary key,
    project_name text not null constraint service_project_fkey references project,
    service_name text not null,
    plan text not null,
    -- Kafka's cluster id: 22 characters of base64url.
    cluster_id text not null,
    -- What users set, and nothing else; defaults are not stored.
    user_config jsonb not null,
    target_revision text not null references revision,
    -- Cluster-wide dynamic broker configuration that Kafka shall have.
    dynamic_config jsonb not null,
    -- The JWKS URL before the present one: brokers allow both while they are restarted.
    previous_jwks_url text,
    termination_protection boolean not null default false,
    maintenance_dow text,
    maintenance_time text,
    rest_host text not null,
    rest_port integer not null,
    -- Grows with each change of what is stored here.
    generation bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint service_name_unique unique (project_name, service_name),
    constraint service_rest_port_unique unique (rest_host, rest_port)
);

alter table api_token
    add constraint api_token_service_fkey foreign key (service_id) references service on delete cascade;

-- Passwords of the platform's own principals, one row a service.
create table service_secret (
    service_id uuid primary key references service on delete cascade,
    broker_password text not null,
    admin_password text not null,
    rest_proxy_password text not null
);

create table node (
    service_id uuid not null references service on delete cascade,
    node_id integer not null,
    host text not null,
    controller_port integer not null,
    internal_port integer not null,
    client_port integer not null,
    rack text not null,
    -- What the node is started with, whoever starts it, until an order says otherwise.
    pinned_revision text not null references revision,
    -- What the orchestrator saw last. For display only.
    status jsonb,
    status_at timestamptz,
    primary key (service_id, node_id),
    constraint node_port_unique unique (host, controller_port)
);

-- One attempt to bring every node of a service to a revision.
create table rollout (
    rollout_id uuid primary key,
    service_id uuid not null references service on delete cascade,
    target_revision text not null references revision,
    started_at timestamptz not null default now(),
    started_by text not null,
    -- The order that was written down last: restart this node into this revision. `order_from` is
    -- the incarnation that has to go.
    order_node integer,
    order_revision text references revision,
    order_from text,
    order_at timestamptz,
    order_attempt integer,
    -- Compared and raised by each write: of two orchestrators only one wins.
    version bigint not null default 1,
    ended_at timestamptz,
    outcome text constraint rollout_outcome check (outcome in ('done', 'superseded', 'halted')),
    reason text,
    constraint rollout_end check ((ended_at is null) = (outcome is null)),
    constraint rollout_order check (
        (order_node is null) = (order_revision is null)
        and (order_node is null) = (order_at is null)
        and (order_node is null) = (order_attempt is null)
    )
);

create unique index rollout_one_active on rollout (service_id) where ended_at is null;

-- Which orchestrator looks after which service.
create table lease (
    name text primary key,
    holder uuid not null,
    epoch bigint not null default 1,
    expires_at timestamptz not null
);

create table service_user (
    service_id uuid not null references service on delete cascade,
    username text not null,
    type text not null constraint service_user_type check (type in ('primary', 'normal')),
    password text not null,
    password_version bigint not null default 1,
    -- The version that Kafka was given last. Kafka does not tell a password's hash, so this
    -- cannot be looked at.
    applied_version bigint,
    -- Kafka's credentials go first, then the row.
    deleting boolean not null default false,
    created_at timestamptz not null default now(),
    constraint service_user_pkey primary key (service_id, username)
);

create table acl_entry (
    service_id uuid not null references service on delete cascade,
    acl_id text not null,
    permission text not null
        constraint acl_entry_permission check (permission in ('admin', 'read', 'readwrite', 'write')),
    topic text not null,
    username text not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint acl_entry_pkey primary key (service_id, acl_id),
    constraint acl_entry_identical unique (service_id, permission, topic, username)
);

-- Bindings in Kafka that are ours: written here before they are created there, and removed here
-- after they are gone there. Nothing else is ever deleted from Kafka.
create table owned_acl_binding (
    service_id uuid not null references service on delete cascade,
    binding jsonb not null,
    constraint owned_acl_binding_pkey primary key (service_id, binding)
);

create table topic (
    service_id uuid not null references service on delete cascade,
    topic_name text not null,
    partitions integer not null,
    replication integer not null,
    config jsonb not null,
    tags jsonb not null default '[]',
    deleting boolean not null default false,
    -- Why Kafka does not have it as it should be, if it does not.
    problem text,
    created_at timestamptz not null default now(),
    constraint topic_pkey primary key (service_id, topic_name)
);

create table event (
    event_id bigint generated always as identity primary key,
    project_name text not null references project,
    service_name text,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    event_type text not null,
    description text not null
);

create index event_by_project on event (project_name, event_id desc);
