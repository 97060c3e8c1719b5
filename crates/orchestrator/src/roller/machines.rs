//! What the roller needs of the place where the nodes of one service run.

use std::collections::BTreeMap;

use model::{Node, NodeId, Revision, RevisionId};
use rolling::Incarnation;

use crate::driver::{DriverError, Observed};

/// The processes of one service's nodes. The methods are those of [`crate::driver::Driver`], with
/// the service and the lease filled in.
pub trait Machines: Send + Sync {
    /// Looks at every node.
    fn inventory(
        &self,
        nodes: &[Node],
    ) -> impl Future<Output = Result<BTreeMap<NodeId, Observed>, DriverError>> + Send;

    /// Brings a revision to where the node will find it. A running node does not notice.
    fn stage(
        &self,
        node: &Node,
        revision: &Revision,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// Stops the process `expect` of a node, if there is one, and starts the node with a staged
    /// revision. Refused if the node runs another process than `expect`, or if an orchestrator with
    /// a newer lease has given it an order.
    fn restart(
        &self,
        node: NodeId,
        revision: &RevisionId,
        expect: Option<&Incarnation>,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// The end of the log of a node, for people.
    fn log_tail(&self, node: NodeId) -> impl Future<Output = Result<String, DriverError>> + Send;
}
