//! A service as the console's pages show it: what it is doing, without what is in it.

use model::{Node, NodeLife, NodeState, ServiceState, Timestamp};
use service_config::controllers;
use store::{NodesSeen, Service};

use super::{alert, configuration, rollout, state_of};
use crate::App;
use crate::error::ApiError;
use crate::rollouts::RolloutBrief;

/// What a service is doing.
#[derive(Debug)]
pub(crate) struct ServiceLook {
    pub(crate) state: ServiceState,
    /// Its nodes, by number.
    pub(crate) nodes: Vec<NodeLook>,
    /// The rollout that is under way.
    pub(crate) rollout: Option<RolloutBrief>,
    /// What people should know of it.
    pub(crate) warnings: Vec<String>,
}

/// A node, as it was seen last.
#[derive(Debug)]
pub(crate) struct NodeLook {
    pub(crate) node: Node,
    /// As the API spells it.
    pub(crate) state: &'static str,
    /// Whether it votes in the controller quorum.
    pub(crate) controller: bool,
    /// Whether it leads the controller quorum.
    pub(crate) active_controller: bool,
    /// The configuration that its process was started with, in short.
    pub(crate) revision: Option<String>,
    /// Which run of its process this is, in short.
    pub(crate) incarnation: Option<String>,
    /// How many of its replicas are not in sync, if that is known.
    pub(crate) out_of_sync: Option<u32>,
    /// As the API spells it.
    pub(crate) life: &'static str,
    /// Where it is in the rollout that is under way.
    pub(crate) phase: Option<String>,
    /// Why nothing moves, in words.
    pub(crate) waiting_for: Option<String>,
}

/// What a service is doing now.
pub(crate) async fn look(app: &App, service: &Service) -> Result<ServiceLook, ApiError> {
    let nodes = app.store.nodes.seen(&[service.id]).await?.remove(&service.id).unwrap_or_default();
    let rollout = rollout(app, service).await?;
    let revision = app.store.nodes.revision(&service.target).await?;
    let voters = revision.map(|it| controllers(&it)).unwrap_or_default();
    let (_, _, notices) = configuration(app, service);
    let refusals = service.refusals.iter().map(alert);
    let warnings = notices.into_iter().chain(refusals).map(|it| it.message.into_owned()).collect();
    let NodesSeen { statuses, in_transit } = nodes;
    let show = |node: &Node| {
        let status = statuses.get(&node.id);
        let life = in_transit.get(&node.id).copied().unwrap_or(NodeLife::Active);
        NodeLook {
            node: node.clone(),
            state: status.map_or(NodeState::Unknown, |it| it.state).as_str(),
            controller: voters.contains(&node.id),
            active_controller: status.is_some_and(|it| it.active_controller),
            revision: status.and_then(|it| Some(it.revision.as_ref()?.short().to_owned())),
            incarnation: status.and_then(|it| it.incarnation.clone()),
            out_of_sync: status.and_then(|it| it.out_of_sync),
            life: life.as_str(),
            phase: status.and_then(|it| it.phase.clone()).filter(|_| rollout.is_some()),
            waiting_for: status.and_then(|it| it.waiting_for.clone()),
        }
    };
    Ok(ServiceLook {
        state: state_of(service.state, statuses.values()),
        nodes: service.nodes.iter().map(show).collect(),
        rollout: rollout.as_ref().map(|it| RolloutBrief::of(it, service, Timestamp::now())),
        warnings,
    })
}
