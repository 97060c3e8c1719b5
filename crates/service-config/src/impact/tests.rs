//! What changes cost.

use model::ServiceName;
use serde_json::{Value, json};

use super::*;
use crate::testing::{check, nodes, object, oidc, rendered};
use crate::{Topology, merge, render};

fn change(from: Value, patch: Value) -> Impact {
    let after = Value::Object(merge(&object(from.clone()), &object(patch)));
    let [before, after] = [from, after].map(|it| {
        let effective = check(it).unwrap();
        let rendered = rendered(&effective, &nodes(3));
        (effective, rendered)
    });
    impact((&before.0, &before.1), (&after.0, &after.1))
}

#[test]
fn a_change_of_nothing_costs_nothing() {
    for patch in [
        json!({}),
        json!({ "kafka": {} }),
        json!({ "kafka_rest": false, "kafka_version": "4.3" }),
        json!({ "kafka": { "sasl_oauthbearer_expected_issuer": "not used without a JWKS URL" } }),
        json!({ "kafka_rest_config": { "producer_acks": "all" } }),
    ] {
        assert!(change(json!({}), patch.clone()).is_nothing(), "{patch}");
    }
    let audience = "my-audience,another-audience";
    let patch = json!({ "kafka": { "sasl_oauthbearer_expected_audience": audience } });
    assert!(change(oidc(), patch).is_nothing());
}

#[test]
fn an_option_of_a_running_broker_needs_no_restart() {
    let found = change(json!({}), json!({ "kafka": { "log_retention_ms": 5 } }));
    let dynamic = vec!["log.retention.ms".to_owned()];
    assert_eq!(found, Impact { dynamic, ..Impact::default() });
}

#[test]
fn the_proxy_takes_over_its_own_options() {
    let found = change(json!({}), json!({ "kafka_rest_authorization": true }));
    let proxy_reload = vec!["kafka_rest_authorization".to_owned()];
    assert_eq!(found, Impact { proxy_reload, ..Impact::default() });
    let found = change(json!({}), json!({ "kafka_rest_config": { "producer_linger_ms": 5 } }));
    assert_eq!(found.proxy_reload, ["kafka_rest_config.producer"]);
}

#[test]
fn oidc_restarts_the_brokers_and_reaches_the_proxy() {
    let on = change(json!({}), oidc());
    insta::assert_snapshot!(on.rolling_restart.join("\n"), @"
    listener.name.client.oauthbearer.connections.max.reauth.ms
    listener.name.client.oauthbearer.sasl.jaas.config
    listener.name.client.oauthbearer.sasl.oauthbearer.expected.audience
    listener.name.client.oauthbearer.sasl.oauthbearer.expected.issuer
    listener.name.client.oauthbearer.sasl.oauthbearer.jwks.endpoint.refresh.ms
    listener.name.client.oauthbearer.sasl.oauthbearer.jwks.endpoint.url
    listener.name.client.oauthbearer.sasl.oauthbearer.jwt.validator.class
    listener.name.client.oauthbearer.sasl.oauthbearer.sub.claim.name
    listener.name.client.oauthbearer.sasl.server.callback.handler.class
    listener.name.client.sasl.enabled.mechanisms
    org.apache.kafka.sasl.oauthbearer.allowed.urls
    ");
    assert_eq!(on.proxy_reload, ["kafka.sasl_oauthbearer"]);
    assert_eq!(on.dynamic, [""; 0]);
    let patch = json!({ "kafka": { "sasl_oauthbearer_sub_claim_name": null } });
    let property = "listener.name.client.oauthbearer.sasl.oauthbearer.sub.claim.name";
    assert_eq!(change(oidc(), patch).rolling_restart, [property]);
}

#[test]
fn an_allowed_url_less_is_no_reason_for_a_restart() {
    let service_name: ServiceName = "my-kafka".parse().unwrap();
    let effective = check(oidc()).unwrap();
    let rendered = |previous_jwks_url| {
        let nodes = &nodes(3);
        let topology =
            Topology { service_name: &service_name, nodes, previous_jwks_url, heap_mb: 512 };
        render(&effective, &topology)
    };
    let (both, one) = (rendered(Some("https://old.example.com/")), rendered(None));
    assert!(impact((&effective, &both), (&effective, &one)).is_nothing());
    assert_eq!(
        impact((&effective, &one), (&effective, &both)).rolling_restart,
        ["org.apache.kafka.sasl.oauthbearer.allowed.urls"]
    );
}
