//! Before changes are saved: what differs, what it costs, and who would lose access.

use maud::{Markup, html};

use super::forecast::{self, Forecast};
use super::oidc;
use super::settings::{CONFIGURE, PATH, REVIEW, SAVE};
use crate::draft::{Draft, Form};
use crate::list::{Column, List, ListQuery, Place};
use crate::losses::{LOSSES, Losses};
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

/// The `id` of the list of what changes.
const CHANGES: &str = "changes";
/// The same of what somebody else has changed.
const THEIRS: &str = "theirs";

/// What is asked of the page's lists.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "one for each list")]
pub struct Asked {
    pub changes: ListQuery,
    pub theirs: ListQuery,
    pub losses: ListQuery,
    pub forecast: ListQuery,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What shall be changed, and on top of what.
    pub draft: Draft,
    /// The same as it was sent: on top of what was there before somebody else has changed it.
    pub sent: Draft,
    /// What is asked of its lists.
    pub asked: Asked,
    /// What somebody else has changed since it was looked at first.
    pub meanwhile: Option<Vec<Difference>>,
    /// What follows.
    pub then: Consequences,
}

impl Asked {
    /// What the fields of the form ask for.
    pub fn posted(fields: &[(String, String)]) -> Self {
        Self {
            changes: ListQuery::posted(fields, CHANGES),
            theirs: ListQuery::posted(fields, THEIRS),
            losses: ListQuery::posted(fields, LOSSES),
            forecast: ListQuery::posted(fields, forecast::LIST),
        }
    }
}

impl View {
    /// Where the list of that `id` is: behind the draft, and with what is asked of the others.
    fn place(&self, id: &str) -> Place {
        let Asked { changes, theirs, losses, forecast } = &self.asked;
        let all =
            [(CHANGES, changes), (THEIRS, theirs), (LOSSES, losses), (forecast::LIST, forecast)];
        let others = all.into_iter().filter(|(other, _)| *other != id);
        let others = others.flat_map(|(other, it)| it.fields(other)).collect();
        Place::behind(self.at.href(REVIEW), self.sent.fields()).with(others)
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let View { at, draft, then, asked, .. } = view;
    let body = html! {
        @if let Some(changes) = &view.meanwhile { (changed_meanwhile(changes, view, frame)) }
        @if then.diff.is_empty() {
            (notice(Tone::Quiet, "Nothing would change: every option is already as you want it."))
            p { a.button href=(at.href(PATH)) { "Back to service settings" } }
        } @else {
            section {
                h2 { "What changes" }
                (differences(&then.diff, CHANGES, "What changes", (&asked.changes, view), frame))
            }
            (cost(view, frame))
            @for text in &then.warnings { (notice(Tone::Busy, text)) }
            @if !then.losses.all.is_empty() {
                section {
                    h2 { "Who would lose access" }
                    (then.losses.show(&asked.losses, &view.place(LOSSES), frame))
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

fn changed_meanwhile(changes: &[Difference], view: &View, frame: &Frame) -> Markup {
    let title = "What they have changed";
    html! {
        div.notice.bad role="alert" {
            p { strong { "Somebody else has changed this service meanwhile." }
                " Nothing of yours was saved yet, and nothing is lost: below is what your changes come "
                "to on top of theirs. Save it again if that is what you want." }
            @if changes.is_empty() { p { "None of the options that you saw are different." } }
        }
        @if !changes.is_empty() {
            section {
                h2 { (title) }
                (differences(changes, THEIRS, title, (&view.asked.theirs, view), frame))
            }
        }
    }
}

/// Values as they are shown, if there is one.
fn value(it: Option<&str>) -> Markup {
    match it {
        Some(text) => html! { code { (text) } },
        None => html! { span.none { (NOT_SET) } },
    }
}

const NOT_SET: &str = "not set";

const COLUMNS: [Column<Difference>; 3] = [
    Column::new("option", "Option", |it: &Difference| it.key.clone())
        .shown(|it, _| html! { code { (it.key) } }),
    Column::new("before", "Before", |it: &Difference| {
        it.before.clone().unwrap_or_else(|| NOT_SET.to_owned())
    })
    .shown(|it, _| value(it.before.as_deref())),
    Column::new("after", "After", |it: &Difference| {
        it.after.clone().unwrap_or_else(|| NOT_SET.to_owned())
    })
    .shown(|it, _| value(it.after.as_deref())),
];

fn differences(
    all: &[Difference],
    id: &str,
    title: &str,
    (query, view): (&ListQuery, &View),
    frame: &Frame,
) -> Markup {
    let place = view.place(id);
    let (path, keep, empty) = (place.path(), &place.keep(), html! {});
    let key = |it: &Difference| it.key.clone();
    let list = List { id, title, path, keep, columns: &COLUMNS, key, empty };
    list.show_in(&place, &query.pick(all.to_vec(), &COLUMNS), query, frame)
}

/// What would restart, reload, or neither.
fn cost(view: &View, frame: &Frame) -> Markup {
    let it = &view.then;
    let list =
        |names: &[String]| html! { ul.names { @for name in names { li { code { (name) } } } } };
    html! {
        section {
            h2 { "What it costs" }
            @if !it.rolling_restart.is_empty() {
                p { (badge(Tone::Busy, "rolling restart")) " Every node is restarted, one after another, because of:" }
                (list(&it.rolling_restart))
                @if it.in_window { p { "It waits for the maintenance window." } }
                (forecast::show(it.forecast.as_ref(), &view.asked.forecast, &view.place(forecast::LIST), frame))
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
        View { at, sent: draft.clone(), draft, asked: Asked::default(), meanwhile: None, then }
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
