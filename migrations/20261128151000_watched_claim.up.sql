-- Claims that somebody thinks of making the subject: REST proxies tell their values until then.
create table watched_claim (
    service_id uuid not null
        constraint watched_claim_service_fkey references service on delete cascade,
    -- A name; of no token anything is here.
    claim text not null constraint watched_claim_claim check (char_length(claim) between 1 and 256),
    since timestamptz not null,
    until timestamptz not null,
    constraint watched_claim_pkey primary key (service_id, claim)
);

-- Watched claims that the token does not have: a list of names. A program of the version before says
-- nothing of them.
alter table seen_claims add column absent jsonb not null default '[]';
