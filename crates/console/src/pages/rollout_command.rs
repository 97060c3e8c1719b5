//! Telling a rollout something: what follows from it, and whether it shall be so.

use maud::html;

use super::forecast::{self, Forecast};
use super::rollout::{Command, below};
use super::rollout_start::{ConsentFields, error_of};
use crate::forms::{Field, csrf};
use crate::list::{ListQuery, Place};
use crate::nav::{ServiceAt, rollout as path};
use crate::words::{Tone, notice};
use crate::{Frame, Page};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// The rollout's id.
    pub id: String,
    /// What it is to be told.
    pub command: Command,
    /// Its version that was looked at.
    pub version: String,
    /// Whether it can be told that now.
    pub fits: bool,
    /// What the rest of it would do, before somebody agrees; `None`: Kafka cannot be asked.
    pub forecast: Option<Forecast>,
    /// What is asked of its list.
    pub query: ListQuery,
    /// Who agrees, as it was typed.
    pub name: String,
    /// Why, as it was typed.
    pub reason: String,
    /// What is done about the partitions, as it was chosen.
    pub remedy: String,
    /// What is wrong: the field, and why.
    pub error: Option<(String, String)>,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let back = view.at.href(&path(&view.id));
    let command = view.command;
    let here = Place::at(format!("{back}/{}", command.word()), Vec::new());
    let error = view.error.as_ref();
    let other = error.filter(|it| !["name", "reason"].contains(&it.0.as_str()));
    let body = html! {
        @if let Some((_, text)) = other { (notice(Tone::Bad, text)) }
        @if view.fits {
            p { (command.consequence()) }
            @if command == Command::Consent {
                (forecast::show(view.forecast.as_ref(), &view.query, &here, frame))
            }
            form method="post" action=(here.path()) {
                (csrf(&frame.csrf))
                @if command == Command::Consent {
                    input type="hidden" name="version" value=(view.version);
                    (ConsentFields { name: &view.name, reason: &view.reason, remedy: &view.remedy, error }.show())
                }
                @if command == Command::Pause {
                    (Field {
                        name: "reason",
                        label: "Why",
                        kind: "text",
                        value: &view.reason,
                        help: "Others read it on the page of the rollout.",
                        error: error_of(error, "reason"),
                        required: true,
                    }.show())
                }
                div.actions {
                    button.danger[command.is_destructive()] { (command.title()) }
                    a href=(back) { "Leave it" }
                }
            }
        } @else {
            (notice(Tone::Quiet, "The rollout is not in a state in which it can be told that."))
            p { a.button href=(back) { "Look at the rollout" } }
        }
    };
    below(view.at.clone(), title(command), body)
}

const fn title(command: Command) -> &'static str {
    match command {
        Command::Pause => "Pause the rollout",
        Command::Resume => "Resume the rollout",
        Command::Abort => "Abort the rollout",
        Command::RollBack => "Roll back the rollout",
        Command::Consent => "Give consent to the rollout",
        Command::StartNow => "Start the rollout now",
    }
}
