//! A cluster small enough to reason about: three partitions over `n` nodes, and time in ticks.

use std::collections::BTreeMap;

use model::{NodeId, RevisionId, Timestamp};

use crate::{
    Incarnation, Jwks, KafkaView, NodeView, Order, PartitionView, Process, Quorum, Rollout,
    ServiceView, Step, next_step,
};

/// The digit that names the revision every node starts with.
pub(super) const OLD: char = 'a';
/// The digit that names the revision a rollout brings.
pub(super) const NEW: char = 'b';

pub(super) fn revision(digit: char) -> RevisionId {
    RevisionId::try_from(digit.to_string().repeat(64)).unwrap()
}

pub(super) fn rollout(to: char) -> Rollout {
    Rollout { target: revision(to), order: None }
}

/// A healthy cluster of `n` nodes; node 3 (or the last) leads the quorum.
pub(super) fn whole(n: i32, runs: char) -> ServiceView {
    let ids: Vec<NodeId> = (1..=n).map(NodeId).collect();
    let node = |id: NodeId| NodeView {
        pinned: revision(runs),
        process: Some(Process {
            incarnation: Incarnation(format!("{id}-a")),
            revision: revision(runs),
        }),
        busy: false,
        last_start: None,
        answers: true,
    };
    let partition = |index: usize| {
        let replicas: Vec<NodeId> =
            (0..ids.len().min(3)).map(|it| ids[(index + it) % ids.len()]).collect();
        PartitionView {
            topic: "orders".into(),
            index: i32::try_from(index).unwrap(),
            leader: Some(replicas[0]),
            in_sync: replicas.iter().copied().collect(),
            replicas,
            min_in_sync: 2,
        }
    };
    ServiceView {
        nodes: ids.iter().map(|id| (*id, node(*id))).collect(),
        kafka: Some(KafkaView {
            fenced: ids.iter().map(|id| (*id, false)).collect(),
            quorum: Quorum {
                leader: ids.last().copied(),
                voters: ids.iter().copied().collect(),
                caught_up: ids.iter().copied().collect(),
            },
            partitions: (0..3).map(partition).collect(),
            ..KafkaView::default()
        }),
        jwks: Jwks::Usable,
    }
}

pub(super) fn node(view: &mut ServiceView, id: i32) -> &mut NodeView {
    view.nodes.get_mut(&NodeId(id)).unwrap()
}

pub(super) fn kafka(view: &mut ServiceView) -> &mut KafkaView {
    view.kafka.as_mut().unwrap()
}

/// The node as it is after a restart that went well.
pub(super) fn run_to(view: &mut ServiceView, id: NodeId, to: char) {
    let node = view.nodes.get_mut(&id).unwrap();
    node.pinned = revision(to);
    let incarnation = Incarnation(format!("{id}-{to}"));
    node.process = Some(Process { incarnation, revision: revision(to) });
}

/// How one simulated node takes a restart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Ticks from the order to the exit of the old process.
    pub stop: u8,
    /// Ticks until the new one is registered.
    pub start: u8,
    /// Ticks until its replicas are in sync.
    pub catch_up: u8,
}

