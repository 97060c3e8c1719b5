//! From what is stored of a rollout to what is shown of it.

mod eta;

use model::{BlockerStatus, NodeId, PhaseStatus, ProbeFigures, RevisionId, Timestamp};
use rolling::{Window, WindowState};
use serde::Serialize;
use store::{RolloutRecord, Service};
use utoipa::ToSchema;

use self::eta::eta;
use crate::App;
use crate::error::ApiError;
use crate::time::rfc3339;

/// A rolling restart.
#[derive(Serialize, ToSchema)]
pub(super) struct RolloutView {
    id: String,
    /// `running`, `waiting_for_window`, `paused`, `halted` or `aborting`; when it has ended `done`,
    /// `rolled_back`, `aborted`, `superseded` or `halted`.
    state: String,
    /// `forward` or `back`.
    direction: String,
    /// The configuration that every node shall run.
    target: String,
    /// The configuration that it goes back to.
    base: Option<String>,
    started_by: String,
    started_at: String,
    ended_at: Option<String>,
    /// When it is done if nothing gets in the way. Not known while it waits for something that may
    /// take any time, or for nodes whose restarts nobody has measured yet.
    estimated_end: Option<String>,
    /// The entity tag, as a number.
    version: i64,
    /// Where each node is.
    nodes: Vec<NodeView>,
    /// What it waits for, if it waits.
    blocker: Option<BlockerView>,
    /// Who has stopped it, and why.
    paused: Option<WordView>,
    /// The node that failed first.
    failure: Option<FailureView>,
    /// What may be done about partitions that become unavailable: `wait`, `consent` or
    /// `raise_replication`.
    remedy: String,
    /// Who agreed to that, and why.
    consent: Option<WordView>,
    /// The maintenance window that it waits for, or is in.
    window: Option<WindowView>,
    all_nodes: bool,
    max_unavailable: i32,
    /// The orchestrator's own if `null`.
    canary_bake_seconds: Option<i64>,
    /// The orchestrator's own if `null`.
    soak_seconds: Option<i64>,
    /// What a client of the platform notices of the rollout.
    probe: Option<ProbeView>,
    /// When the orchestrator looked last.
    seen_at: Option<String>,
}

/// Where a node is in a rollout.
#[derive(Serialize, ToSchema)]
struct NodeView {
    node: i32,
    /// As in `node_states`.
    name: String,
    /// `pending`, `stopping`, `starting`, `recovering`, `registered`, `opening_listeners`,
    /// `proving`, `catching_up`, `soaking`, `done` or `failed`.
    phase: String,
    /// Since when.
    since: String,
}

/// What a rollout waits for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BlockerView {
    /// Stable, for programs.
    code: String,
    /// In words.
    text: String,
    since: String,
}

/// Who says something, and why.
#[derive(Serialize, ToSchema)]
struct WordView {
    name: String,
    reason: String,
}

/// How a node failed.
#[derive(Serialize, ToSchema)]
struct FailureView {
    node: i32,
    /// `keeps_exiting`, `not_up`, `not_in_sync`, `flaps`, `locks_out` or `lets_in`.
    kind: &'static str,
    /// What was seen, in words.
    why: String,
    /// The end of its log.
    log: String,
}

/// A maintenance window, four hours each week.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct WindowView {
    dow: String,
    time: String,
    /// When it opens next, if it is closed.
    opens_at: Option<String>,
    /// When it closes, if it is open.
    closes_at: Option<String>,
}

/// Records that a client of the platform wrote during a rollout.
#[derive(Serialize, ToSchema)]
struct ProbeView {
    sent: u64,
    /// Given up.
    failed: u64,
    /// Until the slowest was acknowledged.
    slowest_ms: u64,
    /// The longest time in which nothing was acknowledged.
    longest_gap_ms: u64,
}

/// The rollout that is under way, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RolloutBrief {
    pub(crate) id: String,
    /// `running`, `waiting_for_window`, `paused`, `halted` or `aborting`.
    pub(crate) state: String,
    /// `forward` or `back`.
    pub(crate) direction: String,
    /// How many of the nodes are done.
    pub(crate) nodes_done: usize,
    pub(crate) nodes: usize,
    blocker: Option<BlockerView>,
    /// When the maintenance window opens that it waits for.
    opens_at: Option<String>,
}

