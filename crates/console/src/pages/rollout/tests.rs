//! What the page of a rollout looks like.

use model::Role;

use super::*;
use crate::ids::ids;

const START: i64 = 1_795_291_200_000;

fn event(after_ms: i64, node: Option<i32>, kind: &str, detail: &str) -> Event {
    Event { at: Timestamp(START + after_ms), node, kind: kind.into(), detail: detail.into() }
}

fn view() -> View {
    let at = ServiceAt {
        project: "dev".into(),
        service: "my-kafka".into(),
        role: Role::Operator,
        here: ROLLOUTS,
    };
    let node = |id: i32, phase: &str, after_ms: i64| Node {
        id,
        name: format!("my-kafka-{id}"),
        phase: phase.into(),
        since: Timestamp(START + after_ms),
    };
    View {
        at,
        done: None,
        id: "abc".into(),
        state: "paused".into(),
        what: "into revision 1234".into(),
        by: "ann".into(),
        started_at: Timestamp(START),
        ended_at: None,
        estimated_end: Some(Timestamp(START + 90_000)),
        waits_for: Some(("node 1: 3 replicas behind".into(), Timestamp(START + 20_000))),
        needs_consent: false,
        opens_at: None,
        paused: Some(("ann".into(), "<lunch>".into())),
        failure: None,
        consent: None,
        nodes: vec![node(1, "soaking", 20_000), node(2, "pending", 0)],
        probe: Some(Probe { sent: 900, failed: 0, slowest_ms: 70, longest_gap_ms: 120 }),
        events: vec![
            event(0, None, "started", "rolling restart into revision 1234"),
            event(2_000, Some(1), "phase", "stopping"),
            event(20_000, Some(1), "phase", "soaking"),
            event(21_000, None, "blocked", "out_of_sync: node 1: 3 replicas behind"),
        ],
        is_cut: false,
        commands: vec![Command::Resume, Command::Abort],
        query: ListQuery::default(),
    }
}

fn shown(view: &View) -> String {
    let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(START + 60_000) };
    page(&frame, view).body.into_string().replace("><", ">\n<")
}

#[test]
fn a_rollout_under_way_says_where_each_node_is_and_what_it_may_be_told() {
    insta::assert_snapshot!(shown(&view()));
}

#[test]
fn one_that_has_ended_is_not_asked_for_again() {
    let ended_at = Some(Timestamp(START + 50_000));
    let text = shown(&View { ended_at, commands: Vec::new(), state: "done".into(), ..view() });
    assert!(!text.contains("sse-connect") && !text.contains("Abort"), "{text}");
    assert!(text.contains("after 50 seconds"), "{text}");
    let banner = Banner {
        href: "/r".into(),
        state: "done".into(),
        done: (3, 3),
        waits_for: None,
        has_ended: true,
    };
    assert!(!banner.show().into_string().contains("hx-get"));
    let banner = Banner { has_ended: false, ..banner };
    assert!(banner.show().into_string().contains(r#"hx-get="/r/banner""#));
}

/// What is fetched last, when it has ended, is put over what is there, each part by its id.
#[test]
fn one_that_has_ended_has_all_parts_of_one_under_way() {
    let parts = |view: &View| {
        let text = shown(view);
        let mut ids: Vec<String> = ids(&text).into_iter().map(str::to_owned).collect();
        // Those that tell it something are within a part.
        ids.retain(|it| Command::of_word(it).is_none());
        ids
    };
    let ended = View { ended_at: Some(Timestamp(START)), commands: Vec::new(), ..view() };
    let under_way = parts(&view());
    assert_eq!(parts(&ended), under_way);
    for part in ["now", "nodes-found", "happened"] {
        assert!(under_way.iter().any(|it| it == part), "{part}: {under_way:?}");
    }
}

#[test]
fn a_failure_and_a_need_for_consent_are_said_in_words() {
    let failure = Failure { node: 2, why: "exits again and again".into(), log: "ERROR <x>".into() };
    let text = shown(&View { failure: Some(failure), needs_consent: true, ..view() });
    for expected in ["Node 2 failed: exits again", "ERROR &lt;x&gt;", "as soon as somebody agrees"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}
