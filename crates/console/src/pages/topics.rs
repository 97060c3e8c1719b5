//! The topics of a service.

use maud::html;
use model::Role;

use super::{done, offer};
use crate::list::{Column, List, ListQuery};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, empty, notice};
use crate::{Frame, Markup, Page};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Its topics, by name; else why they are not known.
    pub topics: Result<Vec<Row>, String>,
    /// What is asked of the list.
    pub query: ListQuery,
    /// What was just done.
    pub done: Option<&'static str>,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its address.
    pub href: String,
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many replicas each of them has.
    pub replication: usize,
    /// Hours for which records are kept, -1 for ever.
    pub retention_hours: Option<i64>,
    /// Bytes of a partition that are kept, -1 for all.
    pub retention_bytes: Option<i64>,
    /// `cleanup.policy`.
    pub cleanup: Option<String>,
    /// `ACTIVE`, `CONFIGURING` or `DELETING`.
    pub state: &'static str,
    /// Why Kafka does not have it as it should be.
    pub problem: Option<String>,
}

/// The state of a topic, and what is wrong with it.
pub(super) fn topic_state(state: &str, problem: Option<&str>) -> Markup {
    let tone = if state == "ACTIVE" { Tone::Good } else { Tone::Busy };
    html! {
        (badge(tone, state))
        @if let Some(text) = problem { " " (badge(Tone::Bad, "refused by Kafka")) p.more { (text) } }
    }
}

/// For how long, in words.
pub(super) fn retention(hours: Option<i64>, bytes: Option<i64>) -> String {
    let time = match hours {
        None => "not known".to_owned(),
        Some(hours) if hours < 0 => "for ever".to_owned(),
        Some(0) => "less than an hour".to_owned(),
        Some(1) => "1 hour".to_owned(),
        Some(hours) if hours % 24 == 0 && hours > 24 => format!("{} days", hours / 24),
        Some(hours) => format!("{hours} hours"),
    };
    match bytes {
        Some(bytes) if bytes >= 0 => format!("{time}, {bytes} bytes a partition"),
        _ => time,
    }
}

const COLUMNS: [Column<Row>; 6] = [
    Column::new("name", "Topic", |it: &Row| it.name.clone())
        .shown(|it, _| html! { a href=(it.href) { (it.name) } }),
    Column::new("state", "State", |it: &Row| it.state.to_owned())
        .shown(|it, _| topic_state(it.state, it.problem.as_deref())),
    Column::new("partitions", "Partitions", |it: &Row| it.partitions.to_string())
        .sorted(|a, b| a.partitions.cmp(&b.partitions)),
    Column::new("replication", "Replication", |it: &Row| it.replication.to_string())
        .sorted(|a, b| a.replication.cmp(&b.replication)),
    Column::new("retention", "Retention", |it: &Row| {
        retention(it.retention_hours, it.retention_bytes)
    })
    .sorted(|a, b| order(a.retention_hours).cmp(&order(b.retention_hours))),
    Column::new("cleanup", "Cleanup", |it: &Row| it.cleanup.clone().unwrap_or_default()),
];

/// For ever is longest.
fn order(hours: Option<i64>) -> Option<u64> {
    hours.map(|it| u64::try_from(it).unwrap_or(u64::MAX))
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = view.at.href("topics");
    let new = offer(&view.at, Role::Developer, "new-topic", "Create topic");
    let none =
        html! { p { "Topics are made here, with avn, with Terraform, or by clients that may." } };
    // Without Kafka the list is there as well: it comes back with it.
    let (rows, none) = match &view.topics {
        Ok(rows) => (rows.clone(), empty("There is no topic yet.", &none)),
        Err(why) => (Vec::new(), notice(Tone::Bad, why)),
    };
    let picked = view.query.pick(rows, &COLUMNS);
    let list = List {
        id: "topics",
        title: "Topics",
        path: &path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.name.clone(),
        empty: none,
    };
    let body = html! {
        (done(view.done))
        (new)
        (list.show(&picked, &view.query, frame))
    };
    Page::of_service(view.at.clone(), "Topics", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_said_in_words() {
        for (hours, bytes, expected) in [
            (Some(-1), None, "for ever"),
            (Some(0), Some(-1), "less than an hour"),
            (Some(1), None, "1 hour"),
            (Some(168), Some(10), "7 days, 10 bytes a partition"),
            (Some(25), None, "25 hours"),
            (None, None, "not known"),
        ] {
            assert_eq!(retention(hours, bytes), expected);
        }
        assert!(order(Some(-1)) > order(Some(1000)) && order(Some(0)) > order(None));
    }
}
