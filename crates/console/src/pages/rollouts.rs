//! The rollouts of a service: who restarted its nodes when, why, and how it went.

use maud::{Markup, html};
use model::{Role, Timestamp};

use crate::list::{Column, List, ListQuery};
use crate::nav::{ROLLOUTS, START_ROLLOUT, ServiceAt};
use crate::times::{span, time};
use crate::words::{Tone, badge, empty, notice};
use crate::{Frame, Page};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Its rollouts, newest first.
    pub rollouts: Vec<Row>,
    /// How many are shown at most; older ones are not.
    pub most: usize,
    /// What is asked of the list.
    pub query: ListQuery,
}

/// A rollout.
#[derive(Clone, Debug)]
pub struct Row {
    /// The address of its page.
    pub href: String,
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
    /// How it went, or what it waits for, in words. May be empty.
    pub told: String,
}

const COLUMNS: [Column<Row>; 6] = [
    Column::new("started", "Started", |it: &Row| it.started_at.to_string())
        .shown(|it, frame| html! { a href=(it.href) { (time(it.started_at, frame.now)) } })
        .sorted(|a, b| a.started_at.cmp(&b.started_at)),
    Column::new("state", "State", |it: &Row| words(&it.state)).shown(|it, _| state(&it.state)),
    Column::new("what", "What", |it: &Row| it.what.clone()),
    Column::new("by", "Started by", |it: &Row| it.by.clone()),
    Column::new("took", "Took", |it: &Row| it.took().unwrap_or_default())
        .shown(took)
        .sorted(|a, b| a.took_ms().cmp(&b.took_ms())),
    Column::new("", "How it went", |it: &Row| it.told.clone()),
];

impl Row {
    fn took_ms(&self) -> Option<i64> {
        self.ended_at.map(|it| it.ms_since(self.started_at))
    }

    fn took(&self) -> Option<String> {
        self.took_ms().map(|it| span(it).unwrap_or_else(|| "less than a second".to_owned()))
    }
}

/// The state of a rollout, as the API spells it, in a coloured box.
pub fn state(state: &str) -> Markup {
    badge(tone(state), &words(state))
}

/// The same in words.
pub fn words(state: &str) -> String {
    state.replace('_', " ")
}

/// How a rollout in that state is.
pub fn tone(state: &str) -> Tone {
    match state {
        "done" | "rolled_back" => Tone::Good,
        "halted" => Tone::Bad,
        "aborted" | "superseded" => Tone::Quiet,
        _ => Tone::Busy,
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let picked = view.query.pick(view.rollouts.clone(), &COLUMNS);
    let list = List {
        id: "rollouts",
        title: "Rollouts",
        path: &view.at.href(ROLLOUTS),
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.href.clone(),
        empty: empty(
            "No node was restarted yet.",
            &html! { p { "A rollout starts when an option is changed that needs a restart." } },
        ),
    };
    let is_cut = view.rollouts.len() >= view.most;
    let body = html! {
        @if view.at.role >= Role::Operator {
            p { a.button href=(view.at.href(START_ROLLOUT)) { "Start a rollout" } }
        }
        @if is_cut { (notice(Tone::Quiet, &format!("Only the latest {} are here.", view.most))) }
        (list.show(&picked, &view.query, frame))
    };
    Page::of_service(view.at.clone(), "Rollouts", body)
}

fn took(it: &Row, frame: &Frame) -> Markup {
    let so_far = || span(frame.now.ms_since(it.started_at)).unwrap_or_default();
    match it.took() {
        Some(took) => html! { (took) },
        None => html! { span.none { "so far " (so_far()) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(role: Role, rollouts: Vec<Row>) -> String {
        let at =
            ServiceAt { project: "dev".into(), service: "my-kafka".into(), role, here: ROLLOUTS };
        let query = ListQuery { sort: "-took".into(), ..ListQuery::default() };
        let frame = Frame { who: None, csrf: String::new(), now: Timestamp(1_795_291_260_000) };
        let view = View { at, rollouts, most: 3, query };
        page(&frame, &view).body.into_string().replace("><", ">\n<")
    }

    #[test]
    fn rollouts_say_who_when_what_and_how_it_went() {
        let row = |state: &str, ended: Option<i64>| Row {
            href: format!("/rollouts/{state}"),
            state: state.into(),
            what: "into revision <b>".into(),
            by: "ann".into(),
            started_at: Timestamp(1_795_291_200_000),
            ended_at: ended.map(Timestamp),
            told: String::new(),
        };
        let rows = vec![row("waiting_for_window", None), row("done", Some(1_795_291_230_000))];
        insta::assert_snapshot!(shown(Role::Operator, rows));
    }

    #[test]
    fn only_who_may_is_offered_to_start_one() {
        assert!(shown(Role::Operator, Vec::new()).contains("Start a rollout"));
        let text = shown(Role::Developer, Vec::new());
        assert!(text.contains("No node was restarted yet.") && !text.contains("Start a rollout"));
    }
}
