//! A cluster small enough to reason about, and what examples do to it.

use std::collections::BTreeMap;

use model::{NodeId, RevisionId, Timestamp};

use crate::{
    AuthView, Blocker, Direction, Incarnation, Jwks, KafkaView, NodeView, Order, PartitionView,
    Partitions, Policy, Process, Quorum, Remedy, Rollout, ServiceView, Step, next_step,
};

/// The digit that names the revision every node starts with.
pub(super) const OLD: char = 'a';
/// The digit that names the revision a rollout brings.
pub(super) const NEW: char = 'b';
/// The digit of a third one.
pub(super) const NEWER: char = 'c';
/// When examples decide: long after everything has begun.
pub(super) const NOW: Timestamp = Timestamp(10_000_000);

pub(super) fn revision(digit: char) -> RevisionId {
    RevisionId::try_from(digit.to_string().repeat(64)).unwrap()
}

pub(super) fn rollout(to: char) -> Rollout {
    Rollout {
        target: revision(to),
        base: Some(revision(OLD)),
        direction: Direction::Forward,
        orders: BTreeMap::new(),
        restart_all: false,
        paused: None,
        halted: None,
        abort: false,
        remedy: Remedy::Wait,
        window: None,
        policy: Policy::default(),
        since: Timestamp(0),
    }
}

/// A rollout in which these nodes were ordered into its target a long time ago.
pub(super) fn rollout_with(to: char, ordered: &[i32]) -> Rollout {
    let mut rollout = rollout(to);
    rollout.orders = ordered.iter().map(|id| (NodeId(*id), order(*id, to))).collect();
    rollout
}

/// An order whose process was the node's first one.
pub(super) fn order(id: i32, to: char) -> Order {
    let from = Some(Incarnation(format!("{id}-{OLD}")));
    Order { revision: revision(to), from, at: NOW.plus_ms(-1_000_000), attempt: 1 }
}

pub(super) fn ids<const N: usize>(ids: [i32; N]) -> std::collections::BTreeSet<NodeId> {
    ids.map(NodeId).into()
}

pub(super) fn restart<const N: usize>(nodes: [i32; N]) -> Step {
    Step::Restart(ids(nodes))
}

pub(super) fn found(count: usize, example: &str) -> Partitions {
    Partitions { count, example: example.to_owned() }
}

pub(super) fn decide(rollout: &Rollout, view: &ServiceView) -> Step {
    next_step(Some(rollout), view, NOW)
}

/// What it waits for; panics if it does not wait.
pub(super) fn waits_for(rollout: &Rollout, view: &ServiceView) -> Blocker {
    match decide(rollout, view) {
        Step::Wait(blocker) => blocker,
        step => panic!("{step:?} is no waiting"),
    }
}

/// A cluster of `n` nodes, whole for long; the last one leads the quorum. Three partitions of
/// `orders`, as many replicas as there are up to three, one of which may be missed.
pub(super) fn whole(n: i32, runs: char) -> ServiceView {
    let nodes: Vec<NodeId> = (1..=n).map(NodeId).collect();
    let rf = nodes.len().min(3);
    let replicas = |index: usize| (0..rf).map(|it| nodes[(index + it) % nodes.len()]).collect();
    ServiceView {
        nodes: nodes.iter().map(|id| (*id, node_view(*id, runs))).collect(),
        kafka: Some(KafkaView {
            fenced: nodes.iter().map(|id| (*id, false)).collect(),
            quorum: Quorum {
                leader: nodes.last().copied(),
                epoch: 1,
                voters: nodes.iter().copied().collect(),
                caught_up: nodes.iter().copied().collect(),
                behind: std::collections::BTreeSet::new(),
            },
            partitions: (0..3).map(|it| partition("orders", it, replicas(it), rf - 1)).collect(),
            ..KafkaView::default()
        }),
        jwks: Jwks::Usable,
        whole_since: Some(Timestamp(0)),
        calm_since: Some(Timestamp(0)),
        raised: Vec::new(),
    }
}

fn node_view(id: NodeId, runs: char) -> NodeView {
    NodeView {
        pinned: revision(runs),
        process: Some(Process {
            incarnation: Incarnation(format!("{id}-{runs}")),
            revision: revision(runs),
        }),
        busy: false,
        starts: vec![Timestamp(1)],
        recovering: false,
        answers: true,
        auth: AuthView::Untried,
        progress_at: Some(NOW.plus_ms(-500)),
        falls: Vec::new(),
        usual_ms: None,
        rack: String::new(),
    }
}

/// A partition that is well, led by its first replica.
pub(super) fn partition(
    topic: &str,
    index: usize,
    replicas: Vec<NodeId>,
    min_in_sync: usize,
) -> PartitionView {
    PartitionView {
        topic: topic.into(),
        index: i32::try_from(index).unwrap(),
        leader: replicas.first().copied(),
        in_sync: replicas.clone(),
        replicas,
        min_in_sync,
    }
}

/// A partition on these nodes.
pub(super) fn on<const N: usize>(
    topic: &str,
    nodes: [i32; N],
    min_in_sync: usize,
) -> PartitionView {
    partition(topic, 0, nodes.map(NodeId).into(), min_in_sync)
}

pub(super) fn node(view: &mut ServiceView, id: i32) -> &mut NodeView {
    view.nodes.get_mut(&NodeId(id)).unwrap()
}

pub(super) fn kafka(view: &mut ServiceView) -> &mut KafkaView {
    view.kafka.as_mut().unwrap()
}

/// The node as it is after a restart that went well.
pub(super) fn run_to(view: &mut ServiceView, id: i32, to: char) {
    let seen = node(view, id);
    seen.pinned = revision(to);
    let incarnation = Incarnation(format!("{id}-{to}"));
    seen.process = Some(Process { incarnation, revision: revision(to) });
    seen.auth = AuthView::Proven;
    seen.starts = vec![NOW.plus_ms(-999_000)];
}

/// The node as it is while its broker is not there: fenced, and out of everything.
pub(super) fn out(view: &mut ServiceView, id: i32) {
    view.whole_since = None;
    node(view, id).answers = false;
    let node = NodeId(id);
    let kafka = kafka(view);
    kafka.fenced.insert(node, true);
    kafka.quorum.caught_up.remove(&node);
    if kafka.quorum.leader == Some(node) {
        kafka.quorum.leader = kafka.quorum.caught_up.first().copied();
    }
    for partition in &mut kafka.partitions {
        partition.in_sync.retain(|it| *it != node);
        if partition.leader == Some(node) {
            partition.leader = partition.in_sync.first().copied();
        }
    }
}

/// The node without a process, started last at these times before now.
pub(super) fn down<const N: usize>(view: &mut ServiceView, id: i32, started_ms_ago: [i64; N]) {
    out(view, id);
    node(view, id).process = None;
    node(view, id).starts = started_ms_ago.map(|it| NOW.plus_ms(-it)).into();
}
