//! What consumer requests may say, and what they are told otherwise.

use serde_json::json;

use super::*;
use crate::testing;

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn created(value: Value) -> Result<(String, Options), ApiError> {
    options(&object(value), "g", &testing::settings("x:1").consumer)
}

fn told<T>(result: Result<T, ApiError>) -> String {
    let error = result.err().unwrap();
    let (status, code) = error.kind();
    format!("{} {code} {error}", status.as_u16())
}

#[test]
fn an_instance_has_karapaces_defaults() {
    let (name, options) = created(json!({})).unwrap();
    assert_eq!(name.len(), 36, "a random name");
    assert_eq!(options.format, Format::Binary);
    assert!(options.wishes.auto_commit && options.wishes.earliest);
    assert!(options.wishes.read_committed && !options.include_headers);
    assert_eq!((options.wishes.fetch_min_bytes, options.idle_ms), (1, None));
}

#[test]
fn options_may_be_text_as_other_proxies_take_them() {
    let (_, options) = created(json!({
        "name": "i", "format": "json", "auto.offset.reset": "LATEST", "auto.commit.enable": "false",
        "fetch.min.bytes": -1, "consumer.request.timeout.ms": "250", "unknown": {},
        "isolation.level": "READ_UNCOMMITTED", "include.headers": "True",
        "consumer.instance.timeout.ms": "300000"
    }))
    .unwrap();
    assert!(!options.wishes.auto_commit && !options.wishes.earliest);
    assert_eq!(options.request_timeout, Duration::from_millis(250));
    assert_eq!(options.wishes.fetch_min_bytes, 1);
    assert!(!options.wishes.read_committed && options.include_headers);
    assert_eq!(options.idle_ms, Some(300_000));
}

#[test]
fn an_instance_may_end_sooner_than_the_service_says_but_not_later() {
    let mut service = testing::settings("x:1").consumer;
    service.idle_disconnect_timeout = 60;
    let idle_ms = |own: Value| {
        let body = object(json!({ "consumer.instance.timeout.ms": own }));
        options(&body, "g", &service).unwrap().1.idle_ms
    };
    assert_eq!(idle_ms(Value::Null), Some(60_000));
    assert_eq!(idle_ms(json!(5_000)), Some(5_000));
    assert_eq!(idle_ms(json!(300_000)), Some(60_000));
}

#[test]
fn bad_options_are_42204_and_never_500() {
    let check = |body: Value, text: &str| {
        assert_eq!(told(created(body)), format!("422 42204 {text}"));
    };
    check(json!({ "format": "xml" }), "Invalid format type");
    check(json!({ "fetch.min.bytes": -2 }), "Expected fetch.min.bytes to be >= -1");
    check(json!({ "fetch.min.bytes": [] }), "Expected fetch.min.bytes to be >= -1");
    check(
        json!({ "fetch.min.bytes": 999_999_999_999_i64 }),
        "Expected fetch.min.bytes to be <= 100000000",
    );
    check(
        json!({ "auto.offset.reset": "none" }),
        "Invalid value none for configuration auto.offset.reset: String must be one of: \
         {'earliest', 'latest'}",
    );
    check(json!({ "auto.commit.enable": 1 }), "Expected auto.commit.enable to be true or false");
    check(json!({ "include.headers": "yes" }), "Expected include.headers to be true or false");
    check(
        json!({ "isolation.level": "none" }),
        "Expected isolation.level to be read_committed or read_uncommitted",
    );
    check(
        json!({ "consumer.instance.timeout.ms": 0 }),
        "Expected consumer.instance.timeout.ms to be >= 1000",
    );
    check(
        json!({ "consumer.request.timeout.ms": "x" }),
        "consumer.request.timeout.ms is not a valid int",
    );
}

#[test]
fn a_subscription_is_topics_or_a_pattern() {
    let of = |value| subscription(&object(value));
    let topics = Subscription::Topics(vec!["a".to_owned()]);
    assert_eq!(of(json!({ "topics": ["a"] })).unwrap(), topics);
    let pattern = Subscription::Pattern("^a.*".to_owned());
    assert_eq!(of(json!({ "topic_pattern": "a.*" })).unwrap(), pattern);
    assert!(told(of(json!({}))).starts_with("409 40903 Neither topic_pattern nor topics"));
    assert!(told(of(json!({ "topics": [], "topic_pattern": "" }))).starts_with("409 40903 Nei"));
    let both = json!({ "topics": ["a"], "topic_pattern": "a" });
    assert!(told(of(both)).starts_with("409 40903 IllegalStateError: You must choose"));
    let text = "422 422 Topics is expected to be list of strings";
    assert_eq!(told(of(json!({ "topics": ["a", 5] }))), text);
    assert_eq!(told(of(json!({ "topics": "a" }))), text);
    assert_eq!(told(of(json!({ "topics": ["^a"] }))), "422 422 ^a is not a valid topic name");
}

#[test]
fn a_commit_is_one_more_than_the_offset() {
    let of = |value| offsets(&object(value));
    assert_eq!(of(json!({})).unwrap(), None);
    let one = json!({ "offsets": [{ "topic": "t", "partition": "0", "offset": 41 }] });
    assert_eq!(of(one).unwrap(), Some(Positions::from([(("t".into(), 0), 42)])));
    let exact = json!({ "partitions": [{ "topic": "t", "partition": 0, "offset": 41 }] });
    assert_eq!(of(exact).unwrap(), Some(Positions::from([(("t".into(), 0), 41)])));
    let both = json!({ "offsets": [], "partitions": [] });
    assert_eq!(told(of(both)), "422 422 Either offsets or partitions is expected, not both");
    let last = json!({ "offsets": [{ "topic": "t", "partition": 0, "offset": i64::MAX }] });
    assert_eq!(told(of(last)), "422 422 offset is not a valid int");
    let missing = json!({ "offsets": [{ "topic": "t", "partition": 0 }] });
    assert_eq!(told(of(missing)), "422 422 offset missing");
    let negative = json!({ "offsets": [{ "topic": "t", "partition": 0, "offset": -1 }] });
    assert_eq!(told(of(negative)), "422 422 offset must be a positive number");
    assert_eq!(told(places(&object(json!({})))), "422 422 partitions missing from the request");
    let place = |topic: &str, partition: i64| {
        let place = json!({ "topic": topic, "partition": partition });
        told(places(&object(json!({ "partitions": [place] }))))
    };
    assert_eq!(place("t", -1), "404 40402 Partition -1 not found");
    assert_eq!(place("t", 1 << 40), "404 40402 Partition 1099511627776 not found");
    assert_eq!(place("a b", 0), "404 40401 Topic a b not found");
    assert!(place(&"t".repeat(1000), 0).starts_with("404 40401 Topic ttt"));
}

#[test]
fn bounds_are_whole_numbers() {
    assert_eq!(bound(Some("0")).unwrap(), Some(0));
    assert_eq!(told(bound(Some("-1"))), "400 400 Invalid request parameter -1");
    assert_eq!(told(bound(Some("abc"))), "400 400 Invalid request parameters: abc");
    assert_eq!(answer_to(Some("False")).unwrap(), Some(false));
    assert_eq!(told(answer_to(Some("1"))), "400 400 Invalid request parameters: 1");
}
