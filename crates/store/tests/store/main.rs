//! The store on a real Postgres: each rule of the data, and what two writers do to each other.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod acl_pages;
mod audit;
mod denials;
mod event_search;
mod fixture;
mod kafka_access;
mod leases;
mod metrics;
mod migrations;
mod refusals;
mod rollouts;
mod secrets;
mod secrets_rotation;
mod seen;
mod services;
mod sessions;
mod tokens;
mod watched_claims;
