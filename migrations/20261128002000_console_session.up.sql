-- Who has signed in to the console.

create table console_session (
    -- SHA-256 of what is in the cookie.
    session_hash bytea constraint console_session_pkey primary key,
    owner text not null,
    -- 'api_token': with what the token opens now, and no longer than the token is good.
    -- 'oidc': with what the claims gave at sign-in.
    sign_in text not null constraint console_session_sign_in check (sign_in in ('api_token', 'oidc')),
    token_hash bytea
        constraint console_session_token_fkey references api_token on delete cascade,
    -- [["dev", "admin"], ["*", "read_only"]]
    grants jsonb,
    created_at timestamptz not null default now(),
    -- To the minute.
    last_used_at timestamptz not null default now(),
    ip text,
    user_agent text,
    constraint console_session_proof check (
        (sign_in = 'api_token') = (token_hash is not null)
        and (sign_in = 'oidc') = (grants is not null)
    )
);

create index console_session_by_owner on console_session (owner);
create index console_session_by_token on console_session (token_hash);

-- A sign-in at the identity provider that has not come back.
create table console_sign_in (
    -- SHA-256 of `state` (RFC 6749, 4.1.1).
    state_hash bytea constraint console_sign_in_pkey primary key,
    -- SHA-256 of what is in the cookie of the browser that began it.
    browser_hash bytea not null,
    nonce text not null,
    -- RFC 7636, 4.1. Of no use without the code, which only the browser gets.
    code_verifier text not null,
    return_to text not null,
    created_at timestamptz not null default now()
);
