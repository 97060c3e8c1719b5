-- Services that are terminated, and tags of services.

alter table service
    -- Its nodes are stopped, then what they have is deleted, then this row goes.
    add terminating boolean not null default false,
    add tags jsonb not null default '{}';
