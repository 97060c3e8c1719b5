//! What a rolling restart would do, on the pages that lead to one.

use maud::{Markup, html};

use crate::Frame;
use crate::list::{Column, List, ListQuery, Place};
use crate::words::{Tone, notice};

/// The `id` of the list of nodes.
pub const LIST: &str = "forecast";

/// What a rolling restart would do, as the cluster is now.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// In one sentence.
    pub summary: String,
    /// Whether something becomes unavailable, whatever is waited for.
    pub needs_consent: bool,
    /// What can be done about that, and what keeps it from starting just now.
    pub notes: Vec<String>,
    /// Nodes in the order of their restarts.
    pub nodes: Vec<NodeForecast>,
}

/// What the restart of a node would do.
#[derive(Clone, Debug)]
pub struct NodeForecast {
    /// Which one it is to be restarted, from 1.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// For how many seconds it is away.
    pub away_secs: i64,
    /// How many partitions clients would miss.
    pub partitions: usize,
}

const COLUMNS: [Column<NodeForecast>; 4] = [
    Column::new("node", "Node", |it: &NodeForecast| it.name.clone()),
    Column::new("order", "Restarted as", |it: &NodeForecast| format!("number {}", it.place))
        .sorted(|a, b| a.place.cmp(&b.place)),
    Column::new("away", "Away for", |it: &NodeForecast| format!("about {} s", it.away_secs))
        .sorted(|a, b| a.away_secs.cmp(&b.away_secs)),
    Column::new("partitions", "Partitions that clients would miss", |it: &NodeForecast| {
        it.partitions.to_string()
    })
    .sorted(|a, b| a.partitions.cmp(&b.partitions)),
];

/// What a restart would do, or that nobody can say.
pub(super) fn show(
    it: Option<&Forecast>,
    query: &ListQuery,
    place: &Place,
    frame: &Frame,
) -> Markup {
    let Some(it) = it else {
        return html! { p.none { "What the restart would do is not known: Kafka cannot be asked just now." } };
    };
    let tone = if it.needs_consent { Tone::Bad } else { Tone::Quiet };
    let list = List {
        id: LIST,
        title: "Forecast by node",
        path: place.path(),
        keep: &place.keep(),
        columns: &COLUMNS,
        key: |it| it.name.clone(),
        empty: html! { p.none { "No node would be restarted." } },
    };
    html! {
        h3 { "Forecast" }
        (notice(tone, &it.summary))
        @for text in &it.notes { p { (text) } }
        (list.show_in(place, &query.pick(it.nodes.clone(), &COLUMNS), query, frame))
    }
}
