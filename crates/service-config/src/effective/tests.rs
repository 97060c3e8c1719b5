//! What depends on several options.

use serde_json::{Value, json};

use super::*;
use crate::testing::{check, object, oidc};
use crate::{ConfigError, merge};

fn problems(change: Value) -> Vec<String> {
    let config = merge(&object(oidc()), &object(change));
    let errors = check(Value::Object(config)).err().unwrap_or_default();
    errors
        .iter()
        .map(ConfigError::to_string)
        .map(|it| it.replace("Invalid 'user_config': ", ""))
        .collect()
}

fn kafka(option: &str, value: impl Into<Value>) -> Value {
    json!({ "kafka": { option: value.into() } })
}

#[test]
fn oidc_is_on_exactly_if_a_jwks_url_is_set() {
    let on = check(oidc()).unwrap();
    let found = on.oidc().unwrap();
    assert_eq!(found.jwks_url.as_str(), "https://idp.example.com/jwks?a=b");
    assert_eq!(found.issuer, "https://idp.example.com");
    assert_eq!(found.audiences, ["my-audience", "another-audience"]);
    assert_eq!(found.sub_claim_name, "custom-sub");

    for off in [Value::Null, Value::from("")] {
        let change = kafka("sasl_oauthbearer_jwks_endpoint_url", off);
        let config = merge(&object(oidc()), &object(change));
        assert_eq!(check(Value::Object(config)).unwrap().oidc(), None);
    }
    let change = object(kafka("sasl_oauthbearer_sub_claim_name", Value::Null));
    let unnamed = check(Value::Object(merge(&object(oidc()), &change))).unwrap();
    assert_eq!(unnamed.oidc().unwrap().sub_claim_name, "sub");
}

#[test]
fn oidc_needs_an_issuer_and_an_audience() {
    const URL: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";
    for (blank, shown) in [(Value::Null, "null"), (json!(""), "\"\""), (json!("  "), "\"  \"")] {
        assert_eq!(
            problems(json!({ "kafka": {
                "sasl_oauthbearer_expected_issuer": blank,
                "sasl_oauthbearer_expected_audience": blank,
            } })),
            [
                format!(
                    "kafka.sasl_oauthbearer_expected_issuer: {shown} is no issuer: required with {URL}"
                ),
                format!(
                    "kafka.sasl_oauthbearer_expected_audience: {shown} is no audience: required with {URL}"
                ),
            ]
        );
    }
}

#[test]
fn audiences_are_split_as_kafka_splits_them() {
    let audiences = |text: &str| {
        let change = object(kafka("sasl_oauthbearer_expected_audience", text));
        let config = merge(&object(oidc()), &change);
        check(Value::Object(config)).map(|it| it.oidc().unwrap().audiences.clone())
    };
    assert_eq!(audiences(" a b ,c,  a b").unwrap(), ["a b", "c"]);
    for text in ["a,,b", ",a", "a, ", ","] {
        let errors = audiences(text).unwrap_err();
        assert!(errors[0].rule.contains("empty item"), "{text}: {errors:?}");
    }
}

#[test]
fn the_jwks_url_keeps_the_rules_of_the_installation() {
    let key = "sasl_oauthbearer_jwks_endpoint_url";
    for (url, rule) in [
        (
            "http://idp.example.com/jwks",
            "must use https; http is accepted for a loopback host only",
        ),
        ("idp", "must be an absolute URL such as https://idp.example.com/jwks"),
        ("file:///etc/passwd", "must be an absolute URL such as https://idp.example.com/jwks"),
        (
            "https://a/,https://b/",
            "must not contain quotes, commas, backslashes, spaces or control characters",
        ),
        ("https://a/${secrets:x:y}", "contains '${', which Kafka would replace"),
    ] {
        assert_eq!(problems(kafka(key, url)), [format!("kafka.{key}: \"{url}\" {rule}")]);
    }
    let loopback = kafka(key, "http://127.0.0.1:8090/jwks");
    assert_eq!(problems(loopback.clone()), [""; 0]);
    let strict = Rules { url_policy: UrlPolicy::HttpsOnly };
    let config = merge(&object(oidc()), &object(loopback));
    assert_eq!(effective(&config, &strict).unwrap_err()[0].rule, "must use https");
}

