//! Where a node of a service is to be found.

use serde::{Deserialize, Serialize};

use crate::NodeId;

/// A node of a Kafka service: a combined broker and controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Kafka's `node.id`.
    pub id: NodeId,
    /// The host name or address on which the other nodes and the clients reach it.
    pub host: String,
    /// The port of each of its listeners.
    pub ports: NodePorts,
    /// Kafka's `broker.rack`.
    pub rack: String,
}

impl Node {
    /// `host:port` of the listener for clients.
    pub fn client_address(&self) -> String {
        format!("{}:{}", self.host, self.ports.client)
    }

    /// `host:port` of the listener for brokers, admin calls and the proxy's own identity. No OIDC
    /// change touches it.
    pub fn internal_address(&self) -> String {
        format!("{}:{}", self.host, self.ports.internal)
    }

    /// `host:port` of the listener for the controller quorum.
    pub fn controller_address(&self) -> String {
        format!("{}:{}", self.host, self.ports.controller)
    }
}

/// The port of each listener of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePorts {
    /// `CONTROLLER`: between controllers, and from brokers to controllers.
    pub controller: u16,
    /// `INTERNAL`: between brokers, and for the platform's own processes.
    pub internal: u16,
    /// `CLIENT`: for everybody else.
    pub client: u16,
}
