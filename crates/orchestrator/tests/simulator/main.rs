//! The reconciler and the planner in a modelled cluster: random histories, an orchestrator that dies
//! wherever it waits, and two of them at once. The laws are in `laws.rs`.
//!
//! `SIMULATOR_HISTORIES` says how many random histories are played; `SIMULATOR_SEED` plays one again
//! and tells what happens in it.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that panics says where")]

mod book;
mod hands;
mod history;
mod laws;
mod random;
mod seen;
mod world;

use history::{BEGIN, Kind, play};

const HISTORIES: u64 = 10_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable)?.to_str()?.parse().ok()
}

fn random(seed: u64) -> Kind {
    Kind { seed, has_rival: seed.is_multiple_of(3), ..Kind::default() }
}

#[test]
fn random_histories() {
    if let Some(seed) = number("SIMULATOR_SEED") {
        println!("{:?}", play(Kind { is_logged: true, ..random(seed) }));
        return;
    }
    let (mut n_polls, mut ms) = (0, 0);
    let histories = number("SIMULATOR_HISTORIES").unwrap_or(HISTORIES);
    for seed in 0..histories {
        let outcome = play(random(seed));
        n_polls += outcome.n_polls;
        ms += outcome.ms - BEGIN;
    }
    println!("{histories} histories, {n_polls} polls, {} s of theirs", ms / 1_000);
}

/// In a rollout to which nothing else happens, the orchestrator dies at each place where it can.
#[test]
fn dies_at_every_await_point() {
    let n_seeds = if number("SIMULATOR_HISTORIES").is_some() { 1 } else { 4 };
    for seed in 0..n_seeds {
        let calm = Kind { seed, is_calm: true, ..Kind::default() };
        let n_polls = play(calm).n_polls;
        assert!(n_polls > 50, "a rollout takes some time");
        for at in 1..=n_polls {
            play(Kind { dies_at: Some(at), ..calm });
        }
    }
}
