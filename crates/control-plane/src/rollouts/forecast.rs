//! What a rollout would do: played through by the planner on a picture of the cluster as it is.

mod picture;

use model::Timestamp;
use rolling::{Forecast, NodeForecast, Outage, Policy, Remedy, Rollout, Window, WindowState};
use serde::Serialize;
use store::{ActiveRollout, Service};
use utoipa::ToSchema;

use super::start::StartRollout;
use super::{WindowView, window};
use crate::App;
use crate::error::ApiError;

/// What would happen.
#[derive(Serialize, ToSchema)]
pub(super) struct ForecastAnswer {
    pub(super) forecast: ForecastView,
}

/// What a rollout would do, as the cluster is now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForecastView {
    /// In one sentence.
    pub(crate) summary: String,
    /// Whether a person has to agree: a restart makes something unavailable, whatever is waited
    /// for.
    pub(crate) needs_consent: bool,
    /// What can be done about that.
    pub(crate) remedies: Vec<RemedyView>,
    /// What keeps it from starting just now. It may pass by itself.
    pub(crate) blocker: Option<BlockedView>,
    /// How long it takes if nothing gets in the way.
    pub(crate) duration_ms: i64,
    /// Whether the duration is made of measured restarts alone.
    pub(crate) is_measured: bool,
    /// The maintenance window of the service, if it has one.
    pub(crate) window: Option<WindowFit>,
    /// In the order of their restarts, as things are now.
    pub(crate) nodes: Vec<NodeForecastView>,
}

/// What can be done about partitions that become unavailable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemedyView {
    /// `outage` and `raise_replication` as in `consent.remedy`; `change_topics` before the start.
    pub(crate) remedy: &'static str,
    /// In words.
    pub(crate) text: &'static str,
}

/// What keeps a rollout from starting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlockedView {
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// In words.
    pub(crate) text: String,
}

/// Whether a rollout fits into the maintenance window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowFit {
    #[serde(flatten)]
    pub(crate) window: WindowView,
    /// Whether it is done before the window closes: this one if it is open, else the next.
    pub(crate) fits: bool,
}

/// What the restart of a node would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NodeForecastView {
    pub(crate) node: i32,
    /// As in `node_states`.
    pub(crate) name: String,
    /// Nodes with the same number are restarted together.
    pub(crate) batch: usize,
    /// How long it is away.
    pub(crate) away_ms: i64,
    /// Whether that is known from earlier restarts of it, or assumed.
    pub(crate) is_measured: bool,
    /// How many voters more than a majority are left; below 0 the controller quorum is lost.
    pub(crate) quorum_margin: i64,
    /// How many partitions clients would miss.
    pub(crate) n_partitions: usize,
    /// The first of them, 50 at most.
    pub(crate) partitions: Vec<PartitionForecastView>,
}

/// What the restart of a node would do to a partition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartitionForecastView {
    /// `topic-index`.
    pub(crate) partition: String,
    /// `offline`, or `write_blocked`: writes with `acks=all` are refused and nothing new can be
    /// read.
    pub(crate) outage: &'static str,
    /// `inherent`: waiting does not help; `transient`: a replica is out of sync just now, and the
    /// rollout waits for it.
    pub(crate) certainty: &'static str,
}

impl ForecastView {
    pub(crate) const fn needs_consent(&self) -> bool {
        self.needs_consent
    }
}

/// Plays the rollout through that `body` asks for, or what is left of the one under way.
pub(crate) async fn forecast(
    app: &App,
    service: &Service,
    body: &StartRollout,
) -> Result<ForecastView, ApiError> {
    let view = picture::take(app, service).await?;
    let (now, policy) = (Timestamp::now(), policy(body));
    let active = app.store.rollouts.active(service.id, policy).await?;
    let forecast = rolling::forecast(&rollout(service, body, active, policy, now), &view);
    Ok(render(service, &forecast, now))
}

fn policy(body: &StartRollout) -> Policy {
    let policy = Policy::default();
    let ms = |seconds: u32| i64::from(seconds) * 1000;
    Policy {
        max_unavailable: body.max_unavailable.and_then(|it| usize::try_from(it).ok()).unwrap_or(1),
        canary_bake_ms: body.canary_bake_seconds.map_or(policy.canary_bake_ms, ms),
        soak_ms: body.soak_seconds.map_or(policy.soak_ms, ms),
        ..policy
    }
}

