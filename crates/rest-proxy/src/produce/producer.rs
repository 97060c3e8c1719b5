//! A session's producer: librdkafka's client, and the task that hears what it has to say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use model::TopicName;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, info};

use super::load::{Load, Special};
use super::opened::Opened;
use super::outbox::{Kick, Outbox};
use super::pace::Pace;
use super::record::Extra;
use super::sticky::Sticky;
use crate::clients::{self, Callbacks};
use crate::error::ApiError;
use crate::librdkafka::{
    self, Batch, Events, Part, Report, SetupError, Ticket, TokenError, TopicHandle, hand_over,
};
use crate::owner::Token;
use crate::sessions::{Session, TokenSink};
use crate::shared::{Disposable, locked};

/// How long a broken producer answers for itself: a caller without rights costs no client each
/// time, and soon notices when it gets them.
const REPLACED_AFTER: Duration = Duration::from_secs(1);
/// How long a new producer is helped to start.
const WARM_UP: Duration = Duration::from_secs(2);
/// How often a full queue is tried again for a record that goes by itself.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// A session's producer.
pub(crate) struct Producer {
    client: Arc<Disposable<Client>>,
    /// When it was seen to have broken for good.
    broken_at: OnceLock<Instant>,
    /// Ends with the producer.
    _listener: JoinSet<()>,
}

/// The fields are dropped in this order, which librdkafka asks for.
struct Client {
    events: Events,
    outbox: Outbox,
    topics: Mutex<HashMap<TopicName, Arc<Opened>>>,
    native: BaseProducer<Reports>,
}

impl Producer {
    /// Creates one that waits for its token, if it needs one.
    pub(crate) async fn create(
        session: &Session,
        pace: Pace,
        timeout: Duration,
    ) -> Result<Arc<Self>, ApiError> {
        let settings = &session.active().settings;
        let (linger, kicked) = pace.linger(&settings.producer);
        let config = clients::producer(settings, session.owner(), linger, timeout);
        let reports = Reports(Callbacks(Arc::clone(session.health())));
        let create = move || config.create_with_context(reports);
        let native: BaseProducer<Reports> = session.build(create, BaseProducer::client).await?;
        let events = Events::of(native.client()).ok_or_else(no_queue)?;
        let ready = events.ready();
        let outbox = Outbox::new(pace, Arc::clone(&ready), kicked.then_some(linger));
        let client = Client { events, outbox, topics: Mutex::default(), native };
        let client = Arc::new(session.dispose(client));
        let mut listener = JoinSet::new();
        listener.spawn(listen(Arc::clone(&client), ready));
        Ok(Arc::new(Self { client, broken_at: OnceLock::new(), _listener: listener }))
    }

    /// Lets librdkafka get its producer id at once. By itself it asks for one half a second after
    /// its creation, but also with each answer about metadata (`rd_kafka_idemp_pid_fsm`): the first
    /// comes from a bootstrap address, which does not count, the second from a broker. Blocks.
    pub(crate) fn warm_up(&self, topic: &TopicName) {
        for _ in 0..2 {
            let asked = self.client.native.client().fetch_metadata(Some(topic.as_str()), WARM_UP);
            if let Err(error) = asked {
                debug!(error = &error as &dyn std::error::Error, "a producer starts slowly");
                return;
            }
        }
    }

    /// Hands every good record over, in order, and waits for all reports.
    pub(super) async fn send(
        &self,
        topic: &TopicName,
        load: &Load,
        deadline: Instant,
    ) -> Result<(), ApiError> {
        let opened = self.topic(topic)?;
        if load.special.is_empty() {
            let _deposit = self.client.outbox.put(Arc::clone(&opened), &load.batch);
            load.batch.wait().await;
        } else {
            self.send_apart(topic, &opened, load, deadline).await;
            load.batch.wait().await;
        }
        if load.batch.is_unbound() {
            opened.sticky.learn(load.batch.aim(), load.batch.report(0));
        }
        Ok(())
    }

    /// Hands over what cannot wait for others, because some of its records go by themselves.
    async fn send_apart(&self, topic: &TopicName, opened: &Opened, load: &Load, deadline: Instant) {
        let mut rest = Rest { batch: &load.batch, next: 0 };
        for (index, special) in &load.special {
            self.send_plain(opened, &mut rest, *index, deadline).await;
            match special {
                Special::Extra(extra) if rest.next == *index => {
                    self.send_extra(topic, &mut rest, extra, deadline).await;
                }
                _ => rest.batch.fail(*index, RDKafkaErrorCode::BadMessage),
            }
            rest.next = index + 1;
        }
        self.send_plain(opened, &mut rest, load.batch.records().len(), deadline).await;
    }

