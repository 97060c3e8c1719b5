//! *Configure*: options are set, added and removed in a draft, which the form carries.

use maud::{Markup, html};

use super::settings::{CONFIGURE, PATH, REVIEW, Setting};
use crate::draft::{Draft, SET, UNSET};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, notice};
use crate::{Frame, Page, forms};

/// The field with what is looked for among the options to add.
pub const FIND: &str = "find";
/// The field of the buttons: `add KEY`, `unset KEY`, `undo KEY` or `check`.
pub const DO: &str = "do";
/// How many matches are shown.
const MOST: usize = 12;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What was seen, and what shall be changed.
    pub draft: Draft,
    /// What is wrong with what no field stands for.
    pub problems: Vec<String>,
    /// The options that have a field, by key.
    pub fields: Vec<Entry>,
    /// The options that could be added.
    pub others: Vec<Setting>,
    /// What is looked for among them.
    pub find: String,
    /// The key of the option that was added last.
    pub added: Option<String>,
}

/// An option that has a field.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The option.
    pub setting: Setting,
    /// What is in the field; `None` if it shall not be set any more.
    pub text: Option<String>,
    /// What was set when somebody began.
    pub seen: Option<String>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let form = view.at.href(CONFIGURE);
    let body = html! {
        p { a href=(view.at.href(PATH)) { "Back to service settings" } ", nothing is saved yet." }
        @for text in &view.problems { (notice(Tone::Bad, text)) }
        form.configure method="post" action=(form) {
            (forms::csrf(&frame.csrf))
            (view.draft.base())
            // What the Enter key presses.
            button.hidden name=(DO) value="check" tabindex="-1" { "Check" }
            section {
                h2 { "Options that are set" }
                @if view.fields.is_empty() { p { "None yet: add some below." } }
                @for it in &view.fields { (field(it, &form, view.added.as_deref())) }
            }
            section {
                h2 #add { "Add configuration options" }
                div.field {
                    label for=(FIND) { "Part of a name or description" }
                    input #(FIND) name=(FIND) type="search" value=(view.find) autocomplete="off"
                        spellcheck="false" maxlength="200" hx-post=(form) hx-target="#matches"
                        hx-select="#matches" hx-swap="outerHTML" hx-sync="this:replace"
                        hx-trigger="input changed delay:300ms" hx-headers=(forms::while_typing());
                    button.quiet name=(DO) value="check" { "Search" }
                }
                (matches(view))
            }
            p { button formaction=(view.at.href(REVIEW)) { "Review changes" } }
        }
    };
    Page::of_service(view.at.clone(), "Advanced configuration", body)
}

/// Options are named in ids without dots, which mean something else in selectors.
fn id(key: &str) -> String {
    key.replace('.', "-")
}

fn field(it: &Entry, form: &str, added: Option<&str>) -> Markup {
    let Entry { setting, text, seen, error } = it;
    let key = &setting.key;
    let is_new = seen.is_none();
    let id = id(key);
    html! {
        div.option {
            @match text {
                None => {
                    input type="hidden" name={ (UNSET) (key) } value="1";
                    p { code { (key) } " " (badge(Tone::Bad, "removed"))
                        " What counts then: " (fallback(setting)) }
                    button.quiet name=(DO) value={ "undo " (key) } aria-label={ "Keep it: " (key) } { "Keep it" }
                },
                Some(text) => {
                    label for=(id) {
                        code { (key) }
                        @if is_new { " " (badge(Tone::Good, "new")) }
                        @else if seen.as_ref() != Some(text) { " " (badge(Tone::Busy, "changed")) }
                    }
                    (input(it, text, &id, form, added == Some(key.as_str())))
                    div.error id={ (id) "-error" } aria-live="polite" {
                        @if let Some(text) = error { (text) }
                    }
                    (about(setting, &id))
                    @let (action, word) = if is_new { ("undo ", "Leave out") } else { ("unset ", "Remove") };
                    button.quiet name=(DO) value={ (action) (key) } aria-label={ (word) " " (key) } { (word) }
                },
            }
        }
    }
}

fn input(it: &Entry, text: &str, id: &str, form: &str, focus: bool) -> Markup {
    let setting = &it.setting;
    let name = format!("{SET}{}", setting.key);
    let invalid = it.error.is_some().then_some("true");
    let described = format!("{id}-error {id}-help");
    let target = format!("#{id}-error");
    let mut choices = setting.choices.clone();
    if setting.kind == "boolean" && choices.is_empty() {
        choices = vec!["true".to_owned(), "false".to_owned()];
    }
    // What is typed is checked by the server, by the same rules as when it is saved.
    if choices.is_empty() {
        let mode = matches!(setting.kind, "integer" | "number").then_some("numeric");
        return html! {
            input id=(id) name=(name) type="text" value=(text) inputmode=[mode] autocomplete="off"
                spellcheck="false" autofocus[focus] aria-invalid=[invalid] aria-describedby=(described)
                hx-post=(form) hx-trigger="input changed delay:400ms" hx-sync="this:replace"
                hx-target=(target) hx-select=(target) hx-swap="outerHTML"
                hx-headers=(forms::while_typing());
        };
    }
    let is_other = !choices.iter().any(|it| it == text);
    html! {
        select id=(id) name=(name) autofocus[focus] aria-invalid=[invalid] aria-describedby=(described)
            hx-post=(form) hx-trigger="change" hx-sync="this:replace" hx-target=(target)
            hx-select=(target) hx-swap="outerHTML" hx-headers=(forms::while_typing()) {
            @if is_other { option value=(text) selected { @if text.is_empty() { "choose" } @else { (text) } } }
            @for choice in &choices {
                option value=(choice) selected[choice == text] { (choice) }
            }
        }
    }
}

/// What to know of an option.
fn about(it: &Setting, id: &str) -> Markup {
    html! {
        p.help id={ (id) "-help" } {
            (it.description) " "
            span.nowrap { (it.bounds()) } ". "
            "Default: " (fallback(it)) ". "
            @if let Some(name) = &it.kafka_property { "Kafka: " code { (name) } ". " }
            "A change needs: " (it.effect()) "."
        }
    }
}

fn fallback(it: &Setting) -> Markup {
    match &it.default {
        Some(value) => html! { code { (value) } },
        None => html! { "Kafka's own" },
    }
}

fn matches(view: &View) -> Markup {
    let wanted = view.find.trim().to_lowercase();
    let found: Vec<&Setting> = view.others.iter().filter(|it| it.has(&wanted)).collect();
    html! {
        div #matches aria-live="polite" {
            @if wanted.is_empty() {
                p.none { (found.len()) " options could be added. Type part of what you look for." }
            } @else if found.is_empty() {
                p.none { "No option that could be added has “" (view.find) "” in it." }
            } @else {
                ul.matches {
                    @for it in found.iter().take(MOST) {
                        li {
                            button.quiet name=(DO) value={ "add " (it.key) } aria-label={ "Add " (it.key) } { "Add" }
                            div {
                                code { (it.key) }
                                p.more { (it.description) " " (it.bounds()) ". A change needs: " (it.effect()) "." }
                            }
                        }
                    }
                }
                @if found.len() > MOST { p.none { (found.len() - MOST) " more: type more of the name." } }
            }
        }
    }
}
