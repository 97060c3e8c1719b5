//! What the bodies and parameters of consumer requests say.

use std::fmt::Display;
use std::time::Duration;

use model::RestConsumer;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Subscription;
use super::instance::Options;
use super::shelf::{Place, Positions};
use crate::clients::ConsumerWishes;
use crate::error::ApiError;
use crate::formats::Format;

/// No poll waits longer than this, whatever is asked.
pub(crate) const LONGEST_POLL: Duration = Duration::from_hours(1);
/// What librdkafka accepts.
const MOST_FETCH_MIN_BYTES: i64 = 100_000_000;
/// Kafka itself allows more; nobody means more.
const LONGEST_NAME: usize = 255;

type Object = Map<String, Value>;

/// The name and the options of a new instance.
pub(crate) fn options(
    body: &Object,
    group: &str,
    defaults: &RestConsumer,
) -> Result<(String, Options), ApiError> {
    let name = match body.get("name") {
        None | Some(Value::Null) => Uuid::new_v4().to_string(),
        Some(Value::String(name)) if (1..=LONGEST_NAME).contains(&name.len()) => name.clone(),
        Some(_) => return Err(invalid(format!("Expected name to be 1-{LONGEST_NAME} characters"))),
    };
    if group.is_empty() || group.len() > LONGEST_NAME || group.contains('\0') {
        return Err(invalid(format!("Expected a group name of 1-{LONGEST_NAME} characters")));
    }
    let format = match body.get("format") {
        None | Some(Value::Null) => Some(Format::Binary),
        Some(value) => value.as_str().and_then(|it| Format::named(&it.to_ascii_lowercase())),
    };
    let timeout = match int(body, "consumer.request.timeout.ms")? {
        Some(ms) => u64::try_from(ms)
            .map_err(|_| invalid("Expected consumer.request.timeout.ms to be >= 0"))?,
        None => defaults.request_timeout_ms.into(),
    };
    let idle_ms = i64::from(defaults.idle_disconnect_timeout) * 1000;
    let options = Options {
        format: format.ok_or_else(|| invalid("Invalid format type"))?,
        request_timeout: Duration::from_millis(timeout).min(LONGEST_POLL),
        max_bytes: usize::try_from(defaults.request_max_bytes).unwrap_or(usize::MAX),
        idle_ms: (idle_ms > 0).then_some(idle_ms),
        wishes: ConsumerWishes {
            group: group.to_owned(),
            auto_commit: auto_commit(body, defaults)?,
            earliest: earliest(body)?,
            fetch_min_bytes: fetch_min_bytes(body)?,
        },
    };
    Ok((name, options))
}

fn auto_commit(body: &Object, defaults: &RestConsumer) -> Result<bool, ApiError> {
    match body.get("auto.commit.enable") {
        None | Some(Value::Null) => Ok(defaults.enable_auto_commit),
        Some(Value::Bool(on)) => Ok(*on),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(invalid("Expected auto.commit.enable to be true or false")),
    }
}

