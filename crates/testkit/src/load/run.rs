//! The course of a run: get ready, produce and consume until told to stop, drain, report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, PurgeConfig};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::clients::{Access, Books, LoadConsumer, LoadError, LoadProducer};
use super::report::Report;
use super::stamp::Stamp;

/// How long the group may take to come together, and the rest to arrive at the end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often a line says how it goes.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// What a load consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where and as whom.
    pub access: Access,
    /// Records a second, of all producers together.
    pub rate: u32,
    /// How many producers.
    pub producers: usize,
    /// How many consumers, all in one group.
    pub consumers: usize,
}

/// What can be asked of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin another window of this name.
    Mark(String),
    /// Stop producing, drain, report.
    Stop,
}

/// Runs a load until it is told to stop, or until nobody is left who could tell.
pub async fn run(plan: Plan, mut commands: mpsc::Receiver<Command>) -> Result<Report, LoadError> {
    let name: Arc<str> = format!("load-{}", Uuid::now_v7().simple()).into();
    let (access, group) = (plan.access.clone(), Arc::clone(&name));
    let partitions = blocking(move || access.begin_at_the_end(&group)).await?;
    let books = Books::open(plan.producers, partitions);
    let run = Run { name, plan, partitions, books };

    let mut readers = run.start_reading()?;
    assigned(&readers.clients, partitions).await?;
    info!(partitions, rate = run.plan.rate, "producing to {}", run.plan.access.topic);
    let mut senders = run.start_sending()?;
    obey(&mut commands, &run.books).await;

    senders.dismiss().await;
    run.books.ledger().stop(run.books.now());
    drain(&run.books).await;
    readers.dismiss().await;
    let report = run.books.close().close();
    // What is still in flight has been counted as failed. Closing a client blocks.
    blocking(move || {
        for producer in &senders.clients {
            producer.purge(PurgeConfig::default().queue().inflight());
        }
        drop((senders, readers));
        Ok(())
    })
    .await?;
    Ok(report)
}

/// What the tasks of a run share.
#[derive(Clone)]
struct Run {
    /// Marks its records, and names its consumer group.
    name: Arc<str>,
    plan: Plan,
    partitions: usize,
    books: Books,
}

/// Kafka clients, and the tasks that drive them.
struct Crew<C> {
    clients: Vec<Arc<C>>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl<C> Crew<C> {
    fn new() -> Self {
        Self { clients: Vec::new(), tasks: JoinSet::new(), stop: CancellationToken::new() }
    }

    /// Stops the tasks. The clients go on with what they were given.
    async fn dismiss(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

impl Run {
    fn start_reading(&self) -> Result<Crew<LoadConsumer>, LoadError> {
        let mut crew = Crew::new();
        for _ in 0..self.plan.consumers {
            let consumer = Arc::new(self.plan.access.consumer(&self.books, &self.name)?);
            crew.clients.push(Arc::clone(&consumer));
            crew.tasks.spawn(read(consumer, self.clone(), crew.stop.clone()));
        }
        Ok(crew)
    }

    fn start_sending(&self) -> Result<Crew<LoadProducer>, LoadError> {
        let mut crew = Crew::new();
        for index in 0..self.plan.producers {
            let producer = Arc::new(self.plan.access.producer(&self.books)?);
            crew.clients.push(Arc::clone(&producer));
            crew.tasks.spawn(send(producer, self.clone(), index, crew.stop.clone()));
        }
        Ok(crew)
    }
}

/// Runs what blocks where it blocks nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Waits until the group has come together.
async fn assigned(consumers: &[Arc<LoadConsumer>], partitions: usize) -> Result<(), LoadError> {
    let started = Instant::now();
    loop {
        let mut count = 0;
        for consumer in consumers {
            count += consumer.assignment()?.count();
        }
        if count == partitions {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(LoadError::NotAssigned(count, partitions));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Sends each record when it is due, to the partitions in turn.
async fn send(producer: Arc<LoadProducer>, run: Run, index: usize, stop: CancellationToken) {
    let producers = u32::try_from(run.plan.producers).unwrap_or(u32::MAX);
    let every = Duration::from_secs(1) * producers / run.plan.rate;
    let (from, first) = (tokio::time::Instant::now(), run.books.now());
    let mut passed = Duration::ZERO;
    for partition in (0..run.partitions).cycle() {
        // Here only: what was written down as sent is handed over.
        if stop.run_until_cancelled(sleep_until(from + passed)).await.is_none() {
            return;
        }
        let stamp = run.books.ledger().send(index, partition, first + passed);
        hand_over(&producer, &run, stamp).await;
        passed += every;
    }
}

/// Hands a record to the client library, which may be full for a while.
async fn hand_over(producer: &LoadProducer, run: &Run, stamp: Stamp) {
    let payload = stamp.payload(&run.name);
    let partition = i32::try_from(stamp.partition).unwrap_or(i32::MAX);
    let mut record =
        BaseRecord::<(), str, Box<Stamp>>::with_opaque_to(&run.plan.access.topic, Box::new(stamp))
            .payload(payload.as_str())
            .partition(partition);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                sleep(LOOK_EVERY).await;
            }
            Err((error, _)) => {
                warn!(?stamp, "not sent: {error}");
                run.books.ledger().failed(&stamp);
                return;
            }
        }
    }
}

/// Reads whatever comes.
async fn read(consumer: Arc<LoadConsumer>, run: Run, stop: CancellationToken) {
    while let Some(received) = stop.run_until_cancelled(consumer.recv()).await {
        // The context has noted an error already; librdkafka goes on by itself.
        let Ok(message) = received else { continue };
        if let Some(stamp) = message.payload().and_then(|it| Stamp::parse(&run.name, it)) {
            run.books.ledger().consumed(&stamp, message.offset(), run.books.now());
        }
    }
}

/// Carries out commands until the last, and says now and then how it goes.
async fn obey(commands: &mut mpsc::Receiver<Command>, books: &Books) {
    let mut progress = interval(PROGRESS_EVERY);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Mark(name)) => {
                    books.ledger().mark(&name, books.now());
                    info!("window {name}");
                }
                Some(Command::Stop) | None => return,
            },
            _ = progress.tick() => say_progress(books),
        }
    }
}

fn say_progress(books: &Books) {
    let totals = books.ledger().totals().clone();
    info!(
        seconds = books.now().as_secs(),
        sent = totals.sent,
        acked = totals.acked,
        failed = totals.failed,
        consumed = totals.consumed,
        "progress"
    );
}

/// Waits until every record has its answer and every acknowledged one was read, or long enough.
async fn drain(books: &Books) {
    let settled = |of: fn(&super::ledger::Ledger) -> u64| async move {
        while of(&books.ledger()) > 0 {
            sleep(LOOK_EVERY).await;
        }
    };
    if timeout(PATIENCE, settled(super::ledger::Ledger::unresolved)).await.is_err() {
        warn!(records = books.ledger().unresolved(), "without an answer");
    }
    if timeout(PATIENCE, settled(super::ledger::Ledger::unconsumed)).await.is_err() {
        warn!(records = books.ledger().unconsumed(), "acknowledged, and not read");
    }
    say_progress(books);
}
