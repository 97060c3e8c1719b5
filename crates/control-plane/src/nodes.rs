//! `/v1/project/{project}/service/{service}/nodes`: nodes that join a service and leave it.

use axum::extract::State;
use http::StatusCode;
use model::NodeId;
use serde::{Deserialize, Serialize};
use service_config::controllers;
use store::{AddNodeError, By, Service};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, Operate, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::placement::place;

/// The most nodes that are added at once, and that a service has.
const MOST: u16 = 30;
/// How often ports are chosen anew because somebody else was faster.
const ATTEMPTS: usize = 32;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(add_nodes)).routes(routes!(remove_node))
}

/// How many nodes shall join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddNodes {
    /// From 1 to 30.
    count: u16,
}

/// Which nodes it is about. What becomes of them shows in `node_states` of the service.
#[derive(Serialize, ToSchema)]
struct NodesAnswer {
    nodes: Vec<i32>,
    message: &'static str,
}

/// The node in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NodePath {
    /// Its number.
    node: i32,
}

/// Add nodes to a service
///
/// They start as brokers, and get their share of the partitions, a few at a time. No other node is
/// restarted.
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/nodes",
    params(ServicePath),
    request_body = AddNodes,
    responses((status = 202, body = NodesAnswer), (status = 409, body = ErrorBody)),
    tag = "nodes"
)]
async fn add_nodes(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
    Json(body): Json<AddNodes>,
) -> Result<(StatusCode, Json<NodesAnswer>), ApiError> {
    let nodes = add(&app, &service, body.count, &by).await?;
    let message = "joining: each gets its share of the partitions once it is up";
    Ok((StatusCode::ACCEPTED, Json(NodesAnswer { nodes, message })))
}

/// Remove a node from a service
///
/// Its partitions move to the others first; then it stops, and what is on its disk is deleted. The
/// first nodes of a service are its controllers, and stay.
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/nodes/{node}",
    params(ServicePath, NodePath),
    responses(
        (status = 202, body = NodesAnswer),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    ),
    tag = "nodes"
)]
async fn remove_node(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
    Path(path): Path<NodePath>,
) -> Result<(StatusCode, Json<NodesAnswer>), ApiError> {
    remove(&app, &service, NodeId(path.node), &by).await?;
    let message = "leaving: it goes when its partitions have moved to the other nodes";
    Ok((StatusCode::ACCEPTED, Json(NodesAnswer { nodes: vec![path.node], message })))
}

async fn add(app: &App, service: &Service, count: u16, by: &By) -> Result<Vec<i32>, ApiError> {
    let there = u16::try_from(service.nodes.len()).unwrap_or(MOST);
    if count == 0 || there.saturating_add(count) > MOST {
        return Err(ApiError::Invalid(format!(
            "Invalid 'count': {count}; a service has {there} to {MOST} nodes"
        )));
    }
    if there < 3 {
        // With one or two the new ones would have to vote, and a quorum does not change here.
        let message = "A service with fewer than three nodes cannot get more";
        return Err(ApiError::Conflict(message.into()));
    }
    for _ in 0..ATTEMPTS {
        let highest = app.store.services.highest_port().await?;
        let nodes = place(&app.settings, &service.nodes, count, highest)?.nodes;
        match app.store.nodes.add(service.id, &nodes, by).await {
            Ok(()) => return Ok(nodes.iter().map(|it| it.id.0).collect()),
            Err(AddNodeError::Taken) => {}
            Err(AddNodeError::NoService) => return Err(ApiError::NotFound("Service")),
            Err(AddNodeError::Store(error)) => return Err(error.into()),
        }
    }
    Err(ApiError::Conflict("Others take the same ports, try again".into()))
}

async fn remove(app: &App, service: &Service, node: NodeId, by: &By) -> Result<(), ApiError> {
    if !service.nodes.iter().any(|it| it.id == node) {
        return Err(ApiError::NotFound("Node"));
    }
    let revision = app.store.nodes.revision(&service.target).await?;
    let revision = revision.ok_or_else(|| ApiError::Internal("a revision is missing".into()))?;
    if controllers(&revision).contains(&node) {
        return Err(ApiError::Conflict(format!(
            "Node {node} is a controller of the service, and those stay"
        )));
    }
    // `false` if it leaves already.
    app.store.nodes.dismiss(service.id, node, by).await?;
    Ok(())
}
