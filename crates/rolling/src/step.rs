//! The decision itself.

use std::collections::BTreeSet;

use model::{NodeId, Timestamp};

use crate::{Blocker, Jwks, KafkaView, Rollout, ServiceView, gate};

/// How long after its start a process that is gone counts as one that keeps exiting.
const START_AGAIN_MS: i64 = 10_000;
/// For how long after an order its node's preferred leaderships are restored before the next.
const RESTORE_LEADERS_MS: i64 = 120_000;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start these nodes with the revision that each is pinned to: they are down.
    Start(BTreeSet<NodeId>),
    /// Restart this node into the rollout's target (or carry out again the order that was written
    /// down for it).
    Restart(NodeId),
    /// Give leaderships back to the preferred replicas (`ElectLeaders`), now that they are in sync.
    RestoreLeaders,
    /// Nothing can be done until this has passed.
    Wait(Blocker),
    /// Every node runs the target, and the cluster is whole. Without a rollout: all is well.
    Done,
}

/// Decides the next step for a service, with or without a rollout under way.
///
/// In order of safety: a node that is down is started, always; an order that was written down is
/// carried out; a stale node that is itself sick goes first; then nothing else happens until every
/// node is whole and every replica in sync; then stale nodes follow, the active controller last.
pub fn next_step(rollout: Option<&Rollout>, view: &ServiceView, now: Timestamp) -> Step {
    if let Some(&node) = view.nodes.iter().find_map(|(id, node)| node.busy.then_some(id)) {
        return Step::Wait(Blocker::Busy(node));
    }
    if let Some(rollout) = rollout
        && let Some(order) = &rollout.order
        && order.revision == rollout.target
        && gate::pending(view, order)
    {
        return Step::Restart(order.node);
    }
    if let Some(step) = repair(rollout, view, now) {
        return step;
    }
    let Some(kafka) = &view.kafka else { return Step::Wait(Blocker::KafkaSilent) };
    if let Some(blocker) = not_whole(view, kafka) {
        return Step::Wait(blocker);
    }
    let Some(rollout) = rollout else { return Step::Done };
    let restoring =
        rollout.order.as_ref().is_some_and(|it| now.ms_since(it.at) < RESTORE_LEADERS_MS);
    if restoring && kafka.partitions.iter().any(|it| it.leader != it.replicas.first().copied()) {
        return Step::RestoreLeaders;
    }
    let active = kafka.quorum.leader;
    match stale(rollout, view).min_by_key(|id| (active == Some(*id), *id)) {
        None => Step::Done,
        Some(node) => match blocked(view, kafka, node) {
            Some(blocker) => Step::Wait(blocker),
            None => Step::Restart(node),
        },
    }
}

/// Nodes that do not run the target, or would not come up with it.
fn stale<'a>(rollout: &'a Rollout, view: &'a ServiceView) -> impl Iterator<Item = NodeId> + 'a {
    view.nodes.iter().filter_map(|(id, node)| {
        let runs = node.process.as_ref().map_or(&node.pinned, |it| &it.revision);
        (*runs != rollout.target || node.pinned != rollout.target).then_some(*id)
    })
}

/// Starts what is down. A node that is down or sick and also stale is moved on to the target
/// instead, if it is the only one: what it was given last may be what keeps it from coming up.
fn repair(rollout: Option<&Rollout>, view: &ServiceView, now: Timestamp) -> Option<Step> {
    if let (Some(rollout), Some(kafka)) = (rollout, &view.kafka) {
        let mut sick = view.nodes.keys().filter(|id| gate::sick(view, kafka, **id).is_some());
        let only = sick.next().filter(|_| sick.next().is_none()).copied();
        let overtaken = rollout
            .order
            .as_ref()
            .is_some_and(|it| Some(it.node) == only && it.revision != rollout.target);
        if let Some(node) = only.filter(|_| overtaken)
            && stale(rollout, view).any(|it| it == node)
            && blocked(view, kafka, node).is_none()
        {
            return Some(Step::Restart(node));
        }
    }
    let down: BTreeSet<NodeId> =
        view.nodes.iter().filter(|(_, it)| it.process.is_none()).map(|(id, _)| *id).collect();
    let recent = |id: &NodeId| {
        let last = view.nodes.get(id).and_then(|it| it.last_start);
        last.is_some_and(|it| now.ms_since(it) < START_AGAIN_MS)
    };
    let (waiting, ready): (BTreeSet<_>, BTreeSet<_>) = down.into_iter().partition(recent);
    if !ready.is_empty() {
        return Some(Step::Start(ready));
    }
    waiting.first().map(|&id| Step::Wait(Blocker::KeepsExiting(id)))
}

/// The first reason why the cluster as a whole is not as it shall be.
fn not_whole(view: &ServiceView, kafka: &KafkaView) -> Option<Blocker> {
    view.nodes.keys().find_map(|id| gate::sick(view, kafka, *id)).or_else(|| gate::unsettled(kafka))
}

/// What speaks against restarting `node` into the target now.
fn blocked(view: &ServiceView, kafka: &KafkaView, node: NodeId) -> Option<Blocker> {
    if let Jwks::Unusable(why) = &view.jwks {
        return Some(Blocker::Jwks(why.clone()));
    }
    gate::unsafe_without(kafka, node)
}
