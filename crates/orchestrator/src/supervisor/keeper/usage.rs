//! The task that samples what a service's nodes use.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{NodeId, NodeSample, Timestamp};
use store::StoreError;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};
use web::chain;

use super::{Keeper, report};
use crate::driver::{Driver, ServiceRef};
use crate::reported::Reported;
use crate::usage::{Usage, until_next, values};

/// The last look at each node.
type Looks = BTreeMap<NodeId, (Instant, Usage)>;

impl<D: Driver> Keeper<D> {
    /// Samples nodes at a fixed step. Of a time in which none was taken there is a gap.
    pub(in crate::supervisor) async fn keep_usage(&self, stop: CancellationToken) {
        let span = info_span!("usage", service.id = %self.service);
        let (mut looks, mut reported) = (Looks::new(), Reported::default());
        while !stop.is_cancelled() {
            let wait = Duration::from_millis(until_next(Timestamp::now(), self.service.0));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let failed = match self.usage_pass(&mut looks).instrument(span.clone()).await {
                Ok(failed) => failed,
                Err(error) => vec![format!("what nodes use: {}", chain(&error))],
            };
            span.in_scope(|| report(&mut reported, &failed));
        }
    }

    /// Looks at each node and writes what became of that and the look before. Says what failed.
    async fn usage_pass(&self, looks: &mut Looks) -> Result<Vec<String>, StoreError> {
        let Some(service) = self.powered_service().await? else {
            looks.clear();
            return Ok(Vec::new());
        };
        let named = ServiceRef {
            project: service.project.clone(),
            name: service.name.clone(),
            cluster_id: service.cluster_id.clone(),
        };
        let found = match self.driver.usage(&named, &service.nodes).await {
            Ok(found) => found,
            Err(error) => return Ok(vec![chain(&error)]),
        };
        let (at, now) = (Timestamp::now(), Instant::now());
        let looked = found.iter().map(|(node, usage)| {
            let before = looks.get(node).map(|(at, before)| (before, now - *at));
            NodeSample { node: *node, values: values(usage, before) }
        });
        let samples: Vec<NodeSample> = looked.collect();
        let unread = |(node, usage): (&NodeId, &Usage)| {
            usage.unread.iter().map(|it| format!("node {node}: {it}")).collect::<Vec<_>>()
        };
        let failed = found.iter().flat_map(unread).collect();
        *looks = found.into_iter().map(|(node, usage)| (node, (now, usage))).collect();
        self.store.metrics.record(self.service, at, &samples).await?;
        Ok(failed)
    }
}
