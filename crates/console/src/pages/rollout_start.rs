//! Starting a rollout by hand: what it would do first, then whether it shall.

use maud::{Markup, html};

use super::forecast::{self, Forecast};
use super::rollout::below;
use crate::forms::{Field, csrf};
use crate::list::{ListQuery, Place};
use crate::nav::{ROLLOUTS, START_ROLLOUT, ServiceAt};
use crate::words::{Tone, notice};
use crate::{Frame, Page};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// What was asked for, as it was typed.
    pub asked: Asked,
    /// The service's generation that was looked at.
    pub generation: String,
    /// Names the form, so that sending it twice starts one.
    pub key: String,
    /// Whether the service has a maintenance window.
    pub has_window: bool,
    /// What it would do; `None`: Kafka cannot be asked, or the options are wrong.
    pub forecast: Option<Forecast>,
    /// What is asked of its list.
    pub query: ListQuery,
    /// Whether somebody has to agree.
    pub needs_consent: bool,
    /// What is wrong: the field, and why. Without a field it is about all.
    pub error: Option<(String, String)>,
}

/// What somebody wants of a rollout, as the form has it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Whether nodes that run the service's configuration are restarted too.
    pub all_nodes: bool,
    /// How many nodes may be away at once.
    pub max_unavailable: String,
    /// How long is waited after the first node, in seconds.
    pub canary_bake_seconds: String,
    /// How long is waited after any other, in seconds.
    pub soak_seconds: String,
    /// Whether it waits for the maintenance window.
    pub in_window: bool,
    /// Who agrees.
    pub name: String,
    /// Why.
    pub reason: String,
    /// `outage` or `raise_replication`.
    pub remedy: String,
}

/// The fields of a consent, with what was typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConsentFields<'a> {
    pub(super) name: &'a str,
    pub(super) reason: &'a str,
    pub(super) remedy: &'a str,
    pub(super) error: Option<&'a (String, String)>,
}

/// What is wrong with the field of that name.
pub(super) fn error_of<'a>(error: Option<&'a (String, String)>, name: &str) -> Option<&'a str> {
    error.filter(|it| it.0 == name).map(|it| it.1.as_str())
}

impl ConsentFields<'_> {
    pub(super) fn show(&self) -> Markup {
        let field = |name, label, value, help| {
            let error = error_of(self.error, name);
            Field { name, label, kind: "text", value, help, error, required: true }.show()
        };
        html! {
            (field("name", "Who agrees", self.name, ""))
            (field("reason", "Why", self.reason, "It stays with the rollout and in the audit log."))
            fieldset {
                legend { "What is done about the partitions" }
                @for (value, text) in [
                    ("raise_replication", "They get more replicas for the time of the rollout, where there are nodes for them."),
                    ("outage", "They are unavailable while their nodes restart."),
                ] {
                    p { label.choice { input type="radio" name="remedy" value=(value) required
                        checked[self.remedy == value]; " " (text) } }
                }
            }
        }
    }
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let known = ["max_unavailable", "canary_bake_seconds", "soak_seconds", "name", "reason"];
    let other = view.error.as_ref().filter(|it| !known.contains(&it.0.as_str()));
    let place = Place::at(view.at.href(START_ROLLOUT), view.asked.fields());
    let body = html! {
        @if let Some((_, text)) = other { (notice(Tone::Bad, text)) }
        form method="get" action=(view.at.href(START_ROLLOUT)) {
            h2 { "What shall be restarted" }
            (options(view))
            button.quiet { "Forecast" }
        }
        section {
            (forecast::show(view.forecast.as_ref(), &view.query, &place, frame))
            form method="post" action=(view.at.href(START_ROLLOUT)) {
                (csrf(&frame.csrf))
                (carried(view))
                @if view.needs_consent {
                    h2 { "Consent" }
                    p { "Partitions become unavailable, whatever is waited for: it starts only if somebody agrees." }
                    (ConsentFields {
                        name: &view.asked.name,
                        reason: &view.asked.reason,
                        remedy: &view.asked.remedy,
                        error: view.error.as_ref(),
                    }.show())
                }
                div.actions {
                    button { "Start the rollout" }
                    a href=(view.at.href(ROLLOUTS)) { "Leave it" }
                }
            }
        }
    };
    below(view.at.clone(), "Start a rollout", body)
}

fn options(view: &View) -> Markup {
    let number = |name, label, value: &String, help| {
        let error = error_of(view.error.as_ref(), name);
        Field { name, label, kind: "number", value, help, error, required: false }.show()
    };
    let asked = &view.asked;
    html! {
        p { label.choice { input type="checkbox" name="all_nodes" value="true" checked[asked.all_nodes];
            " Every node, also those that run the service's configuration already" } }
        @if view.has_window {
            p { label.choice { input type="checkbox" name="in_window" value="true" checked[asked.in_window];
                " Wait for the maintenance window" } }
        }
        details open[asked.is_special() || view.error.is_some()] {
            summary { "How carefully" }
            (number("max_unavailable", "Nodes away at once", &asked.max_unavailable,
                "At most so many, where partitions and quorum allow it: 1 if not given."))
            (number("canary_bake_seconds", "Seconds after the first node", &asked.canary_bake_seconds,
                "How long all has to have been well before the second."))
            (number("soak_seconds", "Seconds after any other node", &asked.soak_seconds,
                "How long all has to have been well before the next."))
        }
    }
}

impl Asked {
    fn is_special(&self) -> bool {
        [&self.max_unavailable, &self.canary_bake_seconds, &self.soak_seconds]
            .into_iter()
            .any(|it| !it.is_empty())
    }

    /// What shall be restarted and how, as the form's fields.
    fn fields(&self) -> Vec<(String, String)> {
        let ticked = |it: bool| if it { "true" } else { "" };
        let fields = [
            ("all_nodes", ticked(self.all_nodes)),
            ("in_window", ticked(self.in_window)),
            ("max_unavailable", &self.max_unavailable),
            ("canary_bake_seconds", &self.canary_bake_seconds),
            ("soak_seconds", &self.soak_seconds),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// What was forecast, to be started as it was.
fn carried(view: &View) -> Markup {
    html! {
        input type="hidden" name="generation" value=(view.generation);
        input type="hidden" name="key" value=(view.key);
        @for (name, value) in view.asked.fields() { input type="hidden" name=(name) value=(value); }
    }
}
