-- How a service's own client gets a token from the service's identity provider, to show after each
-- restart that a node lets in who it should.
create table service_probe (
    service_id uuid not null references service on delete cascade,
    token_url text not null,
    client_id text not null,
    client_secret text not null,
    -- Further fields of the token request, such as `audience` and `scope`.
    parameters jsonb not null default '{}',
    updated_at timestamptz not null default now(),
    constraint service_probe_pkey primary key (service_id)
);
