//! One service user: its password on demand, a new one, its end.

use maud::{Markup, html};
use model::{Role, Timestamp};

use super::users::applied;
use super::{danger, done};
use crate::nav::ServiceAt;
use crate::times::time;
use crate::words::{Tone, badge, notice};
use crate::{Crumb, Frame, Page, forms};

/// What the page shows.
#[derive(Clone)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// The user.
    pub name: String,
    /// `primary` or `normal`.
    pub kind: &'static str,
    /// Whether Kafka has its present password.
    pub is_applied: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its password, only if somebody who may has asked to see it.
    pub password: Option<String>,
    /// The Aiven ACL entries that match it: permission and topics.
    pub acl: Vec<(&'static str, String)>,
    /// What was just done.
    pub done: Option<&'static str>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("at", &self.at)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let (tone, text) = applied(view.is_applied);
    let may = view.at.role >= Role::Developer;
    let body = html! {
        (done(view.done))
        dl.facts {
            div { dt { "Type" } dd { (view.kind) } }
            div { dt { "Password" } dd { (badge(tone, text)) } }
            div { dt { "Created" } dd { (time(view.created_at, frame.now)) } }
        }
        @if may { (password(frame, view)) }
        section {
            h2 { "What it may do" }
            (entries(view))
        }
        @if may { (end(frame, view)) }
    };
    let mut page = Page::of_service(view.at.clone(), &format!("Service user {}", view.name), body);
    page.crumbs.push(Crumb { title: "Service users".to_owned(), href: view.at.href("users") });
    page
}

fn href(view: &View, end: &str) -> String {
    view.at.href(&format!("users/{}/{end}", view.name))
}

fn password(frame: &Frame, view: &View) -> Markup {
    html! {
        section {
            h2 { "Password" }
            @if let Some(password) = &view.password {
                pre tabindex="0" aria-label="Password" { code { (password) } }
                p { a href=(view.at.href(&format!("users/{}", view.name))) { "Hide it" } }
            } @else {
                form method="post" action=(href(view, "reveal")) {
                    (forms::csrf(&frame.csrf))
                    button { "Show password" }
                }
            }
        }
    }
}

fn entries(view: &View) -> Markup {
    let acls = view.at.href("acls");
    html! {
        @if view.acl.is_empty() {
            p.none { "No Aiven ACL entry matches it." }
        } @else {
            ul { @for (permission, topics) in &view.acl {
                li { code { (permission) } " on topics " code { (topics) } }
            } }
        }
        p { "Kafka-native entries may say more: see " a href=(acls) { "ACLs" } "." }
    }
}

/// A new password, and the end of the user.
fn end(frame: &Frame, view: &View) -> Markup {
    html! {
        section {
            h2 { "Reset password" }
            details {
                summary { "Reset password …" }
                div.inside {
                    (notice(Tone::Busy, "Clients that use the present password cannot log in any more \
                        once Kafka has the new one, within seconds. Those that are connected stay so."))
                    form method="post" action=(href(view, "reset")) {
                        (forms::csrf(&frame.csrf))
                        button.danger { "Reset the password" }
                    }
                }
            }
        }
        section {
            h2 { "Delete" }
            @if view.kind == "primary" {
                p.none { "It came with the service and stays as long as that." }
            } @else {
                (danger(&href(view, "delete"), "Delete user …"))
            }
        }
    }
}