/// A rollout with what follows from it as things are now.
#[derive(Clone, Debug)]
pub(crate) struct RolloutLook {
    /// What is stored.
    pub(crate) record: RolloutRecord,
    /// As in the API's `rollout.state`.
    pub(crate) state: String,
    /// Where each node is, by number.
    pub(crate) phases: Vec<PhaseStatus>,
    /// What it waits for.
    pub(crate) blocker: Option<BlockerStatus>,
    /// When it is done if nothing gets in the way, if that is known.
    pub(crate) estimated_end: Option<Timestamp>,
}

/// The maintenance window of a service, if it has one.
pub(crate) fn window(service: &Service) -> Option<Window> {
    let time = service.maintenance_time.as_deref().unwrap_or("00:00:00");
    Window::parse(service.maintenance_dow.as_deref()?, time)
}

/// When the window opens that a rollout waits for; `None` if it waits for none.
pub(crate) fn opens_at(rollout: &RolloutRecord, now: Timestamp) -> Option<Timestamp> {
    let (dow, time) = rollout.window.as_ref().filter(|_| rollout.ended_at.is_none())?;
    match Window::parse(dow, time)?.at(now) {
        WindowState::Closed(opens) => Some(opens),
        WindowState::Open(_) => None,
    }
}

impl WindowView {
    /// How the window of that day and time is now; `None` if there is no such window.
    pub(crate) fn at(dow: &str, time: &str, now: Timestamp) -> Option<Self> {
        let (opens_at, closes_at) = match Window::parse(dow, time)?.at(now) {
            WindowState::Closed(opens) => (Some(rfc3339(opens)), None),
            WindowState::Open(closes) => (None, Some(rfc3339(closes))),
        };
        Some(Self { dow: dow.to_owned(), time: time.to_owned(), opens_at, closes_at })
    }
}

impl RolloutBrief {
    /// What it waits for, in words.
    pub(crate) fn waits_for(&self) -> Option<String> {
        let window =
            || Some(format!("the maintenance window, which opens {}", self.opens_at.as_ref()?));
        self.blocker.as_ref().map(|it| it.text.clone()).or_else(window)
    }

    /// A rollout that has not ended.
    pub(crate) fn of(rollout: &RolloutRecord, service: &Service, now: Timestamp) -> Self {
        let phases = phases(rollout, service);
        Self {
            id: rollout.id.to_string(),
            state: state(rollout, now),
            direction: rollout.direction.clone(),
            nodes_done: phases.iter().filter(|it| it.phase == "done").count(),
            nodes: phases.len(),
            blocker: blocker(rollout).map(BlockerView::from),
            opens_at: opens_at(rollout, now).map(rfc3339),
        }
    }
}

/// One rollout.
pub(super) async fn show(
    app: &App,
    service: &Service,
    rollout: RolloutRecord,
) -> Result<RolloutView, ApiError> {
    let mut shown = show_all(app, service, vec![rollout]).await?;
    shown.pop().ok_or(ApiError::NotFound("Rollout"))
}

/// Rollouts of a service.
pub(super) async fn show_all(
    app: &App,
    service: &Service,
    rollouts: Vec<RolloutRecord>,
) -> Result<Vec<RolloutView>, ApiError> {
    let now = Timestamp::now();
    let looks = look(app, service, rollouts, now).await?;
    Ok(looks.into_iter().map(|it| view(it, service, now)).collect())
}

/// How rollouts of a service are now.
pub(crate) async fn look(
    app: &App,
    service: &Service,
    rollouts: Vec<RolloutRecord>,
    now: Timestamp,
) -> Result<Vec<RolloutLook>, ApiError> {
    let usual = app.store.nodes.usual_ms(service.id).await?;
    let looks = rollouts.into_iter().map(|record| {
        let phases = phases(&record, service);
        RolloutLook {
            state: state(&record, now),
            blocker: blocker(&record),
            estimated_end: eta(&record, &phases, &usual, now),
            phases,
            record,
        }
    });
    Ok(looks.collect())
}

