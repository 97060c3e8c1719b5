//! Sick nodes that cannot come up with what they were given.

use std::collections::BTreeSet;

use model::{NodeId, Timestamp};

use crate::failure::FALLS;
use crate::gate::{lagging, pending, sick};
use crate::step::{busy, jwks, stale};
use crate::turn::blocked_sick;
use crate::{KafkaView, NodeView, PartitionView, Rollout, ServiceView, Step};

/// How often a process may be started anew before it counts as one that never stays.
pub(crate) const STARTS: usize = 2;

/// What was ordered of a sick node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ordered {
    /// To run something that is not the goal any more, or never was.
    Elsewhere,
    /// To run the goal; the old process is there still.
    NotYet,
    /// To run the goal, before a person let the rollout go on.
    Earlier,
    /// To run the goal, and it has its time.
    Lately,
    /// Nothing that counts.
    Nothing,
}

/// Moves on to the goal what cannot come up with what it was given. One that has just been started
/// gets its time first, and what a person has stopped touches no node but those under way.
pub(crate) fn repair(rollout: &Rollout, view: &ServiceView, now: Timestamp) -> Option<Step> {
    if rollout.halted.is_some() || busy(view).is_some() || jwks(view).is_some() {
        return None;
    }
    let stale = stale(rollout, view);
    let is_sick = |it: &(&NodeId, &NodeView)| sick(view, *it.0).is_some();
    let all_sick: Vec<(&NodeId, &NodeView)> = view.nodes.iter().filter(is_sick).collect();
    let is_alone = all_sick.len() == 1;
    let is_stopped = rollout.paused.is_some() || rollout.abort;
    let moves_on = |(id, seen): &(&NodeId, &NodeView)| {
        let is_stuck = is_stuck(rollout, seen, now);
        match ordered(rollout, view, **id, stale.contains(id)) {
            Ordered::Elsewhere => is_stuck || !is_stopped,
            Ordered::NotYet => !is_stopped,
            Ordered::Earlier => is_stuck && !is_stopped && seen.process.is_some(),
            Ordered::Nothing => is_stuck && !is_stopped && (is_alone || seen.process.is_none()),
            Ordered::Lately => false,
        }
    };
    let mut moving: Vec<(&NodeId, &NodeView)> = all_sick.into_iter().filter(moves_on).collect();
    moving.extend(left_behind(rollout, view, now).filter(|it| stale.contains(it.0)));
    // Who has no process serves nobody: nothing has to be asked before it gets another revision.
    let down: BTreeSet<NodeId> =
        moving.iter().filter(|(_, seen)| seen.process.is_none()).map(|it| *it.0).collect();
    if !down.is_empty() {
        return Some(Step::Restart(down));
    }
    let is_only = view.nodes.len() == 1;
    let free = |(id, seen): &(&NodeId, &NodeView)| match &view.kafka {
        Some(kafka) => {
            blocked_sick(rollout, kafka, **id).is_none()
                && (is_stuck(rollout, seen, now) || !is_waited_for(kafka, **id, flaps(seen)))
        }
        // Silence for a moment is no sickness.
        None => is_only && rollout.orders.contains_key(id) && is_stuck(rollout, seen, now),
    };
    // A restart would begin the work on the logs anew.
    let mut waiting = moving.into_iter().filter(|it| !it.1.recovering);
    let (&node, _) = waiting.find(free)?;
    Some(Step::Restart(BTreeSet::from([node])))
}

/// Whether clients wait for a node: it is back so far that it may come in sync any moment, and there
/// are partitions that cannot be written to before it does. One that flaps would be waited for without
/// end where no replica can be missed.
fn is_waited_for(kafka: &KafkaView, node: NodeId, flaps: bool) -> bool {
    let waits = |it: &PartitionView| {
        it.in_sync.len() < it.effective_min_in_sync()
            && !(flaps && it.replicas.len() <= it.effective_min_in_sync())
            && it.replicas.contains(&node)
            && !it.in_sync.contains(&node)
    };
    kafka.fenced.get(&node) == Some(&false) && kafka.partitions.iter().any(waits)
}

/// Whether a process has fallen away again and again.
fn flaps(seen: &NodeView) -> bool {
    seen.falls.len() >= FALLS
}

/// Nodes that are well but for replicas that do not come in sync with what they were given, or do not
/// stay so, and shall run something else.
fn left_behind<'a>(
    rollout: &Rollout,
    view: &'a ServiceView,
    now: Timestamp,
) -> impl Iterator<Item = (&'a NodeId, &'a NodeView)> {
    let limit = rollout.policy.stall_limit_ms;
    let stalled = |seen: &NodeView| {
        let started = seen.starts.last().copied();
        seen.progress_at.is_some_and(|it| now.ms_since(started.map_or(it, |at| at.max(it))) > limit)
    };
    let goal = rollout.goal();
    let elsewhere = |id: &NodeId| {
        let order = rollout.orders.get(id);
        order.is_some_and(|it| it.revision != *goal || pending(view, *id, it))
    };
    let found = view
        .nodes
        .iter()
        .filter(|(_, seen)| stalled(seen) || flaps(seen))
        .filter(|(id, _)| elsewhere(id) && sick(view, **id).is_none());
    let found: Vec<(&NodeId, &NodeView)> = found.collect();
    let any = view.kafka.as_ref().filter(|_| !found.is_empty());
    let lagging = any.map(lagging).unwrap_or_default();
    found.into_iter().filter(move |(id, _)| lagging.contains_key(id))
}

fn ordered(rollout: &Rollout, view: &ServiceView, node: NodeId, is_stale: bool) -> Ordered {
    match rollout.orders.get(&node) {
        Some(it) if it.revision != *rollout.goal() && is_stale => Ordered::Elsewhere,
        Some(it) if pending(view, node, it) && is_stale => Ordered::NotYet,
        Some(it) if it.at < rollout.since && !is_stale => Ordered::Earlier,
        _ if is_stale => Ordered::Nothing,
        _ => Ordered::Lately,
    }
}

/// Whether a sick node has had its time: its process ends again and again, or was started, and well
/// last, so long ago that it should be up.
fn is_stuck(rollout: &Rollout, seen: &NodeView, now: Timestamp) -> bool {
    let patience = rollout.policy.start_limit_ms;
    let nth_last = |n: usize| seen.starts.len().checked_sub(n).map(|it| seen.starts[it]);
    match &seen.process {
        // Within twice the time, so that one that takes its time to exit is found out too.
        None => nth_last(STARTS).is_some_and(|it| now.ms_since(it) <= 2 * patience),
        Some(_) => seen.progress_at.is_some_and(|well| {
            now.ms_since(nth_last(1).map_or(well, |it| it.max(well))) > patience
        }),
    }
}
