//! From what is stored to the service object.

pub(super) mod progress;

mod look;

use std::collections::BTreeMap;

use model::{
    Node, NodeId, NodeLife, NodeState, NodeStatus, Role, ServiceId, ServiceState, Timestamp,
};
use serde_json::{Map, Value};
use service_config::effective;
use store::{Contents, NodesSeen, Refusal, RolloutRecord, Service, ServiceUser};
use tracing::warn;

pub(crate) use self::look::{NodeLook, ServiceLook, look};
use self::progress::progress;
use super::update::{Apply, OPEN_REST, is_open};
use super::wire::{
    ComponentView, ConnectionInfo, MaintenanceUpdate, MaintenanceView, NodeExtras, NodeStateView,
    NotificationView, ServiceExtras, ServiceView, UriParams, UserView,
};
use crate::App;
use crate::clouds::{CLOUD, CLOUD_DESCRIPTION};
use crate::error::ApiError;
use crate::plans::plan;
use crate::rollouts::{RolloutBrief, opens_at, under_way};
use crate::service_types::{KAFKA, KAFKA_DESCRIPTION};
use crate::time::rfc3339;

/// The users of a service that are not about to be removed.
pub(crate) async fn users_of(app: &App, id: ServiceId) -> Result<Vec<ServiceUser>, ApiError> {
    let mut users = app.store.users.list(id).await?;
    users.retain(|user| !user.deleting);
    Ok(users)
}

/// The service object, as somebody with that role may see it.
pub(crate) async fn show(
    app: &App,
    service: &Service,
    role: Role,
) -> Result<ServiceView, ApiError> {
    let contents = app.store.contents(service.id).await?;
    show_with(app, service, contents, role).await
}

/// The same, of one whose contents were read already.
pub(super) async fn show_with(
    app: &App,
    service: &Service,
    mut contents: Contents,
    role: Role,
) -> Result<ServiceView, ApiError> {
    contents.users.retain(|user| !user.deleting);
    let rollout = rollout(app, service).await?;
    Ok(put_together(app, service, role, contents, rollout.as_ref()))
}

/// The service objects of a list: without users and ACL entries, of which there may be very many.
pub(super) async fn show_all(
    app: &App,
    services: &[Service],
    role: Role,
) -> Result<Vec<ServiceView>, ApiError> {
    let ids: Vec<ServiceId> = services.iter().map(|it| it.id).collect();
    let (mut seen, mut rollouts) =
        tokio::try_join!(app.store.nodes.seen(&ids), app.store.rollouts.under_way(&ids))?;
    let show = |service: &Service| {
        let nodes = seen.remove(&service.id).unwrap_or_default();
        let rollout = rollouts.remove(&service.id);
        put_together(
            app,
            service,
            role,
            Contents { nodes, ..Contents::default() },
            rollout.as_ref(),
        )
    };
    Ok(services.iter().map(show).collect())
}

fn put_together(
    app: &App,
    service: &Service,
    role: Role,
    contents: Contents,
    rollout: Option<&RolloutRecord>,
) -> ServiceView {
    let Contents { users, acls, kafka_acls, nodes } = contents;
    let NodesSeen { statuses, in_transit } = nodes;
    let (user_config, kafka_rest, mut service_notifications) = configuration(app, service);
    service_notifications.extend(service.refusals.iter().map(alert));
    let plan = plan(&service.plan);
    let first = service.nodes.first();
    let rest_address = kafka_rest.then_some(service.rest_address.as_str());
    ServiceView {
        service_name: service.name.to_string(),
        service_type: KAFKA,
        service_type_description: KAFKA_DESCRIPTION,
        state: state_of(service.state, statuses.values()).as_str(),
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
        users: users.into_iter().map(|it| UserView::of(it, role)).collect(),
        acl: acls.into_iter().map(Into::into).collect(),
        kafka_acl: kafka_acls.into_iter().map(Into::into).collect(),
        schema_registry_acl: [],
        maintenance: maintenance(service, rollout),
        node_states: node_states(service, &statuses, &in_transit, rollout.is_some()),
        service_integrations: [],
        service_notifications,
        databases: [],
        features: BTreeMap::new(),
        metadata: BTreeMap::new(),
        tags: service.tags.clone(),
        tech_emails: [],
        topics: [],
        user_config,
        tidegate: extras(service, rollout),
    }
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

/// The rollout that is under way.
async fn rollout(app: &App, service: &Service) -> Result<Option<RolloutRecord>, ApiError> {
    match service.state {
        ServiceState::Running => Ok(None),
        ServiceState::Rebuilding | ServiceState::PowerOff => under_way(&app.store, service).await,
    }
}

fn extras(service: &Service, rollout: Option<&RolloutRecord>) -> ServiceExtras {
    ServiceExtras {
        revision: service.target.short().to_owned(),
        generation: service.generation,
        cluster_id: service.cluster_id.clone(),
        apply: Apply::of(service),
        rollout: rollout.map(|it| RolloutBrief::of(it, service, Timestamp::now())),
    }
}

/// The state of the service: `RUNNING` only while no rollout is under way and no node was seen down,
/// stopping or out of sync. What nobody has looked at lately counts for nothing here; the node's own
/// state says `unknown`.
pub(crate) fn state_of<'s>(
    stored: ServiceState,
    mut statuses: impl Iterator<Item = &'s NodeStatus>,
) -> ServiceState {
    let troubled = |it: &NodeStatus| !matches!(it.state, NodeState::Running | NodeState::Unknown);
    let is_troubled = stored != ServiceState::PowerOff && statuses.any(troubled);
    if is_troubled { ServiceState::Rebuilding } else { stored }
}

