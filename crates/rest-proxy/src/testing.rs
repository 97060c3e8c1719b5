//! What several tests need: settings, callers, and a directory without a cluster.

mod log;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka::{
    AdminConfig, Broker, ConfigEntry, Credential as Credentials, KafkaError, OffsetSpec, Partition,
    Topic,
};
use model::{
    IdpPolicy, NodeId, OidcSettings, OwnIdentity, RestConsumer, RestProducer, RestSettings, Secret,
    Timestamp, TopicName,
};
use testkit::issuer::{DEFAULT_AUDIENCE, Running};
use tokio_util::sync::CancellationToken;

use crate::admission::Slot;
use crate::config::Limits;
use crate::directory::{Directories, Directory};
use crate::identity::Caller;
use crate::owner::{Credential, Owner, Password, Token};
use crate::seen::Asker;
use crate::settings::Settings;
use crate::shared::locked;
use crate::{App, Config};

/// Settings of a service at `bootstrap` that asks for no login: the mock cluster knows none.
pub(crate) fn settings(bootstrap: &str) -> RestSettings {
    RestSettings {
        bootstrap_client: vec![bootstrap.to_owned()],
        bootstrap_internal: vec![bootstrap.to_owned()],
        security_protocol: "PLAINTEXT".to_owned(),
        own_identity: OwnIdentity {
            username: " rest-proxy".to_owned(),
            password: Secret::new("password".to_owned()),
        },
        authorization: false,
        oidc: None,
        scram_mechanisms: vec!["SCRAM-SHA-256".to_owned()],
        watched_claims: Vec::new(),
        producer: RestProducer {
            acks: "1".to_owned(),
            compression_type: "none".to_owned(),
            linger_ms: 0,
            max_request_size: 1_048_576,
        },
        consumer: RestConsumer {
            enable_auto_commit: true,
            request_max_bytes: 67_108_864,
            request_timeout_ms: 1000,
            idle_disconnect_timeout: 0,
        },
    }
}

pub(crate) fn idp() -> IdpPolicy {
    IdpPolicy::new(true, Vec::new())
}

pub(crate) fn oidc(issuer: &str, audience: &str) -> OidcSettings {
    OidcSettings {
        jwks_url: format!("{issuer}/jwks"),
        issuer: issuer.to_owned(),
        audiences: vec![audience.to_owned()],
        principal_claim: "sub".to_owned(),
    }
}

pub(crate) fn limits() -> Limits {
    let config = <Config as clap::Parser>::try_parse_from([
        "tidegate-rest-proxy",
        "--control-plane-url=http://127.0.0.1:1",
        "--token-file=/nowhere",
        "--request-timeout-ms=5000",
    ]);
    config.unwrap().limits
}

/// A proxy under `wanted` that knows the topic `orders` with two partitions.
pub(crate) fn app(wanted: RestSettings) -> App {
    let settings = Settings::new(idp());
    settings.apply(wanted);
    app_of(settings)
}

pub(crate) fn app_of(settings: Settings) -> App {
    App::with_directories(settings, limits(), CancellationToken::new(), directories())
}

pub(crate) fn app_with(wanted: RestSettings, limits: Limits, directories: Directories) -> App {
    let settings = Settings::new(idp());
    settings.apply(wanted);
    App::with_directories(settings, limits, CancellationToken::new(), directories)
}

/// Settings of a service at `bootstrap` that wants tokens of `idp`, or passwords.
pub(crate) fn secured(bootstrap: &str, idp: &Running) -> RestSettings {
    let mut oidc = oidc(&idp.url, DEFAULT_AUDIENCE);
    oidc.jwks_url = idp.issuer.jwks_url();
    RestSettings { authorization: true, oidc: Some(oidc), ..settings(bootstrap) }
}

pub(crate) fn directories() -> Directories {
    directories_of(Arc::new(AtomicI32::new(2)))
}

/// The topic `orders` has as many partitions as `partitions` says at the time.
pub(crate) fn directories_of(partitions: Arc<AtomicI32>) -> Directories {
    Box::new(move |config| {
        let bootstrap = config.bootstrap.join(",");
        Box::new(Orders { partitions: Arc::clone(&partitions), bootstrap })
    })
}

pub(crate) fn owner(principal: &str) -> Owner {
    Owner::Oidc { issuer: "https://idp".into(), principal: principal.into() }
}

/// A caller with a token that lives for `ttl_ms`. `serial` tells tokens apart.
pub(crate) fn caller(settings: &Settings, principal: &str, serial: u8, ttl_ms: i64) -> Caller {
    let now = Timestamp::now();
    let token = Token {
        text: Secret::new(format!("token.{serial}")),
        sha256: [serial; 32],
        expires_at: now.plus_ms(ttl_ms),
        issued_at: now,
    };
    let active = settings.active().unwrap();
    let credential = Credential::Token(Arc::new(token));
    let owner = owner(principal);
    let asker = Asker::proven(&owner);
    Caller { owner, credential, active, asker, _slot: Slot::none() }
}

/// A service user with a password that was proven.
pub(crate) fn user(settings: &Settings, username: &str, password: &str) -> Caller {
    let mut fingerprint = [0; 32];
    fingerprint[..password.len()].copy_from_slice(password.as_bytes());
    let password = Password { text: Secret::new(password.to_owned()), fingerprint };
    let owner = Owner::User { username: username.into() };
    Caller {
        asker: Asker::proven(&owner),
        owner,
        credential: Credential::Password(Arc::new(password)),
        active: settings.active().unwrap(),
        _slot: Slot::none(),
    }
}

