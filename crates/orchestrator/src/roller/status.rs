//! What people are shown of a pass.

use std::collections::BTreeMap;

use model::{
    BlockerStatus, NodeId, NodeState, NodeStatus, PhaseStatus, RolloutId, RolloutStatus, Timestamp,
};
use rolling::{Blocker, NodeView, PartitionView, Phase, ServiceView, Step, phases};
use store::ActiveRollout;
use tracing::{info, warn};

use super::ledger::Happened;

/// What was shown last, so that only changes are told. Losing it tells some of them again.
#[derive(Debug, Default)]
pub(super) struct Shown {
    rollout: Option<RolloutId>,
    blocker: Option<(Blocker, Timestamp)>,
    phases: BTreeMap<NodeId, (Phase, Timestamp)>,
}

/// What is to be shown.
#[derive(Debug)]
pub(super) struct Show {
    /// Of each node, in Aiven's words.
    pub(super) nodes: Vec<NodeStatus>,
    /// Of the rollout.
    pub(super) rollout: RolloutStatus,
    /// What has happened since it was shown last.
    pub(super) happened: Vec<Happened>,
    /// How long restarts took that have just come to their end, in milliseconds.
    pub(super) took: Vec<(NodeId, i64)>,
    /// Phases that nodes have left, and how long they were in them, in milliseconds.
    pub(super) left: Vec<(Phase, i64)>,
}

impl Shown {
    /// Compares with what was shown last.
    pub(super) fn changes(
        &mut self,
        active: Option<&ActiveRollout>,
        view: &ServiceView,
        step: &Step,
        now: Timestamp,
    ) -> Show {
        if self.rollout != active.map(|it| it.id) {
            self.rollout = active.map(|it| it.id);
            self.phases.clear();
        }
        let (mut happened, mut took, mut left) = (Vec::new(), Vec::new(), Vec::new());
        let blocker = if let Step::Wait(blocker) = step { Some(blocker) } else { None };
        self.note_blocker(blocker, now, &mut happened);
        if let Some(active) = active {
            let phases = phases(&active.rollout, view, now);
            for (node, phase) in &phases {
                let earlier = self.phases.get(node).copied();
                let before = earlier.map(|it| it.0);
                if before == Some(*phase) {
                    continue;
                }
                left.extend(earlier.map(|(phase, since)| (phase, now.ms_since(since))));
                if before.is_some() || *phase != Phase::Pending {
                    let detail = phase.as_str().to_owned();
                    happened.push(Happened { node: Some(*node), kind: "phase", detail });
                }
                let comes_back = before.is_some_and(|it| it < Phase::Soaking)
                    && before != Some(Phase::Pending)
                    && matches!(phase, Phase::Soaking | Phase::Done);
                if let Some(order) = active.rollout.orders.get(node).filter(|_| comes_back) {
                    took.push((*node, now.ms_since(order.at)));
                }
                self.phases.insert(*node, (*phase, now));
            }
        }
        let rollout = self.rollout_status();
        Show { nodes: statuses(view, step, &self.phases), rollout, happened, took, left }
    }

    fn note_blocker(
        &mut self,
        blocker: Option<&Blocker>,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) {
        let before = self.blocker.as_ref().map(|it| &it.0);
        if before == blocker {
            return;
        }
        let same_kind = before.map(Blocker::code) == blocker.map(Blocker::code);
        if let Some(blocker) = blocker.filter(|_| !same_kind) {
            if blocker.needs_person()
                || matches!(blocker, Blocker::KeepsExiting(_) | Blocker::Jwks(_))
            {
                warn!(blocker = blocker.code(), "waiting: {blocker}");
            } else {
                info!(blocker = blocker.code(), "waiting: {blocker}");
            }
            let detail = format!("{}: {blocker}", blocker.code());
            happened.push(Happened { node: None, kind: "blocked", detail });
        }
        let since = self.blocker.as_ref().filter(|_| same_kind).map_or(now, |it| it.1);
        self.blocker = blocker.map(|it| (it.clone(), since));
    }

    fn rollout_status(&self) -> RolloutStatus {
        RolloutStatus {
            blocker: self.blocker.as_ref().map(|(blocker, since)| BlockerStatus {
                code: blocker.code().to_owned(),
                text: blocker.to_string(),
                since: *since,
            }),
            nodes: self
                .phases
                .iter()
                .map(|(node, (phase, since))| PhaseStatus {
                    node: *node,
                    phase: phase.as_str().to_owned(),
                    since: *since,
                })
                .collect(),
            probe: None,
        }
    }
}

/// The state of each node in Aiven's words. Display only.
fn statuses(
    view: &ServiceView,
    step: &Step,
    phases: &BTreeMap<NodeId, (Phase, Timestamp)>,
) -> Vec<NodeStatus> {
    let waiting_for = if let Step::Wait(blocker) = step { Some(blocker.to_string()) } else { None };
    let leader = view.kafka.as_ref().and_then(|it| it.quorum.leader);
    let stopping = |id: &NodeId| matches!(step, Step::Restart(nodes) if nodes.contains(id));
    let nodes = view.nodes.iter().map(|(id, node)| NodeStatus {
        node: *id,
        state: state(view, *id, node, stopping(id)),
        revision: node.process.as_ref().map(|it| it.revision.clone()),
        active_controller: leader == Some(*id),
        waiting_for: waiting_for.clone(),
        phase: phases.get(id).map(|it| it.0.as_str().to_owned()),
        incarnation: node.process.as_ref().map(|it| it.incarnation.0.clone()),
        out_of_sync: view.kafka.as_ref().map(|it| out_of_sync(&it.partitions, *id)),
    });
    nodes.collect()
}

/// How many of the partitions have a replica on this node that is not in sync.
fn out_of_sync(partitions: &[PartitionView], id: NodeId) -> u32 {
    let behind =
        partitions.iter().filter(|it| it.replicas.contains(&id) && !it.in_sync.contains(&id));
    u32::try_from(behind.count()).unwrap_or(u32::MAX)
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
            let lags = out_of_sync(&kafka.partitions, id) > 0
                || (kafka.quorum.voters.contains(&id) && !kafka.quorum.caught_up.contains(&id));
            if lags { NodeState::SyncingData } else { NodeState::Running }
        }
    }
}
