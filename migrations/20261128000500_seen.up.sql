-- Who was seen to use what, to tell who would lose access by a change. Names only, never a token.

create table seen_use (
    service_id uuid not null
        constraint seen_use_service_fkey references service on delete cascade,
    seen_at text not null constraint seen_use_seen_at check (seen_at in ('rest_proxy', 'broker')),
    -- Empty: a caller without credentials.
    principal text not null,
    -- Whether the principal is, rather than said by a caller whom nobody checked.
    proven boolean not null,
    -- As the API spells them; `model` says what may be in them.
    resource_type text not null,
    resource_name text not null,
    operation text not null,
    -- In no index: it changes often, and then only this row has to be written.
    last_seen timestamptz not null,
    constraint seen_use_pkey primary key (
        service_id, seen_at, principal, proven, resource_type, resource_name, operation
    )
);

-- Claims of the latest token of a principal that could become its subject.
create table seen_claims (
    service_id uuid not null
        constraint seen_claims_service_fkey references service on delete cascade,
    principal text not null,
    claims jsonb not null,
    last_seen timestamptz not null,
    constraint seen_claims_pkey primary key (service_id, principal)
);
