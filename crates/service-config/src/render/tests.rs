//! What brokers and the proxy get.

use model::{Revision, Secret};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{check, nodes, object, oidc, rendered};
use crate::{UserConfig, merge, rest_settings};

#[test]
fn a_revision_without_oidc() {
    let rendered = rendered(&check(json!({})).unwrap(), &nodes(3));
    insta::assert_snapshot!(rendered.revision.server_properties);
    assert_eq!(
        rendered.revision.jvm_options,
        ["-Xms256m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError"]
    );
    assert_eq!(rendered.dynamic, section([("min.insync.replicas", "2".into())]));
}

#[test]
fn a_revision_with_oidc_and_options() {
    let options = object(json!({ "kafka": {
        "connections_max_idle_ms": 540_000,
        "group_initial_rebalance_delay_ms": 3000,
        "log_cleaner_min_cleanable_ratio": 0.3,
        "log_retention_ms": -1,
        "compression_type": "uncompressed",
        "min_insync_replicas": 1,
    } }));
    let config = check(Value::Object(merge(&object(oidc()), &options))).unwrap();
    let rendered = rendered(&config, &nodes(3));
    insta::assert_snapshot!(rendered.revision.server_properties);
    assert_eq!(
        rendered.revision.jvm_options[3..],
        ["-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=https://idp.example.com/jwks?a=b"]
    );
    assert_eq!(
        rendered.dynamic,
        section([
            ("compression.type", "uncompressed".into()),
            ("log.cleaner.min.cleanable.ratio", "0.3".into()),
            ("log.retention.ms", "-1".into()),
            ("min.insync.replicas", "1".into()),
        ])
    );
}

#[test]
fn the_lines_of_a_node() {
    let revision = rendered(&check(json!({})).unwrap(), &nodes(2)).revision;
    let text = render_node(&nodes(2)[1], &revision);
    assert_eq!(
        text.strip_suffix(&revision.server_properties),
        Some(
            "# This node\n\
             advertised.listeners=INTERNAL://127.0.0.1:20021,CLIENT://127.0.0.1:20022\n\
             broker.rack=rack-2\n\
             listeners=CONTROLLER://127.0.0.1:20020,INTERNAL://127.0.0.1:20021,CLIENT://127.0.0.1:20022\n\
             node.id=2\n\n"
        )
    );
}

#[test]
fn nodes_beyond_the_third_are_brokers_only_and_change_no_revision() {
    let config = check(json!({})).unwrap();
    let revision = rendered(&config, &nodes(4)).revision;
    assert_eq!(revision.id, rendered(&config, &nodes(3)).revision.id);
    assert_eq!(controllers(&revision), [1, 2, 3].map(NodeId).into());
    let text = render_node(&nodes(4)[3], &revision);
    let lines = crate::properties::lines(&text);
    assert_eq!(lines["process.roles"], "broker");
    assert!(!lines["listeners"].contains("CONTROLLER"), "{}", lines["listeners"]);
}

#[test]
fn fewer_than_three_nodes_scale_the_replication_down() {
    let factors = |count, config: Value| {
        let rendered = rendered(&check(config).unwrap(), &nodes(count));
        let lines = crate::properties::lines(&rendered.revision.server_properties);
        let all = [
            "default.replication.factor",
            "offsets.topic.replication.factor",
            "transaction.state.log.min.isr",
        ];
        (all.map(|key| lines[key].to_owned()), rendered.dynamic[MIN_IN_SYNC].clone())
    };
    assert_eq!(factors(1, json!({})), (["1", "1", "1"].map(String::from), "1".into()));
    assert_eq!(factors(2, json!({})), (["2", "2", "1"].map(String::from), "1".into()));
    assert_eq!(factors(5, json!({})), (["3", "3", "2"].map(String::from), "2".into()));
    // With one replica, nobody could ever write with acks=all if two had to be in sync.
    let one = json!({ "kafka": { "default_replication_factor": 1 } });
    assert_eq!(factors(3, one), (["1", "3", "2"].map(String::from), "1".into()));
}

