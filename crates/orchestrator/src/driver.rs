//! What the rest needs from the place where nodes run: the boundary to machines.

use std::collections::BTreeMap;

use model::{Node, NodeId, ProjectName, Revision, RevisionId, Secret, ServiceName};
use rolling::{Incarnation, Process};
use store::ServiceSecrets;

use crate::usage::Usage;

/// What a driver sees of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Its process, if it has one.
    pub process: Option<Process>,
    /// Whether an order to it is being carried out.
    pub busy: bool,
    /// Its latest starts, oldest first, however they went; a handful.
    pub starts: Vec<Started>,
    /// Whether it works on its logs after an unclean stop.
    pub recovering: bool,
}

/// A start of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// When.
    pub at: model::Timestamp,
    /// With which revision.
    pub revision: RevisionId,
}

/// What a driver sees of a REST proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyObserved {
    /// Whether it has a process.
    pub is_running: bool,
    /// When its process was started last, however that went.
    pub last_start: Option<model::Timestamp>,
}

/// How far the record of what a node allowed and denied was read. Of use to the driver that made it, as long as
/// this process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogMark {
    /// Which file, as the driver names it.
    pub file: u64,
    /// How many bytes of it.
    pub offset: u64,
}

/// The next part of the record of what a node allowed and denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Whole lines, as [`crate::authorizer_log`] reads them; at most a few megabytes.
    pub text: String,
    /// Where the next part begins.
    pub mark: LogMark,
}

/// Names a service to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRef {
    /// The project that it belongs to.
    pub project: ProjectName,
    /// Its name.
    pub name: ServiceName,
    /// Kafka's cluster id.
    pub cluster_id: String,
}

/// What a REST proxy is started with.
#[derive(Clone, Debug)]
pub struct ProxyStart {
    /// `host:port` to listen on.
    pub address: String,
    /// The token with which it asks the control plane for its settings.
    pub token: Secret,
}

/// Why a driver did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The place where nodes run did not answer or failed: try again later.
    #[error("{what}")]
    Failed {
        /// What was tried, with the path or program.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// An orchestrator whose lease is newer has given the node an order.
    #[error("the order comes from the holder of lease {expected}, and {actual} is the latest")]
    StaleEpoch {
        /// Ours.
        expected: i64,
        /// The one that the node knows.
        actual: i64,
    },
    /// The service's REST proxy is still there.
    #[error("the REST proxy of the service runs")]
    ProxyRuns,
    /// The node's process is not the one that the order was about.
    #[error("the node runs {actual}, not {expected}")]
    OtherIncarnation {
        /// The process that has to go.
        expected: Incarnation,
        /// The process that is there.
        actual: Incarnation,
    },
}

/// Starts and restarts nodes.
///
/// Every method may be called again after an answer was lost, and then changes nothing more. They
/// answer when an order is taken, not when it is carried out: what became of it shows in
/// [`Driver::inventory`]. Between the stop and the start of a restart nothing of ours is needed: an
/// orchestrator that dies leaves no node stopped.
pub trait Driver: Send + Sync + 'static {
    /// Looks at every node of a service.
    fn inventory(
        &self,
        service: &ServiceRef,
        nodes: &[Node],
    ) -> impl Future<Output = Result<BTreeMap<NodeId, Observed>, DriverError>> + Send;

    /// Brings a revision and the passwords to where the node will find them. A running node does
    /// not notice.
    fn stage(
        &self,
        service: &ServiceRef,
        node: &Node,
        revision: &Revision,
        secrets: &ServiceSecrets,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// Stops the process `expect` of a node, if there is one, and starts the node with a staged
    /// revision. Refused if the node runs another process than `expect`, or has had an order with a
    /// later `epoch` (of the lease on the service, which only grows).
    fn restart(
        &self,
        service: &ServiceRef,
        node: NodeId,
        revision: &RevisionId,
        expect: Option<&Incarnation>,
        epoch: i64,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// Asks these processes to stop, at once: a broker that is alone with its shutdown waits five
    /// minutes for a controller that is gone (KAFKA-13907). Only these runs; one that is gone is
    /// fine.
    fn stop(
        &self,
        service: &ServiceRef,
        processes: &BTreeMap<NodeId, Incarnation>,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// Deletes what a node that has left the service has on its machine. Refused while it runs.
    fn remove(
        &self,
        service: &ServiceRef,
        node: NodeId,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// Deletes what a service has left on its machines besides its nodes. Refused while its REST
    /// proxy runs.
    fn remove_service(
        &self,
        service: &ServiceRef,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// The end of a node's log, for people: a few kilobytes, without secrets.
    fn log_tail(
        &self,
        service: &ServiceRef,
        node: NodeId,
    ) -> impl Future<Output = Result<String, DriverError>> + Send;

    /// What a node's broker wrote down of what it allowed and denied, from `after` on; from the oldest
    /// that is kept if `after` is not known. What was written long ago, or faster than it is read, may be
    /// gone.
    fn authorizer_log(
        &self,
        service: &ServiceRef,
        node: NodeId,
        after: LogMark,
    ) -> impl Future<Output = Result<LogPart, DriverError>> + Send;

    /// Looks at what those nodes that run use of their machines.
    fn usage(
        &self,
        service: &ServiceRef,
        nodes: &[Node],
    ) -> impl Future<Output = Result<BTreeMap<NodeId, Usage>, DriverError>> + Send;

    /// Whether the service's REST proxy runs, and since when it does or did.
    fn proxy(
        &self,
        service: &ServiceRef,
    ) -> impl Future<Output = Result<ProxyObserved, DriverError>> + Send;

    /// Starts the service's REST proxy.
    fn start_proxy(
        &self,
        service: &ServiceRef,
        start: &ProxyStart,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;

    /// Asks the service's REST proxy to stop, if it runs.
    fn stop_proxy(
        &self,
        service: &ServiceRef,
    ) -> impl Future<Output = Result<(), DriverError>> + Send;
}
