//! What people are shown of a pass.

use model::{NodeId, NodeState, NodeStatus};
use rolling::{NodeView, ServiceView, Step};

/// The state of each node in Aiven's words. Display only.
pub(super) fn statuses(view: &ServiceView, step: &Step) -> Vec<NodeStatus> {
    let waiting_for = if let Step::Wait(blocker) = step { Some(blocker.to_string()) } else { None };
    let leader = view.kafka.as_ref().and_then(|it| it.quorum.leader);
    let nodes = view.nodes.iter().map(|(id, node)| NodeStatus {
        node: *id,
        state: state(view, *id, node, *step == Step::Restart(*id)),
        revision: node.process.as_ref().map(|it| it.revision.clone()),
        active_controller: leader == Some(*id),
        waiting_for: waiting_for.clone(),
    });
    nodes.collect()
}

fn state(view: &ServiceView, id: NodeId, node: &NodeView, stopping: bool) -> NodeState {
    match (&node.process, &view.kafka) {
        (Some(_), _) if stopping || node.busy => NodeState::Leaving,
        (Some(_), None) if node.answers => NodeState::Unknown,
        (None, _) | (Some(_), None) => NodeState::SettingUpVm,
        (Some(_), Some(kafka)) if kafka.fenced.get(&id) != Some(&false) || !node.answers => {
            NodeState::SettingUpVm
        }
        (Some(_), Some(kafka)) => {
            let behind = |it: &&rolling::PartitionView| {
                it.replicas.contains(&id) && !it.in_sync.contains(&id)
            };
            let lags = kafka.partitions.iter().any(|it| behind(&it))
                || !kafka.quorum.caught_up.contains(&id);
            if lags { NodeState::SyncingData } else { NodeState::Running }
        }
    }
}
