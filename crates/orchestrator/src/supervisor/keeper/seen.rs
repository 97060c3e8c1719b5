//! The task that reads what a service's brokers have allowed and denied.

use std::time::Duration;

use model::{NodeId, SeenAt, Timestamp};
use store::{Service, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};
use web::chain;

use super::{Keeper, LEASE, lease, report};
use crate::authorizer_log::allowed;
use crate::denials::Recorded;
use crate::driver::{Driver, ServiceRef};
use crate::reported::Reported;
use crate::seen::Gathered;

/// The time between two passes. A broker writes less than is read at once in three of these.
const PAUSE: Duration = Duration::from_secs(10);

impl<D: Driver> Keeper<D> {
    /// Notes who uses what at the brokers, and who is refused what. A use that is missed is seen again
    /// when it is used again, so that nothing else waits for this.
    pub(in crate::supervisor) async fn keep_seen(&self, stop: CancellationToken) {
        let span = info_span!("seen", service.id = %self.service);
        let (mut gathered, mut recorded) = (Gathered::default(), Recorded::default());
        let mut reported = Reported::default();
        while !stop.is_cancelled() {
            let pass = self.seen_pass(&mut gathered, &mut recorded).instrument(span.clone());
            let failed = match pass.await {
                Ok(failed) => failed,
                Err(error) => vec![format!("what brokers allowed and denied: {}", chain(&error))],
            };
            span.in_scope(|| report(&mut reported, &failed));
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Reads on at each node, and tells what was not told. Says what failed.
    async fn seen_pass(
        &self,
        gathered: &mut Gathered,
        recorded: &mut Recorded,
    ) -> Result<Vec<String>, StoreError> {
        let Some(service) = self.powered_service().await? else { return Ok(Vec::new()) };
        let named = ServiceRef {
            project: service.project.clone(),
            name: service.name.clone(),
            cluster_id: service.cluster_id.clone(),
        };
        let mut failed = Vec::new();
        for node in &service.nodes {
            let mark = gathered.marks.get(&node.id).copied().unwrap_or_default();
            match self.driver.authorizer_log(&named, node.id, mark).await {
                Ok(part) => {
                    // First: if that fails, this part is read again, and a use only once more.
                    self.record_denials(recorded, node.id, &part.text).await?;
                    gathered.marks.insert(node.id, part.mark);
                    part.text.lines().filter_map(allowed).for_each(|it| gathered.add(it));
                }
                Err(error) => failed.push(format!("node {}: {}", node.id, chain(&error))),
            }
        }
        loop {
            let due = gathered.due();
            if due.is_empty() {
                break;
            }
            let now = Timestamp::now();
            self.store.seen.record(self.service, SeenAt::Broker, &due, now).await?;
            gathered.told(due);
        }
        let dropped = gathered.take_dropped();
        if dropped > 0 {
            warn!(dropped, "no room for uses of the service's resources: they are not remembered");
        }
        Ok(failed)
    }

    /// Writes down what a part of a node's log says was refused. What is there already is not written
    /// twice: after a start a log is read from its beginning, and whether a failed write was one is
    /// not known.
    async fn record_denials(
        &self,
        recorded: &mut Recorded,
        node: NodeId,
        text: &str,
    ) -> Result<(), StoreError> {
        if recorded.is_unknown() {
            recorded.known(self.store.denials.last(self.service).await?);
        }
        let (denials, now) = (recorded.new_in(node, text), Timestamp::now());
        if denials.is_empty() && !recorded.must_tidy(now) {
            return Ok(());
        }
        let written = self.store.denials.record(self.service, &denials, now).await;
        if written.is_err() {
            recorded.forget();
        }
        written
    }

    /// The service, if it runs and is ours to look after.
    pub(super) async fn powered_service(&self) -> Result<Option<Service>, StoreError> {
        if self.store.leases.hold(&lease(self.service), self.holder, LEASE).await?.is_none() {
            return Ok(None);
        }
        let service = self.store.services.by_id(self.service).await?;
        Ok(service.filter(|it| it.powered && !it.terminating))
    }
}
