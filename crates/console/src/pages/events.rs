//! What happened in a service or in a project, and who did it.

use maud::{Markup, html};
use model::Timestamp;

use crate::nav::ServiceAt;
use crate::times::time;
use crate::words::empty;
use crate::{Crumb, Frame, Page, ROOT, live};

/// What is looked for, as it was given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// By this actor.
    pub actor: String,
    /// Of this kind.
    pub kind: String,
    /// With this text in its description.
    pub text: String,
    /// Not before this day, `YYYY-MM-DD`.
    pub since: String,
    /// Not after this day, `YYYY-MM-DD`.
    pub until: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service; `None` for all of the project.
    pub at: Option<ServiceAt>,
    /// The project.
    pub project: String,
    /// The address of the page.
    pub path: String,
    /// What is looked for.
    pub filter: Filter,
    /// What was found, newest first unless the other way around.
    pub events: Vec<Row>,
    /// Whether the oldest come first.
    pub oldest_first: bool,
    /// The address of the other way around.
    pub turned: String,
    /// The address of those that come next, if there are any.
    pub next: Option<String>,
    /// The address of those that come first, if these are not.
    pub first: Option<String>,
    /// Where those of the whole project are, for those who may see them.
    pub of_project: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Row {
    /// Grows with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What kind.
    pub kind: String,
    /// In words.
    pub text: String,
    /// What it is about, and where that is.
    pub about: Option<(String, String)>,
    /// For those who may see it: in which request, and what is different since.
    pub details: Option<Details>,
}

/// What the audit log has of it.
#[derive(Clone, Debug)]
pub struct Details {
    /// `x-request-id`, as in the access log.
    pub request_id: Option<String>,
    /// What is different: its name, before, after.
    pub changes: Vec<(String, Option<String>, Option<String>)>,
}

/// The order in which the oldest come first, as the address has it.
pub const OLDEST_FIRST: &str = "when";

/// The `id` of the form, and of what is found by it.
const FORM: &str = "events-form";
const FOUND: &str = "events-found";

/// When it is looked again. Not at a `change` of a text: that comes with the click on something else,
/// such as a link to the next page, and would undo it.
const AGAIN: &str = "submit, input changed delay:300ms from:#actor, \
    input changed delay:300ms from:#kind, input changed delay:300ms from:#text, \
    change from:#since, change from:#until";

/// Those whose kind is looked for most.
const KINDS: [&str; 17] = [
    "service_create",
    "service_update",
    "service_topic_create",
    "service_topic_update",
    "service_topic_delete",
    "service_user_create",
    "service_user_delete",
    "service_user_password_reset",
    "service_acl_add",
    "service_acl_delete",
    "service_kafka_acl_add",
    "service_kafka_acl_delete",
    "service_quota_create",
    "service_quota_delete",
    "service_tags_update",
    "node_restart",
    "project_create",
];

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        @if let Some(href) = &view.of_project { p { a href=(href) { "Events of the whole project" } } }
        // Only what is found is swapped: what somebody is typing stays as it is.
        section hx-target={ "#" (FOUND) } hx-select={ "#" (FOUND) } hx-swap="morph:outerHTML" hx-push-url="true" {
            (search(view))
            (live::region(FOUND, &found(frame, view)))
        }
    };
    match &view.at {
        Some(at) => Page::of_service(at.clone(), "Events", body),
        None => {
            let crumbs = vec![
                Crumb { title: "Services".to_owned(), href: ROOT.to_owned() },
                Crumb {
                    title: view.project.clone(),
                    href: format!("{ROOT}?project={}", view.project),
                },
            ];
            Page { crumbs, ..Page::new(format!("{}: Audit log", view.project), body) }
        }
    }
}

fn search(view: &View) -> Markup {
    let it = &view.filter;
    let field = |name: &str, label: &str, kind: &str, value: &str| {
        html! { div {
            label for=(name) { (label) }
            input #(name) name=(name) type=(kind) value=(value) autocomplete="off" maxlength="200"
                list=[(name == "kind").then_some("kinds")];
        } }
    };
    html! {
        form.events-filter #(FORM) method="get" action=(view.path) role="search" hx-get=(view.path)
            hx-trigger=(AGAIN) {
            (field("actor", "Actor", "text", &it.actor))
            (field("kind", "Kind", "text", &it.kind))
            (field("text", "Text", "search", &it.text))
            (field("since", "From", "date", &it.since))
            (field("until", "To", "date", &it.until))
            datalist #kinds { @for it in KINDS { option value=(it) {} } }
            div { button { "Filter" } " " a href=(view.path) { "Show all" } }
        }
    }
}

