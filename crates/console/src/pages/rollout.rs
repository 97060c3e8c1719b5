//! One rollout: where each node is, what it waits for, what happened, and what it may be told.

mod command;
mod nodes;
mod timeline;

use maud::{Markup, html};
use model::Timestamp;

pub use self::command::{Command, Standing};
pub use self::timeline::Event;
use super::done;
use super::rollouts::{state, words};
use crate::list::ListQuery;
use crate::nav::{ROLLOUTS, ServiceAt, rollout as path};
use crate::times::{span, time};
use crate::words::{Tone, badge, notice};
use crate::{Crumb, Frame, Page, live};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What was just done to it.
    pub done: Option<&'static str>,
    /// Its id.
    pub id: String,
    /// Its state, as the API spells it.
    pub state: String,
    /// What it is about, in words.
    pub what: String,
    /// Who started it.
    pub by: String,
    /// When.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// When it is done if nothing gets in the way, if that is known.
    pub estimated_end: Option<Timestamp>,
    /// What it waits for, in words, and since when.
    pub waits_for: Option<(String, Timestamp)>,
    /// Whether somebody has to agree before it goes on.
    pub needs_consent: bool,
    /// The moment at which the maintenance window opens that it waits for.
    pub opens_at: Option<Timestamp>,
    /// Who has stopped it, and why.
    pub paused: Option<(String, String)>,
    /// The node that failed first.
    pub failure: Option<Failure>,
    /// Who agreed to what becomes unavailable, and why.
    pub consent: Option<(String, String)>,
    /// Where each node is, by number.
    pub nodes: Vec<Node>,
    /// What a client of the platform noticed.
    pub probe: Option<Probe>,
    /// What happened, oldest first.
    pub events: Vec<Event>,
    /// Whether there is more than that.
    pub is_cut: bool,
    /// What the caller may tell it now.
    pub commands: Vec<Command>,
    /// What is asked of the list of nodes.
    pub query: ListQuery,
}

/// How a node failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which.
    pub node: i32,
    /// What was seen, in words.
    pub why: String,
    /// The end of its log.
    pub log: String,
}

/// Where a node is.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its number.
    pub id: i32,
    /// `SERVICE-NUMBER`.
    pub name: String,
    /// Its phase, as the API spells it.
    pub phase: String,
    /// Since when.
    pub since: Timestamp,
}

/// What a client noticed that writes records all the time.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Records that were written or given up.
    pub sent: u64,
    /// Those given up.
    pub failed: u64,
    /// Until the slowest was acknowledged, in milliseconds.
    pub slowest_ms: u64,
    /// The longest time in which nothing was acknowledged, in milliseconds.
    pub longest_gap_ms: u64,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let here = view.at.href(&path(&view.id));
    let body = html! {
        (live::region("now", &now(frame, view)))
        section {
            h2 { "Nodes" }
            (nodes::list(frame, view, &here))
        }
        (live::region("happened", &events(frame, view)))
    };
    below(view.at.clone(), "Rollout", body)
}

/// A page that is reached from the list.
pub(super) fn below(at: ServiceAt, title: &str, body: Markup) -> Page {
    let href = at.href(ROLLOUTS);
    let mut page = Page::of_service(at, title, body);
    page.crumbs.push(Crumb { title: "Rollouts".to_owned(), href });
    page
}

/// What changes while one looks.
fn now(frame: &Frame, view: &View) -> Markup {
    let done = view.nodes.iter().filter(|it| it.phase == "done").count();
    html! {
        // What was told it is past when it has ended.
        @if view.ended_at.is_none() { (self::done(view.done)) }
        dl.facts {
            div { dt { "State" } dd { (state(&view.state)) } }
            div { dt { "Nodes done" } dd { (done) " of " (view.nodes.len()) } }
            div { dt { "Started" } dd { (time(view.started_at, frame.now)) " by " (view.by) } }
            @if let Some(at) = view.ended_at {
                div { dt { "Ended" } dd { (time(at, frame.now)) ", after " (long(at.ms_since(view.started_at))) } }
            } @else {
                div { dt { "Expected end" } dd {
                    @match view.estimated_end {
                        Some(at) => { (time(at, frame.now)) ", if nothing gets in the way" },
                        None => span.none { "cannot be said now" },
                    }
                } }
            }
            div.wide { dt { "What" } dd { (view.what) } }
        }
        @if view.ended_at.is_none() {
            progress max=(view.nodes.len()) value=(done) aria-label="Nodes that are done" {}
        }
        (notices(frame, view))
        (commands(view))
        @if let Some(it) = &view.probe { (probe(it)) }
    }
}

