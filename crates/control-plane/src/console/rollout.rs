//! `/console/.../rollouts/{rollout}`: how it goes, and what it is told.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use console::Page;
use console::list::ListQuery;
use console::nav::{ROLLOUTS, rollout};
use console::pages::rollout::{Command, Event, Failure, Node, Probe, Standing, View, page};
use console::pages::rollout_command;
use model::PhaseStatus;
use serde::Deserialize;
use store::{RolloutCommand, RolloutEvent, RolloutRecord, Service};

use super::consequences::forecast_of;
use super::done::{Done, said};
use super::live::Of;
use super::on_page::OnPage;
use super::rollouts::{banner_of, what};
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::{Need as _, Operate};
use crate::error::ApiError;
use crate::rollouts::{
    GiveConsent, RemedyWord, RolloutLook, StartRollout, find, forecast, look, opens_at, order,
    reason,
};

/// So many events are shown.
const MOST: u32 = 1000;

/// What the path names below the service.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    rollout: String,
}

/// The same, and what the rollout is told.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    rollout: String,
    command: String,
}

/// A form that tells a rollout something. Fields of other commands are empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    version: String,
    name: String,
    reason: String,
    remedy: String,
    /// What is asked of the list of a forecast.
    #[serde(skip)]
    list: ListQuery,
}

pub(super) async fn show(
    State(app): State<App>,
    on: OnPage,
    Path(which): Path<Which>,
    Query(query): Query<ListQuery>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let service = on.service();
    let live = Of::Rollouts.now_on(&app, service, &on.at(ROLLOUTS)).await?;
    let record = find(&app, service, &which.rollout).await?;
    let events = app.store.rollouts.events_after(record.id, 0, MOST).await?;
    let look = one(&app, &on, record).await?;
    let view = View { done, query, ..view(&on, look, events) };
    let page = page(on.frame(), &view);
    // What has ended stays as it is.
    Ok(if view.ended_at.is_some() { page } else { page.following(live) }.into())
}

/// What pages show of it that are about something else.
pub(super) async fn banner(
    State(app): State<App>,
    on: OnPage,
    Path(which): Path<Which>,
) -> Result<Show, Failed> {
    let record = find(&app, on.service(), &which.rollout).await?;
    let banner = banner_of(&on.at(ROLLOUTS), &record, on.service());
    Ok(banner.page().into())
}

pub(super) async fn ask(
    State(app): State<App>,
    on: OnPage<Operate>,
    Path(told): Path<Told>,
    Query(list): Query<ListQuery>,
) -> Result<Show, Failed> {
    let command = command(&told.command)?;
    let record = find(&app, on.service(), &told.rollout).await?;
    let fields = Fields {
        version: record.version.to_string(),
        name: on.by().actor.clone(),
        list,
        ..Fields::default()
    };
    Ok(asking(&app, &on, record, command, fields, None).await?.into())
}

