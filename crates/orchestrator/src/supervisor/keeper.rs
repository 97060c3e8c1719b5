//! The tasks of one service.

mod seen;
mod usage;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kafka::{Admin, AdminConfig, Credential, ScramMechanism};
use model::{
    IdpPolicy, Principal, RolloutId, Secret, ServiceId, ServiceState, Timestamp, Username,
};
use rolling::{Policy, Step};
use service_config::{Effective, Rules, effective};
use store::{Lease, Service, ServiceSecrets, Store, StoreError, UserType};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info_span, warn};
use uuid::Uuid;
use web::chain;

use super::Supervisor;
use crate::driver::{Driver, ServiceRef};
use crate::lifecycle::InTransit;
use crate::logins::Trials;
use crate::look::RealCluster;
use crate::metrics::Metrics;
use crate::probe::{self, Noticed};
use crate::reported::Reported;
use crate::roller::{PassReport, Postgres, RealMachines, Roller};
use crate::{desired, lifecycle, proxy};

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
    policy: Policy,
    metrics: Metrics,
    service: ServiceId,
    holder: Uuid,
    admin: Mutex<Option<KeptAdmin>>,
    /// The rollout under way, for the probe.
    rolling: watch::Sender<Option<RolloutId>>,
    noticed: Noticed,
}

/// A client, and the addresses that it was made for.
type KeptAdmin = (Vec<String>, Admin);

/// A service as one pass sees it.
struct Read {
    service: Service,
    secrets: ServiceSecrets,
    admin: Admin,
    /// Of the lease.
    epoch: i64,
}

/// The roller of a service, in production.
type ServiceRoller<D> = Roller<Postgres, RealMachines<D>, RealCluster>;

impl<D: Driver> Keeper<D> {
    pub(super) fn new(supervisor: &Supervisor<D>, service: ServiceId, holder: Uuid) -> Self {
        Self {
            store: supervisor.store.clone(),
            driver: Arc::clone(&supervisor.driver),
            idp_policy: supervisor.idp_policy.clone(),
            policy: supervisor.policy,
            metrics: supervisor.metrics.clone(),
            service,
            holder,
            admin: Mutex::default(),
            rolling: watch::Sender::new(None),
            noticed: Noticed::default(),
        }
    }

