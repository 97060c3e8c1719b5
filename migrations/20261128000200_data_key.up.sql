-- Keys that secrets are sealed with. Each is wrapped by a master key that only the operator has.
create table data_key (
    -- 16 hexadecimal digits, made at random: an id never stands for another key.
    data_key_id text constraint data_key_pkey primary key,
    -- The highest seals. The others open what they sealed, and are deleted when that is nothing.
    generation bigint not null constraint data_key_generation_unique unique,
    -- The fingerprint of the master key.
    master_key_id text not null,
    -- base64url of nonce, ciphertext and tag.
    wrapped text not null,
    created_at timestamptz not null default now(),
    constraint data_key_generation check (generation > 0)
);

-- Every secret that has to be read again, wherever it lies, and the data key that sealed it: null
-- for plain text. A migration that adds a column with a secret replaces this view.
create view secret_value as
select column_name, service_id, username, value,
       case when value like 'v1:%' then split_part(value, ':', 2) end as data_key_id
from (
    select 'service_user.password' as column_name, service_id, username, password as value
    from service_user
    union all
    select 'service_secret.broker_password', service_id, '', broker_password from service_secret
    union all
    select 'service_secret.admin_password', service_id, '', admin_password from service_secret
    union all
    select 'service_secret.rest_proxy_password', service_id, '', rest_proxy_password
    from service_secret
    union all
    select 'service_probe.client_secret', service_id, '', client_secret from service_probe
) as found;
