//! The ACL entries of a service, of both kinds.

use maud::{Markup, html};
use model::Role;

use super::{done, offer};
use crate::list::{Column, List, ListQuery, Picked};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, empty};
use crate::{Frame, Page};

/// Which of the two tables the parameters in the address are about.
pub const OF: &str = "of";
/// The value of [`OF`] for Kafka-native entries.
pub const KAFKA: &str = "kafka";
/// The `id` of the list of Aiven's entries.
pub const AIVEN_LIST: &str = "acl";
/// The `id` of the list of Kafka-native entries.
pub const KAFKA_LIST: &str = "kafka-acl";

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Those of Aiven's entries that are on the page.
    pub aiven: Picked<Aiven>,
    /// What is asked of their list.
    pub aiven_query: ListQuery,
    /// Those of the Kafka-native entries that are on the page.
    pub kafka: Picked<Kafka>,
    /// What is asked of their list.
    pub kafka_query: ListQuery,
    /// What was just done.
    pub done: Option<&'static str>,
}

/// An entry of Aiven's kind.
#[derive(Clone, Debug)]
pub struct Aiven {
    /// Its id.
    pub id: String,
    /// `admin`, `read`, `readwrite` or `write`.
    pub permission: &'static str,
    /// The pattern over topics.
    pub topic: String,
    /// The pattern over service users.
    pub username: String,
    /// How many service users match.
    pub users: usize,
    /// What Kafka is told for each of them, a line each.
    pub in_kafka: Vec<String>,
    /// Where it is deleted; `None` for those who may not.
    pub delete: Option<String>,
}

/// A Kafka-native entry.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns are Kafka's own")]
pub struct Kafka {
    pub id: String,
    pub permission_type: String,
    pub principal: String,
    pub operation: String,
    pub resource_type: String,
    pub pattern_type: String,
    pub resource_name: String,
    pub host: String,
    /// Where it is deleted; `None` for those who may not.
    pub delete: Option<String>,
}

fn delete(href: Option<&str>, what: &str) -> Markup {
    html! { @if let Some(href) = href { a href=(href) { "Delete" span.hidden { " " (what) } } } }
}

const AIVEN: [Column<Aiven>; 5] = [
    Column::new("username", "Service users", |it: &Aiven| it.username.clone())
        .shown(|it, _| html! { code { (it.username) } }),
    Column::new("permission", "Permission", |it: &Aiven| it.permission.to_owned()),
    Column::new("topic", "Topics", |it: &Aiven| it.topic.clone())
        .shown(|it, _| html! { code { (it.topic) } }),
    Column::new("", "In Kafka", |_: &Aiven| String::new()).shown(|it, _| in_kafka(it)),
    Column::new("", "Id", |it: &Aiven| it.id.clone()).shown(|it, _| {
        html! { code { (it.id) } " " (delete(it.delete.as_deref(), &it.id)) }
    }),
];

const NATIVE: [Column<Kafka>; 6] = [
    Column::new("principal", "Principal", |it: &Kafka| it.principal.clone())
        .shown(|it, _| html! { code { (it.principal) } }),
    Column::new("permission", "May", |it: &Kafka| it.permission_type.clone()).shown(|it, _| {
        let tone = if it.permission_type == "DENY" { Tone::Bad } else { Tone::Good };
        badge(tone, &it.permission_type)
    }),
    Column::new("operation", "Operation", |it: &Kafka| it.operation.clone()),
    Column::new("resource", "Resource", |it: &Kafka| {
        format!("{} {} {}", it.resource_type, it.pattern_type, it.resource_name)
    })
    .shown(|it, _| {
        html! { (it.resource_type) " " (it.pattern_type) " " code { (it.resource_name) } }
    }),
    Column::new("host", "From", |it: &Kafka| it.host.clone()),
    Column::new("", "Id", |it: &Kafka| it.id.clone()).shown(|it, _| {
        html! { code { (it.id) } " " (delete(it.delete.as_deref(), &it.id)) }
    }),
];

/// What Kafka is told by an entry.
fn in_kafka(it: &Aiven) -> Markup {
    let users = match it.users {
        0 => return html! { span.none { "nothing: no service user matches" } },
        1 => "for 1 service user".to_owned(),
        n => format!("for each of {n} service users"),
    };
    let lines = it.in_kafka.len();
    html! {
        details {
            summary { (lines) " ACLs " (users) }
            ul { @for line in &it.in_kafka { li { code { (line) } } } }
        }
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = view.at.href("acls");
    let next = |text: &str| html! { p { (text) } };
    let aiven = List {
        id: AIVEN_LIST,
        title: "Entries for service users",
        path: &path,
        keep: &[],
        columns: &AIVEN,
        key: |it| it.id.clone(),
        empty: empty(
            "There is no entry.",
            &next("Without one, service users may do nothing but what Kafka-native entries allow."),
        ),
    };
    let kafka = List {
        id: KAFKA_LIST,
        title: "Kafka-native entries",
        path: &path,
        keep: &[(OF, KAFKA)],
        columns: &NATIVE,
        key: |it| it.id.clone(),
        empty: empty(
            "There is no entry.",
            &next("Add one for principals of the identity provider that have no service user."),
        ),
    };
    let body = html! {
        (done(view.done))
        section {
            h2 { "Aiven entries" }
            p { "For service users, and OIDC principals that are called like one. In a pattern, "
                code { "*" } " is any run of characters and " code { "?" } " exactly one." }
            (offer(&view.at, Role::Developer, "new-acl", "Add Aiven entry"))
            (aiven.show(&view.aiven, &view.aiven_query, frame))
        }
        section {
            h2 { "Kafka-native entries" }
            p { "For whoever is called so, service user or not. " code { "LITERAL" } " is one name, or "
                code { "*" } " for all; " code { "PREFIXED" } " a common beginning. "
                code { "DENY" } " wins over all that allows." }
            (offer(&view.at, Role::Developer, "new-kafka-acl", "Add Kafka-native entry"))
            (kafka.show(&view.kafka, &view.kafka_query, frame))
        }
    };
    Page::of_service(view.at.clone(), "ACLs", body)
}
