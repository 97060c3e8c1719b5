//! Where each node is in a rollout, and how long it was in each phase.

use maud::{Markup, html};
use model::Timestamp;

use super::timeline::{self, Step};
use super::{Node, View};
use crate::Frame;
use crate::list::{Column, List};
use crate::times::time;
use crate::words::{Tone, badge};

/// A row.
#[derive(Clone, Debug)]
struct Row {
    node: Node,
    steps: Vec<Step>,
    /// What the timeline spans.
    from: Timestamp,
    to: Timestamp,
}

const COLUMNS: [Column<Row>; 4] = [
    Column::new("node", "Node", |it: &Row| it.node.name.clone())
        .sorted(|a, b| a.node.id.cmp(&b.node.id)),
    Column::new("now", "Now", |it: &Row| timeline::phase(&it.node.phase).to_owned())
        .shown(|it, _| badge(tone(&it.node.phase), timeline::phase(&it.node.phase))),
    Column::new("since", "Since", |_: &Row| String::new())
        .sorted(|a, b| a.node.since.cmp(&b.node.since))
        .shown(|it, frame| time(it.node.since, frame.now)),
    Column::new("", "Timeline", |_: &Row| String::new()).shown(|it, _| steps(it)),
];

/// The list, at that address.
pub(super) fn list(frame: &Frame, view: &View, path: &str) -> Markup {
    let steps = timeline::steps(&view.events);
    let row = |it: &Node| Row {
        node: it.clone(),
        steps: steps.get(&it.id).cloned().unwrap_or_default(),
        from: view.started_at,
        to: view.ended_at.unwrap_or(frame.now),
    };
    let list = List {
        id: "nodes",
        title: "Nodes",
        path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.node.id.to_string(),
        empty: html! { p.none { "There are none." } },
    };
    let rows = view.nodes.iter().map(row).collect();
    list.show(&view.query.pick(rows, &COLUMNS), &view.query, frame)
}

/// A node in that phase.
fn tone(phase: &str) -> Tone {
    match phase {
        "done" => Tone::Good,
        "failed" => Tone::Bad,
        "pending" => Tone::Quiet,
        _ => Tone::Busy,
    }
}

fn steps(it: &Row) -> Markup {
    html! {
        @if it.steps.is_empty() { span.none { "not touched" } } @else {
            div.timeline {
                (timeline::bar(&it.node.name, &it.steps, it.from, it.to))
                ol.steps {
                    @for step in &it.steps { li title=(step.at) { (timeline::lasted(step, it.to)) } }
                }
            }
        }
    }
}
