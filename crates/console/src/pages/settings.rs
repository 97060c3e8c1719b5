//! *Service settings*: each option of the advanced configuration, what counts and where it comes from.

use maud::{Markup, html};

use super::done;
use super::overview::{Rollout, rollout};
use crate::list::{Column, List, ListQuery};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, empty, notice};
use crate::{Frame, Page, live};

/// The end of the page's address.
pub const PATH: &str = "settings";
/// The end of the address of the form.
pub const CONFIGURE: &str = "settings/configure";
/// The end of the address of the step before saving.
pub const REVIEW: &str = "settings/review";
/// The end of the address that saves.
pub const SAVE: &str = "settings/save";

/// An option of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Dotted: `kafka.log_segment_bytes`.
    pub key: String,
    /// What counts; `None` where nothing is set and Kafka's own default is not known here.
    pub value: Option<String>,
    /// `default`, `platform`, `plan`, `user` or `derived`.
    pub origin: &'static str,
    /// What counts if nothing is set.
    pub default: Option<String>,
    /// Kafka's own name.
    pub kafka_property: Option<String>,
    /// How a change takes effect, as the API spells it.
    pub update: &'static str,
    /// What it does.
    pub description: String,
    /// `string`, `integer`, `number` or `boolean`.
    pub kind: &'static str,
    /// The smallest value.
    pub minimum: Option<String>,
    /// The largest value.
    pub maximum: Option<String>,
    /// The only values; empty if there are others.
    pub choices: Vec<String>,
}

impl Setting {
    /// Type and bounds, in short.
    pub(crate) fn bounds(&self) -> String {
        let kind = self.kind;
        match (&self.minimum, &self.maximum) {
            _ if !self.choices.is_empty() => format!("{kind}: {}", self.choices.join(" or ")),
            (Some(min), Some(max)) => format!("{kind}, {min} to {max}"),
            (Some(min), None) => format!("{kind}, {min} or more"),
            (None, Some(max)) => format!("{kind}, {max} or less"),
            (None, None) => kind.to_owned(),
        }
    }

    /// What a change costs, in words.
    pub(crate) fn effect(&self) -> &'static str {
        match self.update {
            "rolling_restart" => "rolling restart",
            "dynamic" => "no restart: brokers take it over",
            _ => "no restart: the REST proxy reloads",
        }
    }

    /// Whether `wanted` (in lower case) is part of its names or description.
    pub fn has(&self, wanted: &str) -> bool {
        let texts = [Some(&self.key), self.kafka_property.as_ref(), Some(&self.description)];
        texts.into_iter().flatten().any(|it| it.to_lowercase().contains(wanted))
    }
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What was just done.
    pub done: Option<&'static str>,
    /// The rollout that is under way.
    pub rollout: Option<Rollout>,
    /// The state of the service, as the API spells it.
    pub state: &'static str,
    /// What is wrong with what is stored.
    pub problem: Option<String>,
    /// Whether whoever looks may change it.
    pub may_change: bool,
    /// Every option.
    pub settings: Vec<Setting>,
    /// What is asked of the list.
    pub query: ListQuery,
}

const COLUMNS: [Column<Setting>; 5] = [
    // The description is looked through as well.
    Column::new("name", "Option", |it: &Setting| {
        let kafka = it.kafka_property.as_deref().unwrap_or_default();
        format!("{} {kafka} {}", it.key, it.description)
    })
    .shown(|it, _| {
        html! {
            code { (it.key) }
            p.more { (it.description) }
            @if let Some(name) = &it.kafka_property { p.more { "Kafka: " code { (name) } } }
        }
    }),
    Column::new("value", "Value", |it: &Setting| it.value.clone().unwrap_or_default()).shown(
        |it, _| match &it.value {
            Some(value) if value.is_empty() => html! { span.none { "empty" } },
            Some(value) => html! { code { (value) } },
            None => html! { span.none { "Kafka's own default" } },
        },
    ),
    Column::new("origin", "Origin", |it: &Setting| it.origin.to_owned()).shown(|it, _| {
        html! {
            (badge(if it.origin == "user" { Tone::Busy } else { Tone::Quiet }, it.origin))
            @if it.origin == "user" && it.default.is_some() {
                p.more { "default " code { (it.default.as_deref().unwrap_or_default()) } }
            }
        }
    }),
    Column::new("type", "Type and bounds", Setting::bounds),
    Column::new("effect", "A change needs", |it: &Setting| it.effect().to_owned()),
];

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let path = view.at.href(PATH);
    let picked = view.query.pick(view.settings.clone(), &COLUMNS);
    let list = List {
        id: "options",
        title: "Options",
        path: &path,
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.key.clone(),
        empty: empty("There are no options.", &html! {}),
    };
    let body = html! {
        (done(view.done))
        (live::region("rolling", &rolling(view)))
        @if let Some(text) = &view.problem { (notice(Tone::Bad, text)) }
        section {
            h2 { "Advanced configuration" }
            @if view.may_change {
                p { a.button href=(view.at.href(CONFIGURE)) { "Configure" } }
            } @else {
                p { "Your role may look at it. To change it, the role operator is needed." }
            }
            (list.show(&picked, &view.query, frame))
        }
    };
    Page::of_service(view.at.clone(), "Service settings", body)
}

/// The rollout, live.
fn rolling(view: &View) -> Markup {
    html! {
        p { "State: " (crate::words::state(view.state)) }
        @if let Some(it) = &view.rollout { (rollout(it)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_said_in_words() {
        let setting = |minimum: Option<&str>, maximum: Option<&str>, choices: &[&str]| Setting {
            kind: "integer",
            minimum: minimum.map(str::to_owned),
            maximum: maximum.map(str::to_owned),
            choices: choices.iter().map(|&it| it.to_owned()).collect(),
            ..Setting::default()
        };
        for (it, wanted) in [
            (setting(None, None, &[]), "integer"),
            (setting(Some("1"), Some("9"), &[]), "integer, 1 to 9"),
            (setting(Some("1"), None, &[]), "integer, 1 or more"),
            (setting(None, Some("9"), &[]), "integer, 9 or less"),
            (setting(Some("1"), Some("9"), &["1", "9"]), "integer: 1 or 9"),
        ] {
            assert_eq!(it.bounds(), wanted);
        }
    }

    #[test]
    fn an_option_is_found_by_either_name_and_by_its_description() {
        let it = Setting {
            key: "kafka.log_roll_ms".into(),
            kafka_property: Some("log.roll.ms".into()),
            description: "How long a Segment lives".into(),
            ..Setting::default()
        };
        for (wanted, found) in
            [("log_roll", true), ("log.roll", true), ("a segment", true), ("retention", false)]
        {
            assert_eq!(it.has(wanted), found, "{wanted}");
        }
    }
}
