//! Nothing is understood in another way than `serde_json` does.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::body::Body;
use super::*;

/// What `serde_json` makes of it.
fn thorough(text: &str) -> Option<Vec<Record<'_>>> {
    serde_json::from_str(text).ok().map(|it: Body<'_>| it.records)
}

#[test]
fn the_common_shape_is_understood() {
    for text in [
        r#"{"records":[{"value":{"a":[1,-2.5e+3,true,false,null,"x"],"b":{}}}]}"#,
        r#" { "records" : [ { "key" : "k" , "value" : null } , {} ] } "#,
        r#"{"records":[{"partition":0,"timestamp":1,"headers":[{"key":"a","value":"YQ=="}]}]}"#,
        "{\"records\":[{\"value\":\"a string that is longer than sixteen bytes, and ä€𝄞\"}]}",
    ] {
        let records = records(text);
        assert!(records.is_some(), "{text}");
        assert_eq!(records, thorough(text), "{text}");
    }
}

#[test]
fn what_is_wrong_or_rare_is_left_to_others() {
    for text in [
        "",
        "{}",
        r#"{"records":[]}"#,
        r#"{"records":[{"value":1}],"key_schema":null}"#,
        r#"{"records":[{"value":1,"value":2}]}"#,
        r#"{"records":[{"value":null,"value":2}]}"#,
        r#"{"records":[{"other":1}]}"#,
        r#"{"records":[{"value":"\n"}]}"#,
        "{\"records\":[{\"value\":\"\n\"}]}",
        r#"{"records":[{"value":01}]}"#,
        r#"{"records":[{"value":1.}]}"#,
        r#"{"records":[{"value":-}]}"#,
        r#"{"records":[{"value":1e}]}"#,
        r#"{"records":[{"value":nul}]}"#,
        r#"{"records":[{"value":[1,]}]}"#,
        r#"{"records":[{"value":{"a":1,}}]}"#,
        r#"{"records":[{"value":1},]}"#,
        r#"{"records":[{"value":1}]} x"#,
        r#"{"records":[{"value":1}]"#,
    ] {
        assert_eq!(records(text), None, "{text}");
    }
    let deep = format!(r#"{{"records":[{{"value":{}1{}}}]}}"#, "[".repeat(40), "]".repeat(40));
    assert_eq!(records(&deep), None);
    assert_eq!(thorough(&deep).map(|it| it.len()), Some(1));
}

/// Pieces of which most sequences are wrong, and some are not.
fn pieces() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\n",
        "\"",
        "\"key\"",
        "\"value\"",
        "\"a\"",
        "null",
        "true",
        "fals",
        "0",
        "12",
        "-1.5",
        "1e9",
        ".",
        "e",
        "\\n",
        "\\",
        "\u{1}",
        "ä",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|it| it.concat())
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>()
            .prop_filter("JSON has no others", |it| it.is_finite())
            .prop_map(|it| it.to_string()),
        any::<String>().prop_map(|it| serde_json::to_string(&it).unwrap()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|it| format!("[{}]", it.join(" , "))),
            prop::collection::vec(inner, 0..4).prop_map(|it| format!(
                "{{{}}}",
                it.iter().map(|it| format!("\"m\": {it}")).collect::<Vec<_>>().join(",")
            )),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_found_is_what_serde_json_finds(values in prop::collection::vec((json(), json()), 1..4)) {
        let of = |(key, value): &(String, String)| format!(r#"{{"key":{key},"value": {value} }}"#);
        let text = format!(r#"{{"records":[{}]}}"#, values.iter().map(of).collect::<Vec<_>>().join(","));
        prop_assert!(thorough(&text).is_some());
        if let Some(found) = records(&text) {
            prop_assert_eq!(Some(found), thorough(&text));
        }
    }

    #[test]
    fn nothing_wrong_is_taken_for_right(start in pieces(), end in pieces(), value in json()) {
        for text in [
            format!(r#"{{"records":[{{"value":{start}}}]}}"#),
            format!(r#"{{"records":[{{"value":{value}{start}}}{end}]}}"#),
            format!(r#"{start}{{"records":[{{"value":{value}}}]}}{end}"#),
        ] {
            if let Some(found) = records(&text) {
                prop_assert_eq!(Some(found), thorough(&text), "{}", text);
            }
        }
    }

    #[test]
    fn a_byte_more_less_or_changed(value in json(), at in any::<Index>(), with in any::<char>(), how in 0..3) {
        let mut text: Vec<char> = format!(r#"{{"records":[{{"key":"k","value":{value}}}]}}"#).chars().collect();
        let at = at.index(text.len());
        match how {
            0 => { text.remove(at); }
            1 => text.insert(at, with),
            _ => text[at] = with,
        }
        let text: String = text.into_iter().collect();
        if let Some(found) = records(&text) {
            prop_assert_eq!(Some(found), thorough(&text), "{}", text);
        }
    }
}
