//! The API as a client sees it, on a real database: one binary, one module for each resource.
#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

mod access;
mod acls;
mod avn;
mod avn_more;
mod callers;
mod console;
mod faults;
mod harness;
mod input;
mod kafka_acls;
mod keys;
mod logs;
mod losses;
mod openapi;
mod outage;
mod probe_credentials;
mod problems;
mod quotas;
mod rest_settings;
mod rollout_events;
mod rollouts;
mod seen;
mod service_create;
mod service_life;
mod service_update;
mod tokens;
mod topics;
mod twins;
mod users;
mod watched_claims;
mod windows;
