//! From what is stored to the service object.

use std::collections::BTreeMap;

use model::{Node, NodeId, NodeState, NodeStatus, ServiceId, ServiceState};
use serde_json::{Map, Value};
use service_config::effective;
use store::{Service, ServiceUser};
use tracing::warn;

use super::wire::{
    ComponentView, ConnectionInfo, MaintenanceView, NodeExtras, NodeStateView, ServiceExtras,
    ServiceView, UriParams, UserView,
};
use crate::App;
use crate::clouds::{CLOUD, CLOUD_DESCRIPTION};
use crate::error::ApiError;
use crate::plans::plan;
use crate::service_types::{KAFKA, KAFKA_DESCRIPTION};
use crate::time::rfc3339;

/// The users of a service that are not about to be removed.
pub(crate) async fn users_of(app: &App, id: ServiceId) -> Result<Vec<ServiceUser>, ApiError> {
    let mut users = app.store.users.list(id).await?;
    users.retain(|user| !user.deleting);
    Ok(users)
}

/// The service object.
pub(crate) async fn show(app: &App, service: &Service) -> Result<ServiceView, ApiError> {
    let users = users_of(app, service.id).await?;
    let acl = app.store.acls.list(service.id).await?;
    let statuses = app.store.nodes.statuses(service.id).await?;
    let (user_config, kafka_rest) = configuration(app, service);
    let plan = plan(&service.plan);
    let first = service.nodes.first();
    let rest_address = kafka_rest.then_some(service.rest_address.as_str());
    Ok(ServiceView {
        service_name: service.name.to_string(),
        service_type: KAFKA,
        service_type_description: KAFKA_DESCRIPTION,
        state: state(service, &statuses).as_str(),
        plan: service.plan.clone(),
        cloud_name: CLOUD,
        cloud_description: CLOUD_DESCRIPTION,
        create_time: rfc3339(service.created_at),
        update_time: rfc3339(service.updated_at),
        disk_space_mb: 0,
        node_count: service.nodes.len(),
        node_cpu_count: 1,
        node_memory_mb: plan.map_or(0, |it| it.memory_mb),
        group_list: ["default"],
        project_vpc_id: None,
        termination_protection: service.termination_protection,
        service_uri: first.map(Node::client_address).unwrap_or_default(),
        service_uri_params: uri_params(first),
        connection_info: connection_info(&service.nodes, rest_address),
        components: components(&service.nodes, rest_address),
        users: users.into_iter().map(UserView::from).collect(),
        acl: acl.into_iter().map(Into::into).collect(),
        kafka_acl: [],
        schema_registry_acl: [],
        maintenance: maintenance(service),
        node_states: service.nodes.iter().map(|it| node_state(service, it, &statuses)).collect(),
        service_integrations: [],
        service_notifications: [],
        databases: [],
        features: BTreeMap::new(),
        metadata: BTreeMap::new(),
        tags: BTreeMap::new(),
        tech_emails: [],
        topics: [],
        user_config,
        tidegate: extras(service),
    })
}

fn uri_params(first: Option<&Node>) -> UriParams {
    UriParams {
        host: first.map(|it| it.host.clone()).unwrap_or_default(),
        port: first.map(|it| it.ports.client.to_string()).unwrap_or_default(),
    }
}

fn connection_info(nodes: &[Node], rest_address: Option<&str>) -> ConnectionInfo {
    ConnectionInfo {
        kafka: nodes.iter().map(Node::client_address).collect(),
        kafka_rest_uri: rest_address.map(|it| format!("http://{it}")),
    }
}

fn extras(service: &Service) -> ServiceExtras {
    ServiceExtras {
        revision: service.target.short().to_owned(),
        generation: service.generation,
        cluster_id: service.cluster_id.clone(),
    }
}

/// The state of the service: `RUNNING` only while no rollout is under way and no node was seen down,
/// stopping or out of sync. What nobody has looked at lately counts for nothing here; the node's own
/// state says `unknown`.
fn state(service: &Service, statuses: &BTreeMap<NodeId, NodeStatus>) -> ServiceState {
    let troubled = |it: &NodeStatus| !matches!(it.state, NodeState::Running | NodeState::Unknown);
    if statuses.values().any(troubled) { ServiceState::Rebuilding } else { service.state }
}

/// The configuration to be shown, and whether the REST proxy is on.
fn configuration(app: &App, service: &Service) -> (Map<String, Value>, bool) {
    match effective(&service.user_config, &app.settings.rules()) {
        Ok(effective) => (effective.user_config(), effective.kafka_rest()),
        // It was accepted under other rules, and has to be seen to be repaired.
        Err(errors) => {
            warn!(service.id = %service.id, n_errors = errors.len(), "stored configuration breaks rules");
            let kafka_rest = service.user_config.get("kafka_rest") == Some(&Value::Bool(true));
            (service.user_config.clone(), kafka_rest)
        }
    }
}

fn components(nodes: &[Node], rest_address: Option<&str>) -> Vec<ComponentView> {
    let component = |component, host: &str, port, method| ComponentView {
        component,
        host: host.to_owned(),
        port,
        route: "dynamic",
        usage: "primary",
        ssl: false,
        kafka_authentication_method: method,
    };
    let kafka = nodes.iter().map(|it| component("kafka", &it.host, it.ports.client, Some("sasl")));
    let rest = rest_address
        .and_then(|it| it.rsplit_once(':'))
        .and_then(|(host, port)| Some(component("kafka_rest", host, port.parse().ok()?, None)));
    kafka.chain(rest).collect()
}

fn maintenance(service: &Service) -> MaintenanceView {
    let dow = service.maintenance_dow.clone().unwrap_or_else(|| "never".into());
    let time = service.maintenance_time.clone().unwrap_or_else(|| "00:00:00".into());
    MaintenanceView { enabled: dow != "never", dow, time, updates: [] }
}

fn node_state(
    service: &Service,
    node: &Node,
    statuses: &BTreeMap<NodeId, NodeStatus>,
) -> NodeStateView {
    let status = statuses.get(&node.id);
    NodeStateView {
        name: format!("{}-{}", service.name, node.id),
        state: status.map_or(NodeState::Unknown, |it| it.state),
        progress_updates: [],
        availability_zone: node.rack.clone(),
        tidegate: status.map_or_else(NodeExtras::default, |it| NodeExtras {
            revision: it.revision.as_ref().map(|it| it.short().to_owned()),
            active_controller: it.active_controller,
            waiting_for: it.waiting_for.clone(),
        }),
    }
}