/// The configuration to be shown, whether the REST proxy is on, and what people should know of it.
fn configuration(
    app: &App,
    service: &Service,
) -> (Map<String, Value>, bool, Vec<NotificationView>) {
    match effective(&service.user_config, &app.settings.rules()) {
        Ok(effective) => {
            let open = is_open(&effective).then(|| NotificationView {
                level: "warning",
                kind: "kafka_rest_without_authorization",
                message: OPEN_REST.into(),
                metadata: BTreeMap::new(),
            });
            let kafka_rest = effective.kafka_rest();
            (effective.user_config(), kafka_rest, open.into_iter().collect())
        }
        // It was accepted under other rules, and has to be seen to be repaired.
        Err(errors) => {
            warn!(service.id = %service.id, n_errors = errors.len(), "stored configuration breaks rules");
            let kafka_rest = service.user_config.get("kafka_rest") == Some(&Value::Bool(true));
            (service.user_config.clone(), kafka_rest, Vec::new())
        }
    }
}

/// Something that the service shall have and Kafka refuses.
fn alert(refusal: &Refusal) -> NotificationView {
    let Refusal { aggregate, name, message, since } = refusal;
    let metadata = [
        ("aggregate", aggregate.as_str().to_owned()),
        ("name", name.clone()),
        ("since", rfc3339(*since)),
    ];
    NotificationView {
        level: "warning",
        kind: "user_alert",
        message: format!("Kafka refuses {} {name}: {message}", aggregate.as_str()).into(),
        metadata: metadata.map(|(key, value)| (key.to_owned(), value)).into(),
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

fn maintenance(service: &Service, rollout: Option<&RolloutRecord>) -> MaintenanceView {
    let dow = service.maintenance_dow.clone().unwrap_or_else(|| "never".into());
    let time = service.maintenance_time.clone().unwrap_or_else(|| "00:00:00".into());
    let updates = rollout.and_then(waiting).into_iter().collect();
    MaintenanceView { enabled: dow != "never", dow, time, updates }
}

/// A rollout that waits for the maintenance window, as Aiven shows pending maintenance.
fn waiting(rollout: &RolloutRecord) -> Option<MaintenanceUpdate> {
    let opens = opens_at(rollout, Timestamp::now())?;
    Some(MaintenanceUpdate {
        description: format!("Rolling restart {} into another configuration", rollout.id),
        deadline: None,
        start_after: Some(rfc3339(rollout.started_at)),
        start_at: Some(rfc3339(opens)),
        impact: "Nodes are restarted one after another",
        documentation_link: None,
    })
}

fn node_states(
    service: &Service,
    statuses: &BTreeMap<NodeId, NodeStatus>,
    in_transit: &BTreeMap<NodeId, NodeLife>,
    is_rolling: bool,
) -> Vec<NodeStateView> {
    let life = |id: &NodeId| in_transit.get(id).copied().unwrap_or(NodeLife::Active);
    let show = |it: &Node| node_state(service, it, statuses.get(&it.id), life(&it.id), is_rolling);
    service.nodes.iter().map(show).collect()
}

fn node_state(
    service: &Service,
    node: &Node,
    status: Option<&NodeStatus>,
    life: NodeLife,
    is_rolling: bool,
) -> NodeStateView {
    // What was published last may be of a rollout that has ended since.
    let phase = status.and_then(|it| it.phase.clone()).filter(|_| is_rolling);
    NodeStateView {
        name: format!("{}-{}", service.name, node.id),
        state: status.map_or(NodeState::Unknown, |it| it.state),
        progress_updates: phase.as_deref().map(progress).unwrap_or_default(),
        availability_zone: node.rack.clone(),
        tidegate: NodeExtras {
            revision: status.and_then(|it| Some(it.revision.as_ref()?.short().to_owned())),
            active_controller: status.is_some_and(|it| it.active_controller),
            life: life.as_str(),
            phase,
            waiting_for: status.and_then(|it| it.waiting_for.clone()),
        },
    }
}
