//! The words that every other crate speaks: ids, names, access rules, revisions, secrets, time.
//!
//! **Invariant:** a value of these types is valid. Whatever comes from outside is parsed into
//! them once, at the edge, and is never checked again. No I/O, no async.

mod acl;
mod acl_host;
mod acl_words;
mod denial;
mod idp_policy;
mod idp_url;
mod ids;
mod kafka_acl;
mod metric;
mod name;
mod node;
mod quota;
mod rest;
mod revision;
mod role;
mod rollout;
mod secret;
mod seen;
mod state;
mod time;

pub use crate::acl::{
    AclBinding, AclEntry, AclId, AclOperation, AclPattern, AclPermission, AclPermissionType,
    InvalidAclId, PatternType, Principal, ResourceType,
};
pub use crate::acl_host::AclHost;
pub use crate::denial::{Denial, DenialRule, Denied, ShownText};
pub use crate::idp_policy::{IdpPolicy, Network, NetworkError};
pub use crate::idp_url::{IdpUrl, UrlPolicy, UrlRule};
pub use crate::ids::{NodeId, RolloutId, ServiceId};
pub use crate::kafka_acl::{KafkaAcl, KafkaAclEntry, KafkaAclText, KafkaPrincipal};
pub use crate::metric::{Metric, NodeSample};
pub use crate::name::{InvalidName, ProjectName, ServiceName, TopicName, Username};
pub use crate::node::{Node, NodePorts};
pub use crate::quota::{ClientQuota, QuotaEntity, QuotaKey, QuotaName};
pub use crate::rest::{OidcSettings, OwnIdentity, RestConsumer, RestProducer, RestSettings};
pub use crate::revision::{InvalidRevisionId, Revision, RevisionId};
pub use crate::role::{Grants, Role, Scope};
pub use crate::rollout::{BlockerStatus, PhaseStatus, ProbeFigures, RolloutStatus};
pub use crate::secret::Secret;
pub use crate::seen::{
    InvalidSeen, SUBJECT_CLAIMS, SeenAt, SeenClaims, SeenReport, SeenUse, is_watchable,
};
pub use crate::state::{NodeLife, NodeState, NodeStatus, ServiceState};
pub use crate::time::Timestamp;
