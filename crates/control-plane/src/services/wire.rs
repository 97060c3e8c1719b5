//! The service object as Aiven's clients expect it. Lists are never `null`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::{AclEntry, NodeState, Role, Secret};
use serde::Serialize;
use serde_json::{Map, Value};
use store::ServiceUser;
use utoipa::ToSchema;

use super::update::Apply;
use super::view::progress::ProgressView;
use crate::kafka_acls::KafkaAclView;
use crate::rollouts::RolloutBrief;
use crate::time::rfc3339;

/// A service.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServiceView {
    pub(super) service_name: String,
    pub(super) service_type: &'static str,
    pub(super) service_type_description: &'static str,
    /// `REBUILDING` while nodes are started with another configuration, else `RUNNING`.
    pub(super) state: &'static str,
    pub(super) plan: String,
    pub(super) cloud_name: &'static str,
    pub(super) cloud_description: &'static str,
    pub(super) create_time: String,
    pub(super) update_time: String,
    pub(super) disk_space_mb: u32,
    pub(super) node_count: usize,
    pub(super) node_cpu_count: u32,
    pub(super) node_memory_mb: u32,
    pub(super) group_list: [&'static str; 1],
    pub(super) project_vpc_id: Option<String>,
    pub(super) termination_protection: bool,
    /// `host:port` of the first node's listener for clients.
    pub(super) service_uri: String,
    pub(super) service_uri_params: UriParams,
    pub(super) connection_info: ConnectionInfo,
    pub(super) components: Vec<ComponentView>,
    pub(super) users: Vec<UserView>,
    pub(super) acl: Vec<AclView>,
    pub(super) kafka_acl: Vec<KafkaAclView>,
    pub(super) schema_registry_acl: [String; 0],
    pub(super) maintenance: MaintenanceView,
    pub(super) node_states: Vec<NodeStateView>,
    pub(super) service_integrations: [String; 0],
    pub(super) service_notifications: Vec<NotificationView>,
    pub(super) databases: [String; 0],
    pub(super) features: BTreeMap<String, String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) tech_emails: [String; 0],
    pub(super) topics: [String; 0],
    /// What was set, and the top-level options with their defaults.
    #[schema(value_type = Object)]
    pub(super) user_config: Map<String, Value>,
    pub(super) tidegate: ServiceExtras,
}

/// What people should know of a service. `avn service get` prints the message.
#[derive(Serialize, ToSchema)]
pub(super) struct NotificationView {
    /// `notice` or `warning`.
    pub(super) level: &'static str,
    /// Stable, for programs.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) message: Cow<'static, str>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Where the service is.
#[derive(Serialize, ToSchema)]
pub(super) struct UriParams {
    pub(super) host: String,
    pub(super) port: String,
}

/// How to reach the service. Addresses carry no passwords.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectionInfo {
    /// `host:port` of each node's listener for clients.
    pub(super) kafka: Vec<String>,
    /// Only while the REST proxy is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kafka_rest_uri: Option<String>,
}

/// One address of one part of the service.
#[derive(Serialize, ToSchema)]
pub(super) struct ComponentView {
    pub(super) component: &'static str,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) route: &'static str,
    pub(super) usage: &'static str,
    pub(super) ssl: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kafka_authentication_method: Option<&'static str>,
}

/// A service user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserView {
    username: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Null for those who may not see it.
    password: Option<Shown>,
    access_cert: Option<String>,
    access_key: Option<String>,
    access_cert_not_valid_after_time: Option<String>,
    create_time: String,
}

/// A password in an answer that is made for it.
#[derive(Serialize, ToSchema)]
#[schema(value_type = String)]
struct Shown(#[serde(serialize_with = "Secret::serialize_exposed")] Secret);

/// An ACL entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct AclView {
    id: String,
    permission: &'static str,
    topic: String,
    username: String,
}

/// When the service may be worked on.
#[derive(Serialize, ToSchema)]
pub(super) struct MaintenanceView {
    pub(super) dow: String,
    pub(super) time: String,
    pub(super) enabled: bool,
    /// The rollout that waits for the window, if there is one.
    pub(super) updates: Vec<MaintenanceUpdate>,
}

/// Something that waits for the maintenance window.
#[derive(Serialize, ToSchema)]
pub(super) struct MaintenanceUpdate {
    pub(super) description: String,
    pub(super) deadline: Option<String>,
    pub(super) start_after: Option<String>,
    /// When the window opens. `maintenance/start` starts it before.
    pub(super) start_at: Option<String>,
    pub(super) impact: &'static str,
    pub(super) documentation_link: Option<String>,
}

/// A node, as it was seen last.
#[derive(Serialize, ToSchema)]
pub(super) struct NodeStateView {
    pub(super) name: String,
    #[schema(value_type = String)]
    pub(super) state: NodeState,
    /// How far it is in the rollout that is under way.
    pub(super) progress_updates: Vec<ProgressView>,
    pub(super) availability_zone: String,
    pub(super) tidegate: NodeExtras,
}

/// What Aiven's API has no place for.
#[derive(Serialize, ToSchema)]
pub(super) struct NodeExtras {
    /// The configuration that its process was started with.
    pub(super) revision: Option<String>,
    pub(super) active_controller: bool,
    /// `active`; `joining` until it has its share of the partitions; `leaving` until it is gone.
    pub(super) life: &'static str,
    /// Where it is in the rollout that is under way, such as `catching_up`.
    pub(super) phase: Option<String>,
    /// Why nothing moves, if something is waited for.
    pub(super) waiting_for: Option<String>,
}

/// What Aiven's API has no place for.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceExtras {
    /// The configuration that every node shall run.
    pub(super) revision: String,
    /// Grows with each change.
    pub(super) generation: i64,
    /// Kafka's id of the cluster.
    pub(super) cluster_id: String,
    /// When changes that need a rolling restart are made.
    pub(super) apply: Apply,
    /// The rollout that is under way.
    pub(super) rollout: Option<RolloutBrief>,
}

impl UserView {
    /// A user, as somebody with that role may see it.
    pub(crate) fn of(user: ServiceUser, role: Role) -> Self {
        Self {
            username: user.username.into(),
            kind: user.kind.as_str(),
            password: (role >= Role::Developer).then_some(Shown(user.password)),
            access_cert: None,
            access_key: None,
            access_cert_not_valid_after_time: None,
            create_time: rfc3339(user.created_at),
        }
    }
}

impl From<AclEntry> for AclView {
    fn from(entry: AclEntry) -> Self {
        Self {
            id: entry.id.0,
            permission: entry.permission.as_str(),
            topic: entry.topic.to_string(),
            username: entry.username.to_string(),
        }
    }
}
