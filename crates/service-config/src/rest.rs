//! What the REST proxy of a service gets.

use model::{Node, OidcSettings, OwnIdentity, Principal, RestSettings, Secret};

use crate::{Effective, Oidc};

/// Puts together the settings of the REST proxy; `rest_password` is that of its own identity. Which
/// claims are watched is no matter of the configuration.
pub fn rest_settings(
    effective: &Effective,
    nodes: &[Node],
    rest_password: &Secret,
) -> RestSettings {
    RestSettings {
        bootstrap_client: nodes.iter().map(Node::client_address).collect(),
        bootstrap_internal: nodes.iter().map(Node::internal_address).collect(),
        security_protocol: "SASL_PLAINTEXT".into(),
        own_identity: OwnIdentity {
            username: Principal::REST_PROXY.into(),
            password: rest_password.clone(),
        },
        authorization: effective.rest_authorization(),
        oidc: effective.oidc().map(oidc_settings),
        scram_mechanisms: scram_mechanisms(effective),
        watched_claims: Vec::new(),
        producer: effective.rest_producer(),
        consumer: effective.rest_consumer(),
    }
}

/// SCRAM-SHA-256 first where there is a choice: checking a password takes half as long as with the
/// other, and wrong ones are checked too.
fn scram_mechanisms(effective: &Effective) -> Vec<String> {
    let offered = effective.sasl_mechanisms().into_iter();
    offered.filter(|it| it.starts_with("SCRAM-")).map(str::to_owned).collect()
}

fn oidc_settings(oidc: &Oidc) -> OidcSettings {
    OidcSettings {
        jwks_url: oidc.jwks_url.as_str().to_owned(),
        issuer: oidc.issuer.clone(),
        audiences: oidc.audiences.clone(),
        principal_claim: oidc.sub_claim_name.clone(),
    }
}
