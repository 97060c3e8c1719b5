//! Nodes that join a service and leave it, and services that are switched off or terminated.
//!
//! As everywhere: look, decide, act; the next pass is the retry. Partitions move a few at a time,
//! and nothing moves while a rollout is under way or anything is out of sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka::{Admin, KafkaError};
use model::{Node, NodeId, NodeLife, NodeState, NodeStatus};
use observe::kafka_view;
use rolling::{Incarnation, KafkaView, Places, spread};
use store::{Service, Store, StoreError};
use tracing::info;

use crate::driver::{Driver, DriverError, Observed, ServiceRef};
use crate::look::reassign;

/// How many partitions get other replicas at once.
const AT_ONCE: usize = 20;

/// The nodes that are not there to stay.
pub(crate) type InTransit = BTreeMap<NodeId, NodeLife>;

/// Why nodes could not be brought in or out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LifecycleError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place where nodes run failed.
    #[error("the driver failed")]
    Driver(#[from] DriverError),
    /// Kafka did not do what it was asked.
    #[error("Kafka failed")]
    Kafka(#[from] KafkaError),
}

/// What to do next about nodes that come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// Something is on its way.
    Wait,
    /// Give partitions other replicas.
    Move(Vec<rolling::NewReplicas>),
    /// The node has its share.
    Settle(NodeId),
    /// The node has nothing left: write that down, and it is stopped.
    Empty(NodeId),
}

/// Brings nodes in and out. Called when all is whole and no rollout is under way. Tells whether
/// there is nothing left to do.
pub(crate) async fn pass(
    store: &Store,
    service: &Service,
    in_transit: &InTransit,
    admin: &Admin,
) -> Result<bool, LifecycleError> {
    if in_transit.is_empty() {
        return Ok(true);
    }
    let view = kafka_view(admin).await?.view;
    match next(&service.nodes, in_transit, &view) {
        Next::Wait => {}
        Next::Move(moves) => {
            info!(partitions = moves.len(), "moving partitions between nodes");
            reassign(admin, &moves).await?;
        }
        Next::Settle(node) => store.nodes.settle(service.id, node).await?,
        Next::Empty(node) => store.nodes.emptied(service.id, node, true).await?,
    }
    Ok(false)
}

fn next(nodes: &[Node], in_transit: &InTransit, view: &KafkaView) -> Next {
    if view.reassignments > 0 {
        return Next::Wait;
    }
    let leaves = |id: &NodeId| in_transit.get(id) == Some(&NodeLife::Leaving);
    let stays = |id: &NodeId| in_transit.get(id).is_none_or(|it| *it == NodeLife::Joining);
    let places: Places =
        nodes.iter().filter(|it| stays(&it.id)).map(|it| (it.id, it.rack.clone())).collect();
    let mut moves = spread(&view.partitions, &places);
    if !moves.is_empty() {
        moves.truncate(AT_ONCE);
        return Next::Move(moves);
    }
    let joined = in_transit.iter().find(|(_, life)| **life == NodeLife::Joining);
    if let Some((node, _)) = joined {
        return Next::Settle(*node);
    }
    // A partition with more replicas than there are other nodes keeps its node.
    let empty = in_transit.keys().find(|id| leaves(id) && !holds(view, **id));
    empty.map_or(Next::Wait, |node| Next::Empty(*node))
}

fn holds(view: &KafkaView, node: NodeId) -> bool {
    view.partitions.iter().any(|it| it.replicas.contains(&node))
}

/// Stops nodes that have nothing left, and has everybody forget them, Kafka before the database.
/// Called at each pass: from when one is stopped, nobody but this looks after it. Tells which nodes
/// were not there to stay.
pub(crate) async fn see_off<D: Driver>(
    store: &Store,
    driver: &Arc<D>,
    named: &ServiceRef,
    service: &Service,
    admin: &Admin,
) -> Result<InTransit, LifecycleError> {
    let in_transit = store.nodes.in_transit(service.id).await?;
    let emptied = in_transit.iter().filter(|(_, life)| **life == NodeLife::Emptied);
    for (&node, _) in emptied {
        let seen = driver.inventory(named, &service.nodes).await?.remove(&node);
        if holds(&kafka_view(admin).await?.view, node) {
            info!(node.id = %node, "node {node} has got partitions anew: it stays for now");
            store.nodes.emptied(service.id, node, false).await?;
        } else if let Some(process) = seen.and_then(|it| it.process) {
            info!(node.id = %node, "stopping node {node}, which leaves");
            driver.stop(named, &[(node, process.incarnation)].into()).await?;
        } else {
            admin.unregister_broker(node).await?;
            driver.remove(named, node).await?;
            store.nodes.forget(service.id, node).await?;
        }
    }
    Ok(in_transit)
}

