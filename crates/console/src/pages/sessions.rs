//! One's own sessions, to be ended.

use maud::{Markup, html};
use model::Timestamp;

use crate::list::{Column, List, ListQuery};
use crate::times::time;
use crate::words::{Tone, badge};
use crate::{Crumb, Frame, Page, ROOT, forms};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The sessions, the latest first.
    pub sessions: Vec<Row>,
    /// What is asked of their list.
    pub query: ListQuery,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Row {
    /// Tells it from others.
    pub id: String,
    /// Whether it is the one that looks.
    pub is_this: bool,
    /// Whether it began with an API token.
    pub by_token: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Timestamp,
    /// From where it began.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

const COLUMNS: [Column<Row>; 6] = [
    Column::new("began", "Began", |it: &Row| it.created_at.to_string())
        .shown(|it, frame| time(it.created_at, frame.now)),
    Column::new("with", "With", |it: &Row| {
        (if it.by_token { "API token" } else { "identity provider" }).to_owned()
    }),
    Column::new("used", "Last used", |it: &Row| it.last_used_at.to_string())
        .shown(|it, frame| time(it.last_used_at, frame.now)),
    Column::new("from", "From", |it: &Row| known(it.ip.as_deref())),
    Column::new("browser", "Browser", |it: &Row| known(it.user_agent.as_deref())),
    Column::new("", "End", |_: &Row| String::new()).shown(end),
];

fn known(it: Option<&str>) -> String {
    it.unwrap_or("not known").to_owned()
}

fn end(it: &Row, frame: &Frame) -> Markup {
    let began = time(it.created_at, frame.now);
    html! {
        @if it.is_this { (badge(Tone::Good, "this one")) } @else {
            form method="post" action={ (ROOT) "/sessions/end" } {
                (forms::csrf(&frame.csrf))
                input type="hidden" name="session" value=(it.id);
                button.quiet { "End" span.hidden { " the session that began " (began) } }
            }
        }
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = format!("{ROOT}/sessions");
    let picked = view.query.pick(view.sessions.clone(), &COLUMNS);
    let list = List {
        id: "sessions",
        title: "Sessions",
        path: &path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.id.clone(),
        empty: html! {},
    };
    let body = html! {
        (list.show(&picked, &view.query, frame))
        form method="post" action={ (ROOT) "/sign-out-everywhere" } {
            (forms::csrf(&frame.csrf))
            p { button.danger { "Sign out everywhere" } }
        }
    };
    let crumbs = vec![Crumb { title: "Services".to_owned(), href: ROOT.to_owned() }];
    Page { crumbs, ..Page::new("Your sessions", body) }
}
