//! What is shown of answers as the API gives them.

use serde_json::{Value, json};

use super::*;
use crate::wire::Forecast;

/// 2026-11-21 20:02:00 UTC.
const NOW: i64 = 1_795_291_320;

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
fn shown(more: Value) -> String {
    let node = |node: i32, phase: &str| {
        json!({
            "node": node, "name": format!("my-kafka-{node}"), "phase": phase,
            "since": "2026-11-21T20:01:19Z",
        })
    };
    let mut answer = json!({
        "id": "0193-a", "state": "running", "direction": "forward", "target": "bbbbbbbbbbbb",
        "base": "aaaaaaaaaaaa", "started_by": "api", "started_at": "2026-11-21T20:00:00Z",
        "ended_at": null, "estimated_end": "2026-11-21T20:03:10Z", "version": 3,
        "nodes": [node(1, "done"), node(2, "catching_up"), node(3, "pending")],
        "blocker": { "code": "out_of_sync", "text": "replicas are out of sync: partition orders-0",
                     "since": "2026-11-21T20:01:50Z" },
        "paused": null, "failure": null, "remedy": "wait", "consent": null, "window": null,
        "probe": null,
    });
    for (key, value) in more.as_object().unwrap() {
        answer[key] = value.clone();
    }
    rollout(&serde_json::from_value(answer).unwrap(), NOW)
}