    /// Rolls the nodes and looks after the proxy.
    pub(super) async fn keep_nodes(&self, mut woken: watch::Receiver<()>, stop: CancellationToken) {
        let mut roller = None;
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

    /// Writes to Kafka while a rollout is under way, to see what clients notice of it.
    pub(super) async fn keep_probing(&self, stop: CancellationToken) {
        let span = info_span!("probe", service.id = %self.service);
        let mut rolling = self.rolling.subscribe();
        while !stop.is_cancelled() {
            let rollout = *rolling.borrow_and_update();
            let over = stop.child_token();
            let probing = async {
                let Some(rollout) = rollout else { return };
                if let Err(error) = self.probe(rollout, &over).await {
                    warn!(error = %chain(&error), "cannot probe");
                }
            };
            let ended = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    // The sender is ours.
                    _ = rolling.changed() => {}
                }
                over.cancel();
            };
            tokio::join!(probing.instrument(span.clone()), ended);
        }
    }

    async fn probe(&self, rollout: RolloutId, over: &CancellationToken) -> Result<(), StoreError> {
        let Some(service) = self.store.services.by_id(self.service).await? else { return Ok(()) };
        let Some(secrets) = self.store.services.secrets(self.service).await? else { return Ok(()) };
        let earlier = self.store.rollouts.get(self.service, rollout).await?;
        let before = earlier.and_then(|it| it.status).and_then(|it| it.probe);
        self.noticed.begin(rollout, before.unwrap_or_default());
        let admin = self.admin(&service, &secrets.admin);
        let partitions = i32::try_from(service.nodes.len()).unwrap_or(1);
        let config = admin_config(&service, &secrets.admin);
        probe::run(&admin, config, partitions, rollout, &self.noticed, over).await;
        Ok(())
    }

    /// Tells whether all is well.
    async fn nodes_pass(
        &self,
        roller: &mut Option<ServiceRoller<D>>,
        reported: &mut Reported,
    ) -> bool {
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
            let wanted = effective.kafka_rest() && service.powered;
            let looked = proxy::look_after(&self.store, &self.driver, &named, service, wanted);
            if let Err(error) = looked.await {
                failed.push(format!("REST proxy: {}", chain(&error)));
            }
        }
        if !service.powered {
            // What was remembered says nothing of the nodes that will be started again.
            *roller = None;
            let off = if service.terminating {
                lifecycle::terminate(&self.store, &self.driver, &named, service).await
            } else {
                lifecycle::power_off(&self.store, &self.driver, &named, service).await
            };
            failed.extend(off.as_ref().err().map(|it| format!("nodes to stop: {}", chain(it))));
            report(reported, &failed);
            return off.unwrap_or(false);
        }
        let admin = &read.admin;
        let in_transit = lifecycle::see_off(&self.store, &self.driver, &named, service, admin)
            .await
            .map_err(|error| failed.push(format!("nodes that leave: {}", chain(&error))))
            .ok();
        let passed = match self.roller(roller, &read, named.clone(), effective.as_ref()).await {
            Ok(roller) => roller.pass().await,
            Err(error) => Err(error.into()),
        };
        if let (Ok(step), Some(roller)) = (&passed, roller.as_ref()) {
            self.count(&read, step, roller.report());
            let rollout = roller.report().rollout;
            self.rolling.send_if_modified(|it| std::mem::replace(it, rollout) != rollout);
        }
        let settled = match passed {
            Ok(step) => {
                debug!(?step, "pass");
                let is_complete = match &in_transit {
                    Some(nodes) if step == Step::Idle => {
                        self.come_and_go(&read, nodes, &mut failed).await
                    }
                    _ => false,
                };
                is_complete && service.state == ServiceState::Running
            }
            Err(error) => {
                failed.push(chain(&error));
                false
            }
        };
        report(reported, &failed);
        settled
    }

    /// Brings nodes in and out. Tells whether none comes or goes.
    async fn come_and_go(
        &self,
        read: &Read,
        in_transit: &InTransit,
        failed: &mut Vec<String>,
    ) -> bool {
        let Read { service, admin, .. } = read;
        match lifecycle::pass(&self.store, service, in_transit, admin).await {
            Ok(is_complete) => is_complete,
            Err(error) => {
                failed.push(format!("nodes that come and go: {}", chain(&error)));
                false
            }
        }
    }

    fn count(&self, read: &Read, step: &Step, report: &PassReport) {
        let metrics = self.metrics.of(read.service.name.as_str());
        metrics.holds(read.epoch);
        metrics.decided(step, report.rollout.is_some(), BUSY.as_secs_f64());
        if report.has_acted {
            metrics.done(step);
        }
        if report.is_unsafe {
            warn!("a partition has too few replicas in sync while a node is away by our order");
            metrics.saw_unsafe();
        }
        for (phase, ms) in &report.left {
            metrics.left(*phase, *ms);
        }
        for (ms, usual) in &report.took {
            if let Some(usual) = usual {
                metrics.took(*ms, *usual);
            }
        }
    }

    /// The roller, with what the service says now.
    async fn roller<'a>(
        &self,
        roller: &'a mut Option<ServiceRoller<D>>,
        read: &Read,
        named: ServiceRef,
        effective: Option<&Effective>,
    ) -> Result<&'a mut ServiceRoller<D>, StoreError> {
        // Nobody logs in by way of trial but during a rollout. One that has begun since the service
        // was read waits for the next pass.
        let is_rolling = read.service.state == ServiceState::Rebuilding;
        let (trials, probe) = if is_rolling {
            let probe = self.store.services.probe(self.service).await?;
            (Some(self.trials(read, effective).await?), probe)
        } else {
            (None, None)
        };
        let machines = RealMachines {
            driver: Arc::clone(&self.driver),
            named,
            secrets: read.secrets.clone(),
            epoch: read.epoch,
        };
        let roller = match roller {
            Some(roller) => {
                roller.machines = machines;
                roller
            }
            None => {
                let ledger = Postgres {
                    store: self.store.clone(),
                    service: self.service,
                    policy: self.policy,
                };
                let cluster = RealCluster::new(read.admin.clone());
                roller.insert(Roller::new(ledger, machines, cluster, Arc::new(Timestamp::now)))
            }
        };
        roller.cluster.admin = read.admin.clone();
        let oidc = effective.and_then(Effective::oidc).cloned();
        roller.cluster.oidc = oidc.map(|it| (it, self.idp_policy.clone()));
        roller.cluster.trials = trials;
        roller.cluster.probe = probe;
        roller.probe = (*self.rolling.borrow()).and_then(|it| self.noticed.figures(it));
        Ok(roller)
    }

    /// How to log in at a node by way of trial.
    async fn trials(
        &self,
        read: &Read,
        effective: Option<&Effective>,
    ) -> Result<Trials, StoreError> {
        let mechanisms = effective.map(Effective::sasl_mechanisms).unwrap_or_default();
        let scram = [ScramMechanism::Sha256, ScramMechanism::Sha512]
            .into_iter()
            .find(|it| mechanisms.contains(&it.as_str()));
        let mut users = self.store.users.list(self.service).await?;
        // Those whose present password Kafka was given.
        users.retain(|it| !it.deleting && it.applied_version == Some(it.password_version));
        let user = users.into_iter().max_by_key(|it| it.kind == UserType::Primary);
        Ok(Trials {
            admin: Some(read.secrets.admin.clone()),
            scram: scram.zip(user).map(|(it, user)| (it, user.username.to_string(), user.password)),
            oidc: None,
            good_token: None,
        })
    }

    async fn desired_pass(
        &self,
        reported: &mut Reported,
        missing: &mut BTreeSet<Username>,
    ) -> bool {
        let failed = match self.read().await {
            Ok(Some(read)) if !read.service.powered => Vec::new(),
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
        let held = self.store.leases.hold(&lease(self.service), self.holder, LEASE).await?;
        let Some(Lease { epoch }) = held else {
            debug!("another orchestrator looks after this service");
            return Ok(None);
        };
        let Some(service) = self.store.services.by_id(self.service).await? else {
            return Ok(None);
        };
        let Some(secrets) = self.store.services.secrets(self.service).await? else {
            return Ok(None);
        };
        let admin = self.admin(&service, &secrets.admin);
        Ok(Some(Read { service, secrets, admin, epoch }))
    }

    /// The admin client, made anew only when the addresses have changed.
    fn admin(&self, service: &Service, password: &Secret) -> Admin {
        let config = admin_config(service, password);
        let bootstrap = config.bootstrap.clone();
        let mut kept = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((addresses, admin)) = kept.as_ref()
            && *addresses == bootstrap
        {
            return admin.clone();
        }
        let admin = Admin::new(config);
        *kept = Some((bootstrap, admin.clone()));
        admin
    }
}

fn admin_config(service: &Service, password: &Secret) -> AdminConfig {
    AdminConfig {
        bootstrap: service.nodes.iter().map(model::Node::internal_address).collect(),
        credential: Credential::Plain {
            username: Principal::ADMIN.to_owned(),
            password: password.clone(),
        },
        client_id: "tidegate-orchestrator".to_owned(),
        timeout: ADMIN_TIMEOUT,
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
