//! What a client has to know of a service.

use model::Node;
use service_config::{Effective, Oidc};
use store::Service;

/// How clients reach a service and log in.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) project: String,
    pub(super) service: String,
    /// `host:port` of each node, comma-separated.
    pub(super) bootstrap: String,
    /// Kafka's `security.protocol`.
    pub(super) protocol: &'static str,
    pub(super) login: Login,
    pub(super) rest: Option<Rest>,
}

/// How clients log in.
#[derive(Clone, Debug)]
pub(super) enum Login {
    /// By a token with these claims.
    Oidc(Oidc),
    /// By the password of a service user, and this mechanism.
    Scram(&'static str),
}

/// The REST proxy.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    /// `host:port`
    pub(super) address: String,
    /// Whether a request has to say who asks.
    pub(super) authorization: bool,
}

impl Access {
    pub(super) fn of(service: &Service, effective: &Effective) -> Self {
        let nodes: Vec<String> = service.nodes.iter().map(Node::client_address).collect();
        let rest = effective.kafka_rest().then(|| Rest {
            address: service.rest_address.clone(),
            authorization: effective.rest_authorization(),
        });
        Self {
            project: service.project.to_string(),
            service: service.name.to_string(),
            bootstrap: nodes.join(","),
            protocol: "SASL_PLAINTEXT",
            login: login(effective),
            rest,
        }
    }

    /// Kafka's `sasl.mechanism`.
    pub(super) const fn mechanism(&self) -> &'static str {
        match &self.login {
            Login::Oidc(_) => "OAUTHBEARER",
            Login::Scram(mechanism) => mechanism,
        }
    }
}

/// Tokens if the brokers take them, else the stronger SCRAM that is on. A configuration without
/// either is not accepted.
fn login(effective: &Effective) -> Login {
    match effective.oidc() {
        Some(oidc) => Login::Oidc(oidc.clone()),
        None => {
            let strongest = effective.sasl_mechanisms().into_iter().max();
            Login::Scram(strongest.unwrap_or("SCRAM-SHA-512"))
        }
    }
}
