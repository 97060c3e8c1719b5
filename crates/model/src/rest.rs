//! What the control plane tells a REST proxy. The one wire type that two of our programs share.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// Everything a REST proxy needs to know of its service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestSettings {
    /// `host:port` of the client listener of each node.
    pub bootstrap_client: Vec<String>,
    /// `host:port` of the internal listener of each node, for the proxy's own identity.
    pub bootstrap_internal: Vec<String>,
    /// `security.protocol` of both listeners: `SASL_PLAINTEXT` or `SASL_SSL`.
    pub security_protocol: String,
    /// Who the proxy is while `authorization` is off (SASL PLAIN, internal listener).
    pub own_identity: OwnIdentity,
    /// `kafka_rest_authorization`: on, a request needs a token and Kafka's ACLs decide; off, every
    /// request runs as `own_identity`.
    pub authorization: bool,
    /// What a token has to be. With `authorization` on and this absent, every token is refused.
    pub oidc: Option<OidcSettings>,
    /// The SCRAM mechanisms of the client listener, the preferred first: how service users log in
    /// with a password. Without any, nobody can.
    #[serde(default)]
    pub scram_mechanisms: Vec<String>,
    /// Claims of which the control plane wants to know what tokens say, beside
    /// [`crate::SUBJECT_CLAIMS`]; sorted. One of the version before wants none.
    #[serde(default)]
    pub watched_claims: Vec<String>,
    /// How it produces.
    pub producer: RestProducer,
    /// How it consumes.
    pub consumer: RestConsumer,
}

/// A SASL PLAIN identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnIdentity {
    /// The user name; also the principal.
    pub username: String,
    /// Its password.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub password: Secret,
}

/// The rules for a token: the same four values as the brokers have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcSettings {
    /// `sasl.oauthbearer.jwks.endpoint.url`
    pub jwks_url: String,
    /// `sasl.oauthbearer.expected.issuer`, compared byte for byte.
    pub issuer: String,
    /// `sasl.oauthbearer.expected.audience`: one of these has to be in the token's `aud`. Never empty.
    pub audiences: Vec<String>,
    /// `sasl.oauthbearer.sub.claim.name`: the top-level claim that becomes the principal.
    pub principal_claim: String,
}

/// `kafka_rest_config.producer_*`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestProducer {
    /// `all`, `-1`, `0` or `1`.
    pub acks: String,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression_type: String,
    /// Milliseconds, 0 to 5000.
    pub linger_ms: u32,
    /// Largest request body and Kafka request, in bytes.
    pub max_request_size: u32,
}

/// `kafka_rest_config.consumer_*`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestConsumer {
    /// The default of `auto.commit.enable`.
    pub enable_auto_commit: bool,
    /// The default and the upper bound of `max_bytes`, in bytes.
    pub request_max_bytes: u32,
    /// The default of `timeout`, in milliseconds.
    pub request_timeout_ms: u32,
    /// Seconds after which an instance that nobody asks is closed; 0 for never.
    pub idle_disconnect_timeout: u32,
}
