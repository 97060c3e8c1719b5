//! One record of a request: from what was sent to what librdkafka takes.

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::message::{Header, Headers, OwnedHeaders};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::trace::{self, RecordTrace};

/// How much of a wrong value is shown to its sender.
const SHOWN: usize = 64;

/// One record as it was sent. What is absent and what is `null` is the same: no key, a tombstone,
/// any partition, no headers, now.
///
/// Each member is the JSON of its value, valid and without spaces around it.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Record<'a> {
    #[serde(borrow, default, deserialize_with = "json")]
    pub(super) key: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "json")]
    pub(super) value: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "json")]
    pub(super) partition: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "json")]
    pub(super) headers: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "json")]
    pub(super) timestamp: Option<&'a str>,
}

fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de str>, D::Error> {
    let raw: Option<&RawValue> = Option::deserialize(deserializer)?;
    Ok(raw.map(RawValue::get))
}

/// Why a record cannot be sent, for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Its key or value is not what the format says.
    Data(String),
    /// Its partition, timestamp or headers are not what they have to be.
    Field(String),
}

impl Unfit {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Data(text) | Self::Field(text) => text,
        }
    }
}

/// What the batch call of librdkafka has no place for.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<i64>,
    pub(super) headers: Option<OwnedHeaders>,
}

impl Extra {
    /// With the headers of `trace`, unless it has its own of that name.
    pub(super) fn traced(mut self, trace: &RecordTrace) -> Self {
        let mut headers = self.headers.unwrap_or_default();
        if headers.iter().any(|it| it.key == trace::TRACEPARENT) {
            self.headers = Some(headers);
            return self;
        }
        for (key, value) in trace.headers() {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        self.headers = Some(headers);
        self
    }
}

/// A header in the shape of Karapace 6.2: the value in base64, or `null`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentHeader<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Option<Cow<'a, str>>,
}

impl Record<'_> {
    /// The partition it is for: a number, or one in a string.
    pub(super) fn partition(&self) -> Result<Option<i32>, Unfit> {
        number("partition", self.partition)
    }

    /// Its headers and timestamp, if it has any.
    pub(super) fn extra(&self) -> Result<Option<Extra>, Unfit> {
        if self.headers.is_none() && self.timestamp.is_none() {
            return Ok(None);
        }
        let timestamp = number("timestamp", self.timestamp)?;
        if let Some(timestamp) = timestamp.filter(|it: &i64| *it < 0) {
            let rule = format!("timestamp has to be milliseconds since 1970, >= 0: {timestamp}");
            return Err(Unfit::Field(rule));
        }
        Ok(Some(Extra { timestamp, headers: self.headers.map(headers).transpose()? }))
    }
}

/// A whole number, or one in a string.
fn number<T: FromStr>(name: &str, json: Option<&str>) -> Result<Option<T>, Unfit> {
    let Some(text) = json else { return Ok(None) };
    let digits = text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(text).trim();
    let rule = || Unfit::Field(format!("{name} is not a valid int: {}", shown(digits)));
    digits.parse().map(Some).map_err(|_| rule())
}

fn headers(json: &str) -> Result<OwnedHeaders, Unfit> {
    let shape = || {
        let rule =
            "headers is expected to be a list of {\"key\": string, \"value\": base64 or null}";
        Unfit::Field(rule.to_owned())
    };
    let sent: Vec<SentHeader<'_>> = serde_json::from_str(json).map_err(|_| shape())?;
    let mut headers = OwnedHeaders::new_with_capacity(sent.len());
    for SentHeader { key, value } in sent {
        if key.contains('\0') {
            return Err(Unfit::Field(format!("header key {} holds a NUL", shown(&key))));
        }
        let value = value.map(|it| STANDARD.decode(it.as_bytes())).transpose();
        let value = value.map_err(|_| {
            Unfit::Field(format!("header {}: its value is not a base64 string", shown(&key)))
        })?;
        headers = headers.insert(Header { key: &key, value: value.as_deref() });
    }
    Ok(headers)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_partition_is_a_whole_number() {
        for bad in ["\"x\"", "1.5", "true", "[]", "99999999999"] {
            assert!(record(&format!(r#"{{"partition":{bad}}}"#)).partition().is_err(), "{bad}");
        }
        assert_eq!(record(r#"{"partition":"3"}"#).partition(), Ok(Some(3)));
        assert_eq!(record(r#"{"partition":null}"#).partition(), Ok(None));
    }

    #[test]
    fn headers_keep_order_repetition_and_null() {
        let json = r#"{"headers":[{"key":"a","value":"S2E="},{"key":"a","value":null}]}"#;
        let headers = record(json).extra().unwrap().unwrap().headers.unwrap();
        let first = headers.get(0);
        assert_eq!((first.key, first.value), ("a", Some(b"Ka".as_slice())));
        assert_eq!((headers.get(1).key, headers.get(1).value), ("a", None));
        assert_eq!(headers.count(), 2);
    }

    #[test]
    fn what_is_no_header_or_timestamp_names_the_rule() {
        let text = |json: &str| record(json).extra().unwrap_err().text().to_owned();
        assert!(text(r#"{"headers":{"a":"b"}}"#).starts_with("headers is expected to be a list"));
        assert!(text(r#"{"headers":[{"value":"a"}]}"#).starts_with("headers is expected"));
        assert!(text(r#"{"headers":[{"key":"a","value":"!"}]}"#).contains("header a"));
        assert_eq!(text(r#"{"timestamp":"soon"}"#), "timestamp is not a valid int: soon");
        assert!(text(r#"{"timestamp":-1}"#).contains(">= 0"));
        let at = record(r#"{"timestamp":"1700000000000"}"#).extra().unwrap().unwrap();
        assert_eq!((at.timestamp, at.headers.is_none()), (Some(1_700_000_000_000), true));
        assert!(record("{}").extra().unwrap().is_none());
    }
}