/// The rollout as the planner knows it. Who holds it, and until when, is no part of a forecast.
fn rollout(
    service: &Service,
    body: &StartRollout,
    active: Option<ActiveRollout>,
    policy: Policy,
    now: Timestamp,
) -> Rollout {
    let asked = Rollout {
        target: service.target.clone(),
        base: None,
        direction: rolling::Direction::Forward,
        orders: [].into(),
        restart_all: body.all_nodes,
        paused: None,
        halted: None,
        abort: false,
        remedy: Remedy::Wait,
        window: None,
        policy,
        since: now,
    };
    let Some(active) = active else { return asked };
    Rollout { paused: None, halted: None, abort: false, window: None, ..active.rollout }
}

fn render(service: &Service, forecast: &Forecast, now: Timestamp) -> ForecastView {
    let nodes = forecast.nodes.iter().map(|it| node(service, it)).collect();
    ForecastView {
        summary: summary(forecast),
        needs_consent: forecast.needs_consent,
        remedies: if forecast.needs_consent { remedies() } else { Vec::new() },
        blocker: forecast
            .blocker
            .as_ref()
            .map(|it| BlockedView { code: it.code(), text: it.to_string() }),
        duration_ms: forecast.duration_ms,
        is_measured: forecast.nodes.iter().all(|it| it.is_measured),
        window: window(service).and_then(|it| fit(service, it, forecast.duration_ms, now)),
        nodes,
    }
}

fn node(service: &Service, forecast: &NodeForecast) -> NodeForecastView {
    let partitions = forecast.partitions.iter().map(|it| PartitionForecastView {
        partition: it.name.clone(),
        outage: match it.impact.outage {
            Outage::Offline => "offline",
            Outage::WriteBlocked => "write_blocked",
        },
        certainty: if it.impact.inherent { "inherent" } else { "transient" },
    });
    NodeForecastView {
        node: forecast.node.0,
        name: format!("{}-{}", service.name, forecast.node),
        batch: forecast.batch,
        away_ms: forecast.away_ms,
        is_measured: forecast.is_measured,
        quorum_margin: forecast.quorum_margin,
        n_partitions: forecast.n_partitions,
        partitions: partitions.collect(),
    }
}

fn summary(forecast: &Forecast) -> String {
    let (n_nodes, seconds) = (forecast.nodes.len(), forecast.duration_ms.max(0) / 1000);
    if n_nodes == 0 {
        return "no node has to be restarted".into();
    }
    let mut text = format!("{n_nodes} nodes are restarted in about {seconds} s");
    text.push_str(&clients_notice(&forecast.nodes));
    if forecast.nodes.iter().any(|it| it.quorum_margin < 0) {
        text.push_str("; the controller quorum stands still meanwhile");
    }
    text
}

/// What becomes unavailable although everything is waited for that passes.
fn clients_notice(nodes: &[NodeForecast]) -> String {
    let inherent = |it: &NodeForecast| it.partitions.iter().filter(|it| it.impact.inherent).count();
    // The same partition may suffer from several nodes.
    let worst = nodes.iter().map(inherent).max().unwrap_or_default();
    let is_cut = nodes.iter().any(|it| it.n_partitions > it.partitions.len());
    let waits = nodes.iter().any(|it| it.n_partitions > 0);
    match (worst, is_cut) {
        (0, _) if waits => ", and clients notice nothing: it waits for replicas first".into(),
        (0, _) => ", and clients notice nothing".into(),
        (n, false) => format!(", and up to {n} partitions are unavailable while a node is away"),
        (n, true) => format!(", and {n} or more partitions are unavailable while a node is away"),
    }
}

fn remedies() -> Vec<RemedyView> {
    let remedy = |remedy, text| RemedyView { remedy, text };
    vec![
        remedy(
            "change_topics",
            "raise the replication factor of the topics, or lower their min.insync.replicas, \
             before the start",
        ),
        remedy(
            "raise_replication",
            "more replicas for the time of the rollout, where nodes allow it",
        ),
        remedy("outage", "agree that the partitions are unavailable while their nodes restart"),
    ]
}

fn fit(service: &Service, window: Window, duration_ms: i64, now: Timestamp) -> Option<WindowFit> {
    let left = match window.at(now) {
        WindowState::Open(closes) => closes.ms_since(now),
        WindowState::Closed(_) => Window::LENGTH_MS,
    };
    let time = service.maintenance_time.as_deref().unwrap_or("00:00:00");
    let window = WindowView::at(service.maintenance_dow.as_deref()?, time, now)?;
    Some(WindowFit { window, fits: duration_ms <= left })
}

#[cfg(test)]
mod tests;