fn earliest(body: &Object) -> Result<bool, ApiError> {
    let value = match body.get("auto.offset.reset") {
        None | Some(Value::Null) => return Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("earliest") => return Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("latest") => return Ok(false),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let value: String = value.chars().take(64).collect();
    Err(invalid(format!(
        "Invalid value {value} for configuration auto.offset.reset: String must be one of: \
         {{'earliest', 'latest'}}"
    )))
}

fn fetch_min_bytes(body: &Object) -> Result<u32, ApiError> {
    let rule = || invalid("Expected fetch.min.bytes to be >= -1");
    match int(body, "fetch.min.bytes").map_err(|_| rule())? {
        None => Ok(1),
        Some(bytes) if (-1..=MOST_FETCH_MIN_BYTES).contains(&bytes) => {
            Ok(u32::try_from(bytes.max(1)).unwrap_or(1))
        }
        Some(bytes) if bytes > MOST_FETCH_MIN_BYTES => {
            Err(invalid(format!("Expected fetch.min.bytes to be <= {MOST_FETCH_MIN_BYTES}")))
        }
        Some(_) => Err(rule()),
    }
}

/// What to read.
pub(crate) fn subscription(body: &Object) -> Result<Subscription, ApiError> {
    match (present(body, "topics"), present(body, "topic_pattern")) {
        (None, None) => Err(ApiError::IllegalState(
            "Neither topic_pattern nor topics are present in request".to_owned(),
        )),
        (Some(_), Some(_)) => Err(ApiError::IllegalState(
            "IllegalStateError: You must choose only one way to configure your consumer: (1) \
             subscribe to specific topics by name, (2) subscribe to topics matching a regex \
             pattern, (3) assign itself specific topic-partitions."
                .to_owned(),
        )),
        (Some(topics), None) => {
            let rule = || ApiError::Invalid("Topics is expected to be list of strings".to_owned());
            let topics = topics.as_array().ok_or_else(rule)?.iter().map(|it| {
                // To librdkafka a name that begins with `^` is a pattern.
                it.as_str().filter(|it| !it.starts_with('^') && !it.contains('\0'))
            });
            let topics: Option<Vec<&str>> = topics.collect();
            let topics: Vec<String> =
                topics.ok_or_else(rule)?.into_iter().map(str::to_owned).collect();
            let some = !topics.is_empty();
            Ok(if some { Subscription::Topics(topics) } else { Subscription::None })
        }
        (None, Some(pattern)) => match pattern.as_str() {
            Some(pattern) if !pattern.contains('\0') => {
                Ok(Subscription::Pattern(format!("^{}", pattern.trim_start_matches('^'))))
            }
            _ => Err(ApiError::Invalid("Topic patterns is expected to be a string".to_owned())),
        },
    }
}

/// What to commit: the next offset to read, which is one more than what is given. `None` for how far
/// reading has come.
pub(crate) fn offsets(body: &Object) -> Result<Option<Positions>, ApiError> {
    let Some(listed) = present(body, "offsets") else { return Ok(None) };
    let listed = list("offsets", listed)?;
    let offsets: Result<Positions, ApiError> = listed
        .iter()
        .map(|it| {
            let offset = number(it, "offset")?;
            match offset.checked_add(1).filter(|it| *it > 0) {
                Some(next) => Ok((place(it)?, next)),
                None => Err(ApiError::Invalid("offset must be a positive number".to_owned())),
            }
        })
        .collect();
    offsets.map(Some)
}

/// Of which partitions.
pub(crate) fn places(body: &Object) -> Result<Vec<Place>, ApiError> {
    let missing = || ApiError::Invalid("partitions missing from the request".to_owned());
    let listed = present(body, "partitions").ok_or_else(missing)?;
    list("partitions", listed)?.iter().map(place).collect()
}

/// A number in the query.
pub(crate) fn bound(text: Option<&str>) -> Result<Option<u64>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<i64>().map(u64::try_from) {
        Ok(Ok(number)) => Ok(Some(number)),
        Ok(Err(_)) => Err(ApiError::BadRequest(format!("Invalid request parameter {text}"))),
        Err(_) => {
            let text: String = text.chars().take(64).collect();
            Err(ApiError::BadRequest(format!("Invalid request parameters: {text}")))
        }
    }
}

/// A segment of a path, percent-encoded where that is needed.
pub(crate) fn escaped(segment: &str) -> impl Iterator<Item = String> {
    segment.bytes().map(|it| match it {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(it).to_string()
        }
        other => format!("%{other:02X}"),
    })
}

fn present<'a>(body: &'a Object, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|it| !it.is_null())
}

fn list<'a>(name: &str, value: &'a Value) -> Result<&'a [Value], ApiError> {
    let listed = value.as_array().map(Vec::as_slice);
    listed.ok_or_else(|| ApiError::Invalid(format!("{name} is expected to be a list")))
}

fn place(value: &Value) -> Result<Place, ApiError> {
    let topic = value.get("topic").and_then(Value::as_str);
    let topic = topic.filter(|it| !it.contains('\0'));
    let topic = topic.ok_or_else(|| ApiError::Invalid("topic missing or no string".to_owned()))?;
    let partition = i32::try_from(number(value, "partition")?);
    let partition = partition.map_err(|_| not_int("partition"))?;
    Ok((topic.into(), partition))
}

fn number(value: &Value, name: &str) -> Result<i64, ApiError> {
    let value = value.get(name);
    let value = value.ok_or_else(|| ApiError::Invalid(format!("{name} missing")))?;
    as_int(value).ok_or_else(|| not_int(name))
}

fn int(body: &Object, name: &str) -> Result<Option<i64>, ApiError> {
    match present(body, name) {
        None => Ok(None),
        Some(value) => {
            let rule = || invalid(format!("{name} is not a valid int"));
            as_int(value).map(Some).ok_or_else(rule)
        }
    }
}

/// A whole number, or one in a string.
fn as_int(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn not_int(name: &str) -> ApiError {
    ApiError::Invalid(format!("{name} is not a valid int"))
}

fn invalid(text: impl Display) -> ApiError {
    ApiError::InvalidConsumer(text.to_string())
}

#[cfg(test)]
mod tests;