fn found(frame: &Frame, view: &View) -> Markup {
    html! {
        @if view.oldest_first { input type="hidden" name="sort" value=(OLDEST_FIRST) form=(FORM); }
        @if let Some(text) = &view.filter.error { p.error role="alert" { (text) } }
        @if view.events.is_empty() {
            (empty("No events.", &html! {
                p { "Nothing that happened matches. Look for less, or at another time." }
            }))
        } @else { (table(frame, view)) }
        div.pager { nav aria-label="Pages of events" {
            @if let Some(href) = &view.first {
                (link(href, if view.oldest_first { "Oldest" } else { "Newest" }, None))
            }
            @if let Some(href) = &view.next {
                (link(href, if view.oldest_first { "Newer" } else { "Older" }, Some("next")))
            }
        } }
    }
}

fn link(href: &str, text: &str, rel: Option<&str>) -> Markup {
    html! { a href=(href) hx-get=(href) rel=[rel] { (text) } }
}

fn table(frame: &Frame, view: &View) -> Markup {
    let sorted = if view.oldest_first { "ascending" } else { "descending" };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Events" {
            table {
                caption.hidden { "Events" }
                thead { tr {
                    th scope="col" aria-sort=(sorted) { (link(&view.turned, "When", None)) }
                    @for it in ["Who", "What", "About"] { th scope="col" { (it) } }
                } }
                tbody { @for it in &view.events { (row(frame, it)) } }
            }
        }
    }
}

fn row(frame: &Frame, it: &Row) -> Markup {
    html! {
        tr id={ "event-" (it.id) } {
            th scope="row" { (time(it.at, frame.now)) }
            td data-title="Who" { (it.actor) }
            td data-title="What" {
                (it.text)
                p.more { code { (it.kind) } }
                @if let Some(details) = &it.details { (expand(it, details)) }
            }
            td data-title="About" {
                @match &it.about {
                    Some((name, href)) => a href=(href) { (name) },
                    None => span.none { "–" },
                }
            }
        }
    }
}

/// What was there before and after.
fn expand(it: &Row, details: &Details) -> Markup {
    html! {
        details {
            summary { "Details" span.hidden { " of event " (it.id) } }
            p { "Event " code { (it.id) } ", request "
                code { (details.request_id.as_deref().unwrap_or("none")) } }
            @if details.changes.is_empty() { p.none { "Nothing before and after was written down." } }
            @else {
                dl.diff { @for (name, before, after) in &details.changes {
                    dt { code { (name) } }
                    @if let Some(text) = before { dd { del { (text) } } }
                    @if let Some(text) = after { dd { ins { (text) } } }
                } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_what_was_before_and_after() {
        let event = Row {
            id: 7,
            at: Timestamp(1_795_291_200_000),
            actor: "ann".into(),
            kind: "service_update".into(),
            text: "Changed <it>".into(),
            about: Some(("my-kafka".into(), "/console/x".into())),
            details: Some(Details {
                request_id: Some("r1".into()),
                changes: vec![("plan".into(), Some("a".into()), None)],
            }),
        };
        let view = View {
            at: None,
            project: "dev".into(),
            path: "/console/project/dev/events".into(),
            filter: Filter { text: "\"x".into(), ..Filter::default() },
            events: vec![event],
            oldest_first: false,
            turned: "/console/project/dev/events?sort=when".into(),
            next: Some("/console/project/dev/events?beyond=7".into()),
            first: None,
            of_project: None,
        };
        let now = Timestamp(1_795_291_260_000);
        let frame = Frame { who: Some("ann".into()), csrf: "CSRF".into(), now };
        insta::assert_snapshot!(page(&frame, &view).body.into_string().replace("><", ">\n<"));
    }
}