#[test]
fn the_urls_of_the_revision_before_stay_allowed() {
    let service_name: ServiceName = "my-kafka".parse().unwrap();
    let allowed = |config: Value, previous| {
        let nodes = nodes(3);
        let topology = Topology {
            service_name: &service_name,
            nodes: &nodes,
            previous_jwks_url: previous,
            heap_mb: 512,
        };
        let options = render(&check(config).unwrap(), &topology).revision.jvm_options;
        options.iter().find_map(|it| it.strip_prefix(ALLOWED_URLS)).map(str::to_owned)
    };
    let (new, old) = ("https://idp.example.com/jwks?a=b", "https://old.example.com/jwks");
    assert_eq!(allowed(oidc(), Some(old)), Some(format!("{new},{old}")));
    assert_eq!(allowed(oidc(), Some(new)), Some(new.into()));
    assert_eq!(allowed(json!({}), Some(old)), Some(old.into()));
    assert_eq!(allowed(json!({}), None), None);
}

#[test]
fn the_settings_of_the_proxy() {
    let config = merge(&object(oidc()), &object(json!({ "kafka_rest_authorization": true })));
    let settings =
        rest_settings(&check(Value::Object(config)).unwrap(), &nodes(1), &Secret::new("pw".into()));
    insta::assert_json_snapshot!(settings);
}

/// Some options of each kind, within their bounds.
fn options() -> impl Strategy<Value = UserConfig> {
    let kafka = prop::sample::subsequence(
        vec![
            ("num_partitions", json!(7)),
            ("log_retention_ms", json!(1)),
            ("min_insync_replicas", json!(1)),
            ("compression_type", json!("zstd")),
            ("log_preallocate", json!(true)),
            ("sasl_oauthbearer_expected_issuer", json!("\\u0022é")),
            ("sasl_oauthbearer_expected_audience", json!("x")),
        ],
        0..=7,
    );
    (kafka, any::<bool>(), any::<bool>()).prop_map(|(kafka, rest, with_oidc)| {
        let kafka: UserConfig = kafka.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let base = if with_oidc { object(oidc()) } else { UserConfig::new() };
        merge(&base, &object(json!({ "kafka": kafka, "kafka_rest": rest })))
    })
}

proptest! {
    #[test]
    fn the_same_configuration_is_the_same_revision(config in options()) {
        let once = rendered(&check(Value::Object(config.clone())).unwrap(), &nodes(3));
        let mut reversed = nodes(3);
        reversed.reverse();
        let again = merge(&config, &object(json!({ "kafka": {}, "kafka_connect": null })));
        prop_assert_eq!(&rendered(&check(Value::Object(again)).unwrap(), &reversed), &once);
        let shown = check(Value::Object(config)).unwrap().user_config();
        prop_assert_eq!(&rendered(&check(Value::Object(shown)).unwrap(), &nodes(3)), &once);
    }

    #[test]
    fn a_file_holds_one_property_a_line_and_no_secret(config in options()) {
        let Revision { server_properties, .. } =
            rendered(&check(Value::Object(config)).unwrap(), &nodes(3)).revision;
        prop_assert!(server_properties.is_ascii() && server_properties.ends_with('\n'));
        let mut seen = BTreeSet::new();
        for line in server_properties.lines().filter(|it| !it.is_empty() && !it.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap();
            prop_assert!(seen.insert(key.to_owned()), "{} is there twice", key);
            for (at, _) in value.match_indices("password=\"") {
                let reference = value[at..].starts_with("password=\"${secrets:secrets.properties:");
                prop_assert!(reference);
            }
            let users = value.matches("\"user_").count();
            prop_assert_eq!(value.matches("\"=\"${secrets:").count(), users);
        }
    }

    #[test]
    fn different_contents_have_different_ids(a in options(), b in options()) {
        let [a, b] = [a, b].map(|it| rendered(&check(Value::Object(it)).unwrap(), &nodes(3)).revision);
        let same = a.server_properties == b.server_properties && a.jvm_options == b.jvm_options;
        prop_assert_eq!(a.id == b.id, same);
    }
}