    /// Hands over what comes before `end`. While the queue is full the caller waits:
    /// acknowledgements make room.
    async fn send_plain(
        &self,
        opened: &Opened,
        rest: &mut Rest<'_>,
        end: usize,
        deadline: Instant,
    ) {
        while rest.next < end {
            let partition =
                if rest.batch.is_unbound() { opened.sticky.get(|_| false) } else { None };
            let mut part = Part { batch: Arc::clone(rest.batch), next: rest.next, end };
            hand_over(&opened.handle, partition, vec![&mut part]);
            self.client.outbox.passed();
            rest.next = part.next;
            if rest.next < end && !waited(deadline).await {
                (rest.next..end)
                    .for_each(|index| rest.batch.fail(index, RDKafkaErrorCode::QueueFull));
                rest.next = end;
            }
        }
    }

    /// Hands over one record with headers or a timestamp.
    async fn send_extra(
        &self,
        topic: &TopicName,
        rest: &mut Rest<'_>,
        extra: &Extra,
        deadline: Instant,
    ) {
        let (batch, index) = (rest.batch, rest.next);
        let record = batch.records()[index];
        loop {
            let Some(ticket) = batch.ticket(index) else { return };
            let mut ready: BaseRecord<'_, [u8], [u8], Ticket> =
                BaseRecord::with_opaque_to(topic.as_str(), ticket);
            ready.partition = record.partition;
            ready.key = batch.bytes(record.key);
            ready.payload = batch.bytes(record.value);
            ready.timestamp = extra.timestamp;
            ready.headers.clone_from(&extra.headers);
            let sent = self.client.native.send(ready);
            self.client.outbox.passed();
            let Err((error, back)) = sent else { return };
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            if code != RDKafkaErrorCode::QueueFull || !waited(deadline).await {
                back.delivery_opaque.settle(Report::Failed(code));
                return;
            }
            back.delivery_opaque.give_back();
        }
    }

    fn topic(&self, name: &TopicName) -> Result<Arc<Opened>, ApiError> {
        let mut topics = locked(&self.client.topics);
        if let Some(topic) = topics.get(name) {
            return Ok(Arc::clone(topic));
        }
        let handle = TopicHandle::new(self.client.native.client(), name.as_str());
        let handle = handle.map_err(ApiError::internal)?;
        let handle = handle.ok_or_else(|| ApiError::TopicNotFound(name.to_string()))?;
        let opened = Arc::new(Opened { handle, sticky: Sticky::default() });
        topics.insert(name.clone(), Arc::clone(&opened));
        Ok(opened)
    }

    /// Why it broke for good, if it did: above all a principal that may write nowhere.
    pub(super) fn broken(&self) -> Option<RDKafkaErrorCode> {
        let (code, reason) = self.client.native.client().fatal_error()?;
        self.broken_at.get_or_init(|| {
            info!(reason, "a producer broke for good and is replaced");
            Instant::now()
        });
        Some(code)
    }

    /// Whether it broke long enough ago to try another.
    pub(crate) fn is_spent(&self) -> bool {
        self.broken_at.get().is_some_and(|it| it.elapsed() >= REPLACED_AFTER)
    }

    /// Fails every record that is not acknowledged yet, at once.
    pub(crate) fn purge(&self) {
        self.client.outbox.purge();
        self.client.native.purge(PurgeConfig::default().queue().inflight().non_blocking());
    }
}

impl TokenSink for Producer {
    fn set_token(&self, token: &Token, principal: &str) -> Result<(), TokenError> {
        librdkafka::set_token(self.client.native.client(), token, principal)
    }
}

/// Whether there is time to try again.
async fn waited(deadline: Instant) -> bool {
    if Instant::now() + QUEUE_PAUSE >= deadline {
        return false;
    }
    tokio::time::sleep(QUEUE_PAUSE).await;
    true
}

fn no_queue() -> ApiError {
    ApiError::internal(SetupError::Refused)
}

/// Serves the client's events and its outbox until it is dropped.
async fn listen(client: Arc<Disposable<Client>>, ready: Arc<Notify>) {
    loop {
        if !client.events.is_empty() {
            // Serves one event, which may be many reports.
            client.native.poll(Duration::ZERO);
        }
        client.outbox.hand_over();
        let kick = client.outbox.kick();
        if kick == Kick::Now {
            librdkafka::send_now(client.native.client());
        }
        if kick == Kick::Soon || !client.events.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        match client.outbox.due() {
            Some(due) => {
                let _late = tokio::time::timeout_at(due, ready.notified()).await;
            }
            None => ready.notified().await,
        }
    }
}

/// The records of a request that were not handed over yet. They fail if the request goes away.
struct Rest<'a> {
    batch: &'a Arc<Batch>,
    next: usize,
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        (self.next..self.batch.records().len())
            .for_each(|index| self.batch.fail(index, RDKafkaErrorCode::QueueFull));
    }
}

/// The callbacks of a producer.
pub(super) struct Reports(Callbacks);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Ticket;

    fn delivery(&self, report: &DeliveryResult<'_>, ticket: Ticket) {
        ticket.settle(match report {
            Ok(message) => {
                Report::Stored { partition: message.partition(), offset: message.offset().max(-1) }
            }
            Err((error, _)) => {
                Report::Failed(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail))
            }
        });
    }
}
