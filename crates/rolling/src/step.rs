//! The decision itself.

use std::collections::{BTreeMap, BTreeSet};

use model::{NodeId, Timestamp};

use crate::failure::failed;
use crate::gate::{canary, carried_out, not_whole, partitions, pending};
use crate::repair::repair;
use crate::replication::raise;
use crate::turn::{Placement, inherent, next_batch};
use crate::{
    AuthView, Blocker, Direction, Failure, Jwks, KafkaView, NewReplicas, PartitionId,
    PartitionView, Policy, Raised, Remedy, Rollout, ServiceView, Window, WindowState,
};

/// How long after its start a process that is gone counts as one that keeps exiting.
const START_AGAIN_MS: i64 = 10_000;
/// For how long after the cluster is whole preferred leaderships are restored before the next node.
const RESTORE_LEADERS_MS: i64 = 120_000;
/// How often, and for how long then, leaderships are looked after without a rollout.
const LEADERS_AGAIN_MS: i64 = 300_000;
const LEADERS_MOMENT_MS: i64 = 15_000;
/// How many leaderships are given back at once (KAFKA-20708).
const LEADERS_AT_ONCE: usize = 200;
/// A node's restart may take this much longer than usual, in halves, and still has to fit into the
/// maintenance window.
const WINDOW_MARGIN_HALVES: i64 = 3;

/// The topic to which the orchestrator's own client writes during a rollout.
pub const PROBE_TOPIC: &str = "_tidegate_probe";

/// How long after its opening a maintenance window takes nodes whose restart is longer than itself.
const WINDOW_BEGINS_MS: i64 = 15 * 60_000;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start these nodes with the revision that each is pinned to: they are down.
    Start(BTreeSet<NodeId>),
    /// Restart these nodes into the rollout's goal (or carry out again the orders that were written
    /// down for them).
    Restart(BTreeSet<NodeId>),
    /// Give these partitions back to their preferred replicas (`ElectLeaders`), which are in sync.
    RestoreLeaders(Vec<PartitionId>),
    /// Give these partitions more replicas: write down which they had, then tell Kafka.
    RaiseReplication(Vec<NewReplicas>),
    /// Give these partitions the replicas back that they had; forget the ones that have them.
    LowerReplication(Vec<Raised>),
    /// The first node of the rollout failed: write that down, and go back.
    GoBack(Failure),
    /// A node failed that is not the first: write that down, and wait for a person.
    Halt(Failure),
    /// Nothing can be done until this has passed.
    Wait(Blocker),
    /// The rollout is over. The cluster is whole.
    End(End),
    /// There is no rollout, and all is well.
    Idle,
}

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every node runs the target.
    Done,
    /// Every node runs the base again.
    RolledBack,
    /// A person ended it; nodes may run both.
    Aborted,
}

/// Decides the next step for a service, with or without a rollout under way.
///
/// In order of safety: a node that failed after its order ends the way forward; a node that cannot
/// come up with what it was given is moved on; a node that is down is started, always; then nothing
/// happens until every node is whole and every replica in sync, has been so for a while, and leads
/// what it should; then stale nodes follow, the active controller last. An order that was written
/// down and not carried out, because the orchestrator died, is no more than the next turn: the same
/// gates hold for it again.
pub fn next_step(rollout: Option<&Rollout>, view: &ServiceView, now: Timestamp) -> Step {
    let Some(rollout) = rollout else { return without_rollout(view, now) };
    if rollout.halted.is_none()
        && let Some(failure) = failed(rollout, view, now)
    {
        let back = rollout.base.as_ref().is_some_and(|it| *it != rollout.target);
        let first = canary(rollout, view) == Some(failure.node);
        return if first && back { Step::GoBack(failure) } else { Step::Halt(failure) };
    }
    let halted = rollout.halted.as_ref().map(|it| Step::Wait(Blocker::Halted(it.clone())));
    if let Some(step) = repair(rollout, view, now).or_else(|| start_what_is_down(view, now)) {
        return halted.filter(|_| matches!(step, Step::Wait(_))).unwrap_or(step);
    }
    if let Some(blocker) = busy(view) {
        return Step::Wait(blocker);
    }
    let Some(kafka) = &view.kafka else {
        return halted.unwrap_or(Step::Wait(Blocker::KafkaSilent));
    };
    if let Some(blocker) = not_whole(view, kafka).or_else(|| unproven(rollout, view)) {
        return halted.unwrap_or(Step::Wait(blocker));
    }
    if let Some(halted) = halted {
        return if rollout.abort { Step::End(End::Aborted) } else { halted };
    }
    if let Some(step) = settle(rollout, view, kafka, now) {
        return step;
    }
    proceed(rollout, view, kafka, now)
}

