//! The pages, one module each: what it shows, and how.

pub mod acls;
pub mod again;
pub mod authorization;
pub mod configure;
pub mod confirm;
pub mod events;
pub mod failure;
pub mod forecast;
pub mod form;
pub mod oidc;
pub mod overview;
pub mod quotas;
pub mod review;
pub mod rollout;
pub mod rollout_command;
pub mod rollout_start;
pub mod rollouts;
pub mod services;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod topic;
pub mod topics;
pub mod user;
pub mod users;

use maud::{Markup, html};
use model::Role;

use crate::nav::ServiceAt;
use crate::words::{Tone, notice};

/// What was just done, in words.
fn done(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { (notice(Tone::Good, text)) } }
}

/// A link to where it is asked whether something shall be gone.
fn danger(href: &str, text: &str) -> Markup {
    html! { p.actions { a.button.danger href=(href) { (text) } } }
}

/// A link to where something is done, for those who may.
fn offer(at: &ServiceAt, need: Role, path: &str, text: &str) -> Markup {
    html! { @if at.role >= need { p.actions { a.button href=(at.href(path)) { (text) } } } }
}
