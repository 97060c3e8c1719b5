//! How services and nodes are, in Aiven's words.

use serde::{Deserialize, Serialize};

use crate::{NodeId, RevisionId};

/// `service.state` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ServiceState {
    /// A rollout is under way: not every node is known to run the wanted revision, in sync.
    Rebuilding,
    /// Every node runs the wanted revision and was in sync when last looked at.
    Running,
}

impl ServiceState {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuilding => "REBUILDING",
            Self::Running => "RUNNING",
        }
    }
}

/// `node_states[].state` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// No process, or one that Kafka does not know yet.
    SettingUpVm,
    /// Registered, and not yet in every in-sync set that it belongs to.
    SyncingData,
    /// In sync.
    Running,
    /// Asked to stop.
    Leaving,
    /// Nothing is known: it was not looked at, or the look failed.
    Unknown,
}

/// What the orchestrator saw of a node when it last looked. For display: nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Which node.
    pub node: NodeId,
    /// How it is.
    pub state: NodeState,
    /// The revision that its process was started with, if there is a process.
    pub revision: Option<RevisionId>,
    /// Whether it leads the controller quorum.
    pub active_controller: bool,
    /// Why nothing moves, in words, if something is waited for.
    pub waiting_for: Option<String>,
}
