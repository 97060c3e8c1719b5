//! The client quotas of a service.

use maud::html;
use model::Role;

use super::{done, offer};
use crate::list::{Column, List, ListQuery};
use crate::nav::ServiceAt;
use crate::words::empty;
use crate::{Frame, Page};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Its quotas.
    pub quotas: Vec<Row>,
    /// What is asked of the list.
    pub query: ListQuery,
    /// What was just done.
    pub done: Option<&'static str>,
}

/// A quota.
#[derive(Clone, Debug)]
pub struct Row {
    /// The user; `None` for any.
    pub user: Option<String>,
    /// The client id; `None` for any.
    pub client_id: Option<String>,
    /// Bytes a second that are fetched from each broker.
    pub consumer: Option<f64>,
    /// Bytes a second that are produced to each broker.
    pub producer: Option<f64>,
    /// Time of each broker's threads: 100 is one thread.
    pub request: Option<f64>,
    /// Where it is changed and where deleted; `None` for those who may not.
    pub change: Option<(String, String)>,
}

fn who(name: Option<&str>) -> String {
    match name {
        None => "any".to_owned(),
        Some("default") => "default: all without their own".to_owned(),
        Some(name) => name.to_owned(),
    }
}

fn limit(limit: Option<f64>) -> String {
    limit.map_or_else(|| "no limit".to_owned(), |it| it.to_string())
}

const COLUMNS: [Column<Row>; 6] = [
    Column::new("user", "User", |it: &Row| who(it.user.as_deref())),
    Column::new("client", "Client id", |it: &Row| who(it.client_id.as_deref())),
    Column::new("consumer", "Fetch, bytes/s", |it: &Row| limit(it.consumer))
        .sorted(|a, b| order(a.consumer).total_cmp(&order(b.consumer))),
    Column::new("producer", "Produce, bytes/s", |it: &Row| limit(it.producer))
        .sorted(|a, b| order(a.producer).total_cmp(&order(b.producer))),
    Column::new("request", "Threads, %", |it: &Row| limit(it.request))
        .sorted(|a, b| order(a.request).total_cmp(&order(b.request))),
    Column::new("", "Actions", |_: &Row| String::new()).shown(|it, _| {
        let name = format!("{}, {}", who(it.user.as_deref()), who(it.client_id.as_deref()));
        html! {
            @if let Some((set, delete)) = &it.change {
                a href=(set) { "Change" span.hidden { " the quota of " (name) } } " "
                a href=(delete) { "Delete" span.hidden { " the quota of " (name) } }
            }
        }
    }),
];

/// No limit is the largest.
fn order(limit: Option<f64>) -> f64 {
    limit.unwrap_or(f64::INFINITY)
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = view.at.href("quotas");
    let picked = view.query.pick(view.quotas.clone(), &COLUMNS);
    let list = List {
        id: "quotas",
        title: "Quotas",
        path: &path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| format!("{:?} {:?}", it.user, it.client_id),
        empty: empty(
            "There is no quota: nobody is throttled.",
            &html! { p { "Set one for a user, a client id, or both." } },
        ),
    };
    let body = html! {
        (done(view.done))
        p { "Limits are for each broker. Of several quotas that fit, Kafka takes the most specific." }
        (offer(&view.at, Role::Developer, "set-quota", "Set quota"))
        (list.show(&picked, &view.query, frame))
    };
    Page::of_service(view.at.clone(), "Quotas", body)
}
