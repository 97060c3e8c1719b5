//! Where each node is in a rollout. For display: nothing is decided by it.

use std::collections::BTreeMap;

use model::{NodeId, Timestamp};

use crate::gate::{lagging, pending};
use crate::step::stale;
use crate::{AuthView, KafkaView, NodeView, Rollout, ServiceView, Step, next_step};

/// Where a node is in a rollout, in the order in which it gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Its turn has not come.
    Pending,
    /// Told to stop; its old process still runs.
    Stopping,
    /// Its old process is gone and no new one has registered.
    Starting,
    /// It works on its logs after an unclean stop.
    Recovering,
    /// Registered, and fenced still.
    Registered,
    /// Unfenced; not each listener answers.
    OpeningListeners,
    /// It has to show whom it lets in.
    Proving,
    /// Replicas of it are out of sync.
    CatchingUp,
    /// All of it is well; leaders go back, and it is watched for a while.
    Soaking,
    /// Done with.
    Done,
    /// It did not come back as it should.
    Failed,
}

impl Phase {
    /// A stable name, for programs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Stopping => "stopping",
            Self::Starting => "starting",
            Self::Recovering => "recovering",
            Self::Registered => "registered",
            Self::OpeningListeners => "opening_listeners",
            Self::Proving => "proving",
            Self::CatchingUp => "catching_up",
            Self::Soaking => "soaking",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Where each node is.
pub fn phases(rollout: &Rollout, view: &ServiceView, now: Timestamp) -> BTreeMap<NodeId, Phase> {
    let stale = stale(rollout, view);
    let latest = rollout.orders.iter().max_by_key(|(_, it)| it.at).map(|(id, _)| *id);
    let settling = matches!(
        next_step(Some(rollout), view, now),
        Step::RestoreLeaders(_)
            | Step::Wait(crate::Blocker::Soaking(..) | crate::Blocker::LeadersAway(_))
    );
    let lagging = view.kafka.as_ref().map(lagging).unwrap_or_default();
    let phase = |id: NodeId, seen: &NodeView| {
        if rollout.halted.as_ref().is_some_and(|it| it.node == id) {
            return Phase::Failed;
        }
        let order = rollout.orders.get(&id).filter(|it| it.revision == *rollout.goal());
        let ordered = order.is_some_and(|it| pending(view, id, it));
        if ordered {
            return Phase::Stopping;
        }
        if stale.contains(&id) && !seen.busy && order.is_none() {
            return Phase::Pending;
        }
        match coming_up(id, seen, view.kafka.as_ref(), order.is_some()) {
            Some(phase) => phase,
            None if lagging.contains_key(&id) => Phase::CatchingUp,
            None if settling && latest == Some(id) => Phase::Soaking,
            None => Phase::Done,
        }
    };
    view.nodes.iter().map(|(id, seen)| (*id, phase(*id, seen))).collect()
}

/// Where a node is between its start and being proven; `None` if it is.
fn coming_up(
    id: NodeId,
    seen: &NodeView,
    kafka: Option<&KafkaView>,
    restarted: bool,
) -> Option<Phase> {
    if seen.process.is_none() || seen.busy {
        return Some(Phase::Starting);
    }
    if seen.recovering {
        return Some(Phase::Recovering);
    }
    let Some(kafka) = kafka else { return Some(Phase::Starting) };
    match kafka.fenced.get(&id) {
        None => return Some(Phase::Starting),
        Some(true) => return Some(Phase::Registered),
        Some(false) if !seen.answers => return Some(Phase::OpeningListeners),
        Some(false) => {}
    }
    (restarted && seen.auth != AuthView::Proven).then_some(Phase::Proving)
}