/// Why it does not go on, and how it went.
fn notices(frame: &Frame, view: &View) -> Markup {
    html! {
        @if let Some((who, why)) = &view.paused {
            (notice(Tone::Busy, &format!("Paused by {who}: {why}")))
        }
        @if let Some(at) = view.opens_at {
            div.notice.busy role="status" { "Waits for the maintenance window, which opens " (time(at, frame.now)) }
        }
        @if let Some((text, since)) = &view.waits_for {
            div.notice.(if view.needs_consent { "bad" } else { "busy" }) role="status" {
                "Waits since " (time(*since, frame.now)) ": " (text)
                @if view.needs_consent {
                    " It goes on as soon as somebody agrees, or as soon as the topics are changed."
                }
            }
        }
        @if let Some(it) = &view.failure {
            div.notice.bad role="status" {
                p { "Node " (it.node) " failed: " (it.why) }
                @if !it.log.is_empty() {
                    details { summary { "The end of its log" } pre tabindex="0" { code { (it.log) } } }
                }
            }
        }
        @if let Some((who, why)) = &view.consent {
            p { "Consent was given by " strong { (who) } ": " (why) }
        }
    }
}

fn commands(view: &View) -> Markup {
    let href = |it: Command| view.at.href(&format!("{}/{}", path(&view.id), it.word()));
    html! {
        @if !view.commands.is_empty() {
            nav.actions aria-label="What this rollout can be told" {
                @for it in &view.commands {
                    // Focus is kept by the id when this is fetched again.
                    a.button.quiet[!matches!(it, Command::Resume | Command::Consent)] id=(it.word()) href=(href(*it)) {
                        (it.title()) "…"
                    }
                }
            }
        }
    }
}

fn probe(it: &Probe) -> Markup {
    let tone = if it.failed == 0 { Tone::Good } else { Tone::Bad };
    html! {
        h2 { "What clients noticed" }
        p.more { "A client of the platform writes records all the time, as an application would." }
        dl.facts {
            div { dt { "Failed requests" } dd { (badge(tone, &it.failed.to_string())) " of " (it.sent) } }
            div { dt { "Longest gap" } dd { (it.longest_gap_ms) " ms without an acknowledgement" } }
            div { dt { "Slowest request" } dd { (it.slowest_ms) " ms" } }
        }
    }
}

fn events(frame: &Frame, view: &View) -> Markup {
    html! {
        h2 { "What happened" }
        @if view.is_cut { (notice(Tone::Quiet, "Only the first events are here: the API gives all.")) }
        ol.events {
            @for it in view.events.iter().rev() {
                li { (time(it.at, frame.now)) " " span { (timeline::words(it)) } }
            }
        }
    }
}

fn long(ms: i64) -> String {
    span(ms).unwrap_or_else(|| "less than a second".to_owned())
}

/// A rollout that is under way, on each page of its service. It fetches itself from `href` until
/// the rollout has ended.
#[derive(Clone, Debug)]
pub struct Banner {
    /// The address of the rollout's page.
    pub href: String,
    /// Its state, as the API spells it.
    pub state: String,
    /// How many nodes are done, of how many.
    pub done: (usize, usize),
    /// What it waits for, in words.
    pub waits_for: Option<String>,
    /// Whether it has ended.
    pub has_ended: bool,
}

impl Banner {
    /// Nothing but it, for itself to take.
    pub fn page(&self) -> Page {
        Page::new("Rollout", self.show())
    }

    /// It, with a link to the rollout.
    pub fn show(&self) -> Markup {
        let again = (!self.has_ended).then(|| format!("{}/banner", self.href));
        html! {
            section.banner #rolling aria-label="Rolling restart" hx-get=[again] hx-trigger=[(!self.has_ended).then_some("every 2s")]
                hx-swap="outerHTML" hx-select="#rolling" hx-headers={ "{\"" (live::LIVE) "\":\"1\"}" } {
                @if self.has_ended { "The rolling restart has ended: " } @else { "Nodes are being restarted: " }
                (words(&self.state))
                @if !self.has_ended { ", " (self.done.0) " of " (self.done.1) " done" }
                @if let Some(text) = &self.waits_for { ", waits for: " (text) }
                " " a href=(self.href) { "Look at this rollout" }
            }
        }
    }
}

#[cfg(test)]
mod tests;
