//! Before changes are saved: what differs, what it costs, and who would lose access.

use maud::{Markup, html};

use super::oidc;
use super::settings::{CONFIGURE, PATH, SAVE};
use crate::draft::{Draft, Form};
use crate::losses::{self, Losses};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, notice};
use crate::{Frame, Page, forms};

/// What follows from the changes.
#[derive(Clone, Debug, Default)]
pub struct Consequences {
    /// What differs.
    pub diff: Vec<Difference>,
    /// Properties for which every node is restarted, one after another.
    pub rolling_restart: Vec<String>,
    /// Configs that running brokers take over.
    pub dynamic: Vec<String>,
    /// What the REST proxy takes over while it runs.
    pub proxy_reload: Vec<String>,
    /// What to know before it is done.
    pub warnings: Vec<String>,
    /// Who would lose access.
    pub losses: Losses,
    /// What the restart would do; `None` if there is none, or if Kafka cannot be asked.
    pub forecast: Option<Forecast>,
    /// Whether restarts wait for the maintenance window.
    pub in_window: bool,
}

/// An option before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Dotted.
    pub key: String,
    /// `None`: not set.
    pub before: Option<String>,
    /// `None`: not set.
    pub after: Option<String>,
}

/// What a rolling restart would do, as the cluster is now.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// In one sentence.
    pub summary: String,
    /// Whether something becomes unavailable, whatever is waited for.
    pub needs_consent: bool,
    /// What can be done about that, and what keeps it from starting just now.
    pub notes: Vec<String>,
    /// By node, in the order of their restarts: its name, for how many seconds it is away, how many
    /// partitions clients would miss.
    pub nodes: Vec<(String, i64, usize)>,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What shall be changed, and on top of what.
    pub draft: Draft,
    /// What somebody else has changed since it was looked at first.
    pub meanwhile: Option<Vec<Difference>>,
    /// What follows.
    pub then: Consequences,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let View { at, draft, meanwhile, then } = view;
    let body = html! {
        @if let Some(changes) = meanwhile { (changed_meanwhile(changes)) }
        @if then.diff.is_empty() {
            (notice(Tone::Quiet, "Nothing would change: every option is already as you want it."))
            p { a.button href=(at.href(PATH)) { "Back to service settings" } }
        } @else {
            section {
                h2 { "What changes" }
                (differences(&then.diff, "What changes"))
            }
            (cost(then))
            @for text in &then.warnings { (notice(Tone::Busy, text)) }
            @if then.losses.total > 0 {
                section {
                    h2 { "Who would lose access" }
                    (losses::table(&then.losses, None, frame))
                }
            }
            form.actions method="post" action=(at.href(SAVE)) {
                (forms::csrf(&frame.csrf))
                (draft.hidden())
                button { "Save configurations" }
                button.quiet formaction=(at.href(form(draft))) { "Change something" }
                a href=(at.href(PATH)) { "Leave it" }
            }
        }
    };
    Page::of_service(at.clone(), "Review changes", body)
}

/// Where a draft is edited further.
const fn form(draft: &Draft) -> &'static str {
    match draft.form {
        Form::Advanced => CONFIGURE,
        Form::Oidc => oidc::EDIT,
    }
}

fn changed_meanwhile(changes: &[Difference]) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "Somebody else has changed this service meanwhile." }
                " Nothing of yours was saved yet, and nothing is lost: below is what your changes come "
                "to on top of theirs. Save it again if that is what you want." }
            @if changes.is_empty() { p { "None of the options that you saw are different." } }
        }
        @if !changes.is_empty() {
            section {
                h2 { "What they have changed" }
                (differences(changes, "What they have changed"))
            }
        }
    }
}

fn differences(all: &[Difference], title: &str) -> Markup {
    let value = |it: &Option<String>| match it {
        Some(text) => html! { code { (text) } },
        None => html! { span.none { "not set" } },
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            table {
                caption.hidden { (title) }
                thead { tr { @for it in ["Option", "Before", "After"] { th scope="col" { (it) } } } }
                tbody {
                    @for it in all {
                        tr {
                            th scope="row" { code { (it.key) } }
                            td data-title="Before" { (value(&it.before)) }
                            td data-title="After" { (value(&it.after)) }
                        }
                    }
                }
            }
        }
    }
}

