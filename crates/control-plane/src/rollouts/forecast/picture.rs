//! A picture of a service that is good enough for a forecast: nothing is done by it.

use std::collections::BTreeMap;

use model::{NodeId, NodeStatus};
use observe::Told;
use rolling::{AuthView, Incarnation, Jwks, NodeView, Process, ServiceView};
use store::{NodePin, Service};

use crate::App;
use crate::error::ApiError;

/// Asks Kafka, and takes the rest from what the orchestrator published.
pub(super) async fn take(app: &App, service: &Service) -> Result<ServiceView, ApiError> {
    let admin = app.admins.of(service).await?;
    let told = observe::kafka_view(&admin).await;
    let told = told.map_err(|error| ApiError::Unavailable("Kafka", error.into()))?;
    let mut seen = app.store.nodes.seen(&[service.id]).await?;
    let statuses = seen.remove(&service.id).unwrap_or_default().statuses;
    let usual = app.store.nodes.usual_ms(service.id).await?;
    let pins = app.store.nodes.list(service.id).await?;
    let nodes = pins.into_iter().map(|pin| {
        let id = pin.node.id;
        (id, node(pin, statuses.get(&id), usual.get(&id).copied(), &told))
    });
    Ok(ServiceView {
        nodes: nodes.collect::<BTreeMap<NodeId, NodeView>>(),
        jwks: Jwks::NotNeeded,
        whole_since: None,
        calm_since: None,
        raised: app.store.rollouts.raised(service.id).await?,
        kafka: Some(told.view),
    })
}

fn node(pin: NodePin, status: Option<&NodeStatus>, usual_ms: Option<i64>, told: &Told) -> NodeView {
    let id = pin.node.id;
    let is_registered = told.view.fenced.contains_key(&id);
    let revision = status.and_then(|it| it.revision.clone());
    // A node that nobody has looked at runs what it is pinned to, if it runs.
    let process = is_registered.then(|| Process {
        incarnation: Incarnation(String::new()),
        revision: revision.unwrap_or_else(|| pin.revision.clone()),
    });
    NodeView {
        pinned: pin.revision,
        process,
        busy: false,
        starts: Vec::new(),
        recovering: false,
        answers: is_registered && !told.silent.contains(&id),
        auth: AuthView::Proven,
        progress_at: None,
        falls: Vec::new(),
        usual_ms,
        rack: pin.node.rack,
    }
}
