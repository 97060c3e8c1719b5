//! What the tests of several modules need.

use model::{Node, NodeId, NodePorts, ServiceName, UrlPolicy};
use serde_json::{Value, json};

use crate::{ConfigError, Effective, Rendered, Rules, Topology, UserConfig, effective, render};

pub(crate) const RULES: Rules = Rules { url_policy: UrlPolicy::HttpOnLoopback };

pub(crate) fn object(value: Value) -> UserConfig {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// With every problem as a line of text.
pub(crate) fn check(config: Value) -> Result<Effective, Vec<ConfigError>> {
    effective(&object(config), &RULES)
}

pub(crate) fn oidc() -> Value {
    json!({ "kafka": {
        "sasl_oauthbearer_jwks_endpoint_url": "https://idp.example.com/jwks?a=b",
        "sasl_oauthbearer_expected_issuer": "https://idp.example.com",
        "sasl_oauthbearer_expected_audience": "my-audience, another-audience",
        "sasl_oauthbearer_sub_claim_name": "custom-sub",
    } })
}

pub(crate) fn nodes(count: i32) -> Vec<Node> {
    (1..=count)
        .map(|id| {
            let base = 20000 + 10 * u16::try_from(id).unwrap();
            Node {
                id: NodeId(id),
                host: "127.0.0.1".into(),
                ports: NodePorts { controller: base, internal: base + 1, client: base + 2 },
                rack: format!("rack-{id}"),
            }
        })
        .collect()
}

pub(crate) fn rendered(effective: &Effective, nodes: &[Node]) -> Rendered {
    let service_name: ServiceName = "my-kafka".parse().unwrap();
    let topology =
        Topology { service_name: &service_name, nodes, previous_jwks_url: None, heap_mb: 512 };
    render(effective, &topology)
}