/// What would restart, reload, or neither.
fn cost(it: &Consequences) -> Markup {
    let list =
        |names: &[String]| html! { ul.names { @for name in names { li { code { (name) } } } } };
    html! {
        section {
            h2 { "What it costs" }
            @if !it.rolling_restart.is_empty() {
                p { (badge(Tone::Busy, "rolling restart")) " Every node is restarted, one after another, because of:" }
                (list(&it.rolling_restart))
                @if it.in_window { p { "It waits for the maintenance window." } }
                (forecast(it.forecast.as_ref()))
            }
            @if !it.dynamic.is_empty() {
                p { (badge(Tone::Good, "no restart")) " Running brokers take over:" }
                (list(&it.dynamic))
            }
            @if !it.proxy_reload.is_empty() {
                p { (badge(Tone::Good, "no restart")) " The REST proxy reloads:" }
                (list(&it.proxy_reload))
            }
            @if it.rolling_restart.is_empty() && it.dynamic.is_empty() && it.proxy_reload.is_empty() {
                p { (badge(Tone::Good, "nothing")) " No node and no proxy has to do anything." }
            }
        }
    }
}

/// What a restart would do, or that nobody can say.
pub(crate) fn forecast(it: Option<&Forecast>) -> Markup {
    let Some(it) = it else {
        return html! { p.none { "What the restart would do is not known: Kafka cannot be asked just now." } };
    };
    let tone = if it.needs_consent { Tone::Bad } else { Tone::Quiet };
    html! {
        h3 { "Forecast" }
        (notice(tone, &it.summary))
        @for text in &it.notes { p { (text) } }
        div.scroll tabindex="0" role="region" aria-label="Forecast by node" {
            table {
                caption.hidden { "Forecast by node" }
                thead { tr {
                    @for it in ["Node", "Away for", "Partitions that clients would miss"] { th scope="col" { (it) } }
                } }
                tbody {
                    @for (name, secs, partitions) in &it.nodes {
                        tr {
                            th scope="row" { (name) }
                            td data-title="Away for" { "about " (secs) " s" }
                            td data-title="Partitions missed" { (partitions) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, Timestamp};

    use super::*;

    fn view() -> View {
        let at = ServiceAt {
            project: "dev".into(),
            service: "my-kafka".into(),
            role: Role::Operator,
            here: PATH,
        };
        let edits = vec![("kafka.a".into(), Some("\"<1>".into())), ("kafka.b".into(), None)];
        let draft = Draft { generation: 3, seen: "{}".into(), edits, ..Draft::default() };
        let diff =
            vec![Difference { key: "kafka.a".into(), before: None, after: Some("<1>".into()) }];
        let then = Consequences {
            diff,
            rolling_restart: vec!["a".into()],
            warnings: vec!["Mind <that>".into()],
            ..Consequences::default()
        };
        View { at, draft, meanwhile: None, then }
    }

    fn shown(view: &View) -> String {
        let frame = Frame { who: None, csrf: "CSRF".into(), now: Timestamp(0) };
        page(&frame, view).body.into_string().replace("><", ">\n<")
    }

    #[test]
    fn what_changes_and_what_it_costs_is_shown_and_the_draft_is_carried() {
        insta::assert_snapshot!(shown(&view()));
    }

    #[test]
    fn nothing_to_change_is_nothing_to_save() {
        let text = shown(&View { then: Consequences::default(), ..view() });
        assert!(text.contains("Nothing would change") && !text.contains("Save configurations"));
    }

    #[test]
    fn what_somebody_else_has_done_is_told_first() {
        let theirs =
            vec![Difference { key: "kafka.c".into(), before: Some("1".into()), after: None }];
        let text = shown(&View { meanwhile: Some(theirs), ..view() });
        let at = |it: &str| text.find(it).unwrap();
        assert!(at("Somebody else has changed") < at("kafka.c"));
        assert!(at("kafka.c") < at("Save configurations"));
    }
}
