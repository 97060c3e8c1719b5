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
    /// It is switched off, or about to be.
    PowerOff,
}

impl ServiceState {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuilding => "REBUILDING",
            Self::Running => "RUNNING",
            Self::PowerOff => "POWEROFF",
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

impl NodeState {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SettingUpVm => "setting_up_vm",
            Self::SyncingData => "syncing_data",
            Self::Running => "running",
            Self::Leaving => "leaving",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether a node stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeLife {
    /// It stays.
    Active,
    /// It is to be given its share of the partitions.
    Joining,
    /// It is to give away all that it has, and then to go.
    Leaving,
    /// It has given away all that it had: nobody starts it any more, and once it is down it is
    /// forgotten.
    Emptied,
}

impl NodeLife {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Joining => "joining",
            Self::Leaving => "leaving",
            Self::Emptied => "emptied",
        }
    }
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
    /// Where it is in the rollout that is under way: a stable name, such as `catching_up`.
    #[serde(default)]
    pub phase: Option<String>,
    /// Which run of its process this is, if there is a process: another text after each start.
    #[serde(default)]
    pub incarnation: Option<String>,
    /// How many of its replicas are in no in-sync set, if Kafka could be asked.
    #[serde(default)]
    pub out_of_sync: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_state_is_spelled_as_it_is_stored() {
        use NodeState::{Leaving, Running, SettingUpVm, SyncingData, Unknown};
        for state in [SettingUpVm, SyncingData, Running, Leaving, Unknown] {
            let stored =
                serde::de::value::StrDeserializer::<serde::de::value::Error>::new(state.as_str());
            assert_eq!(NodeState::deserialize(stored), Ok(state));
        }
    }
}
