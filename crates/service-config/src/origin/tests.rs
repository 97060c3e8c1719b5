//! What is said of where values come from.

use model::ServiceName;
use serde_json::json;

use super::*;
use crate::testing::{check, nodes, object, oidc, rendered};
use crate::{merge, render};

fn all(config: Value) -> (Vec<ConfigOption>, Vec<ConfigProperty>) {
    let effective = check(config).unwrap();
    let (nodes, service_name) = (nodes(3), "my-kafka".parse::<ServiceName>().unwrap());
    let topology = Topology {
        service_name: &service_name,
        nodes: &nodes,
        previous_jwks_url: None,
        heap_mb: 512,
    };
    let rendered = render(&effective, &topology);
    (options(&effective, &rendered), properties(&effective, &topology, &rendered))
}

fn find<'a>(options: &'a [ConfigOption], key: &str) -> &'a ConfigOption {
    options.iter().find(|it| it.key == key).unwrap()
}

#[test]
fn an_option_says_what_counts_and_who_wanted_it() {
    let (options, _) = all(json!({ "kafka": { "log_segment_bytes": 104_857_600 } }));
    let found = |key: &str| {
        let it = find(&options, key);
        (it.value.clone().unwrap(), it.origin, it.update)
    };
    assert_eq!(
        found("kafka.log_segment_bytes"),
        (json!(104_857_600), Origin::User, UpdateMode::Dynamic)
    );
    assert_eq!(
        found("kafka.min_insync_replicas"),
        (json!(2), Origin::Derived, UpdateMode::Dynamic)
    );
    assert_eq!(
        found("kafka.auto_create_topics_enable"),
        (json!(false), Origin::Platform, UpdateMode::RollingRestart)
    );
    assert_eq!(found("kafka_rest"), (json!(false), Origin::Default, UpdateMode::ProxyReload));
    let segment = find(&options, "kafka.log_segment_bytes");
    assert_eq!(segment.kafka_property.as_deref(), Some("log.segment.bytes"));
    assert_eq!(segment.minimum, Some(json!(10_485_760)));
    assert!(segment.description.is_some());
    let sub = find(&options, "kafka.sasl_oauthbearer_sub_claim_name");
    assert_eq!((&sub.kafka_property, sub.value.as_ref()), (&None, Some(&json!("sub"))));
}

#[test]
fn every_line_that_a_node_is_started_with_is_there() {
    let config = merge(&object(oidc()), &object(json!({ "kafka": { "log_retention_ms": -1 } })));
    let (_, properties) = all(Value::Object(config.clone()));
    let rendered = rendered(&check(Value::Object(config)).unwrap(), &nodes(3));
    let lines = crate::properties::lines(&rendered.revision.server_properties);
    let in_file: Vec<_> = properties.iter().filter(|it| it.place == "server.properties").collect();
    assert_eq!(in_file.len(), lines.len());
    assert!(in_file.iter().all(|it| lines.contains_key(it.name.as_str())));
    let origin = |name: &str| properties.iter().find(|it| it.name == name).unwrap().origin;
    assert_eq!(
        origin("listener.name.client.oauthbearer.sasl.oauthbearer.expected.issuer"),
        Origin::Derived
    );
    assert_eq!(origin("super.users"), Origin::Platform);
    assert_eq!(origin("controller.quorum.voters"), Origin::Plan);
    assert_eq!(origin("-Xmx512m"), Origin::Plan);
    assert_eq!(origin("log.retention.ms"), Origin::User);
    assert_eq!(origin("min.insync.replicas"), Origin::Platform, "the file's, for a new cluster");
    let dynamic = properties.iter().filter(|it| it.place == "dynamic");
    assert_eq!(
        dynamic.map(|it| (it.name.as_str(), it.origin)).collect::<Vec<_>>(),
        [("log.retention.ms", Origin::User), ("min.insync.replicas", Origin::Derived)]
    );
    assert!(
        properties
            .iter()
            .all(|it| !it.value.contains("password=\"") || it.value.contains("${secrets"))
    );
}
