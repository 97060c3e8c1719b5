//! A token is tried: each rule, and what its principal may do. The token is not kept, so another order of
//! what the principal may do is asked for by the principal's name.

use maud::{Markup, html};

use super::{PRINCIPAL, TRY, View};
use crate::list::{Column, List, ListQuery};
use crate::words::{Tone, badge, notice};
use crate::{Frame, forms};

/// The `id` of the list of what a broker says.
pub const ANSWERS: &str = "answers";

/// What became of a token.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Each rule, in the order in which they count: what it asks for, and whether it is kept or why not;
    /// `None` if that cannot be said.
    pub rules: Vec<(&'static str, Option<Result<(), String>>)>,
    /// Why keys could not be had.
    pub no_keys: Option<String>,
    /// Whether every rule is kept.
    pub is_accepted: bool,
    /// Who it would be, without `User:`.
    pub principal: Option<String>,
}

/// What a principal may do.
#[derive(Clone, Debug)]
pub struct May {
    /// Who, without `User:`.
    pub principal: String,
    /// Whether a service user is called so.
    pub is_user: bool,
    /// What a broker says to it, denials first.
    pub answers: Vec<Answer>,
    /// What is asked of the list of them.
    pub query: ListQuery,
    /// What Kafka's ACLs say of it, in Kafka's words.
    pub acls: Vec<String>,
}

/// What a broker says of a resource, or of all of a pattern that no other answer is about.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which, in Kafka's words: `Topic PREFIXED logs-`.
    pub resource: String,
    /// The address from which it says so; `None` for any.
    pub from: Option<String>,
    /// The operations that are denied, whatever else allows them.
    pub denied: Vec<&'static str>,
    /// The operations that are allowed.
    pub allowed: Vec<&'static str>,
}

pub(super) fn section(frame: &Frame, view: &View) -> Markup {
    let field = forms::Field {
        name: "token",
        label: "Access token",
        kind: "password",
        value: "",
        help: "It is checked and forgotten: neither stored, nor logged, nor shown again.",
        error: None,
        required: true,
    };
    html! {
        section {
            h2 #try { "Try a token" }
            p { "Against the configuration that is saved now." }
            form method="post" action={ (view.at.href(TRY)) "#try" } {
                (forms::csrf(&frame.csrf))
                (field.show())
                button { "Try it" }
            }
            @if let Some(it) = &view.tried { (tried(it)) }
            @if let Some(it) = &view.may { (may(it, view, frame)) }
        }
    }
}

fn tried(it: &Tried) -> Markup {
    html! {
        @match &it.principal {
            Some(name) if it.is_accepted => (notice(Tone::Good, &format!("A broker would let it in, as User:{name}."))),
            _ => (notice(Tone::Bad, "It would be refused: see the rules that are broken.")),
        }
        @if let Some(text) = &it.no_keys {
            (notice(Tone::Bad, &format!("The keys could not be fetched just now: {text}")))
        }
        ol.rules aria-label="Rules" {
            @for (rule, outcome) in &it.rules {
                li {
                    span { (rule) } " "
                    @match outcome {
                        Some(Ok(())) => (badge(Tone::Good, "kept")),
                        Some(Err(why)) => { (badge(Tone::Bad, "broken")) " " (why) },
                        None => (badge(Tone::Quiet, "not reached")),
                    }
                }
            }
        }
    }
}

fn may(it: &May, view: &View, frame: &Frame) -> Markup {
    html! {
        h3 { "What " code { "User:" (it.principal) } " may do" }
        p {
            @if it.is_user { "A service user is called so, so Aiven's ACL entries count for it as well." }
            @else { "No service user is called so, so only Kafka-native ACL entries count for it." }
        }
        @if it.acls.is_empty() {
            p { "No ACL entry is about it: it may log in, and do nothing." }
        } @else {
            p { "A denial wins over all that allows. Of rows that a resource fits, the narrowest counts. "
                "What is neither denied nor allowed is refused." }
            (answers(it, view, frame))
            details {
                summary { "The ACL entries that say so" }
                ul.names { @for acl in &it.acls { li { code { (acl) } } } }
            }
        }
    }
}

const COLUMNS: [Column<Answer>; 3] = [
    Column::new("resource", "Resource", |it: &Answer| {
        let from = it.from.iter().map(|it| format!(" from {it}"));
        std::iter::once(it.resource.clone()).chain(from).collect()
    })
    .shown(|it, _| {
        html! {
            code { (it.resource) }
            @if let Some(from) = &it.from { " from " code { (from) } }
        }
    }),
    Column::new("denied", "Denied", |it: &Answer| it.denied.join(" "))
        .shown(|it, _| operations(Tone::Bad, &it.denied)),
    Column::new("allowed", "Allowed", |it: &Answer| it.allowed.join(" "))
        .shown(|it, _| operations(Tone::Good, &it.allowed)),
];

fn operations(tone: Tone, all: &[&str]) -> Markup {
    html! { @for it in all { (badge(tone, it)) " " } @if all.is_empty() { span.none { "nothing" } } }
}

fn answers(it: &May, view: &View, frame: &Frame) -> Markup {
    let list = List {
        id: ANSWERS,
        title: "What a broker says",
        path: &view.at.href(PRINCIPAL),
        keep: &[("principal", &it.principal)],
        columns: &COLUMNS,
        key: |it| format!("{:?}", (&it.resource, &it.from)),
        empty: html! {},
    };
    list.show_posted(&it.query.pick(it.answers.clone(), &COLUMNS), &it.query, frame)
}
