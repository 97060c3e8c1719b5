//! The availability algebra beside a model that was written without looking at it: what a client
//! would see, by asking each replica.

use std::collections::BTreeSet;

use model::NodeId;

use super::cluster::{NEW, OLD, kafka, partition, rollout, whole};
use crate::turn::{Placement, inherent, next_batch};
use crate::{Blocker, Impact, KafkaView, Outage, PartitionView, Quorum, Remedy, Rollout, impact};

const NODES: u32 = 4;

/// Every set of the first `n` nodes.
fn subsets(n: u32) -> impl Iterator<Item = BTreeSet<NodeId>> {
    let has = |set: u32, id: &i32| set & (1 << (id - 1)) != 0;
    let last = i32::try_from(n).unwrap();
    (0..1_u32 << n).map(move |set| (1..=last).filter(|id| has(set, id)).map(NodeId).collect())
}

/// How well a client is served: 2 reads and writes, 1 reads what was written before, 0 nothing.
fn service(rf: u32, min_in_sync: u32, in_sync: &BTreeSet<NodeId>, away: &BTreeSet<NodeId>) -> u8 {
    let mut acks = 0;
    for id in in_sync {
        if !away.contains(id) {
            acks += 1;
        }
    }
    // The broker asks for no more acknowledgements than there are replicas, and at least its own.
    let asked = if min_in_sync > rf { rf } else { min_in_sync };
    match acks {
        0 => 0,
        acks if acks >= asked => 2,
        _ => 1,
    }
}

/// All partitions of up to four replicas with each set of them in sync.
fn partitions() -> impl Iterator<Item = (u32, u32, BTreeSet<NodeId>, PartitionView)> {
    (1..=NODES).flat_map(|rf| (1..=NODES + 1).map(move |min| (rf, min))).flat_map(|(rf, min)| {
        subsets(rf).map(move |in_sync| {
            let replicas = (1..=i32::try_from(rf).unwrap()).map(NodeId).collect();
            let mut view = partition("t", 0, replicas, usize::try_from(min).unwrap());
            view.in_sync = in_sync.iter().copied().collect();
            (rf, min, in_sync, view)
        })
    })
}

#[test]
fn what_stopping_nodes_does_to_a_partition() {
    let mut n_cases = 0;
    for (rf, min, in_sync, view) in partitions() {
        let all: BTreeSet<NodeId> = view.replicas.iter().copied().collect();
        let nobody = BTreeSet::new();
        for away in subsets(NODES) {
            let before = service(rf, min, &in_sync, &nobody);
            let after = service(rf, min, &in_sync, &away);
            let at_best = service(rf, min, &all, &away);
            let expected = (after < before).then_some(Impact {
                outage: if after == 0 { Outage::Offline } else { Outage::WriteBlocked },
                inherent: at_best <= after,
            });
            assert_eq!(impact(&view, &away), expected, "{view:?} without {away:?}");
            n_cases += 1;
        }
    }
    assert_eq!(n_cases, 5 * (2 + 4 + 8 + 16) * 16);
}

/// The gate, asked for each node alone and for each pair, with and without consent.
#[test]
fn which_nodes_may_be_stopped() {
    let mut view = whole(4, OLD);
    let base = view.kafka.take().unwrap();
    // The quorum is somewhere else, so that only the partition counts.
    let quorum = Quorum { leader: Some(NodeId(9)), ..Quorum::default() };
    let base = KafkaView { quorum, ..base };
    for (rf, min, in_sync, partition) in partitions() {
        let with = KafkaView { partitions: vec![partition.clone()], ..base.clone() };
        for (remedy, pair) in
            [Remedy::Wait, Remedy::Consent].into_iter().flat_map(|it| [(it, false), (it, true)])
        {
            let mut rollout = Rollout { remedy, ..rollout(NEW) };
            rollout.policy.max_unavailable = if pair { 2 } else { 1 };
            if pair {
                // Somebody else was the first.
                rollout.orders = super::cluster::rollout_with(NEW, &[9]).orders;
            }
            for stale in subsets(NODES).filter(|it| !it.is_empty()) {
                let answer = next_batch(&rollout, &view, &with, &Placement::of(&with), &stale);
                let allowed = |away: &BTreeSet<NodeId>| {
                    allowed((rf, min, &in_sync, &partition), away, remedy)
                };
                match answer {
                    Ok(batch) => {
                        assert!(allowed(&batch), "{batch:?} of {stale:?}: {partition:?}");
                        assert!(batch.is_subset(&stale) && !batch.is_empty());
                        let complete = stale.difference(&batch).all(|it| {
                            let more = batch.iter().chain([it]).copied().collect();
                            !pair || batch.len() == 2 || !allowed(&more)
                        });
                        assert!(complete, "{batch:?} could be more of {stale:?}: {partition:?}");
                    }
                    Err(blocker) => {
                        let Blocker::MinInSync(first, _) = blocker else { panic!("{blocker:?}") };
                        assert!(!allowed(&BTreeSet::from([first])), "{first} {partition:?}");
                    }
                }
            }
        }
    }
}

/// Nobody is worse off than before, or than a person agreed to: what one of the nodes alone would
/// do if all were in sync.
fn allowed(
    (rf, min, in_sync, view): (u32, u32, &BTreeSet<NodeId>, &PartitionView),
    away: &BTreeSet<NodeId>,
    remedy: Remedy,
) -> bool {
    let all: BTreeSet<NodeId> = view.replicas.iter().copied().collect();
    let before = service(rf, min, in_sync, &BTreeSet::new());
    let after = service(rf, min, in_sync, away);
    let agreed =
        away.iter().map(|it| service(rf, min, &all, &BTreeSet::from([*it]))).min().unwrap();
    after >= before || (remedy == Remedy::Consent && after >= agreed)
}

#[test]
fn which_partitions_no_waiting_helps() {
    for (rf, min, in_sync, partition) in partitions() {
        if in_sync.len() < partition.replicas.len() {
            continue;
        }
        let mut view = whole(4, OLD);
        kafka(&mut view).partitions = vec![partition.clone()];
        for stale in subsets(NODES) {
            let suffers =
                stale.iter().any(|it| service(rf, min, &in_sync, &BTreeSet::from([*it])) < 2);
            assert_eq!(inherent(kafka(&mut view), &stale).is_some(), suffers, "{partition:?}");
        }
    }
}

#[test]
fn the_quorum_keeps_its_majority() {
    for n_voters in 1..=5_u32 {
        let voters: BTreeSet<NodeId> = subsets(n_voters).last().unwrap();
        for caught_up in subsets(n_voters) {
            for away in subsets(n_voters) {
                let quorum = Quorum {
                    voters: voters.clone(),
                    caught_up: caught_up.clone(),
                    ..Quorum::default()
                };
                let kafka = KafkaView { quorum, ..KafkaView::default() };
                let left = caught_up.difference(&away).count();
                let expected = away.is_empty() || 2 * left > voters.len();
                assert_eq!(crate::turn::keeps_majority(&kafka, &away), expected);
            }
        }
    }
}
