-- What nodes used of their machines: samples and means of samples, for charts.

create table node_metric (
    service_id uuid not null
        constraint node_metric_service_fkey references service on delete cascade,
    node_id integer not null,
    -- 30: a sample. Otherwise the mean of those samples that there are of so many seconds.
    step_seconds integer not null
        constraint node_metric_step check (step_seconds in (30, 300, 3600)),
    -- When the step begins: whole steps since 1970.
    at timestamptz not null,
    -- Null: it could not be measured.
    cpu_usage real,
    disk_usage real,
    diskio_read real,
    diskio_writes real,
    load_average real,
    mem_usage real,
    net_receive real,
    net_send real,
    constraint node_metric_pkey primary key (service_id, step_seconds, at, node_id)
);