/// Stops every node of a service that is switched off. Tells whether none runs any more.
pub(crate) async fn power_off<D: Driver>(
    store: &Store,
    driver: &Arc<D>,
    named: &ServiceRef,
    service: &Service,
) -> Result<bool, LifecycleError> {
    let seen = driver.inventory(named, &service.nodes).await?;
    let running = running(&seen);
    let statuses = service.nodes.iter().map(|node| NodeStatus {
        node: node.id,
        state: if running.contains_key(&node.id) { NodeState::Leaving } else { NodeState::Unknown },
        revision: None,
        active_controller: false,
        waiting_for: Some("the service is switched off".into()),
        phase: None,
        incarnation: running.get(&node.id).map(|it| it.0.clone()),
        out_of_sync: None,
    });
    store.nodes.publish(service.id, &statuses.collect::<Vec<_>>()).await?;
    if !running.is_empty() {
        driver.stop(named, &running).await?;
    }
    Ok(running.is_empty())
}

/// Stops every node of a service that is terminated, deletes what they have, and then forgets the
/// service. Tells whether it is gone.
pub(crate) async fn terminate<D: Driver>(
    store: &Store,
    driver: &Arc<D>,
    named: &ServiceRef,
    service: &Service,
) -> Result<bool, LifecycleError> {
    let is_off = power_off(store, driver, named, service).await?;
    // An order that is being carried out turns into a process.
    let seen = driver.inventory(named, &service.nodes).await?;
    let is_busy = seen.values().any(|it| it.busy || it.process.is_some());
    if !is_off || is_busy || driver.proxy(named).await?.is_running {
        return Ok(false);
    }
    for node in &service.nodes {
        driver.remove(named, node.id).await?;
    }
    driver.remove_service(named).await?;
    store.services.forget(service.id).await?;
    info!("the service is terminated and nothing of it is left");
    Ok(true)
}

fn running(seen: &BTreeMap<NodeId, Observed>) -> BTreeMap<NodeId, Incarnation> {
    let process = |it: &Observed| it.process.as_ref().map(|it| it.incarnation.clone());
    seen.iter().filter_map(|(id, it)| Some((*id, process(it)?))).collect()
}

#[cfg(test)]
mod tests {
    use model::NodePorts;
    use rolling::PartitionView;

    use super::*;

    fn nodes(n: i32) -> Vec<Node> {
        let ports = NodePorts { controller: 1, internal: 2, client: 3 };
        let node = |id| Node { id: NodeId(id), host: "h".into(), ports, rack: format!("r{id}") };
        (1..=n).map(node).collect()
    }

    fn view(replicas: &[&[i32]]) -> KafkaView {
        let partitions = replicas.iter().zip(0..).map(|(replicas, index)| PartitionView {
            topic: "orders".into(),
            index,
            leader: Some(NodeId(replicas[0])),
            replicas: replicas.iter().copied().map(NodeId).collect(),
            in_sync: replicas.iter().copied().map(NodeId).collect(),
            min_in_sync: 2,
        });
        KafkaView { partitions: partitions.collect(), ..KafkaView::default() }
    }

    #[test]
    fn a_node_that_joins_gets_its_share_and_is_then_settled() {
        let joining = [(NodeId(4), NodeLife::Joining)].into();
        let before = view(&[&[1, 2, 3], &[2, 3, 1], &[3, 1, 2], &[1, 2, 3]]);
        let Next::Move(moves) = next(&nodes(4), &joining, &before) else { panic!("no move") };
        assert!(moves.iter().all(|it| it.to.contains(&NodeId(4))), "{moves:?}");
        let mut after = before.clone();
        for it in &moves {
            let found = after.partitions.iter_mut().find(|p| p.id() == it.partition).unwrap();
            found.replicas.clone_from(&it.to);
        }
        assert_eq!(next(&nodes(4), &joining, &after), Next::Settle(NodeId(4)));
        after.reassignments = 1;
        assert_eq!(next(&nodes(4), &joining, &after), Next::Wait);
    }

    #[test]
    fn a_node_that_leaves_gives_all_away_first_and_stays_if_nobody_can_take_it() {
        let leaving = [(NodeId(4), NodeLife::Leaving)].into();
        let before = view(&[&[4, 2, 3]]);
        let Next::Move(moves) = next(&nodes(4), &leaving, &before) else { panic!("no move") };
        assert_eq!(moves[0].to, [1, 2, 3].map(NodeId));
        assert_eq!(next(&nodes(4), &leaving, &view(&[&[1, 2, 3]])), Next::Empty(NodeId(4)));
        assert_eq!(next(&nodes(4), &leaving, &view(&[&[1, 2, 3, 4]])), Next::Wait);
        let emptied = [(NodeId(4), NodeLife::Emptied)].into();
        assert_eq!(next(&nodes(4), &emptied, &view(&[&[1, 2, 3]])), Next::Wait);
    }
}
