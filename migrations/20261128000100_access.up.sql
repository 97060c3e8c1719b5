-- Tokens that belong to somebody and have roles, and an audit log.

-- Roles of a token: in one project, or in every one.
create table api_token_grant (
    token_hash bytea not null
        constraint api_token_grant_token_fkey references api_token on delete cascade,
    project_name text constraint api_token_grant_project_fkey references project,
    role text not null constraint api_token_grant_role
        check (role in ('admin', 'operator', 'developer', 'read_only')),
    constraint api_token_grant_unique unique nulls not distinct (token_hash, project_name)
);

alter table api_token
    -- Whose it is: who may list and revoke it, and the actor of what is done with it.
    add owner text not null default 'admin',
    -- How it starts, to tell it from others. Null for those made before.
    add token_prefix text constraint api_token_prefix_unique unique,
    add expires_at timestamptz,
    add max_age_secs bigint constraint api_token_max_age check (max_age_secs > 0),
    -- Whether each use moves `expires_at`.
    add extend_when_used boolean not null default false,
    -- To the minute.
    add last_used_at timestamptz,
    add last_ip text,
    add last_user_agent text,
    -- 'person': what `api_token_grant` says. 'admin' is of the version before: all of
    -- `project_name`. That version cannot read 'person', so it takes it for no token.
    alter project_name drop not null,
    drop constraint api_token_role,
    add constraint api_token_role check (role in ('admin', 'person', 'rest_proxy'));

create index api_token_by_owner on api_token (owner);

-- Who did what, in which request, and what it was before and after, without secrets. Without a
-- project: what is done to the installation.
alter table event
    alter project_name drop not null,
    add request_id text,
    add before jsonb,
    add after jsonb;

create index event_by_service on event (project_name, service_name, event_id desc);

create function event_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'events are append-only';
end
$$;

create trigger event_append_only before update or delete or truncate on event
    for each statement execute function event_is_append_only();