#[test]
fn a_rollout_under_way_shows_each_node_what_it_waits_for_and_when_it_ends() {
    insta::assert_snapshot!(shown(json!({})), @r"
    rollout 0193-a to bbbbbbbbbbbb: running, 2 m 0 s
      my-kafka-1  [#########]  done         41 s
      my-kafka-2  [#######..]  catching up  41 s
      my-kafka-3  [.........]  pending
    waits for 10 s: replicas are out of sync: partition orders-0
    done in about 1 m 10 s if nothing gets in the way
    ");
}

#[test]
fn one_that_stands_shows_why_with_the_end_of_the_log_and_no_escapes() {
    insta::assert_snapshot!(shown(json!({
        "state": "halted", "blocker": null, "estimated_end": null,
        "nodes": [{ "node": 1, "name": "my-kafka-1", "phase": "failed", "since": "2026-11-21T20:01:00Z" }],
        "failure": { "node": 1, "kind": "keeps_exiting", "why": "it ended each time",
                     "log": "ERROR\u{1b}[2J exiting\nbye\n" },
        "probe": { "sent": 1000, "failed": 2, "slowest_ms": 41, "longest_gap_ms": 60 },
    })), @r"
    rollout 0193-a to bbbbbbbbbbbb: halted, 2 m 0 s
      my-kafka-1  [!!!!!!!!!]  failed  1 m 0 s
    probe: 2 of 1000 records failed, the slowest took 41 ms, the longest gap was 60 ms
    node 1 failed: it ended each time
      | ERROR [2J exiting
      | bye
    ");
}

#[test]
fn one_that_waits_for_its_window_says_until_when() {
    insta::assert_snapshot!(shown(json!({
        "state": "waiting_for_window", "blocker": null, "estimated_end": null, "nodes": [],
        "window": { "dow": "sunday", "time": "03:00:00", "opens_at": "2026-11-22T03:00:00Z", "closes_at": null },
        "consent": { "name": "ann", "reason": "it is night" }, "remedy": "raise_replication",
    })), @r"
    rollout 0193-a to bbbbbbbbbbbb: waiting for window, 2 m 0 s
    the maintenance window opens at 2026-11-22T03:00:00Z, in 6 h 58 m
    ann agreed (raise replication): it is night
    ");
}

#[test]
fn what_has_ended_stands_still() {
    let ended = json!({
        "state": "rolled_back", "direction": "back", "blocker": null, "estimated_end": null,
        "ended_at": "2026-11-21T20:01:30Z",
    });
    insta::assert_snapshot!(shown(ended).lines().next().unwrap(), @"rollout 0193-a back to aaaaaaaaaaaa: rolled back, 1 m 30 s");
}

#[test]
fn events_are_a_line_each() {
    let line = |node: Option<i32>, kind: &str, detail: &str| {
        event(&Event {
            time: "2026-11-21T20:00:00Z".into(),
            node,
            kind: kind.into(),
            detail: detail.into(),
        })
    };
    insta::assert_snapshot!(
        line(Some(2), "phase", "catching_up") + &line(None, "paused", "rolling restart paused: lunch"),
        @r"
    2026-11-21T20:00:00Z node 2 catching up
    2026-11-21T20:00:00Z paused: rolling restart paused: lunch
    "
    );
}

#[test]
fn a_list_is_a_table() {
    let one = |id: &str, state: &str, ended: Option<&str>| {
        serde_json::from_value(json!({
            "id": id, "state": state, "direction": "forward", "target": "bbbbbbbbbbbb",
            "base": null, "started_by": "api", "started_at": "2026-11-21T20:00:00Z",
            "ended_at": ended, "estimated_end": null, "nodes": [], "blocker": null, "paused": null,
            "failure": null, "remedy": "wait", "consent": null, "window": null, "probe": null,
        }))
        .unwrap()
    };
    let rollouts =
        [one("2", "waiting_for_window", None), one("1", "done", Some("2026-11-21T20:03:20Z"))];
    insta::assert_snapshot!(list(&rollouts), @r"
    ROLLOUT  STATE               TARGET        STARTED               TOOK      BY
    2        waiting for window  bbbbbbbbbbbb  2026-11-21T20:00:00Z            api
    1        done                bbbbbbbbbbbb  2026-11-21T20:00:00Z  3 m 20 s  api
    ");
}

#[test]
fn a_forecast_is_a_table_of_what_would_be_missed() {
    let missed = |partition: &str, certainty: &str| json!({ "partition": partition, "outage": "write_blocked", "certainty": certainty });
    let many: Vec<Value> = (0..6).map(|it| missed(&format!("many-{it}"), "inherent")).collect();
    let node = |node: i32, partitions: Vec<Value>, n_partitions: usize, margin: i64| {
        json!({
            "node": node, "name": format!("my-kafka-{node}"), "batch": node, "away_ms": 12_000 * node,
            "is_measured": node == 1, "quorum_margin": margin, "n_partitions": n_partitions,
            "partitions": partitions,
        })
    };
    let answer = json!({
        "summary": "3 nodes are restarted in about 150 s", "needs_consent": true,
        "remedies": [{ "remedy": "raise_replication", "text": "more replicas for a while" }],
        "blocker": { "code": "out_of_sync", "text": "replicas are out of sync: partition t-0" },
        "duration_ms": 150_000, "is_measured": false,
        "window": { "dow": "sunday", "time": "03:00:00", "opens_at": null,
                    "closes_at": "2026-11-22T07:00:00Z", "fits": false },
        "nodes": [
            node(1, vec![missed("t-0", "transient")], 1, 0),
            node(2, many, 9, 1),
            node(3, Vec::new(), 0, -1),
        ],
    });
    let answer: Forecast = serde_json::from_value(answer).unwrap();
    insta::assert_snapshot!(forecast(&answer), @r"
    3 nodes are restarted in about 150 s

    BATCH  NODE        AWAY            QUORUM               UNAVAILABLE MEANWHILE
    1      my-kafka-1  12 s            kept, none to spare  t-0 write blocked (transient: it is waited for)
    2      my-kafka-2  24 s (assumed)  kept, 1 to spare     many-0 write blocked (inherent: waiting does not help)
                                                            many-1 write blocked (inherent: waiting does not help)
                                                            many-2 write blocked (inherent: waiting does not help)
                                                            many-3 write blocked (inherent: waiting does not help)
                                                            many-4 write blocked (inherent: waiting does not help)
                                                            and 4 more
    3      my-kafka-3  36 s (assumed)  LOST                 nothing

    just now it would wait: replicas are out of sync: partition t-0
    it does not fit into the maintenance window (sunday 03:00:00)
    it starts only if somebody agrees. What can be done:
      raise replication: more replicas for a while
    agree by: tidegatectl rollout start SERVICE --consent NAME --reason TEXT [--raise-replication]
    ");
}
