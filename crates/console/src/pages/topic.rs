//! One topic: its partitions, who reads it, and what may be changed.

use maud::{Markup, html};

use super::form::Form;
use super::topics::{retention, topic_state};
use super::{danger, done};
use crate::list::{Column, List, ListQuery};
use crate::live::LIVE;
use crate::nav::ServiceAt;
use crate::words::{Tone, empty, notice};
use crate::{Frame, Page};

/// Which of the page's lists the parameters in the address are about.
pub const OF: &str = "of";
/// The value of [`OF`] for the consumer groups.
const GROUPS: &str = "groups";
/// The value of [`OF`] for the options.
const OPTIONS: &str = "options";

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// The topic.
    pub name: String,
    /// `ACTIVE`, `CONFIGURING` or `DELETING`.
    pub state: &'static str,
    /// Why Kafka does not have it as it should be.
    pub problem: Option<String>,
    /// How many replicas each partition has.
    pub replication: usize,
    /// Hours for which records are kept, -1 for ever.
    pub retention_hours: Option<i64>,
    /// Bytes of a partition that are kept, -1 for all.
    pub retention_bytes: Option<i64>,
    /// `min.insync.replicas`.
    pub min_in_sync: Option<i64>,
    /// `cleanup.policy`.
    pub cleanup: Option<String>,
    /// Labels.
    pub tags: Vec<(String, String)>,
    /// Its partitions. None before Kafka has made it.
    pub partitions: Vec<Partition>,
    /// Which of its lists the address is about: [`GROUPS`], [`OPTIONS`], else the partitions.
    pub of: String,
    /// What is asked of that one.
    pub query: ListQuery,
    /// The consumer groups that have committed offsets.
    pub groups: Vec<Group>,
    /// Whether every broker told its groups.
    pub groups_complete: bool,
    /// Its options, by Kafka's name.
    pub options: Vec<ConfigOption>,
    /// To change it; `None` for those who may not.
    pub form: Option<Form>,
    /// What was just done.
    pub done: Option<&'static str>,
}

/// A partition.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Its index.
    pub index: i32,
    /// The node that leads it.
    pub leader: Option<i32>,
    /// The nodes that have it, the preferred leader first.
    pub replicas: Vec<i32>,
    /// The nodes that have all of it.
    pub in_sync: Vec<i32>,
    /// The first offset that is there.
    pub earliest: Option<i64>,
    /// The next one.
    pub latest: Option<i64>,
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Of how many partitions it has committed an offset.
    pub partitions: usize,
    /// How many records are behind those offsets.
    pub lag: i64,
}

/// An option as Kafka has it.
#[derive(Clone, Debug)]
pub struct ConfigOption {
    /// Kafka's name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether the topic sets it itself.
    pub is_own: bool,
    /// Where it comes from, as the API says.
    pub source: &'static str,
}

fn nodes(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn number(value: Option<i64>) -> String {
    value.map_or_else(|| "not known".to_owned(), |it| it.to_string())
}

const COLUMNS: [Column<Partition>; 6] = [
    Column::new("partition", "Partition", |it: &Partition| it.index.to_string())
        .sorted(|a, b| a.index.cmp(&b.index)),
    Column::new("leader", "Leader", |it: &Partition| {
        it.leader.map_or_else(|| "none".to_owned(), |it| it.to_string())
    })
    .sorted(|a, b| a.leader.cmp(&b.leader)),
    Column::new("isr", "In sync", |it: &Partition| {
        format!("{} of {} (nodes {})", it.in_sync.len(), it.replicas.len(), nodes(&it.in_sync))
    })
    .sorted(|a, b| a.in_sync.len().cmp(&b.in_sync.len())),
    Column::new("replicas", "Replicas", |it: &Partition| nodes(&it.replicas)),
    Column::new("earliest", "First offset", |it: &Partition| number(it.earliest))
        .sorted(|a, b| a.earliest.cmp(&b.earliest)),
    Column::new("latest", "Next offset", |it: &Partition| number(it.latest))
        .sorted(|a, b| a.latest.cmp(&b.latest)),
];

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = view.at.href(&format!("topics/{}", view.name));
    let body = html! {
        (done(view.done))
        (now(view, &path, frame))
        section {
            h2 { "Options" }
            (options(view, &path, frame))
        }
        @if let Some(form) = &view.form {
            section #change {
                h2 { "Change" }
                (form.show(frame))
            }
            section {
                h2 { "Delete" }
                (danger(&format!("{path}/delete"), "Delete topic …"))
            }
        }
    };
    let mut page = Page::of_service(view.at.clone(), &format!("Topic {}", view.name), body);
    let topics = crate::Crumb { title: "Topics".to_owned(), href: view.at.href("topics") };
    page.crumbs.push(topics);
    page
}