/// Directories of a cluster that lets nobody in.
pub(crate) fn refusing() -> Directories {
    Box::new(|config| Box::new(Door { config, password: None, logins: Arc::default() }))
}

/// The password of a cluster that lets nobody in any more.
pub(crate) const NOBODYS: &str = "nobody's";

/// Directories of a cluster that knows `orders`, and lets in who has a token or this password.
/// Counts the questions.
pub(crate) fn guarded(password: &Arc<Mutex<String>>, logins: &Arc<AtomicUsize>) -> Directories {
    let (password, logins) = (Arc::clone(password), Arc::clone(logins));
    Box::new(move |config| {
        let (password, logins) = (Some(Arc::clone(&password)), Arc::clone(&logins));
        Box::new(Door { config, password, logins })
    })
}

struct Door {
    config: AdminConfig,
    password: Option<Arc<Mutex<String>>>,
    logins: Arc<AtomicUsize>,
}

impl Door {
    fn enter(&self) -> Result<Orders, KafkaError> {
        self.logins.fetch_add(1, Ordering::Relaxed);
        let good = match (&self.config.credential, &self.password) {
            (_, None) => false,
            (_, Some(good)) if *locked(good) == NOBODYS => false,
            (Credentials::Scram { password, .. }, Some(good)) => {
                *password.expose() == *locked(good)
            }
            _ => true,
        };
        let refused = || KafkaError::Authentication {
            address: "127.0.0.1:1".to_owned(),
            mechanism: "any",
            reason: "no".to_owned(),
        };
        let orders = || Orders {
            partitions: Arc::new(AtomicI32::new(2)),
            bootstrap: self.config.bootstrap.join(","),
        };
        good.then(orders).ok_or_else(refused)
    }
}

impl Directory for Door {
    fn topics(
        &self,
        names: Option<Vec<TopicName>>,
    ) -> BoxFuture<'_, Result<Vec<Topic>, KafkaError>> {
        async move { self.enter()?.topics(names).await }.boxed()
    }

    fn configs(&self, topic: TopicName) -> BoxFuture<'_, Result<Vec<ConfigEntry>, KafkaError>> {
        async move { self.enter()?.configs(topic).await }.boxed()
    }

    fn brokers(&self) -> BoxFuture<'_, Result<Vec<Broker>, KafkaError>> {
        async move { self.enter()?.brokers().await }.boxed()
    }

    fn offsets(
        &self,
        topic: TopicName,
        partitions: Vec<i32>,
        spec: OffsetSpec,
    ) -> BoxFuture<'_, Result<BTreeMap<i32, i64>, KafkaError>> {
        async move { self.enter()?.offsets(topic, partitions, spec).await }.boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), KafkaError>> {
        async move { self.enter().map(|_| ()) }.boxed()
    }
}

/// The topic `orders` with this many partitions, and nothing else.
struct Orders {
    partitions: Arc<AtomicI32>,
    bootstrap: String,
}

impl Directory for Orders {
    fn topics(
        &self,
        names: Option<Vec<TopicName>>,
    ) -> BoxFuture<'_, Result<Vec<Topic>, KafkaError>> {
        let names = names.unwrap_or_else(|| vec!["orders".parse().unwrap()]);
        let count = self.partitions.load(Ordering::Relaxed);
        let topics = names.into_iter().map(|name| {
            let known = name.as_str() == "orders";
            let partition = |index| Partition {
                index,
                leader: Some(NodeId(1)),
                replicas: vec![NodeId(1)],
                in_sync: vec![NodeId(1)],
                offline: Vec::new(),
            };
            Topic {
                name: name.to_string(),
                internal: false,
                error: (!known).then_some(kafka::ErrorCode::UnknownTopicOrPartition),
                partitions: if known { (0..count).map(partition).collect() } else { Vec::new() },
            }
        });
        let topics = topics.collect();
        async move { Ok(topics) }.boxed()
    }

    fn configs(&self, _topic: TopicName) -> BoxFuture<'_, Result<Vec<ConfigEntry>, KafkaError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn brokers(&self) -> BoxFuture<'_, Result<Vec<Broker>, KafkaError>> {
        let broker = |id| Broker {
            id: NodeId(id),
            host: "kafka".to_owned(),
            port: 9092,
            rack: None,
            fenced: id == 3,
        };
        async move { Ok(vec![broker(2), broker(1), broker(3)]) }.boxed()
    }

    /// What the cluster says, which needs no login; without one the offsets 3 to 8.
    fn offsets(
        &self,
        topic: TopicName,
        partitions: Vec<i32>,
        spec: OffsetSpec,
    ) -> BoxFuture<'_, Result<BTreeMap<i32, i64>, KafkaError>> {
        let bootstrap = self.bootstrap.clone();
        let count = self.partitions.load(Ordering::Relaxed);
        if topic.as_str() != "orders" || partitions.iter().any(|it| !(0..count).contains(it)) {
            let code = kafka::ErrorCode::UnknownTopicOrPartition;
            return async move { Err(KafkaError::Broker { code, message: None }) }.boxed();
        }
        let found = move |partition| match spec {
            _ if !bootstrap.ends_with(":1") => log::offset(&bootstrap, &topic, partition, spec),
            OffsetSpec::Earliest => Some(3),
            OffsetSpec::Latest | OffsetSpec::LatestStable => Some(8),
            OffsetSpec::AtOrAfter(time) => (time.0 <= 1000).then_some(5),
        };
        let offsets = partitions.into_iter().filter_map(move |it| Some((it, found(it)?)));
        let asked = tokio::task::spawn_blocking(move || offsets.collect());
        async move { Ok(asked.await.unwrap()) }.boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), KafkaError>> {
        async { Ok(()) }.boxed()
    }
}
