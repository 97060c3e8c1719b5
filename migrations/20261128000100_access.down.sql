drop trigger event_append_only on event;
drop function event_is_append_only();
drop index event_by_service;
delete from event where project_name is null;
alter table event drop request_id, drop before, drop after, alter project_name set not null;
drop table api_token_grant;
delete from api_token where role = 'person';
drop index api_token_by_owner;
alter table api_token
    drop constraint api_token_role,
    add constraint api_token_role check (role in ('admin', 'rest_proxy')),
    alter project_name set not null,
    drop owner, drop token_prefix, drop expires_at, drop max_age_secs, drop extend_when_used,
    drop last_used_at, drop last_ip, drop last_user_agent;