#[test]
fn there_is_always_a_way_in() {
    let none =
        json!({ "kafka_sasl_mechanisms": { "scram_sha_256": false, "scram_sha_512": false } });
    assert_eq!(
        check(none.clone()).unwrap_err()[0].to_string(),
        "Invalid 'user_config': kafka_sasl_mechanisms: {\"scram_sha_256\":false,\"scram_sha_512\":false} \
         leaves no SASL mechanism: one of scram_sha_256 and scram_sha_512, or \
         kafka.sasl_oauthbearer_jwks_endpoint_url, is needed"
    );
    let only_oidc = check(Value::Object(merge(&object(oidc()), &object(none)))).unwrap();
    assert_eq!(only_oidc.sasl_mechanisms(), ["OAUTHBEARER"]);
    assert_eq!(
        problems(json!({ "kafka_authentication_methods": { "sasl": false } })),
        [
            "kafka.sasl_oauthbearer_jwks_endpoint_url: \"https://idp.example.com/jwks?a=b\" \
             requires kafka_authentication_methods.sasl=true",
            "kafka_authentication_methods.sasl: false leaves no way in: \
             kafka_authentication_methods.certificate is false too",
        ]
    );
}

#[test]
fn options_that_kafka_compares_are_compared() {
    let table = [
        (
            json!({ "group_share_heartbeat_interval_ms": 20000 }),
            "kafka.group_share_heartbeat_interval_ms: 20000 is more than kafka.group_share_max_heartbeat_interval_ms (15000)",
        ),
        (
            json!({ "group_share_max_session_timeout_ms": 45000, "group_share_session_timeout_ms": 50000 }),
            "kafka.group_share_max_session_timeout_ms: 45000 is less than kafka.group_share_session_timeout_ms (50000)",
        ),
        (
            json!({ "group_share_heartbeat_interval_ms": 45000, "group_share_max_heartbeat_interval_ms": 45000 }),
            "kafka.group_share_heartbeat_interval_ms: 45000 is not less than kafka.group_share_session_timeout_ms (45000)",
        ),
        (
            json!({ "min_insync_replicas": 4 }),
            "kafka.min_insync_replicas: 4 is more than kafka.default_replication_factor (3)",
        ),
        (
            json!({ "log_retention_hours": 0 }),
            "kafka.log_retention_hours: 0 is neither -1 (unlimited) nor 1 or more",
        ),
    ];
    for (options, expected) in table {
        assert_eq!(problems(json!({ "kafka": options })), [expected]);
    }
}

#[test]
fn a_default_that_no_topic_could_meet_does_not_fit() {
    let config = json!({ "kafka": { "default_replication_factor": 4, "min_insync_replicas": 2 } });
    let config = check(config).unwrap();
    assert!(config.fits(4).is_ok());
    let errors = config.fits(1).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(
        errors[0].to_string(),
        "Invalid 'user_config': kafka.default_replication_factor: 4 is more than the 1 nodes of the service"
    );
}

#[test]
fn what_is_shown_has_every_toggle() {
    let shown = check(json!({ "kafka_rest": true })).unwrap().user_config();
    assert_eq!(
        Value::Object(shown),
        json!({
            "kafka": {},
            "kafka_connect": false,
            "kafka_rest": true,
            "kafka_rest_authorization": false,
            "schema_registry": false,
        })
    );
}

#[test]
fn the_proxy_gets_the_defaults_of_the_schema_and_its_bounds_fit() {
    let plain = check(json!({})).unwrap();
    assert_eq!(
        plain.rest_producer(),
        RestProducer {
            acks: "all".into(),
            compression_type: "none".into(),
            linger_ms: 0,
            max_request_size: 1_048_576,
        }
    );
    assert_eq!(
        plain.rest_consumer(),
        RestConsumer {
            enable_auto_commit: true,
            request_max_bytes: 67_108_864,
            request_timeout_ms: 1000,
            idle_disconnect_timeout: 0,
        }
    );
    for (name, property) in &catalogue().find("kafka_rest_config").unwrap().properties {
        if property.kind == Kind::Integer && property.choices.is_none() {
            let bound = |it: &Option<serde_json::Number>| it.as_ref().unwrap().as_u64().unwrap();
            assert!(bound(&property.minimum) <= bound(&property.maximum), "{name}");
            assert!(u32::try_from(bound(&property.maximum)).is_ok(), "{name}");
            assert!(property.default.is_some(), "{name}");
        }
    }
}
