//! Looks at every partition several times a second, as a client sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::metadata::{Metadata, MetadataTopic};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::clients::{Access, LoadError};
use super::clock::Clock;
use super::health::{Health, Sick};
use super::report::PartitionsReport;

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a look may take: the broker that was asked may be the one that stops.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long the first calls may take.
const CALL: Duration = Duration::from_secs(10);
/// What our services have where nobody says otherwise, for who may not ask.
const MIN_ISR: usize = 2;

/// Takes pictures until it is dismissed.
pub(super) struct Observer {
    health: Arc<Mutex<Health>>,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Observer {
    /// Begins to look.
    pub(super) async fn start(access: &Access, clock: Clock) -> Result<Self, LoadError> {
        let client: AdminClient<DefaultClientContext> = access.config().create()?;
        let client = Arc::new(client);
        let minimums = Minimums::ask(Arc::clone(&client)).await?;
        let health = Arc::new(Mutex::new(Health::new()));
        let (mut task, stop) = (JoinSet::new(), CancellationToken::new());
        let (noted, asked) = (Arc::clone(&health), stop.clone());
        task.spawn_blocking(move || {
            while !asked.is_cancelled() {
                // No answer is no picture: the time without one is counted.
                if let Ok(metadata) = client.inner().fetch_metadata(None, PATIENCE) {
                    lock(&noted).note(clock.now(), minimums.sick(&metadata));
                }
                thread::sleep(LOOK_EVERY);
            }
        });
        Ok(Self { health, stop, task })
    }

    /// Begins another window.
    pub(super) fn mark(&self, name: &str) {
        lock(&self.health).mark(name);
    }

    /// Ends it, and gives what it saw.
    pub(super) async fn dismiss(mut self) -> Vec<PartitionsReport> {
        self.stop.cancel();
        while self.task.join_next().await.is_some() {}
        lock(&self.health).reports()
    }
}

fn lock(health: &Mutex<Health>) -> MutexGuard<'_, Health> {
    health.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `min.insync.replicas` of each topic that was there at the start.
struct Minimums(BTreeMap<String, usize>);

impl Minimums {
    async fn ask(client: Arc<AdminClient<DefaultClientContext>>) -> Result<Self, LoadError> {
        let asked = Arc::clone(&client);
        let listed = tokio::task::spawn_blocking(move || asked.inner().fetch_metadata(None, CALL));
        let metadata = match listed.await {
            Ok(metadata) => metadata?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let topics: Vec<&str> = metadata.topics().iter().map(MetadataTopic::name).collect();
        let resources: Vec<ResourceSpecifier<'_>> =
            topics.iter().map(|it| ResourceSpecifier::Topic(it)).collect();
        let options = AdminOptions::new().request_timeout(Some(CALL));
        let told = client.describe_configs(&resources, &options).await?;
        let mut minimums = BTreeMap::new();
        for (topic, told) in topics.iter().zip(told) {
            let value = told.ok().and_then(|it| {
                let entry = it.entries.into_iter().find(|it| it.name == "min.insync.replicas");
                entry?.value?.parse().ok()
            });
            if value.is_none() {
                warn!("min.insync.replicas of {topic} is not told: taken for {MIN_ISR}");
            }
            minimums.insert((*topic).to_owned(), value.unwrap_or(MIN_ISR));
        }
        Ok(Self(minimums))
    }

    /// The partitions that miss something, of those that could do without a replica.
    fn sick(&self, metadata: &Metadata) -> Vec<Sick> {
        let mut found = Vec::new();
        for topic in metadata.topics() {
            let minimum = self.0.get(topic.name()).copied().unwrap_or(MIN_ISR);
            for it in topic.partitions().iter().filter(|it| it.replicas().len() > minimum) {
                let (under, leaderless) = (it.isr().len() < minimum, it.leader() < 0);
                if under || leaderless {
                    let partition = format!("{}-{}", topic.name(), it.id());
                    found.push(Sick { partition, under, leaderless });
                }
            }
        }
        found
    }
}
