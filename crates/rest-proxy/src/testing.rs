//! What several tests need: settings, callers, and a directory without a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use kafka::{ConfigEntry, KafkaError, Partition, Topic};
use model::{
    NodeId, OidcSettings, OwnIdentity, RestConsumer, RestProducer, RestSettings, Secret, Timestamp,
    TopicName,
};
use tokio_util::sync::CancellationToken;

use crate::config::Limits;
use crate::directory::{Directories, Directory};
use crate::identity::{Caller, Owner, Token};
use crate::settings::Settings;
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
    let settings = Settings::new();
    settings.apply(wanted);
    app_of(settings)
}

pub(crate) fn app_of(settings: Settings) -> App {
    App::with_directories(settings, limits(), CancellationToken::new(), directories())
}

pub(crate) fn directories() -> Directories {
    directories_of(Arc::new(AtomicI32::new(2)))
}

/// The topic `orders` has as many partitions as `partitions` says at the time.
pub(crate) fn directories_of(partitions: Arc<AtomicI32>) -> Directories {
    Box::new(move |_| Box::new(Orders(Arc::clone(&partitions))))
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
    Caller { owner: owner(principal), token: Some(Arc::new(token)), active }
}

/// The topic `orders` with this many partitions, and nothing else.
struct Orders(Arc<AtomicI32>);

impl Directory for Orders {
    fn topics(
        &self,
        names: Option<Vec<TopicName>>,
    ) -> BoxFuture<'_, Result<Vec<Topic>, KafkaError>> {
        let names = names.unwrap_or_else(|| vec!["orders".parse().unwrap()]);
        let count = self.0.load(Ordering::Relaxed);
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

    fn probe(&self) -> BoxFuture<'_, Result<(), KafkaError>> {
        async { Ok(()) }.boxed()
    }
}
