//! Kafka clients by librdkafka. Each call uses a client of its own: what one has learned, the next
//! has to find out anew.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::Timestamp;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{DefaultClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientContext, Message as _};

use super::Stack;

/// How long a client may try.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one look takes.
const LOOK: Duration = Duration::from_millis(200);

/// As whom to log in.
#[derive(Clone)]
pub(crate) enum Login {
    Token(String),
    Scram {
        username: String,
        password: String,
    },
    /// By SCRAM-SHA-512 instead of SCRAM-SHA-256.
    Scram512 {
        username: String,
        password: String,
    },
    /// Not at all.
    Nothing,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The broker did not let us in.
    Authentication(String),
    /// It let us in, and refused what we asked for.
    Kafka(RDKafkaErrorCode),
    /// It said nothing of use.
    Silence(String),
}

impl Refusal {
    /// Whether the broker looked at the token, and did not want it.
    pub(crate) fn is_invalid_token(&self) -> bool {
        matches!(self, Self::Authentication(reason) if reason.contains("invalid_token"))
    }

    pub(crate) const FORBIDDEN_TOPIC: Self =
        Self::Kafka(RDKafkaErrorCode::TopicAuthorizationFailed);
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A topic as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenTopic {
    pub(crate) name: String,
    pub(crate) partitions: usize,
    /// The smallest number of in-sync replicas.
    pub(crate) in_sync: usize,
}

/// Hands out the token, and remembers what librdkafka says.
#[derive(Default)]
struct Watcher {
    token: Option<String>,
    refused: Mutex<Option<String>>,
    delivered: Mutex<Option<Result<(), RDKafkaErrorCode>>>,
}

impl ClientContext for Watcher {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // A broker that hangs up in the middle has not refused anything.
        let hung_up = reason.contains("Broker transport failure") || reason.contains("Timed out");
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Authentication) && !hung_up {
            *lock(&self.refused) = Some(reason.to_owned());
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        Ok(OAuthToken {
            token: self.token.clone().ok_or("no token")?,
            // The broker decides; librdkafka itself would not even send an expired token.
            lifetime_ms: Timestamp::now().0 + 600_000,
            principal_name: "e2e".to_owned(),
        })
    }
}

impl ConsumerContext for Watcher {}

