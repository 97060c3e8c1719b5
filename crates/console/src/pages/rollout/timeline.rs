//! From what happened in a rollout to how long each node was in each phase.

use std::collections::BTreeMap;

use maud::{Markup, html};
use model::Timestamp;

use crate::times::span;

/// Something that happened in a rollout.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which node, if to one.
    pub node: Option<i32>,
    /// A stable name, such as `phase`.
    pub kind: String,
    /// In words; of a `phase`, its name; of what it waits for, a code, a colon and words.
    pub detail: String,
}

/// A phase of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Its name, as the API spells it.
    pub(super) phase: String,
    /// When it began.
    pub(super) at: Timestamp,
    /// When the next one began; `None` of the last one.
    pub(super) until: Option<Timestamp>,
}

/// The phases of each node, oldest first.
pub(super) fn steps(events: &[Event]) -> BTreeMap<i32, Vec<Step>> {
    let mut nodes: BTreeMap<i32, Vec<Step>> = BTreeMap::new();
    for event in events.iter().filter(|it| it.kind == "phase") {
        let Some(node) = event.node else { continue };
        let steps = nodes.entry(node).or_default();
        if let Some(last) = steps.last_mut() {
            last.until = Some(event.at);
        }
        steps.push(Step { phase: event.detail.clone(), at: event.at, until: None });
    }
    nodes
}

/// A phase in words.
pub(super) fn phase(name: &str) -> &str {
    match name {
        "pending" => "waits for its turn",
        "recovering" => "recovers its logs",
        "registered" => "registered, fenced still",
        "opening_listeners" => "opens its listeners",
        "proving" => "shows whom it lets in",
        "catching_up" => "replicas catch up",
        "soaking" => "well, and watched",
        other => other,
    }
}

/// What happened, in words.
pub(super) fn words(event: &Event) -> String {
    match (event.kind.as_str(), event.node) {
        ("phase", Some(node)) => format!("node {node}: {}", phase(&event.detail)),
        ("blocked", _) => {
            let text = event.detail.split_once(": ").map_or(event.detail.as_str(), |it| it.1);
            format!("waits: {text}")
        }
        _ => event.detail.clone(),
    }
}

/// A bar of a node's phases, from the start of the rollout to its end, or to now.
pub(super) fn bar(name: &str, steps: &[Step], from: Timestamp, to: Timestamp) -> Markup {
    let whole = to.ms_since(from).max(1);
    let x = |at: Timestamp| at.ms_since(from).clamp(0, whole) * 1000 / whole;
    html! {
        svg.bar viewBox="0 0 1000 14" preserveAspectRatio="none" role="img"
            aria-label={ "Phases of " (name) ", from the start of the rollout" } {
            @for it in steps {
                @let (left, right) = (x(it.at), x(it.until.unwrap_or(to)));
                rect class={ "p-" (it.phase) } x=(left) y="0" width=((right - left).max(2)) height="14" {
                    title { (lasted(it, to)) }
                }
            }
        }
    }
}

/// A phase with how long it lasted, or lasts.
pub(super) fn lasted(it: &Step, to: Timestamp) -> String {
    let ms = it.until.unwrap_or(to).ms_since(it.at);
    let long = span(ms).unwrap_or_else(|| "less than a second".to_owned());
    let name = phase(&it.phase);
    match it.until {
        _ if it.phase == "done" => name.to_owned(),
        Some(_) => format!("{name}: {long}"),
        None => format!("{name} for {long}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, node: Option<i32>, kind: &str, detail: &str) -> Event {
        Event { at: Timestamp(at), node, kind: kind.into(), detail: detail.into() }
    }

    #[test]
    fn a_phase_lasts_until_the_next_one_of_its_node() {
        let events = [
            event(0, None, "started", "rolling restart"),
            event(1_000, Some(1), "phase", "stopping"),
            event(2_000, Some(2), "phase", "catching_up"),
            event(4_000, Some(1), "phase", "soaking"),
            event(5_000, Some(1), "ordered", "node 1 restarts"),
        ];
        let steps = steps(&events);
        let now = Timestamp(10_000);
        let told = |node: i32| steps[&node].iter().map(|it| lasted(it, now)).collect::<Vec<_>>();
        assert_eq!(told(1), ["stopping: 3 seconds", "well, and watched for 6 seconds"]);
        assert_eq!(told(2), ["replicas catch up for 8 seconds"]);
    }

    #[test]
    fn what_it_waits_for_is_said_without_its_code() {
        let blocked = event(0, None, "blocked", "out_of_sync: node 2: 3 replicas behind");
        assert_eq!(words(&blocked), "waits: node 2: 3 replicas behind");
        assert_eq!(words(&event(0, Some(3), "phase", "failed")), "node 3: failed");
        assert_eq!(words(&event(0, None, "started", "a: b")), "a: b");
    }

    #[test]
    fn a_bar_stays_within_its_bounds() {
        let step = Step { phase: "starting".into(), at: Timestamp(-5), until: None };
        let shown = bar("my-kafka-1", &[step], Timestamp(0), Timestamp(0)).into_string();
        assert!(shown.contains(r#"x="0" y="0" width="2""#), "{shown}");
    }
}
