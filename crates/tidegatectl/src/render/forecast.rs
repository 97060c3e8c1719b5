//! What a rollout would make unavailable.

use super::table::table;
use super::words;
use crate::moment::duration;
use crate::wire::{Forecast, NodeForecast, WindowFit};

/// How many partitions of a node are named.
const NAMED: usize = 5;

/// A forecast as a table, with what follows from it.
pub(crate) fn forecast(forecast: &Forecast) -> String {
    let mut lines = vec![forecast.summary.clone()];
    if !forecast.nodes.is_empty() {
        let head = ["BATCH", "NODE", "AWAY", "QUORUM", "UNAVAILABLE MEANWHILE"].map(str::to_owned);
        let rows = forecast.nodes.iter().flat_map(rows);
        lines.push(String::new());
        lines.extend(table(std::iter::once(head).chain(rows)));
    }
    let end = end(forecast);
    if !end.is_empty() {
        lines.push(String::new());
        lines.extend(end);
    }
    lines.join("\n") + "\n"
}

/// The lines of a node: one for each partition that is named, and one for the others.
fn rows(node: &NodeForecast) -> Vec<[String; 5]> {
    let mut missed: Vec<String> = node
        .partitions
        .iter()
        .take(NAMED)
        .map(|it| format!("{} {} ({})", it.partition, words(&it.outage), certainty(&it.certainty)))
        .collect();
    let more = node.n_partitions.saturating_sub(missed.len());
    match (missed.is_empty(), more) {
        (true, _) => missed.push("nothing".to_owned()),
        (false, 0) => {}
        (false, more) => missed.push(format!("and {more} more")),
    }
    let assumed = if node.is_measured { "" } else { " (assumed)" };
    let away = format!("{}{assumed}", duration(node.away_ms / 1000));
    let quorum = match node.quorum_margin {
        ..0 => "LOST".to_owned(),
        0 => "kept, none to spare".to_owned(),
        spare => format!("kept, {spare} to spare"),
    };
    let first = [node.batch.to_string(), node.name.clone(), away, quorum];
    let rows = missed.into_iter().enumerate().map(|(at, missed)| {
        let [batch, name, away, quorum] = if at == 0 { first.clone() } else { Default::default() };
        [batch, name, away, quorum, missed]
    });
    rows.collect()
}

fn certainty(word: &str) -> &str {
    match word {
        "inherent" => "inherent: waiting does not help",
        "transient" => "transient: it is waited for",
        other => other,
    }
}

fn end(forecast: &Forecast) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(blocker) = &forecast.blocker {
        lines.push(format!("just now it would wait: {}", blocker.text));
    }
    if let Some(WindowFit { window, fits }) = &forecast.window {
        let fits = if *fits { "it fits into" } else { "it does not fit into" };
        lines.push(format!("{fits} the maintenance window ({} {})", window.dow, window.time));
    }
    if forecast.needs_consent {
        lines.push("it starts only if somebody agrees. What can be done:".to_owned());
        let remedies = forecast.remedies.iter();
        lines.extend(remedies.map(|it| format!("  {}: {}", words(&it.remedy), it.text)));
        let how = "start SERVICE --consent NAME --reason TEXT [--raise-replication]";
        lines.push(format!("agree by: tidegatectl rollout {how}"));
    }
    lines
}