impl ProducerContext for Watcher {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let failed = |(error, _): &(KafkaError, _)| {
            error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)
        };
        *lock(&self.delivered) = Some(result.as_ref().map(drop).map_err(failed));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stack {
    /// Logs in at `broker`, and gives what topics are seen there.
    pub(crate) async fn topics_at(
        &self,
        broker: &str,
        login: &Login,
    ) -> Result<Vec<SeenTopic>, Refusal> {
        let client = self.client(broker, login);
        blocking(move || {
            let producer = client.producer();
            Ok(metadata(&producer)?.topics().iter().map(SeenTopic::from).collect())
        })
        .await
    }

    /// Logs in at `broker`, and writes a record.
    pub(crate) async fn produce_at(
        &self,
        broker: &str,
        login: &Login,
        topic: &str,
        value: &str,
    ) -> Result<(), Refusal> {
        let (client, topic, value) =
            (self.client(broker, login), topic.to_owned(), value.to_owned());
        blocking(move || {
            let producer = client.producer();
            // Until it has served its first event it has no token.
            producer.poll(Duration::ZERO);
            let record = BaseRecord::<(), str>::to(&topic).payload(value.as_str());
            producer.send(record).map_err(|(error, _)| refusal(&error))?;
            let context = producer.client().context();
            poll_until(context, || {
                producer.poll(LOOK);
                lock(&context.delivered).take()
            })?
            .map_err(Refusal::Kafka)
        })
        .await
    }

    /// Writes a record, wherever.
    pub(crate) async fn produce(
        &self,
        login: &Login,
        topic: &str,
        value: &str,
    ) -> Result<(), Refusal> {
        self.produce_at(&self.bootstrap(), login, topic, value).await
    }

    /// Reads a topic from its beginning, in a group, until `value` comes, and commits that.
    pub(crate) async fn find_at(
        &self,
        broker: &str,
        login: &Login,
        topic: &str,
        value: &str,
    ) -> Result<(), Refusal> {
        let (client, group) = (self.client(broker, login), self.name("reader"));
        let (topic, value) = (topic.to_owned(), value.to_owned());
        blocking(move || {
            let consumer = client.consumer(&group);
            consumer.subscribe(&[&topic]).map_err(|error| refusal(&error))?;
            poll_until(consumer.context(), || match consumer.poll(LOOK)? {
                Ok(message) => (message.payload() == Some(value.as_bytes())).then(|| {
                    let committed = consumer.commit_message(&message, CommitMode::Sync);
                    committed.map_err(|error| refusal(&error))
                }),
                Err(error) => match refusal(&error) {
                    it @ Refusal::Kafka(
                        RDKafkaErrorCode::TopicAuthorizationFailed
                        | RDKafkaErrorCode::GroupAuthorizationFailed,
                    ) => Some(Err(it)),
                    _ => None,
                },
            })?
        })
        .await
    }

    /// Makes a topic at Kafka, past the control plane, which would refuse it.
    pub(crate) async fn raw_topic(&self, name: &str, partitions: i32, replication: i32) {
        let client = self.client(&self.bootstrap(), &self.admin().await);
        let admin: AdminClient<DefaultClientContext> = client.config.create().expect("a client");
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
        let made = admin.create_topics([&topic], &AdminOptions::new()).await;
        made.expect("Kafka answers")[0].as_ref().expect("the topic is made");
    }

    /// Deletes such a topic.
    pub(crate) async fn delete_raw_topic(&self, name: &str) {
        let client = self.client(&self.bootstrap(), &self.admin().await);
        let admin: AdminClient<DefaultClientContext> = client.config.create().expect("a client");
        let deleted = admin.delete_topics(&[name], &AdminOptions::new()).await;
        deleted.expect("Kafka answers")[0].as_ref().expect("the topic is deleted");
    }

    /// How many replicas a node has, of all topics that `avnadmin` sees.
    pub(crate) async fn replicas_on(&self, node: i32) -> usize {
        let client = self.client(&self.bootstrap(), &self.admin().await);
        let seen = blocking(move || metadata(&client.producer())).await.expect("metadata");
        let partitions =
            seen.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions);
        partitions.filter(|it| it.replicas().contains(&node)).count()
    }

    fn client(&self, broker: &str, login: &Login) -> Client {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", broker)
            .set("security.protocol", &self.security_protocol)
            .set("client.id", "tidegate-e2e");
        let mut scram = |mechanism: &str, username: &str, password: &str| {
            config
                .set("sasl.mechanism", mechanism)
                .set("sasl.username", username)
                .set("sasl.password", password);
        };
        let token = match login {
            Login::Token(token) => {
                config.set("sasl.mechanism", "OAUTHBEARER");
                Some(token.clone())
            }
            Login::Scram { username, password } => {
                scram("SCRAM-SHA-256", username, password);
                None
            }
            Login::Scram512 { username, password } => {
                scram("SCRAM-SHA-512", username, password);
                None
            }
            Login::Nothing => {
                config.set("security.protocol", "PLAINTEXT");
                None
            }
        };
        Client { config, token }
    }
}

/// What a client is made from.
struct Client {
    config: ClientConfig,
    token: Option<String>,
}

impl Client {
    fn producer(self) -> BaseProducer<Watcher> {
        let watcher = Watcher { token: self.token, ..Watcher::default() };
        let mut config = self.config;
        config.set("acks", "all").set("message.timeout.ms", "15000");
        config.create_with_context(watcher).expect("a producer")
    }

    fn consumer(self, group: &str) -> BaseConsumer<Watcher> {
        let watcher = Watcher { token: self.token, ..Watcher::default() };
        let mut config = self.config;
        config
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false");
        config.create_with_context(watcher).expect("a consumer")
    }
}

/// The topics that the first broker that lets us in tells of.
fn metadata(producer: &BaseProducer<Watcher>) -> Result<Metadata, Refusal> {
    poll_until(producer.client().context(), || {
        producer.poll(Duration::ZERO);
        let found = producer.client().fetch_metadata(None, LOOK).ok();
        producer.poll(Duration::ZERO);
        found
    })
}

/// Looks until there is something, or the broker does not let us in, or long enough.
fn poll_until<T>(context: &Watcher, mut look: impl FnMut() -> Option<T>) -> Result<T, Refusal> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return Ok(found);
        }
        if let Some(reason) = lock(&context.refused).take() {
            return Err(Refusal::Authentication(reason));
        }
    }
    Err(Refusal::Silence(format!("nothing within {PATIENCE:?}")))
}

fn refusal(error: &KafkaError) -> Refusal {
    match error.rdkafka_error_code() {
        Some(code) => Refusal::Kafka(code),
        None => Refusal::Silence(error.to_string()),
    }
}

impl From<&rdkafka::metadata::MetadataTopic> for SeenTopic {
    fn from(topic: &rdkafka::metadata::MetadataTopic) -> Self {
        let in_sync = topic.partitions().iter().map(|it| it.isr().len()).min();
        Self {
            name: topic.name().to_owned(),
            partitions: topic.partitions().len(),
            in_sync: in_sync.unwrap_or(0),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
