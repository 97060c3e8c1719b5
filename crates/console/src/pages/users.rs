//! The service users of a service. Their passwords are nowhere in it.

use maud::html;
use model::{Role, Timestamp};

use super::{done, offer};
use crate::list::{Column, List, ListQuery, Picked};
use crate::nav::ServiceAt;
use crate::times::time;
use crate::words::{Tone, badge, empty};
use crate::{Frame, Page};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Those of its users that are on the page.
    pub users: Picked<Row>,
    /// What is asked of the list.
    pub query: ListQuery,
    /// What was just done.
    pub done: Option<&'static str>,
}

/// A service user.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its address.
    pub href: String,
    /// Its name.
    pub name: String,
    /// `primary` or `normal`.
    pub kind: &'static str,
    /// Whether Kafka has its present password.
    pub is_applied: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: [Column<Row>; 4] = [
    Column::new("name", "Service user", |it: &Row| it.name.clone())
        .shown(|it, _| html! { a href=(it.href) { (it.name) } }),
    Column::new("type", "Type", |it: &Row| it.kind.to_owned()),
    Column::new("password", "Password", |it: &Row| applied(it.is_applied).1.to_owned()).shown(
        |it, _| {
            let (tone, text) = applied(it.is_applied);
            badge(tone, text)
        },
    ),
    Column::new("created", "Created", |it: &Row| it.created_at.to_string())
        .shown(|it, frame| time(it.created_at, frame.now)),
];

/// Whether Kafka has the present password.
pub const fn applied(is_applied: bool) -> (Tone, &'static str) {
    if is_applied { (Tone::Good, "known to Kafka") } else { (Tone::Busy, "on its way to Kafka") }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = view.at.href("users");
    let list = List {
        id: "users",
        title: "Service users",
        path: &path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.name.clone(),
        empty: empty(
            "There is no service user.",
            &html! { p { "Make one, then give it rights on the page ACLs." } },
        ),
    };
    let body = html! {
        (done(view.done))
        p { "Service users log in with a name and a password (SCRAM). Whoever has a token of the "
            "identity provider needs none." }
        (offer(&view.at, Role::Developer, "new-user", "Create service user"))
        (list.show(&view.users, &view.query, frame))
    };
    Page::of_service(view.at.clone(), "Service users", body)
}
