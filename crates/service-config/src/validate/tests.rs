//! Single values.

use serde_json::{Value, json};

use crate::testing::check;

/// Every problem on a line of its own, without what all begin with.
fn problems(config: Value) -> String {
    let errors = check(config).err().unwrap_or_default();
    let lines: Vec<String> = errors
        .iter()
        .map(|it| it.to_string().strip_prefix("Invalid 'user_config': ").unwrap().to_owned())
        .collect();
    lines.join("\n")
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_the_rule() {
    let table = [
        (
            json!({ "kafka": { "log_segment_bytes": 5 } }),
            "kafka.log_segment_bytes: 5 is less than the minimum of 10485760",
        ),
        (
            json!({ "kafka": { "num_partitions": 1001 } }),
            "kafka.num_partitions: 1001 is greater than the maximum of 1000",
        ),
        (
            json!({ "kafka": { "num_partitions": "3" } }),
            "kafka.num_partitions: \"3\" is not of type integer",
        ),
        (
            json!({ "kafka": { "num_partitions": 3.5 } }),
            "kafka.num_partitions: 3.5 is not of type integer",
        ),
        (
            json!({ "kafka": { "log_cleaner_min_cleanable_ratio": 0.91 } }),
            "kafka.log_cleaner_min_cleanable_ratio: 0.91 is greater than the maximum of 0.9",
        ),
        (
            json!({ "kafka": { "log_preallocate": 1 } }),
            "kafka.log_preallocate: 1 is not of type boolean",
        ),
        (
            json!({ "kafka": { "log_cleanup_policy": "all" } }),
            "kafka.log_cleanup_policy: \"all\" is not one of \"compact\", \"compact,delete\", \"delete\"",
        ),
        (json!({ "kafka": [] }), "kafka: [] is not of type object"),
        (json!({ "kafka_rest": "true" }), "kafka_rest: \"true\" is not of type boolean"),
        (
            json!({ "kafka_rest_config": { "consumer_request_timeout_ms": 5000 } }),
            "kafka_rest_config.consumer_request_timeout_ms: 5000 is not one of 1000, 15000, 30000",
        ),
        (json!({ "kafka_version": "3.9" }), "kafka_version: \"3.9\" is not \"4.3\""),
        (
            json!({ "kafka": { "sasl_oauthbearer_sub_claim_name": " " } }),
            "kafka.sasl_oauthbearer_sub_claim_name: \" \" must name a claim",
        ),
    ];
    for (config, expected) in table {
        assert_eq!(problems(config), expected);
    }
}

#[test]
fn what_is_not_offered_is_refused_with_the_reason() {
    let table = [
        (
            json!({ "schema_registry": true }),
            "schema_registry: true is not false: a schema registry is not offered",
        ),
        (
            json!({ "kafka_connect": true }),
            "kafka_connect: true is not false: Kafka Connect is not offered",
        ),
        (
            json!({ "kafka_authentication_methods": { "certificate": true } }),
            "kafka_authentication_methods.certificate: true is not false: TLS is not offered yet",
        ),
        (
            json!({ "kafka_sasl_mechanisms": { "plain": true } }),
            "kafka_sasl_mechanisms.plain: true is not false: Kafka's PLAIN would need the passwords of all users in the brokers' files; use SCRAM",
        ),
    ];
    for (config, expected) in table {
        assert_eq!(problems(config), expected);
    }
}

#[test]
fn bounds_are_exact_to_the_last_of_64_bits() {
    assert_eq!(problems(json!({ "kafka": { "log_retention_bytes": i64::MAX } })), "");
    assert_eq!(
        problems(json!({ "kafka": { "log_retention_bytes": 9_223_372_036_854_775_808_u64 } })),
        "kafka.log_retention_bytes: 9223372036854775808 is greater than the maximum of 9223372036854775807"
    );
    assert_eq!(problems(json!({ "kafka": { "log_retention_bytes": -1 } })), "");
    assert_eq!(
        problems(json!({ "kafka": { "log_retention_bytes": -2 } })),
        "kafka.log_retention_bytes: -2 is less than the minimum of -1"
    );
}

#[test]
fn an_unknown_option_is_refused_and_the_nearest_are_named() {
    assert_eq!(
        problems(json!({ "kafka": { "log_segments_bytes": 1 } })),
        "kafka.log_segments_bytes: 1 is for an option that does not exist; the nearest are \
         kafka.log_segment_bytes, kafka.log_retention_bytes"
    );
    assert_eq!(
        problems(json!({ "ip_filter": ["0.0.0.0/0"] })),
        "ip_filter: [\"0.0.0.0/0\"] is for an option that does not exist"
    );
}

#[test]
fn nothing_in_a_string_can_leave_its_property() {
    let with = |text: &str| json!({ "kafka": { "sasl_oauthbearer_expected_issuer": text } });
    for (text, rule) in [
        ("a\nsuper.users=User:eve", "contains a line feed or another control character"),
        ("a\r", "contains a line feed or another control character"),
        ("a\u{0}", "contains a line feed or another control character"),
        ("a\u{85}", "contains a line feed or another control character"),
        ("\"my-issuer\"", "contains a quote; check how the shell or the program quoted it"),
        ("'my-issuer'", "contains a quote; check how the shell or the program quoted it"),
        ("${secrets:secrets.properties:admin}", "contains '${', which Kafka would replace"),
    ] {
        let found = problems(with(text));
        assert!(found.ends_with(rule) && !found.contains('\n'), "{found}");
    }
    let long = problems(with(&"\u{e9}".repeat(129)));
    assert!(long.ends_with("is longer than the maximum of 128 characters"), "{long}");
    assert_eq!(problems(with(&"\u{e9}".repeat(128))), "");
}

#[test]
fn every_problem_is_reported() {
    assert_eq!(
        problems(json!({
            "bogus": 1,
            "kafka": { "num_partitions": 0, "log_roll_ms": false, "log_retention_ms": 0 },
            "kafka_authentication_methods": { "sasl": false },
        })),
        "bogus: 1 is for an option that does not exist\n\
         kafka.log_roll_ms: false is not of type integer\n\
         kafka.num_partitions: 0 is less than the minimum of 1\n\
         kafka_authentication_methods.sasl: false leaves no way in: \
         kafka_authentication_methods.certificate is false too\n\
         kafka.log_retention_ms: 0 is neither -1 (unlimited) nor 1 or more"
    );
}
