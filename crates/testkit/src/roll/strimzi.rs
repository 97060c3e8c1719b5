//! The `KafkaRoller` of Strimzi 1.x for combined nodes: the active controller last, no broker that
//! an ISR or the quorum cannot do without, and ten attempts each, 250 ms apart and twice as long
//! each time. Ready is a broker that is registered and unfenced (its `BrokerState` is then RUNNING)
//! and whose port is open, looked at once a second. The 15 s that Kubernetes waits before the first
//! probe of readiness are left out: they are no part of the algorithm.

use std::time::Duration;

use anyhow::{bail, ensure};
use model::NodeId;
use rustix::process::Signal;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::info;

use super::site::Site;
use super::view::View;

/// `new BackOff(250, 2, 10)`
const FIRST_DELAY: Duration = Duration::from_millis(250);
const ATTEMPTS: u32 = 10;
/// `STRIMZI_OPERATION_TIMEOUT_MS`
const READY: Duration = Duration::from_mins(5);
/// `KafkaReconciler.maybeRollKafka`
const POLL: Duration = Duration::from_secs(1);
/// `controller.quorum.fetch.timeout.ms`
const FETCH_TIMEOUT_MS: i64 = 2000;

/// A node that is not done.
struct Pending {
    id: NodeId,
    attempts: u32,
    due: Instant,
}

/// One at a time; who may not go yet is tried again later.
pub(super) async fn roll(site: &mut Site, ids: &[NodeId]) -> anyhow::Result<()> {
    let now = Instant::now();
    let mut left: Vec<Pending> =
        ids.iter().map(|id| Pending { id: *id, attempts: 0, due: now }).collect();
    // The sort is stable: who is due at the same time keeps its turn.
    while !left.is_empty() {
        left.sort_by_key(|it| it.due);
        let mut next = left.remove(0);
        sleep_until(next.due).await;
        let view = site.view().await;
        let obstacle = match &view {
            Err(error) => Some(format!("{error:#}")),
            Ok(view) if view.quorum.leader == Some(next.id) && !left.is_empty() => {
                Some("it is the active controller, and others are left".to_owned())
            }
            Ok(view) => can_roll(view, next.id).err(),
        };
        if let Some(obstacle) = obstacle {
            next.attempts += 1;
            info!("broker {} later: {obstacle}", next.id);
            let forced = view.is_ok_and(|it| can_roll(&it, next.id).is_ok());
            if next.attempts < ATTEMPTS {
                next.due = Instant::now() + FIRST_DELAY * 2_u32.pow(next.attempts - 1);
                left.push(next);
                continue;
            } else if !forced {
                bail!("broker {}: {obstacle}, after {ATTEMPTS} attempts", next.id);
            }
        }
        site.restart(next.id, Signal::TERM).await?;
        ready(site, next.id).await?;
    }
    Ok(())
}

async fn ready(site: &mut Site, id: NodeId) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        if site.is_open(id).await && site.view().await.is_ok_and(|it| it.unfenced.contains(&id)) {
            return site.until_open(id).await;
        }
        ensure!(started.elapsed() < READY, "broker {id} is not ready: fatal");
        sleep(POLL).await;
    }
}

/// `KafkaAvailability.canRoll` and `KafkaQuorumCheck.canRollController`.
fn can_roll(view: &View, id: NodeId) -> Result<(), String> {
    for it in view.partitions.iter().filter(|it| it.replicas.contains(&id)) {
        // Rolled anyway: it would block for ever.
        if it.replicas.len() <= it.min_isr {
            continue;
        }
        let (in_sync, least) = (it.in_sync.len(), it.min_isr);
        if in_sync < least || (in_sync == least && it.in_sync.contains(&id)) {
            return Err(format!("{} has {in_sync} in sync, and needs {least}", it.name()));
        }
    }
    let quorum = &view.quorum;
    let Some(leader) = quorum.voters.iter().find(|it| Some(it.id) == quorum.leader) else {
        return Err("the quorum has no leader".to_owned());
    };
    let caught_up = quorum.voters.iter().filter(|it| {
        let behind = leader.last_caught_up.zip(it.last_caught_up);
        let near = behind.is_some_and(|(to, at)| to.ms_since(at) < FETCH_TIMEOUT_MS);
        it.id != id && (it.id == leader.id || near)
    });
    let (caught_up, voters) = (caught_up.count(), quorum.voters.len());
    let enough = match voters {
        0 | 1 => true,
        2 => caught_up == 1,
        _ => caught_up >= usize::midpoint(voters, 2),
    };
    if enough { Ok(()) } else { Err(format!("{caught_up} of {voters} voters would be left")) }
}

#[cfg(test)]
mod tests {
    use kafka::{Quorum, QuorumReplica};
    use model::Timestamp;

    use super::super::view::Part;
    use super::*;

    fn ids(of: &[i32]) -> Vec<NodeId> {
        of.iter().copied().map(NodeId).collect()
    }

    fn view(replicas: &[i32], in_sync: &[i32], min_isr: usize, behind_ms: i64) -> View {
        let now = Timestamp::now();
        let voter = |id: i32| QuorumReplica {
            id: NodeId(id),
            log_end_offset: 1,
            last_fetch: None,
            last_caught_up: Some(now.plus_ms(if id == 2 { -behind_ms } else { 0 })),
        };
        let (topic, replicas, in_sync) = ("orders".to_owned(), ids(replicas), ids(in_sync));
        let leader = in_sync.first().copied();
        View {
            unfenced: ids(&[1, 2, 3]).into_iter().collect(),
            partitions: vec![Part { topic, index: 0, leader, replicas, in_sync, min_isr }],
            quorum: Quorum {
                leader: Some(NodeId(1)),
                leader_epoch: 1,
                high_watermark: 1,
                voters: vec![voter(1), voter(2), voter(3)],
                observers: Vec::new(),
            },
        }
    }

    #[test]
    fn a_broker_goes_unless_an_isr_needs_it() {
        assert_eq!(can_roll(&view(&[1, 2, 3], &[1, 2, 3], 2, 0), NodeId(3)), Ok(()));
        let refused = can_roll(&view(&[1, 2, 3], &[2, 3], 2, 0), NodeId(3));
        assert_eq!(refused, Err("orders-0 has 2 in sync, and needs 2".to_owned()));
        // Not in sync itself: its going takes nothing away.
        assert_eq!(can_roll(&view(&[1, 2, 3], &[1, 2], 2, 0), NodeId(3)), Ok(()));
    }

    #[test]
    fn a_partition_that_could_never_do_without_is_ignored() {
        assert_eq!(can_roll(&view(&[2, 3], &[2, 3], 2, 0), NodeId(3)), Ok(()));
        assert_eq!(can_roll(&view(&[3], &[3], 1, 0), NodeId(3)), Ok(()));
    }

    #[test]
    fn a_controller_goes_unless_too_few_would_be_left() {
        let refused = can_roll(&view(&[1, 2, 3], &[1, 2, 3], 2, 2000), NodeId(3));
        assert_eq!(refused, Err("1 of 3 voters would be left".to_owned()));
        assert_eq!(can_roll(&view(&[1, 2, 3], &[1, 2, 3], 2, 1999), NodeId(3)), Ok(()));
    }
}