fn without_rollout(view: &ServiceView, now: Timestamp) -> Step {
    if let Some(step) = start_what_is_down(view, now) {
        return step;
    }
    let blocker = busy(view).or_else(|| match &view.kafka {
        None => Some(Blocker::KafkaSilent),
        Some(kafka) => not_whole(view, kafka),
    });
    match blocker {
        Some(blocker) => Step::Wait(blocker),
        None if !view.raised.is_empty() => Step::LowerReplication(view.raised.clone()),
        None => {
            let kafka = view.kafka.as_ref().filter(|_| is_time_for_leaders(view, now));
            let leaders = kafka.and_then(|it| restore_leaders(&Policy::default(), view, it, now));
            leaders.unwrap_or(Step::Idle)
        }
    }
}

pub(crate) fn busy(view: &ServiceView) -> Option<Blocker> {
    view.nodes.iter().find_map(|(id, node)| node.busy.then_some(Blocker::Busy(*id)))
}

fn start_what_is_down(view: &ServiceView, now: Timestamp) -> Option<Step> {
    let down = view.nodes.iter().filter(|(_, it)| it.process.is_none() && !it.busy);
    let recent = |id: &NodeId| {
        let last = view.nodes.get(id).and_then(|it| it.starts.last());
        last.is_some_and(|it| now.ms_since(*it) < START_AGAIN_MS)
    };
    let (waiting, ready): (BTreeSet<NodeId>, BTreeSet<NodeId>) =
        down.map(|(id, _)| *id).partition(recent);
    if !ready.is_empty() {
        return Some(Step::Start(ready));
    }
    waiting.first().map(|&id| Step::Wait(Blocker::KeepsExiting(id)))
}

/// A node that was restarted in this rollout and has not shown yet whom it lets in.
fn unproven(rollout: &Rollout, view: &ServiceView) -> Option<Blocker> {
    let proven = |id: &NodeId| view.nodes.get(id).is_none_or(|it| it.auth == AuthView::Proven);
    carried_out(rollout, view).find(|id| !proven(id)).map(Blocker::AuthUnproven)
}

/// What has to pass after a restart before anything else: the preferred leaders are back, and all
/// has stayed whole for a while.
fn settle(
    rollout: &Rollout,
    view: &ServiceView,
    kafka: &KafkaView,
    now: Timestamp,
) -> Option<Step> {
    let (node, _) = rollout.orders.iter().max_by_key(|(_, it)| it.at)?;
    let policy = &rollout.policy;
    let soak = if canary(rollout, view).is_some() { policy.canary_bake_ms } else { policy.soak_ms };
    let Some(since) = view.whole_since else {
        return Some(Step::Wait(Blocker::Soaking(*node, now.plus_ms(soak))));
    };
    if now.ms_since(since) < RESTORE_LEADERS_MS
        && let Some(step) = restore_leaders(policy, view, kafka, now)
    {
        return Some(step);
    }
    let calm = view.calm_since.unwrap_or(now).max(since);
    (now.ms_since(calm) < soak).then(|| Step::Wait(Blocker::Soaking(*node, calm.plus_ms(soak))))
}

/// Gives leaderships back to the preferred replicas, if some are elsewhere.
fn restore_leaders(
    policy: &Policy,
    view: &ServiceView,
    kafka: &KafkaView,
    now: Timestamp,
) -> Option<Step> {
    let away = |it: &&PartitionView| {
        it.leader != it.replicas.first().copied()
            && it.replicas.first().is_some_and(|it| view.nodes.contains_key(it))
    };
    let found = partitions(kafka.partitions.iter().filter(away))?;
    let calm_ms = view.calm_since.map(|it| now.ms_since(it));
    let next = next_leaders(policy, kafka, kafka.partitions.iter().filter(away), calm_ms);
    let waits = next.is_empty();
    Some(if waits { Step::Wait(Blocker::LeadersAway(found)) } else { Step::RestoreLeaders(next) })
}

/// Whether leaderships are to be given back without a rollout: after all has become whole, and now
/// and then for a moment, if somebody has moved them.
fn is_time_for_leaders(view: &ServiceView, now: Timestamp) -> bool {
    let since = |it: Option<Timestamp>| it.map(|it| now.ms_since(it));
    since(view.whole_since).is_some_and(|it| it < RESTORE_LEADERS_MS)
        || since(view.calm_since).is_some_and(|it| it % LEADERS_AGAIN_MS < LEADERS_MOMENT_MS)
}