fn view(look: RolloutLook, service: &Service, now: Timestamp) -> RolloutView {
    let RolloutLook { record: rollout, state, phases, blocker, estimated_end } = look;
    let word = |(name, reason)| WordView { name, reason };
    let window = rollout.window.as_ref();
    let node = |it: &PhaseStatus| NodeView {
        node: it.node.0,
        name: format!("{}-{}", service.name, it.node),
        phase: it.phase.clone(),
        since: rfc3339(it.since),
    };
    RolloutView {
        id: rollout.id.to_string(),
        state,
        target: short(&rollout.target),
        base: rollout.base.as_deref().map(short),
        started_at: rfc3339(rollout.started_at),
        ended_at: rollout.ended_at.map(rfc3339),
        estimated_end: estimated_end.map(rfc3339),
        version: rollout.version,
        nodes: phases.iter().map(node).collect(),
        blocker: blocker.map(BlockerView::from),
        window: window.and_then(|(dow, time)| WindowView::at(dow, time, now)),
        probe: rollout.status.as_ref().and_then(|it| it.probe).map(ProbeView::from),
        seen_at: rollout.status_at.map(rfc3339),
        paused: rollout.paused.map(word),
        failure: rollout.failure.map(|(failure, log)| FailureView {
            node: failure.node.0,
            kind: failure.kind.as_str(),
            why: failure.why,
            log,
        }),
        consent: rollout.consent.map(word),
        direction: rollout.direction,
        started_by: rollout.started_by,
        remedy: rollout.remedy,
        all_nodes: rollout.all_nodes,
        max_unavailable: rollout.max_unavailable,
        canary_bake_seconds: rollout.canary_bake_ms.map(|it| it / 1000),
        soak_seconds: rollout.soak_ms.map(|it| it / 1000),
    }
}

/// In one word.
fn state(rollout: &RolloutRecord, now: Timestamp) -> String {
    if rollout.ended_at.is_some() {
        return rollout.outcome.clone().unwrap_or_else(|| "ended".to_owned());
    }
    let word = if rollout.is_halted {
        "halted"
    } else if rollout.paused.is_some() {
        "paused"
    } else if rollout.is_aborting {
        "aborting"
    } else if opens_at(rollout, now).is_some() {
        "waiting_for_window"
    } else {
        "running"
    };
    word.to_owned()
}

/// Where each node is. One of which nothing is known has not had its turn; in a rollout that went
/// well every one has.
fn phases(rollout: &RolloutRecord, service: &Service) -> Vec<PhaseStatus> {
    let seen = |id: NodeId| rollout.status.as_ref()?.nodes.iter().find(|it| it.node == id).cloned();
    let went_well = matches!(rollout.outcome.as_deref(), Some("done" | "rolled_back"));
    let phase = |id: NodeId| {
        let pending =
            PhaseStatus { node: id, phase: "pending".to_owned(), since: rollout.started_at };
        match (seen(id).unwrap_or(pending), rollout.ended_at) {
            (seen, Some(ended)) if went_well && seen.phase != "done" => {
                PhaseStatus { phase: "done".to_owned(), since: ended, ..seen }
            }
            (seen, _) => seen,
        }
    };
    service.nodes.iter().map(|it| phase(it.id)).collect()
}

fn blocker(rollout: &RolloutRecord) -> Option<BlockerStatus> {
    let status = rollout.status.as_ref().filter(|_| rollout.ended_at.is_none())?;
    status.blocker.clone()
}

/// A revision as people are shown it everywhere.
pub(crate) fn short(revision: &str) -> String {
    RevisionId::try_from(revision.to_owned())
        .map_or_else(|_| revision.to_owned(), |it| it.short().to_owned())
}

impl From<BlockerStatus> for BlockerView {
    fn from(blocker: BlockerStatus) -> Self {
        Self { code: blocker.code, text: blocker.text, since: rfc3339(blocker.since) }
    }
}

impl From<ProbeFigures> for ProbeView {
    fn from(figures: ProbeFigures) -> Self {
        let ProbeFigures { sent, failed, slowest_ms, longest_gap_ms } = figures;
        Self { sent, failed, slowest_ms, longest_gap_ms }
    }
}
