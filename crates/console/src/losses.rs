//! Who would lose access by a change.

use maud::{Markup, html};
use model::Timestamp;

use crate::nav::ServiceAt;
use crate::times::time;
use crate::words::{Tone, badge, notice};
use crate::{Frame, forms};

/// What a principal is refused that it was allowed.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Who, without `User:`; `None` for callers of the REST proxy without credentials.
    pub principal: Option<String>,
    /// What it was seen doing with which resource, in Kafka's words: `Read Topic orders`.
    pub what: String,
    /// Where it was seen.
    pub seen_at: String,
    /// When it did so last.
    pub last: Option<Timestamp>,
    /// Whether it is refused however it comes.
    pub certain: bool,
    /// Why it is refused.
    pub reason: String,
    /// The ACL entries that would give it back.
    pub acls: Vec<Proposal>,
}

/// An ACL entry that could be added.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// `acl` or `kafka/acl`.
    pub path: &'static str,
    /// What the API takes, as JSON.
    pub entry: String,
    /// The same in words, or as a command.
    pub text: String,
}

/// Who would lose access.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// The latest first; perhaps not all.
    pub shown: Vec<Loss>,
    /// How many there are.
    pub total: usize,
    /// Whether more was seen than is kept.
    pub truncated: bool,
}

/// A table of them. With `add`, each entry has a button that adds it.
pub(crate) fn table(it: &Losses, add: Option<&ServiceAt>, frame: &Frame) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Who would lose access" {
            table {
                caption.hidden { "Who would lose access" }
                thead { tr {
                    @for title in ["Principal", "Would be refused", "Seen", "Why", "What gives it back"] {
                        th scope="col" { (title) }
                    }
                } }
                tbody { @for it in &it.shown { (row(it, add, frame)) } }
            }
        }
        @if it.total > it.shown.len() {
            p { (it.shown.len()) " of " (it.total) " are shown, latest first." }
        }
        @if it.truncated {
            (notice(Tone::Busy, "There may be more: of this service more was seen than is kept."))
        }
    }
}

fn row(it: &Loss, add: Option<&ServiceAt>, frame: &Frame) -> Markup {
    html! {
        tr {
            th scope="row" {
                @match &it.principal {
                    Some(name) => code { (name) },
                    None => "callers without credentials",
                }
                " "
                @if it.certain { (badge(Tone::Bad, "certain")) } @else { (badge(Tone::Busy, "perhaps")) }
            }
            td data-title="Would be refused" { code { (it.what) } }
            td data-title="Seen" {
                (it.seen_at)
                @if let Some(last) = it.last { p.more { (time(last, frame.now)) } }
            }
            td data-title="Why" { (it.reason) }
            td data-title="What gives it back" {
                @if it.acls.is_empty() { span.none { "no ACL entry can" } }
                @for acl in &it.acls { (proposal(acl, add, frame)) }
            }
        }
    }
}

fn proposal(it: &Proposal, add: Option<&ServiceAt>, frame: &Frame) -> Markup {
    html! {
        div.proposal {
            code { (it.text) }
            @if let Some(at) = add {
                form method="post" action=(at.href("authorization/acl")) {
                    (forms::csrf(&frame.csrf))
                    input type="hidden" name="path" value=(it.path);
                    input type="hidden" name="entry" value=(it.entry);
                    button.quiet aria-label={ "Add this ACL: " (it.text) } { "Add this ACL" }
                }
            }
        }
    }
}