/// A rollout carried out tick by tick, with the laws checked at each. Returns the order of nodes.
pub(super) fn run(n: i32, paces: &[Pace], crashes: &[u8]) -> Vec<NodeId> {
    let mut view = whole(n, OLD);
    let mut rollout = rollout(NEW);
    let mut under_way: BTreeMap<NodeId, (u32, Pace)> = BTreeMap::new();
    let mut order_of_nodes = Vec::new();
    for tick in 0..20_000_u32 {
        let now = Timestamp(i64::from(tick) * 500);
        advance(&mut view, &mut under_way);
        let step = next_step(Some(&rollout), &view, now);
        assert_eq!(step, next_step(Some(&rollout), &view, now), "law 6: same input, same step");
        match step {
            Step::Done => return order_of_nodes,
            Step::Restart(id) => {
                check_laws(&view, id, &order_of_nodes);
                let again = rollout.order.as_ref().is_some_and(|it| it.node == id);
                if !again {
                    order_of_nodes.push(id);
                    rollout.order = Some(Order {
                        node: id,
                        revision: rollout.target.clone(),
                        from: view.nodes[&id].process.as_ref().map(|it| it.incarnation.clone()),
                        at: now,
                        attempt: 1,
                    });
                    view.nodes.get_mut(&id).unwrap().pinned = rollout.target.clone();
                }
                // A crash between writing down and acting: the next pass has to act.
                let lost = !again && crashes.contains(&u8::try_from(order_of_nodes.len()).unwrap());
                if !lost {
                    let pace = paces[usize::try_from(id.0).unwrap() % paces.len()];
                    under_way.insert(id, (0, pace));
                    view.nodes.get_mut(&id).unwrap().busy = true;
                }
            }
            Step::RestoreLeaders => {
                for partition in &mut kafka(&mut view).partitions {
                    partition.leader = partition.replicas.first().copied();
                }
            }
            Step::Start(_) => panic!("the driver brings back what it restarts"),
            Step::Wait(_) => {}
        }
    }
    panic!("law 5: a rollout over a fair cluster ends")
}

fn check_laws(view: &ServiceView, id: NodeId, before: &[NodeId]) {
    let kafka = view.kafka.as_ref().unwrap();
    let again = before.last() == Some(&id);
    assert!(again || !before.contains(&id), "each node is restarted once");
    for partition in &kafka.partitions {
        assert_eq!(partition.in_sync.len(), partition.replicas.len(), "law 2: all in sync");
        let left = partition.in_sync.iter().filter(|it| **it != id).count();
        assert!(left >= partition.min_in_sync, "law 3: min.insync.replicas is kept");
    }
    let others_stale = view.nodes.iter().any(|(other, it)| {
        *other != id && it.process.as_ref().is_some_and(|it| it.revision != revision(NEW))
    });
    let active = kafka.quorum.leader == Some(id);
    assert!(!active || !others_stale, "law 4: the active controller is the last");
}

fn advance(view: &mut ServiceView, under_way: &mut BTreeMap<NodeId, (u32, Pace)>) {
    under_way.retain(|id, (ticks, pace)| {
        *ticks += 1;
        let stopped = u32::from(pace.stop);
        let started = stopped + 1 + u32::from(pace.start);
        let done = started + 1 + u32::from(pace.catch_up);
        if *ticks == stopped {
            view.nodes.get_mut(id).unwrap().process = None;
            view.nodes.get_mut(id).unwrap().answers = false;
            set_in_sync(kafka(view), *id, false);
        }
        if *ticks == stopped + 1 {
            run_to(view, *id, NEW);
            view.nodes.get_mut(id).unwrap().busy = false;
        }
        if *ticks == started {
            kafka(view).fenced.insert(*id, false);
            view.nodes.get_mut(id).unwrap().answers = true;
        }
        if *ticks == done {
            set_in_sync(kafka(view), *id, true);
        }
        *ticks < done
    });
}

fn set_in_sync(kafka: &mut KafkaView, id: NodeId, on: bool) {
    let others: Vec<NodeId> = kafka.quorum.voters.iter().copied().filter(|it| *it != id).collect();
    for partition in kafka.partitions.iter_mut().filter(|it| it.replicas.contains(&id)) {
        if on {
            partition.in_sync.insert(id);
        } else {
            partition.in_sync.remove(&id);
            if partition.leader == Some(id) {
                partition.leader = partition.in_sync.first().copied();
            }
        }
    }
    if on {
        kafka.quorum.caught_up.insert(id);
    } else {
        kafka.fenced.insert(id, true);
        kafka.quorum.caught_up.remove(&id);
        if kafka.quorum.leader == Some(id) {
            kafka.quorum.leader = others.first().copied();
        }
    }
}