/// What Kafka says. While Kafka has not caught up yet, it is fetched again.
fn now(view: &View, path: &str, frame: &Frame) -> Markup {
    let settles = view.state != "ACTIVE";
    let headers = format!("{{\"{LIVE}\":\"1\"}}");
    let again = settles.then_some("load delay:2s");
    let keep = [(OF, view.of.as_str())];
    let here = view.query.href(path, if view.of.is_empty() { &[] } else { &keep });
    html! {
        div #now hx-get=[settles.then_some(&here)] hx-trigger=[again] hx-select="#now"
            hx-swap="outerHTML" hx-headers=(headers) {
            (facts(view))
            @if view.state == "CONFIGURING" {
                (notice(Tone::Busy, "Kafka has not made it yet. It takes a few seconds."))
            }
            section {
                h2 { "Partitions" }
                (partitions(view, path, frame))
            }
            section {
                h2 { "Consumer groups" }
                (groups(view, path, frame))
            }
        }
    }
}

fn facts(view: &View) -> Markup {
    html! {
        dl.facts {
            div { dt { "State" } dd { (topic_state(view.state, view.problem.as_deref())) } }
            div { dt { "Partitions" } dd { (view.partitions.len()) } }
            div { dt { "Replication" } dd { (view.replication) } }
            div { dt { "Minimum in sync" } dd { (number(view.min_in_sync)) } }
            div { dt { "Retention" } dd { (retention(view.retention_hours, view.retention_bytes)) } }
            div { dt { "Cleanup" } dd { (view.cleanup.as_deref().unwrap_or("not known")) } }
            @if !view.tags.is_empty() {
                div { dt { "Tags" } dd {
                    @for (key, value) in &view.tags { div { (key) ": " (value) } }
                } }
            }
        }
    }
}

fn partitions(view: &View, path: &str, frame: &Frame) -> Markup {
    let query = view.query_of("");
    let picked = query.pick(view.partitions.clone(), &COLUMNS);
    let list = List {
        // A field of the form is called `partitions`.
        id: "topic-partitions",
        title: "Partitions",
        path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.index.to_string(),
        empty: empty("Kafka has no partitions of it.", &html! { p { "Look again in a moment." } }),
    };
    list.show(&picked, &query, frame)
}

const GROUP_COLUMNS: [Column<Group>; 3] = [
    Column::new("group", "Group", |it: &Group| it.name.clone()),
    Column::new("partitions", "Partitions with an offset", |it: &Group| it.partitions.to_string())
        .sorted(|a, b| a.partitions.cmp(&b.partitions)),
    Column::new("behind", "Records behind", |it: &Group| it.lag.to_string())
        .sorted(|a, b| a.lag.cmp(&b.lag)),
];

fn groups(view: &View, path: &str, frame: &Frame) -> Markup {
    let query = view.query_of(GROUPS);
    let list = List {
        id: GROUPS,
        title: "Consumer groups",
        path,
        keep: &[(OF, GROUPS)],
        columns: &GROUP_COLUMNS,
        key: |it| it.name.clone(),
        empty: html! { p.none { "No consumer group has committed an offset." } },
    };
    html! {
        @if !view.groups_complete {
            (notice(Tone::Busy, "Not every broker could be asked: there may be more groups."))
        }
        (list.show(&query.pick(view.groups.clone(), &GROUP_COLUMNS), &query, frame))
    }
}

