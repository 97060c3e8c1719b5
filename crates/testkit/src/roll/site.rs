//! The brokers on this machine and the cluster that they are: what every algorithm acts on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use kafka::{Admin, AdminConfig, Credential, ReassignTo};
use model::{NodeId, Principal, Secret};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::process::Broker;
use super::report::{Restart, RollReport};
use super::view::{Part, View};

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The deadline of a call. One that takes longer comes from a cluster that is not well.
const CALL: Duration = Duration::from_secs(3);
/// How many leaders are moved away at once, and how long that may settle.
const DRAIN_AT_ONCE: usize = 8;
const DRAIN_PAUSE: Duration = Duration::from_millis(500);
/// How long a controlled shutdown may take: Kafka's own limit is five minutes.
const STOP: Duration = Duration::from_secs(330);
/// How long a port may stay closed, and how long the cluster may take to become whole.
const START: Duration = Duration::from_mins(5);

/// Brokers and cluster.
pub(super) struct Site {
    brokers: Vec<Broker>,
    /// Where each answers, on the internal listener.
    addresses: BTreeMap<NodeId, String>,
    config: AdminConfig,
    admin: Admin,
    begun: Instant,
    restarts: Vec<(Instant, Restart)>,
    ended: usize,
}

impl Site {
    pub(super) async fn find(
        nodes: &Path,
        bootstrap: &[String],
        password: Secret,
    ) -> anyhow::Result<Self> {
        let credential = Credential::Plain { username: Principal::ADMIN.to_owned(), password };
        let config = AdminConfig {
            bootstrap: bootstrap.to_vec(),
            credential,
            client_id: "tidegate-roll".to_owned(),
            timeout: CALL,
        };
        let admin = Admin::new(config.clone());
        let brokers = Broker::list(nodes)?;
        let cluster = admin.describe_cluster().await?;
        let addresses: BTreeMap<NodeId, String> =
            cluster.brokers.iter().map(|it| (it.id, format!("{}:{}", it.host, it.port))).collect();
        let missing = brokers.iter().find(|it| !addresses.contains_key(&it.id));
        ensure!(missing.is_none(), "broker {:?} is not in the cluster", missing.map(|it| it.id));
        let (begun, restarts, ended) = (Instant::now(), Vec::new(), 0);
        Ok(Self { brokers, addresses, config, admin, begun, restarts, ended })
    }

    pub(super) fn ids(&self) -> Vec<NodeId> {
        self.brokers.iter().map(|it| it.id).collect()
    }