pub(super) async fn tell(
    State(app): State<App>,
    on: OnPage<Operate>,
    Path(told): Path<Told>,
    Form(fields): Form<Fields>,
) -> Result<Response, Failed> {
    let command = command(&told.command)?;
    let service = on.service();
    let record = find(&app, service, &told.rollout).await?;
    let seen = fields.version.parse().ok();
    let told = match words(&on, command, &fields) {
        Ok(words) => order(&app, service, record.clone(), seen, &words, on.by()).await.map(drop),
        Err(error) => Err(error),
    };
    let id = record.id.to_string();
    match told {
        Ok(()) => {
            let done = format!("rollout-{}", command.word());
            Ok(go(&said(&on.at(ROLLOUTS), &rollout(&id), &done)))
        }
        Err(ApiError::Invalid(message)) => {
            let error = Some((field(&message), message));
            Ok(Show::refused(asking(&app, &on, record, command, fields, error).await?)
                .into_response())
        }
        // What was agreed to is not what it is now: asked again, with what was typed.
        Err(error @ ApiError::Precondition(_)) => {
            let now = find(&app, service, &id).await?;
            let fields = Fields { version: now.version.to_string(), ..fields };
            let status = error.status();
            let error = Some((String::new(), error.to_string()));
            let page = asking(&app, &on, now, command, fields, error).await?;
            Ok(Show::with(page, status).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn command(word: &str) -> Result<Command, ApiError> {
    Command::of_word(word).ok_or(ApiError::NoRoute)
}

/// The field that an error of the API names.
pub(super) fn field(message: &str) -> String {
    let named = message.strip_prefix("Invalid '").and_then(|it| it.split_once('\''));
    named.map_or_else(String::new, |it| it.0.to_owned())
}

fn words(
    on: &OnPage<Operate>,
    command: Command,
    fields: &Fields,
) -> Result<RolloutCommand, ApiError> {
    Ok(match command {
        Command::Pause => {
            RolloutCommand::Pause { name: on.by().actor.clone(), reason: reason(&fields.reason)? }
        }
        Command::Resume => RolloutCommand::Resume,
        Command::Abort => RolloutCommand::Abort,
        Command::RollBack => RolloutCommand::RollBack,
        Command::Consent => {
            RolloutCommand::Consent(consent(&fields.name, &fields.reason, &fields.remedy)?.read()?)
        }
        Command::StartNow => RolloutCommand::StartNow,
    })
}

/// A consent as a form has it.
pub(super) fn consent(name: &str, reason: &str, remedy: &str) -> Result<GiveConsent, ApiError> {
    let remedy = match remedy {
        "outage" => RemedyWord::Outage,
        "raise_replication" => RemedyWord::RaiseReplication,
        _ => {
            let message = "Invalid 'remedy': choose what is done about the partitions";
            return Err(ApiError::invalid(message));
        }
    };
    Ok(GiveConsent { name: name.to_owned(), reason: reason.to_owned(), remedy })
}

async fn one<N>(app: &App, on: &OnPage<N>, record: RolloutRecord) -> Result<RolloutLook, ApiError> {
    let mut looks = look(app, on.service(), vec![record], on.frame().now).await?;
    looks.pop().ok_or(ApiError::NotFound("Rollout"))
}

async fn asking(
    app: &App,
    on: &OnPage<Operate>,
    record: RolloutRecord,
    command: Command,
    fields: Fields,
    error: Option<(String, String)>,
) -> Result<Page, ApiError> {
    let look = one(app, on, record).await?;
    let forecast = match command {
        Command::Consent => forecast_now(app, on.service(), &StartRollout::default()).await?,
        _ => None,
    };
    let view = rollout_command::View {
        at: on.at(ROLLOUTS),
        id: look.record.id.to_string(),
        command,
        version: fields.version,
        fits: command.fits(standing(&look)),
        forecast: forecast.map(forecast_of),
        query: fields.list,
        name: fields.name,
        reason: fields.reason,
        remedy: fields.remedy,
        error,
    };
    Ok(rollout_command::page(on.frame(), &view))
}

/// What it would do; `None` while Kafka cannot be asked.
pub(super) async fn forecast_now(
    app: &App,
    service: &Service,
    asked: &StartRollout,
) -> Result<Option<crate::rollouts::ForecastView>, ApiError> {
    match forecast(app, service, asked).await {
        Ok(forecast) => Ok(Some(forecast)),
        Err(ApiError::Unavailable("Kafka", _)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn standing(look: &RolloutLook) -> Standing<'_> {
    Standing {
        state: &look.state,
        has_ended: look.record.ended_at.is_some(),
        can_go_back: look.record.direction == "forward"
            && look.record.base.as_ref().is_some_and(|it| *it != look.record.target),
        needs_consent: look.blocker.as_ref().is_some_and(|it| it.code == "needs_consent"),
    }
}

fn view<N>(on: &OnPage<N>, look: RolloutLook, events: Vec<RolloutEvent>) -> View {
    let standing = standing(&look);
    let may = on.role() >= Operate::ROLE;
    let commands = Command::ALL.into_iter().filter(|it| may && it.fits(standing)).collect();
    let needs_consent = standing.needs_consent;
    let is_cut = events.len() >= usize::try_from(MOST).unwrap_or(usize::MAX);
    let service = on.service();
    let RolloutLook { record, state, phases, blocker, estimated_end } = look;
    let probe = record.status.as_ref().and_then(|it| it.probe);
    View {
        at: on.at(ROLLOUTS),
        done: None,
        id: record.id.to_string(),
        state,
        what: what(&record),
        opens_at: opens_at(&record, on.frame().now),
        by: record.started_by,
        started_at: record.started_at,
        ended_at: record.ended_at,
        estimated_end,
        waits_for: blocker.map(|it| (it.text, it.since)),
        needs_consent,
        paused: record.paused.filter(|_| record.ended_at.is_none()),
        failure: record.failure.map(|(it, log)| Failure { node: it.node.0, why: it.why, log }),
        consent: record.consent,
        nodes: phases.into_iter().map(|it| node(it, service)).collect(),
        probe: probe.map(|it| Probe {
            sent: it.sent,
            failed: it.failed,
            slowest_ms: it.slowest_ms,
            longest_gap_ms: it.longest_gap_ms,
        }),
        events: events.into_iter().map(event).collect(),
        is_cut,
        commands,
        query: ListQuery::default(),
    }
}

fn node(it: PhaseStatus, service: &Service) -> Node {
    let name = format!("{}-{}", service.name, it.node);
    Node { id: it.node.0, name, phase: it.phase, since: it.since }
}

fn event(it: RolloutEvent) -> Event {
    Event { at: it.at, node: it.node.map(|it| it.0), kind: it.kind, detail: it.detail }
}
