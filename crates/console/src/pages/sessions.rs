//! One's own sessions, to be ended.

use maud::{Markup, html};
use model::Timestamp;

use crate::times::time;
use crate::words::{Tone, badge};
use crate::{Crumb, Frame, Page, ROOT, forms};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The sessions, the latest first.
    pub sessions: Vec<Row>,
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

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        div.scroll tabindex="0" role="region" aria-label="Sessions" {
            table {
                caption.hidden { "Sessions" }
                thead { tr {
                    @for title in ["Began", "With", "Last used", "From", "Browser", "End"] {
                        th scope="col" { (title) }
                    }
                } }
                tbody { @for it in &view.sessions { (row(it, frame)) } }
            }
        }
        form method="post" action={ (ROOT) "/sign-out-everywhere" } {
            (forms::csrf(&frame.csrf))
            p { button.danger { "Sign out everywhere" } }
        }
    };
    let crumbs = vec![Crumb { title: "Services".to_owned(), href: ROOT.to_owned() }];
    Page { crumbs, ..Page::new("Your sessions", body) }
}

fn row(it: &Row, frame: &Frame) -> Markup {
    let began = time(it.created_at, frame.now);
    html! {
        tr {
            th scope="row" { (began) }
            td data-title="With" { (if it.by_token { "API token" } else { "identity provider" }) }
            td data-title="Last used" { (time(it.last_used_at, frame.now)) }
            td data-title="From" { (it.ip.as_deref().unwrap_or("not known")) }
            td data-title="Browser" { (it.user_agent.as_deref().unwrap_or("not known")) }
            td data-title="End" {
                @if it.is_this { (badge(Tone::Good, "this one")) } @else {
                    form method="post" action={ (ROOT) "/sessions/end" } {
                        (forms::csrf(&frame.csrf))
                        input type="hidden" name="session" value=(it.id);
                        button.quiet { "End" span.hidden { " the session that began " (began) } }
                    }
                }
            }
        }
    }
}
