//! What is shown of answers. Pure: the present moment is an argument.

mod forecast;
mod table;

use std::fmt::Write as _;

pub(crate) use self::forecast::forecast;
use self::table::table;
use crate::moment::{between, duration, seconds};
use crate::wire::{Event, Rollout};

/// The phases in which a node gets where it shall be.
const WAY: [&str; 10] = [
    "pending",
    "stopping",
    "starting",
    "recovering",
    "registered",
    "opening_listeners",
    "proving",
    "catching_up",
    "soaking",
    "done",
];

/// A rollout as it is now. Ends with a line feed, like all of these.
pub(crate) fn rollout(rollout: &Rollout, now: i64) -> String {
    let mut lines = vec![title(rollout, now)];
    let nodes = rollout.nodes.iter().map(|it| {
        let since = if it.phase == "pending" { None } else { between(&it.since, now) };
        let since = since.filter(|_| rollout.ended_at.is_none()).unwrap_or_default();
        [format!("  {}", it.name), bar(&it.phase), words(&it.phase), since]
    });
    lines.extend(table(nodes));
    lines.extend(details(rollout, now));
    lines.join("\n") + "\n"
}

fn title(rollout: &Rollout, now: i64) -> String {
    let end = rollout.ended_at.as_deref().and_then(seconds).unwrap_or(now);
    let time = between(&rollout.started_at, end).unwrap_or_default();
    let to = match (rollout.direction.as_str(), &rollout.base) {
        ("back", Some(base)) => format!("back to {base}"),
        _ => format!("to {}", rollout.target),
    };
    format!("rollout {} {to}: {}, {time}", rollout.id, words(&rollout.state))
}

fn details(rollout: &Rollout, now: i64) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(blocker) = &rollout.blocker {
        let since = between(&blocker.since, now).unwrap_or_default();
        lines.push(format!("waits for {since}: {}", blocker.text));
    }
    if let Some(word) = &rollout.paused {
        lines.push(format!("paused by {}: {}", word.name, word.reason));
    }
    if let Some(opens) = rollout.window.as_ref().and_then(|it| it.opens_at.as_ref()) {
        let left = seconds(opens).map(|it| duration(it - now)).unwrap_or_default();
        lines.push(format!("the maintenance window opens at {opens}, in {left}"));
    }
    if let Some(closes) = rollout.window.as_ref().and_then(|it| it.closes_at.as_ref()) {
        lines.push(format!("the maintenance window is open until {closes}"));
    }
    if let Some(left) = rollout.estimated_end.as_deref().and_then(seconds) {
        lines.push(format!("done in about {} if nothing gets in the way", duration(left - now)));
    }
    if let Some(word) = &rollout.consent {
        let remedy = words(&rollout.remedy);
        lines.push(format!("{} agreed ({remedy}): {}", word.name, word.reason));
    }
    if let Some(probe) = &rollout.probe {
        lines.push(format!(
            "probe: {} of {} records failed, the slowest took {} ms, the longest gap was {} ms",
            probe.failed, probe.sent, probe.slowest_ms, probe.longest_gap_ms
        ));
    }
    if let Some(failure) = &rollout.failure {
        lines.push(format!("node {} failed: {}", failure.node, failure.why));
        lines.extend(failure.log.lines().map(|it| format!("  | {}", plain(it))));
    }
    lines
}

/// Rollouts, one a line.
pub(crate) fn list(rollouts: &[Rollout]) -> String {
    let head = ["ROLLOUT", "STATE", "TARGET", "STARTED", "TOOK", "BY"].map(str::to_owned);
    let rows = rollouts.iter().map(|it| {
        let end = it.ended_at.as_deref().and_then(seconds);
        let took = end.and_then(|end| between(&it.started_at, end)).unwrap_or_default();
        [
            it.id.clone(),
            words(&it.state),
            it.target.clone(),
            it.started_at.clone(),
            took,
            it.started_by.clone(),
        ]
    });
    table(std::iter::once(head).chain(rows)).join("\n") + "\n"
}

/// An event as one line.
pub(crate) fn event(event: &Event) -> String {
    let mut line = event.time.clone();
    // Text takes everything.
    let _written = match event.node {
        Some(node) => write!(line, " node {node}"),
        None => Ok(()),
    };
    let detail = plain(&event.detail);
    match event.kind.as_str() {
        "phase" => format!("{line} {}\n", words(&detail)),
        kind => format!("{line} {}: {detail}\n", words(kind)),
    }
}

/// How far a phase is on its way.
fn bar(phase: &str) -> String {
    let (last, at) = (WAY.len() - 1, WAY.iter().position(|it| *it == phase));
    match at {
        Some(at) => format!("[{}{}]", "#".repeat(at), ".".repeat(last - at)),
        None => format!("[{}]", "!".repeat(last)),
    }
}

/// A stable name as words.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Logs of brokers may hold anything, terminals obey it.
fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests;