    /// From now on time counts.
    pub(super) fn begin(&mut self) {
        self.begun = Instant::now();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Asks the cluster.
    pub(super) async fn view(&self) -> anyhow::Result<View> {
        Ok(View::take(&self.admin).await?)
    }

    /// Ends a broker by a signal, waits until it is gone, and starts it again.
    pub(super) async fn restart(&mut self, id: NodeId, signal: Signal) -> anyhow::Result<()> {
        let at_secs = self.elapsed().as_secs_f64();
        let at = Instant::now();
        let broker = self.brokers.iter_mut().find(|it| it.id == id).context("it was found")?;
        broker.signal(signal)?;
        while broker.lives() {
            ensure!(at.elapsed() < STOP, "broker {id} does not stop");
            sleep(Duration::from_millis(20)).await;
        }
        let stopped_secs = at.elapsed().as_secs_f64();
        broker.start()?;
        info!("broker {id} stopped after {stopped_secs:.1} s and is started");
        let (open_secs, in_sync_secs) = (None, None);
        let restart = Restart { node: id.0, at_secs, stopped_secs, open_secs, in_sync_secs };
        self.restarts.push((at, restart));
        Ok(())
    }

    /// Waits until a broker's port is open.
    pub(super) async fn until_open(&mut self, id: NodeId) -> anyhow::Result<()> {
        let (started, address) = (Instant::now(), self.address(id)?.to_owned());
        while !accepts(&address).await {
            ensure!(started.elapsed() < START, "broker {id} does not open its port");
            sleep(LOOK_EVERY).await;
        }
        if let Some((at, restart)) = self.restarts.last_mut() {
            restart.open_secs = Some(at.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Whether a broker's port is open.
    pub(super) async fn is_open(&self, id: NodeId) -> bool {
        match self.address(id) {
            Ok(address) => accepts(address).await,
            Err(_) => false,
        }
    }

    /// Waits until every broker answers and is in every ISR, twice: what a broker says right after
    /// its start may be old. A broker that has ended by itself is started again.
    pub(super) async fn until_whole(&mut self) -> anyhow::Result<()> {
        let (started, mut well) = (Instant::now(), 0);
        while well < 2 {
            ensure!(started.elapsed() < START, "the cluster does not become whole");
            for broker in &mut self.brokers {
                if !broker.lives() {
                    warn!("broker {} has ended by itself", broker.id);
                    self.ended += 1;
                    broker.start()?;
                }
            }
            well = if self.is_whole().await { well + 1 } else { 0 };
            sleep(LOOK_EVERY).await;
        }
        if let Some((at, restart)) = self.restarts.last_mut() {
            restart.in_sync_secs.get_or_insert(at.elapsed().as_secs_f64());
        }
        Ok(())
    }

    async fn is_whole(&self) -> bool {
        let ids = self.ids();
        // After a kill the others believe in a broker until its session is over: it has to answer
        // itself.
        for id in &ids {
            let Ok(address) = self.address(*id) else { return false };
            let own = AdminConfig { bootstrap: vec![address.to_owned()], ..self.config.clone() };
            if Admin::new(own).describe_cluster().await.is_err() {
                return false;
            }
        }
        self.view().await.is_ok_and(|it| it.is_whole(&ids))
    }

    /// Makes the last of its replicas of whoever leads a partition now and is `away`, and elects the
    /// first, a few at a time. The answer brings it back.
    pub(super) async fn drain(&self, away: NodeId) -> anyhow::Result<Vec<ReassignTo>> {
        let parts = self.view().await?.partitions;
        let led: Vec<Part> = parts
            .into_iter()
            .filter(|it| it.leader == Some(away) && it.in_sync.len() > 1)
            .collect();
        let as_it_was = led.iter().filter_map(|it| it.reassign(it.replicas.clone())).collect();
        for some in led.chunks(DRAIN_AT_ONCE) {
            let last = |it: &Part| {
                let others = it.replicas.iter().copied().filter(|it| *it != away);
                it.reassign(others.chain([away]).collect::<Vec<_>>())
            };
            self.reorder(&some.iter().filter_map(last).collect::<Vec<_>>()).await?;
            sleep(DRAIN_PAUSE).await;
        }
        Ok(as_it_was)
    }

    /// Gives partitions their replicas in this order, and elects the first of each.
    pub(super) async fn reorder(&self, order: &[ReassignTo]) -> anyhow::Result<()> {
        self.admin.alter_reassignments(order).await?;
        let named: Vec<_> = order.iter().map(|it| (it.topic.clone(), it.partition)).collect();
        Ok(self.admin.elect_preferred_leaders_of(&named).await?)
    }

    /// Gives partitions back to their preferred leaders, so that what comes next begins as this
    /// did, and lets that settle.
    pub(super) async fn restore_leaders(&self, settle: Duration) {
        if let Err(error) = self.admin.elect_preferred_leaders().await {
            warn!("preferred leaders: {error}");
        }
        sleep(settle).await;
    }

    pub(super) fn report(
        &self,
        total: Duration,
        whole: Duration,
        gave_up: Option<String>,
    ) -> RollReport {
        RollReport {
            total_secs: total.as_secs_f64(),
            whole_secs: whole.as_secs_f64(),
            restarts: self.restarts.iter().map(|(_, it)| it.clone()).collect(),
            ended_by_themselves: self.ended,
            gave_up,
        }
    }

    fn address(&self, id: NodeId) -> anyhow::Result<&str> {
        Ok(self.addresses.get(&id).context("it is in the cluster")?)
    }
}

async fn accepts(address: &str) -> bool {
    matches!(timeout(CALL, TcpStream::connect(address)).await, Ok(Ok(_)))
}