/// The leaderships that go back next, so that a process that has just started is warm before much
/// depends on it: first those of the probe, on which nobody waits; `leaders_delay_ms` later one to
/// each node, and twice as many as it has whenever a look shows the same leaders as the one before.
/// Kafka's own topics go last: who leads those coordinates groups, which have to wait while it loads
/// them.
fn next_leaders<'a>(
    policy: &Policy,
    kafka: &KafkaView,
    away: impl Iterator<Item = &'a PartitionView>,
    calm_ms: Option<i64>,
) -> Vec<PartitionId> {
    let is_probe = |it: &PartitionView| *it.topic == *PROBE_TOPIC;
    let (probe, mut away): (Vec<&PartitionView>, Vec<_>) = away.partition(|it| is_probe(it));
    if !probe.is_empty() {
        return probe.into_iter().map(PartitionView::id).collect();
    }
    let Some(calm_ms) = calm_ms else { return Vec::new() };
    let mut leads: BTreeMap<NodeId, usize> = BTreeMap::new();
    for leader in kafka.partitions.iter().filter(|it| !is_probe(it)).filter_map(|it| it.leader) {
        *leads.entry(leader).or_default() += 1;
    }
    away.sort_by_key(|it| (it.topic.starts_with("__"), &it.topic, it.index));
    let mut given: BTreeMap<NodeId, usize> = BTreeMap::new();
    away.retain(|it| {
        let Some(to) = it.replicas.first() else { return false };
        let leads = leads.get(to).copied().unwrap_or(0);
        let given = given.entry(*to).or_default();
        *given += 1;
        let is_warm = leads > 0 || calm_ms >= policy.leaders_delay_ms;
        is_warm && *given <= (2 * leads).clamp(1, LEADERS_AT_ONCE)
    });
    away.into_iter().map(PartitionView::id).collect()
}

/// All is whole: ends the rollout, or takes the next nodes.
fn proceed(rollout: &Rollout, view: &ServiceView, kafka: &KafkaView, now: Timestamp) -> Step {
    let stale = stale(rollout, view);
    if stale.is_empty() {
        if !view.raised.is_empty() {
            return Step::LowerReplication(view.raised.clone());
        }
        return Step::End(match rollout.direction {
            Direction::Forward => End::Done,
            Direction::Back => End::RolledBack,
        });
    }
    if rollout.abort {
        return Step::End(End::Aborted);
    }
    if let Some(paused) = &rollout.paused {
        return Step::Wait(Blocker::Paused(paused.clone()));
    }
    if let Some(found) = inherent(kafka, &stale) {
        match rollout.remedy {
            Remedy::Consent => {}
            Remedy::Wait => return Step::Wait(Blocker::NeedsConsent(found)),
            Remedy::RaiseReplication => match raise(view, kafka, &stale) {
                raised if raised.is_empty() => return Step::Wait(Blocker::NeedsConsent(found)),
                raised => return Step::RaiseReplication(raised),
            },
        }
    }
    if let Some(blocker) = jwks(view) {
        return Step::Wait(blocker);
    }
    match next_batch(rollout, view, kafka, &Placement::of(kafka), &stale) {
        Err(blocker) => Step::Wait(blocker),
        // The way back is not put off: the first node may be refusing clients.
        Ok(batch) if rollout.direction == Direction::Back => Step::Restart(batch),
        Ok(batch) => match rollout.window.and_then(|it| outside(it, view, &batch, now)) {
            Some(blocker) => Step::Wait(blocker),
            None => Step::Restart(batch),
        },
    }
}

/// Nodes that do not run the goal, or would not come up with it.
pub(crate) fn stale(rollout: &Rollout, view: &ServiceView) -> BTreeSet<NodeId> {
    let goal = rollout.goal();
    let stale = view.nodes.iter().filter(|(id, node)| {
        let runs = node.process.as_ref().map_or(&node.pinned, |it| &it.revision);
        let order = rollout.orders.get(id).filter(|it| it.revision == *goal);
        let forward = rollout.direction == Direction::Forward;
        let again =
            rollout.restart_all && forward && order.is_none_or(|it| pending(view, **id, it));
        runs != goal || node.pinned != *goal || again
    });
    stale.map(|(id, _)| *id).collect()
}

pub(crate) fn jwks(view: &ServiceView) -> Option<Blocker> {
    match &view.jwks {
        Jwks::Unusable(why) => Some(Blocker::Jwks(why.clone())),
        Jwks::NotNeeded | Jwks::Usable => None,
    }
}

/// Why these nodes may not be restarted within the maintenance window now.
fn outside(
    window: Window,
    view: &ServiceView,
    batch: &BTreeSet<NodeId>,
    now: Timestamp,
) -> Option<Blocker> {
    let closes = match window.at(now) {
        WindowState::Closed(opens) => return Some(Blocker::WindowClosed(opens)),
        WindowState::Open(closes) => closes,
    };
    let (node, takes) =
        batch.iter().map(|id| (*id, view.restart_ms(*id))).max_by_key(|(_, takes)| *takes)?;
    // What is longer than a window would never fit: it may begin with one.
    let needs = (takes * WINDOW_MARGIN_HALVES / 2).min(Window::LENGTH_MS - WINDOW_BEGINS_MS);
    let fits = now.plus_ms(needs).0 <= closes.0;
    let WindowState::Closed(opens) = window.at(closes) else { return None };
    (!fits).then_some(Blocker::WindowTooShort(node, opens))
}
