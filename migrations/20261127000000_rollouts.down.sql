drop table raised_partition;
drop table rollout_event;
drop table rollout_node;
drop index rollout_by_service;
drop index rollout_idempotency_key;
update rollout set outcome = 'superseded' where outcome in ('rolled_back', 'aborted');
alter table rollout
    drop constraint rollout_outcome,
    add constraint rollout_outcome check (outcome in ('done', 'superseded', 'halted')),
    drop constraint rollout_pause,
    drop status_at, drop status, drop restart_all, drop idempotency_key, drop resumed_at, drop soak_ms,
    drop canary_bake_ms, drop max_unavailable, drop window_time, drop window_dow,
    drop consent_reason, drop consent_by, drop remedy, drop abort, drop paused_reason,
    drop paused_by, drop halted, drop failure, drop direction, drop base_revision;
alter table node drop usual_ms;
alter table revision drop rejected_reason;
alter table service
    drop apply_in_window, drop stable_dynamic_config, drop stable_user_config,
    drop stable_revision;
