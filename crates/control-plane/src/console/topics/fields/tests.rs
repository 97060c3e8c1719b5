//! What a form says becomes options, and what it does not change stays.

use serde_json::json;

use super::*;

fn own() -> BTreeMap<String, String> {
    let own = [
        ("cleanup.policy", "compact"),
        ("flush.ms", "7"),
        ("max.message.bytes", "1000"),
        ("retention.ms", "5400000"),
    ];
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn config(fields: &TopicFields) -> Value {
    json!(fields.config)
}

#[test]
fn a_form_that_was_not_touched_changes_nothing() {
    let form = TopicForm::of(3, &own());
    assert_eq!((form.retention_hours.as_str(), form.cleanup_policy.as_str()), ("1", "compact"));
    assert_eq!(form.config, "flush_ms=7\nmax_message_bytes=1000");
    let fields = form.update().unwrap();
    assert_eq!(config(&fields), json!({}));
    assert_eq!(fields.partitions, Some(3));
    // Half an hour is not rounded away by somebody who changes something else.
    assert_eq!((fields.retention_hours, fields.cleanup_policy), (None, None));
}

#[test]
fn what_is_emptied_goes_back_and_what_is_new_is_sent() {
    let form = TopicForm {
        partitions: "6".into(),
        retention_hours: String::new(),
        retention_bytes: " 10 ".into(),
        config: "max.message.bytes = 2000\r\nflush_messages=1".into(),
        ..TopicForm::of(3, &own())
    };
    let fields = form.update().unwrap();
    let expected = json!({
        "flush_messages": "1", "flush_ms": null, "max_message_bytes": "2000", "retention_ms": null,
    });
    assert_eq!(config(&fields), expected);
    assert_eq!((fields.partitions, fields.retention_bytes), (Some(6), Some(10)));
}

#[test]
fn what_makes_no_sense_is_said_at_its_field() {
    let form = TopicForm { config: "flush_ms".into(), ..TopicForm::default() };
    let error = form.create().err().unwrap().to_string();
    assert_eq!(error, "Invalid 'config' 'flush_ms': it is not NAME=VALUE");
    let form = TopicForm { retention_hours: "week".into(), ..TopicForm::default() };
    let error = form.create().err().unwrap().to_string();
    assert!(error.starts_with("Invalid 'retention_hours' 'week'"), "{error}");
}