const OPTION_COLUMNS: [Column<ConfigOption>; 3] = [
    Column::new("option", "Option", |it: &ConfigOption| it.name.clone())
        .shown(|it, _| html! { code { (it.name) } }),
    Column::new("value", "Value", |it: &ConfigOption| it.value.clone())
        .shown(|it, _| html! { code { (it.value) } }),
    Column::new("from", "From", |it: &ConfigOption| it.source.replace('_', " ")),
];

/// Those that the topic sets itself come first.
fn options(view: &View, path: &str, frame: &Frame) -> Markup {
    let query = view.query_of(OPTIONS);
    let (own, others): (Vec<_>, Vec<_>) = view.options.iter().cloned().partition(|it| it.is_own);
    let (n, rest) = (own.len(), others.len());
    let list = List {
        id: OPTIONS,
        title: "Options",
        path,
        keep: &[(OF, OPTIONS)],
        columns: &OPTION_COLUMNS,
        key: |it| it.name.clone(),
        empty: html! {},
    };
    let all = own.into_iter().chain(others).collect();
    html! {
        @if n == 0 { p { "Everything is as the service has it." } }
        @else { p { (n) " of its own, " (rest) " as the service has them." } }
        (list.show(&query.pick(all, &OPTION_COLUMNS), &query, frame))
    }
}

impl View {
    /// What is asked of the list for which [`OF`] has that value.
    fn query_of(&self, of: &str) -> ListQuery {
        let of_partitions = !([GROUPS, OPTIONS].contains(&self.of.as_str()));
        let is_it = if of.is_empty() { of_partitions } else { self.of == of };
        if is_it { self.query.clone() } else { ListQuery::default() }
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, Timestamp};

    use super::*;
    use crate::ids::{ids, rows, twice};

    fn view(of: &str, query: ListQuery) -> View {
        let group = |(name, partitions, lag): (&str, usize, i64)| Group {
            name: name.to_owned(),
            partitions,
            lag,
        };
        let partition = |index| Partition {
            index,
            leader: Some(1),
            replicas: vec![1],
            in_sync: vec![1],
            earliest: Some(0),
            latest: Some(7),
        };
        View {
            at: ServiceAt {
                project: "dev".into(),
                service: "my-kafka".into(),
                role: Role::Developer,
                here: "topics",
            },
            name: "orders".into(),
            state: "ACTIVE",
            problem: None,
            replication: 1,
            retention_hours: None,
            retention_bytes: None,
            min_in_sync: None,
            cleanup: None,
            tags: Vec::new(),
            partitions: (0..3).map(partition).collect(),
            of: of.to_owned(),
            query,
            groups: [("billing", 9, 10), ("audit", 10, 9), ("shipping", 2, 100)].map(group).into(),
            groups_complete: true,
            options: Vec::new(),
            form: None,
            done: None,
        }
    }

    #[test]
    fn consumer_groups_are_sorted_and_filtered_and_the_other_lists_stay_as_they_are() {
        let shown = |q: &str, sort: &str| {
            let query = ListQuery { q: q.into(), sort: sort.into(), ..ListQuery::default() };
            let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(0) };
            let page = page(&frame, &view(GROUPS, query)).body.into_string();
            assert_eq!(twice(&page), [""; 0], "{page}");
            assert_eq!(rows(&page, "topic-partitions"), ["0", "1", "2"], "{page}");
            assert!(ids(&page).contains(&"groups-found"), "{page}");
            rows(&page, GROUPS).join(" ")
        };
        for (q, sort, groups) in [
            ("", "", "billing audit shipping"),
            ("", "group", "audit billing shipping"),
            ("", "-group", "shipping billing audit"),
            ("", "partitions", "shipping billing audit"),
            ("", "behind", "audit billing shipping"),
            ("", "-behind", "shipping billing audit"),
            ("IN", "", "billing shipping"),
            ("100", "", "shipping"),
            ("nobody", "", ""),
        ] {
            assert_eq!(shown(q, sort), groups, "q {q:?} sort {sort:?}");
        }
    }
}
