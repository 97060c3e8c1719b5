-- Nodes that join a service and leave it, and services that are switched off.

alter table node
    -- 'joining': it is to be given its share of the partitions. 'leaving': it is to give away all
    -- it has, and then to go.
    add life text not null default 'active'
        constraint node_life check (life in ('active', 'joining', 'leaving'));

alter table service add powered boolean not null default true;
