//! The tasks of each service, and who wakes them.

mod keeper;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use model::{IdpPolicy, ServiceId};
use rolling::Policy;
use store::{Store, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::driver::Driver;
use crate::metrics::Metrics;
use keeper::Keeper;

/// How often services are looked for when no notification comes.
const POLL: Duration = Duration::from_secs(5);
/// How long to wait before a task that has panicked is started anew.
const AFTER_PANIC: Duration = Duration::from_secs(10);
/// How long to wait before the database is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Looks after all services.
#[derive(Debug)]
pub struct Supervisor<D> {
    /// What is wanted.
    pub store: Store,
    /// Where nodes run.
    pub driver: Arc<D>,
    /// Which addresses of identity providers are acceptable.
    pub idp_policy: IdpPolicy,
    /// What rollouts do not say of their policy.
    pub policy: Policy,
    /// What is counted.
    pub metrics: Metrics,
}

/// The tasks of one service.
struct Looked {
    /// Raised to wake them.
    wake: watch::Sender<()>,
    stop: CancellationToken,
}

impl<D: Driver> Supervisor<D> {
    /// Runs until `stop` is cancelled, then waits for each task to end its pass. Brokers and
    /// proxies go on running.
    pub async fn run(self, stop: CancellationToken) {
        let holder = Uuid::now_v7();
        let tracker = TaskTracker::new();
        let mut services: BTreeMap<ServiceId, Looked> = BTreeMap::new();
        while !stop.is_cancelled() {
            if let Err(error) = self.watch(&mut services, &tracker, holder, &stop).await {
                warn!(error = &error as &dyn Error, "the database is away");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        for looked in services.values() {
            looked.stop.cancel();
        }
        tracker.close();
        tracker.wait().await;
        // After the last pass: so that the next orchestrator need not wait for their end.
        for service in services.keys() {
            if let Err(error) = self.store.leases.release(&keeper::lease(*service), holder).await {
                warn!(error = &error as &dyn Error, "cannot give a lease back");
            }
        }
    }

    /// Wakes the tasks of each service that has changed, until the database fails.
    async fn watch(
        &self,
        services: &mut BTreeMap<ServiceId, Looked>,
        tracker: &TaskTracker,
        holder: Uuid,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut changes = self.store.changes().await?;
        loop {
            self.refresh(services, tracker, holder).await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(POLL) => {}
                heard = changes.next() => {
                    let service = heard?;
                    for (id, looked) in services.iter() {
                        if service.is_none_or(|it| it == *id) {
                            looked.wake.send_replace(());
                        }
                    }
                }
            }
        }
    }

    /// Starts tasks for new services and stops those of services that are gone.
    async fn refresh(
        &self,
        services: &mut BTreeMap<ServiceId, Looked>,
        tracker: &TaskTracker,
        holder: Uuid,
    ) -> Result<(), StoreError> {
        let ids = self.store.services.ids().await?;
        services.retain(|id, looked| {
            let stays = ids.contains(id);
            if !stays {
                looked.stop.cancel();
            }
            stays
        });
        for id in ids {
            services.entry(id).or_insert_with(|| {
                info!(service.id = %id, "looking after a service");
                let (wake, woken) = watch::channel(());
                let stop = CancellationToken::new();
                let keeper = Arc::new(Keeper::new(self, id, holder));
                let (its, heard, ends) = (Arc::clone(&keeper), woken.clone(), stop.clone());
                tracker.spawn(guarded("nodes", stop.clone(), move || {
                    let (its, heard, ends) = (Arc::clone(&its), heard.clone(), ends.clone());
                    async move { its.keep_nodes(heard, ends).await }
                }));
                let (its, ends) = (Arc::clone(&keeper), stop.clone());
                tracker.spawn(guarded("desired state", stop.clone(), move || {
                    let (its, heard, ends) = (Arc::clone(&its), woken.clone(), ends.clone());
                    async move { its.keep_desired(heard, ends).await }
                }));
                let (its, ends) = (Arc::clone(&keeper), stop.clone());
                tracker.spawn(guarded("seen", stop.clone(), move || {
                    let (its, ends) = (Arc::clone(&its), ends.clone());
                    async move { its.keep_seen(ends).await }
                }));
                let (its, ends) = (Arc::clone(&keeper), stop.clone());
                tracker.spawn(guarded("usage", stop.clone(), move || {
                    let (its, ends) = (Arc::clone(&its), ends.clone());
                    async move { its.keep_usage(ends).await }
                }));
                let ends = stop.clone();
                tracker.spawn(guarded("probe", stop.clone(), move || {
                    let (its, ends) = (Arc::clone(&keeper), ends.clone());
                    async move { its.keep_probing(ends).await }
                }));
                Looked { wake, stop }
            });
        }
        Ok(())
    }
}

/// Logs a panic, and starts the work anew after a while. Ends with the work, or with `stop`.
async fn guarded<W: Future<Output = ()> + Send>(
    task: &'static str,
    stop: CancellationToken,
    work: impl Fn() -> W + Send,
) {
    use futures::FutureExt;
    while std::panic::AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        error!(task, "a task has panicked: it starts anew");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AFTER_PANIC) => {}
        }
    }
}
