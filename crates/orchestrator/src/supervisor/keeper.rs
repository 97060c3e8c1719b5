//! The two tasks of one service.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka::{Admin, AdminConfig, Credential};
use model::{IdpPolicy, Principal, Secret, ServiceId, Username};
use rolling::Step;
use service_config::{Effective, Rules, effective};
use store::{Service, ServiceSecrets, Store, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info_span, warn};
use uuid::Uuid;
use web::chain;

use super::Supervisor;
use crate::driver::{Driver, ServiceRef};
use crate::reported::Reported;
use crate::roller::{Roller, Subject};
use crate::{desired, proxy};

/// The time between two passes while something is under way.
const BUSY: Duration = Duration::from_millis(500);
/// The time between two passes while all is well.
const IDLE: Duration = Duration::from_secs(3);
/// How long a service stays ours without a pass.
const LEASE: Duration = Duration::from_secs(10);
/// The deadline of each admin call.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps one service as it shall be.
#[derive(Debug)]
pub(super) struct Keeper<D> {
    store: Store,
    driver: Arc<D>,
    idp_policy: IdpPolicy,
    service: ServiceId,
    holder: Uuid,
    admin: Mutex<Option<KeptAdmin>>,
}

/// A client, and the addresses that it was made for.
type KeptAdmin = (Vec<String>, Admin);

/// A service as one pass sees it.
struct Read {
    service: Service,
    secrets: ServiceSecrets,
    admin: Admin,
}

impl<D: Driver> Keeper<D> {
    pub(super) fn new(supervisor: &Supervisor<D>, service: ServiceId, holder: Uuid) -> Self {
        Self {
            store: supervisor.store.clone(),
            driver: Arc::clone(&supervisor.driver),
            idp_policy: supervisor.idp_policy.clone(),
            service,
            holder,
            admin: Mutex::default(),
        }
    }

    /// Rolls the nodes and looks after the proxy.
    pub(super) async fn keep_nodes(&self, mut woken: watch::Receiver<()>, stop: CancellationToken) {
        let mut roller = Roller::new(self.store.clone(), Arc::clone(&self.driver), self.service);
        let span = info_span!("nodes", service.id = %self.service);
        let mut reported = Reported::default();
        while !stop.is_cancelled() {
            let settled =
                self.nodes_pass(&mut roller, &mut reported).instrument(span.clone()).await;
            pause(if settled { IDLE } else { BUSY }, &mut woken, &stop).await;
        }
    }

    /// Makes Kafka equal to what is wanted.
    pub(super) async fn keep_desired(
        &self,
        mut woken: watch::Receiver<()>,
        stop: CancellationToken,
    ) {
        let span = info_span!("desired", service.id = %self.service);
        let mut reported = Reported::default();
        let mut missing = BTreeSet::new();
        while !stop.is_cancelled() {
            let pass = self.desired_pass(&mut reported, &mut missing);
            let settled = pass.instrument(span.clone()).await;
            pause(if settled { IDLE } else { BUSY }, &mut woken, &stop).await;
        }
    }

    /// Tells whether all is well.
    async fn nodes_pass(&self, roller: &mut Roller<D>, reported: &mut Reported) -> bool {
        let read = match self.read().await {
            Ok(Some(read)) => read,
            Ok(None) => return true,
            Err(error) => {
                report(reported, &[chain(&error)]);
                return false;
            }
        };
        let Read { service, .. } = &read;
        let named = ServiceRef {
            project: service.project.clone(),
            name: service.name.clone(),
            cluster_id: service.cluster_id.clone(),
        };
        let rules = Rules { url_policy: self.idp_policy.urls };
        let (effective, mut failed) = match effective(&service.user_config, &rules) {
            Ok(effective) => (Some(effective), Vec::new()),
            // Written by a version with other rules.
            Err(errors) => (None, errors.iter().map(ToString::to_string).collect()),
        };
        if let Some(effective) = &effective {
            let wanted = effective.kafka_rest();
            let looked = proxy::look_after(&self.store, &self.driver, &named, service, wanted);
            if let Err(error) = looked.await {
                failed.push(format!("REST proxy: {}", chain(&error)));
            }
        }
        let oidc = effective.as_ref().and_then(Effective::oidc);
        let subject = Subject {
            named: &named,
            secrets: &read.secrets,
            admin: &read.admin,
            jwks: oidc.map(|it| &it.jwks_url),
            idp_policy: &self.idp_policy,
        };
        let settled = match roller.pass(&subject).await {
            Ok(step) => {
                debug!(?step, "pass");
                step == Step::Done && service.state == model::ServiceState::Running
            }
            Err(error) => {
                failed.push(chain(&error));
                false
            }
        };
        report(reported, &failed);
        settled
    }

    async fn desired_pass(
        &self,
        reported: &mut Reported,
        missing: &mut BTreeSet<Username>,
    ) -> bool {
        let failed = match self.read().await {
            Ok(Some(read)) => {
                desired::apply(&self.store, &read.admin, &read.service, missing).await
            }
            Ok(None) => Vec::new(),
            Err(error) => vec![chain(&error)],
        };
        let settled = failed.is_empty();
        report(reported, &failed);
        settled
    }

    /// Reads the service, if it is there and its lease is ours.
    async fn read(&self) -> Result<Option<Read>, StoreError> {
        if self.store.leases.hold(&lease(self.service), self.holder, LEASE).await?.is_none() {
            debug!("another orchestrator looks after this service");
            return Ok(None);
        }
        let Some(service) = self.store.services.by_id(self.service).await? else {
            return Ok(None);
        };
        let Some(secrets) = self.store.services.secrets(self.service).await? else {
            return Ok(None);
        };
        let admin = self.admin(&service, &secrets.admin);
        Ok(Some(Read { service, secrets, admin }))
    }

    /// The admin client, made anew only when the addresses have changed.
    fn admin(&self, service: &Service, password: &Secret) -> Admin {
        let bootstrap: Vec<String> =
            service.nodes.iter().map(model::Node::internal_address).collect();
        let mut kept = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((addresses, admin)) = kept.as_ref()
            && *addresses == bootstrap
        {
            return admin.clone();
        }
        let admin = Admin::new(AdminConfig {
            bootstrap: bootstrap.clone(),
            credential: Credential::Plain {
                username: Principal::ADMIN.to_owned(),
                password: password.clone(),
            },
            client_id: "tidegate-orchestrator".to_owned(),
            timeout: ADMIN_TIMEOUT,
        });
        *kept = Some((bootstrap, admin.clone()));
        admin
    }
}

/// The name of the lease on a service.
pub(super) fn lease(service: ServiceId) -> String {
    format!("service/{service}")
}

fn report(reported: &mut Reported, failed: &[String]) {
    if reported.is_news(failed) {
        warn!("pass failed in part, trying again: {}", failed.join("; "));
    }
}

async fn pause(time: Duration, woken: &mut watch::Receiver<()>, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(time) => {}
        changed = woken.changed() => {
            // The sender is gone only when the service is: `stop` follows.
            if changed.is_err() {
                stop.cancelled().await;
            }
        }
    }
}
