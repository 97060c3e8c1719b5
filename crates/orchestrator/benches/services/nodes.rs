//! Nodes that are no processes: a restart takes three seconds and always goes well. Notes when each
//! service is looked at.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::{Node, NodeId, Revision, RevisionId, ServiceName, Timestamp};
use orchestrator::driver::{
    Driver, DriverError, LogMark, LogPart, Observed, ProxyObserved, ProxyStart, ServiceRef, Started,
};
use orchestrator::usage::Usage;
use rolling::{Incarnation, Process};
use store::ServiceSecrets;

/// How long a restart takes.
const RESTART: Duration = Duration::from_secs(3);

/// The nodes of all services.
#[derive(Debug)]
pub(crate) struct SimulatedNodes {
    /// What they run in the beginning.
    first: RevisionId,
    services: Mutex<HashMap<ServiceName, Watched>>,
}

/// The nodes of a service, and who has looked at them.
#[derive(Debug)]
struct Watched {
    nodes: BTreeMap<NodeId, Run>,
    looked_at: Instant,
    longest: Duration,
    looks: usize,
}

/// How a node runs.
#[derive(Debug)]
struct Run {
    /// How often it was started.
    number: usize,
    revision: RevisionId,
    /// When it is back, and with what, while it is restarted.
    back: Option<(Instant, RevisionId)>,
    started: Timestamp,
}

/// How often services were looked at.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    /// At all of them.
    pub(crate) count: usize,
    /// How many services were.
    pub(crate) services: usize,
    /// The longest time between two looks at one service, or since the last.
    pub(crate) longest: Duration,
}

impl SimulatedNodes {
    pub(crate) fn new(first: RevisionId) -> Self {
        Self { first, services: Mutex::default() }
    }

    /// Begins to count looks anew.
    pub(crate) fn forget_looks(&self) {
        for service in self.services().values_mut() {
            (service.looks, service.longest) = (0, Duration::ZERO);
        }
    }

    /// What was looked at since then.
    pub(crate) fn looks(&self) -> Looks {
        let mut looks = Looks::default();
        for service in self.services().values() {
            looks.longest = looks.longest.max(service.longest).max(service.looked_at.elapsed());
            looks.count += service.looks;
            looks.services += usize::from(service.looks > 0);
        }
        looks
    }

    /// Waits until so many services were looked at, and tells how long that took.
    pub(crate) async fn wait_until_seen(&self, services: usize) -> Duration {
        self.forget_looks();
        let began = Instant::now();
        while self.looks().services < services {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    }

    /// How many restarts there were.
    pub(crate) fn restarts(&self) -> usize {
        let services = self.services();
        services.values().flat_map(|it| it.nodes.values()).map(|it| it.number).sum()
    }

    fn services(&self) -> MutexGuard<'_, HashMap<ServiceName, Watched>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn started(&self) -> Run {
        let revision = self.first.clone();
        Run { number: 0, revision, back: None, started: Timestamp(0) }
    }
}

impl Run {
    fn incarnation(&self) -> Incarnation {
        Incarnation(format!("run-{}", self.number))
    }

    fn observe(&mut self) -> Observed {
        if let Some((at, revision)) = self.back.take_if(|it| it.0 <= Instant::now()) {
            let ago = i64::try_from(at.elapsed().as_millis()).unwrap_or(0);
            self.number += 1;
            self.revision = revision;
            self.started = Timestamp::now().plus_ms(-ago);
        }
        let process = self
            .back
            .is_none()
            .then(|| Process { incarnation: self.incarnation(), revision: self.revision.clone() });
        let started = Started { at: self.started, revision: self.revision.clone() };
        let busy = self.back.is_some();
        Observed { process, busy, starts: vec![started], recovering: false }
    }
}

impl Driver for SimulatedNodes {
    async fn inventory(
        &self,
        service: &ServiceRef,
        nodes: &[Node],
    ) -> Result<BTreeMap<NodeId, Observed>, DriverError> {
        let now = Instant::now();
        let mut services = self.services();
        let watched = services.entry(service.name.clone()).or_insert_with(|| Watched {
            nodes: nodes.iter().map(|it| (it.id, self.started())).collect(),
            looked_at: now,
            longest: Duration::ZERO,
            looks: 0,
        });
        watched.longest = watched.longest.max(now - watched.looked_at);
        watched.looked_at = now;
        watched.looks += 1;
        Ok(watched.nodes.iter_mut().map(|(id, run)| (*id, run.observe())).collect())
    }

    async fn stage(
        &self,
        _: &ServiceRef,
        _: &Node,
        _: &Revision,
        _: &ServiceSecrets,
    ) -> Result<(), DriverError> {
        Ok(())
    }

    async fn restart(
        &self,
        service: &ServiceRef,
        node: NodeId,
        revision: &RevisionId,
        expect: Option<&Incarnation>,
        _: i64,
    ) -> Result<(), DriverError> {
        let mut services = self.services();
        let run = services.get_mut(&service.name).and_then(|it| it.nodes.get_mut(&node));
        if let Some(run) = run
            && run.back.is_none()
            && expect == Some(&run.incarnation())
        {
            run.back = Some((Instant::now() + RESTART, revision.clone()));
        }
        Ok(())
    }

    async fn stop(
        &self,
        _: &ServiceRef,
        _: &BTreeMap<NodeId, Incarnation>,
    ) -> Result<(), DriverError> {
        Ok(())
    }

    async fn remove_service(&self, _: &ServiceRef) -> Result<(), DriverError> {
        Ok(())
    }

    async fn remove(&self, _: &ServiceRef, _: NodeId) -> Result<(), DriverError> {
        Ok(())
    }

    async fn log_tail(&self, _: &ServiceRef, _: NodeId) -> Result<String, DriverError> {
        Ok(String::new())
    }

    async fn authorizer_log(
        &self,
        _: &ServiceRef,
        _: NodeId,
        _: LogMark,
    ) -> Result<LogPart, DriverError> {
        Ok(LogPart::default())
    }

    async fn usage(
        &self,
        _: &ServiceRef,
        nodes: &[Node],
    ) -> Result<BTreeMap<NodeId, Usage>, DriverError> {
        // What a node says costs nothing here; what is measured is that it is written down.
        let usage = Usage { cpus: 2, load_average: Some(1.0), ..Usage::default() };
        Ok(nodes.iter().map(|it| (it.id, usage.clone())).collect())
    }

    async fn proxy(&self, _: &ServiceRef) -> Result<ProxyObserved, DriverError> {
        Ok(ProxyObserved::default())
    }

    async fn start_proxy(&self, _: &ServiceRef, _: &ProxyStart) -> Result<(), DriverError> {
        Ok(())
    }

    async fn stop_proxy(&self, _: &ServiceRef) -> Result<(), DriverError> {
        Ok(())
    }
}
