//! The public client. Its methods are grouped by topic in the modules below.

pub(crate) mod acls;
pub(crate) mod cluster;
pub(crate) mod configs;
pub(crate) mod groups;
pub(crate) mod offsets;
pub(crate) mod placement;
pub(crate) mod quotas;
pub(crate) mod scram;
pub(crate) mod topics;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use kafka_protocol::protocol::Request;
use model::NodeId;
use tokio::time::Instant;

use crate::call::Call;
use crate::config::AdminConfig;
use crate::error::KafkaError;
use crate::routing::Router;

/// A client for admin calls to one cluster. Clones share their connections, one to each broker.
#[derive(Clone, Debug)]
pub struct Admin {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    router: Router,
    /// How many ACLs were seen last that no binding of ours can express.
    foreign_acls: AtomicUsize,
}

impl Admin {
    /// A client that has not connected yet. No I/O.
    pub fn new(config: AdminConfig) -> Self {
        let router = Router::new(config);
        Self { inner: Arc::new(Inner { router, foreign_acls: AtomicUsize::new(0) }) }
    }

    fn router(&self) -> &Router {
        &self.inner.router
    }

    /// By when a call that starts now has to end.
    fn deadline(&self) -> Instant {
        Instant::now() + self.router().settings().timeout
    }

    async fn ask<R: Request>(
        &self,
        call: Call<'_, R>,
        deadline: Instant,
        check: impl Fn(&R::Response) -> Result<(), KafkaError>,
    ) -> Result<R::Response, KafkaError> {
        self.router().ask(call, deadline, check).await
    }
}

/// What `timeout_ms` of a request should say, so that the broker gives up before we do.
pub(crate) fn broker_timeout_ms(deadline: Instant) -> i32 {
    let left = deadline.saturating_duration_since(Instant::now());
    i32::try_from((left * 9 / 10).as_millis()).unwrap_or(i32::MAX)
}

/// Kafka's `-1` for "none".
fn node(id: i32) -> Option<NodeId> {
    (id >= 0).then_some(NodeId(id))
}

fn nodes(ids: &[kafka_protocol::messages::BrokerId]) -> Vec<NodeId> {
    ids.iter().map(|it| NodeId(it.0)).collect()
}
