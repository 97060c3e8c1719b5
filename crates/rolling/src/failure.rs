//! Why a node counts as failed after its restart.

use std::cell::OnceCell;
use std::fmt;

use model::{NodeId, Timestamp};

use crate::gate::{self, pending};
use crate::repair::STARTS;
use crate::{AuthView, NodeView, Order, PartitionView, Rollout, ServiceView};

/// How often a process may fall away after all of it was well.
pub(crate) const FALLS: usize = 3;

/// A node that did not come back as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which node.
    pub node: NodeId,
    /// What kind of failure.
    pub kind: FailureKind,
    /// What was seen, in words.
    pub why: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Its process ended again and again soon after it was started.
    KeepsExiting,
    /// It was not registered, unfenced and answering in time.
    NotUp,
    /// It did not get back into the in-sync replicas, and nothing moved any more.
    NotInSync,
    /// It came back, and fell away again and again.
    Flaps,
    /// It refused who should get in.
    LocksOut,
    /// It let in who should not.
    LetsIn,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::KeepsExiting,
        Self::NotUp,
        Self::NotInSync,
        Self::Flaps,
        Self::LocksOut,
        Self::LetsIn,
    ];

    /// A stable name, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeepsExiting => "keeps_exiting",
            Self::NotUp => "not_up",
            Self::NotInSync => "not_in_sync",
            Self::Flaps => "flaps",
            Self::LocksOut => "locks_out",
            Self::LetsIn => "lets_in",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}: {}", self.node, self.why)
    }
}

/// The first node that was restarted into the goal and will not come back as it should.
pub(crate) fn failed(rollout: &Rollout, view: &ServiceView, now: Timestamp) -> Option<Failure> {
    let lagging = OnceCell::new();
    rollout.orders_into_goal().find_map(|(node, order)| {
        let seen = view.nodes.get(&node)?;
        if seen.busy || pending(view, node, order) {
            return None;
        }
        let (kind, why) = cause(rollout, view, node, seen, order, now).or_else(|| {
            let is_up = gate::sick(view, node).is_none();
            let kafka = view.kafka.as_ref()?;
            if !is_up || !is_stalled(rollout, view, seen, order, now) {
                return None;
            }
            let missed = lagging.get_or_init(|| gate::lagging(kafka)).get(&node)?;
            Some(not_in_sync(rollout, *missed))
        })?;
        Some(Failure { node, kind, why })
    })
}

fn cause(
    rollout: &Rollout,
    view: &ServiceView,
    node: NodeId,
    seen: &NodeView,
    order: &Order,
    now: Timestamp,
) -> Option<(FailureKind, String)> {
    let policy = &rollout.policy;
    let starts = seen.starts.iter().filter(|it| **it >= from(rollout, order)).count();
    if (seen.process.is_none() && starts >= STARTS) || starts > STARTS {
        let why = format!("its process was started {starts} times and ended each time");
        return Some((FailureKind::KeepsExiting, why));
    }
    if let AuthView::LetsIn(who) = &seen.auth {
        return Some((FailureKind::LetsIn, who.clone()));
    }
    let falls = seen.falls.iter().filter(|it| **it >= from(rollout, order)).count();
    if falls >= FALLS {
        let why = format!("it was well, and then fenced or out of sync again, {falls} times");
        return Some((FailureKind::Flaps, why));
    }
    let moved = moved(rollout, view, seen, order)?;
    let patience = policy.start_limit_ms.max(seen.usual_ms.unwrap_or(0).saturating_mul(3));
    if let Some(blocker) = gate::sick(view, node) {
        let late = now.ms_since(moved) > patience;
        return late.then(|| {
            let seconds = now.ms_since(moved) / 1000;
            (FailureKind::NotUp, format!("{blocker}, without progress for {seconds} s"))
        });
    }
    if let AuthView::LocksOut { why, since } = &seen.auth
        && now.ms_since((*since).max(from(rollout, order))) > policy.auth_limit_ms
    {
        return Some((FailureKind::LocksOut, why.clone()));
    }
    None
}

/// Since when a node may count as failed: its order, or when a person let the rollout go on.
fn from(rollout: &Rollout, order: &Order) -> Timestamp {
    order.at.max(rollout.since)
}

/// When it moved last. Trouble counts from then and not from its start, which may be long ago.
/// `None` if no limit runs: it is not there, works on its logs, or nobody has watched it; or it came
/// up in another revision meanwhile, which is no work of the order.
fn moved(
    rollout: &Rollout,
    view: &ServiceView,
    seen: &NodeView,
    order: &Order,
) -> Option<Timestamp> {
    seen.process.as_ref().filter(|it| !seen.recovering && it.revision == order.revision)?;
    // Without a controller no node gets any further.
    if view.kafka.as_ref().is_some_and(|it| it.quorum.leader.is_none()) {
        return None;
    }
    let started = seen.starts.last().copied().unwrap_or(order.at);
    Some(seen.progress_at?.max(started).max(from(rollout, order)))
}

fn is_stalled(
    rollout: &Rollout,
    view: &ServiceView,
    seen: &NodeView,
    order: &Order,
    now: Timestamp,
) -> bool {
    let moved = moved(rollout, view, seen, order);
    moved.is_some_and(|it| now.ms_since(it) > rollout.policy.stall_limit_ms)
}

fn not_in_sync(rollout: &Rollout, missed: Option<&PartitionView>) -> (FailureKind, String) {
    let example = missed.map_or_else(|| "__cluster_metadata".to_owned(), PartitionView::name);
    let seconds = rollout.policy.stall_limit_ms / 1000;
    let why = format!("it is not in sync ({example}), without progress for {seconds} s");
    (FailureKind::NotInSync, why)
}
