//! What the bodies and parameters of consumer requests say.

mod positions;

use std::fmt::Display;
use std::time::Duration;

use model::{RestConsumer, TopicName};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use self::positions::{Target, targets};
use super::Subscription;
use super::instance::Options;
use super::shelf::{Place, Positions};
use crate::clients::ConsumerWishes;
use crate::error::{ApiError, topic_name};
use crate::formats::Format;

/// No poll waits longer than this, whatever is asked.
pub(crate) const LONGEST_POLL: Duration = Duration::from_hours(1);
/// What librdkafka accepts.
const MOST_FETCH_MIN_BYTES: i64 = 100_000_000;
/// Kafka itself allows more; nobody means more.
const LONGEST_NAME: usize = 255;
/// An instance that ends sooner would end between two requests.
const SHORTEST_IDLE_MS: i64 = 1_000;

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
    let options = Options {
        format: format.ok_or_else(|| invalid("Invalid format type"))?,
        request_timeout: Duration::from_millis(timeout).min(LONGEST_POLL),
        max_bytes: usize::try_from(defaults.request_max_bytes).unwrap_or(usize::MAX),
        idle_ms: idle_ms(body, defaults)?,
        include_headers: flag(body, "include.headers")?.unwrap_or(false),
        wishes: ConsumerWishes {
            group: group.to_owned(),
            auto_commit: flag(body, "auto.commit.enable")?.unwrap_or(defaults.enable_auto_commit),
            earliest: earliest(body)?,
            fetch_min_bytes: fetch_min_bytes(body)?,
            read_committed: read_committed(body)?,
        },
    };
    Ok((name, options))
}

fn flag(body: &Object, name: &str) -> Result<Option<bool>, ApiError> {
    match present(body, name) {
        None => Ok(None),
        Some(Value::Bool(on)) => Ok(Some(*on)),
        Some(value) => match value.as_str().and_then(truth) {
            Some(on) => Ok(Some(on)),
            None => Err(invalid(format!("Expected {name} to be true or false"))),
        },
    }
}

fn truth(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

/// After how long without a request the instance ends: by its own word, but no later than the
/// service says.
fn idle_ms(body: &Object, defaults: &RestConsumer) -> Result<Option<i64>, ApiError> {
    let own = int(body, "consumer.instance.timeout.ms")?;
    if own.is_some_and(|it| it < SHORTEST_IDLE_MS) {
        let rule = format!("Expected consumer.instance.timeout.ms to be >= {SHORTEST_IDLE_MS}");
        return Err(invalid(rule));
    }
    let service = i64::from(defaults.idle_disconnect_timeout) * 1000;
    let service = (service > 0).then_some(service);
    Ok(own.into_iter().chain(service).min())
}

fn read_committed(body: &Object) -> Result<bool, ApiError> {
    let level = present(body, "isolation.level");
    match level.map(|it| it.as_str().map(str::to_ascii_lowercase)) {
        // As librdkafka has it, and so Karapace.
        None => Ok(true),
        Some(Some(level)) if level == "read_committed" => Ok(true),
        Some(Some(level)) if level == "read_uncommitted" => Ok(false),
        Some(_) => {
            Err(invalid("Expected isolation.level to be read_committed or read_uncommitted"))
        }
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
    let given = |name| present(body, name).filter(|it| !is_empty(it));
    match (given("topics"), given("topic_pattern")) {
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
                let name = it.as_str().ok_or_else(rule)?;
                // To librdkafka a name that begins with `^` would be a pattern.
                let valid: Result<TopicName, _> = name.parse();
                valid.map(|it| it.to_string()).map_err(|_| {
                    let name: String = name.chars().take(249).collect();
                    ApiError::Invalid(format!("{name} is not a valid topic name"))
                })
            });
            topics.collect::<Result<_, _>>().map(Subscription::Topics)
        }
        (None, Some(pattern)) => match pattern.as_str() {
            Some(pattern) if !pattern.contains('\0') => {
                Ok(Subscription::Pattern(format!("^{}", pattern.trim_start_matches('^'))))
            }
            _ => Err(ApiError::Invalid("Topic patterns is expected to be a string".to_owned())),
        },
    }
}

/// What to commit: the next offset to read. `None` for how far reading has come.
///
/// In `offsets` stand the records that were processed, as Confluent and Karapace have it: one more
/// is committed. In `partitions` stands what is committed, as Redpanda has it.
pub(crate) fn offsets(body: &Object) -> Result<Option<Positions>, ApiError> {
    let (name, listed, more) = match (present(body, "offsets"), present(body, "partitions")) {
        (None, None) => return Ok(None),
        (Some(listed), None) => ("offsets", listed, 1),
        (None, Some(listed)) => ("partitions", listed, 0),
        (Some(_), Some(_)) => {
            let rule = "Either offsets or partitions is expected, not both";
            return Err(ApiError::Invalid(rule.to_owned()));
        }
    };
    let offsets: Result<Positions, ApiError> = list(name, listed)?
        .iter()
        .map(|it| {
            let next = positive(it)?.checked_add(more).ok_or_else(|| not_int("offset"))?;
            Ok((place(it)?, next))
        })
        .collect();
    offsets.map(Some)
}

/// Of which partitions.
pub(crate) fn places(body: &Object) -> Result<Vec<Place>, ApiError> {
    let missing = || ApiError::Invalid("partitions missing from the request".to_owned());
    let listed = present(body, "partitions").ok_or_else(missing)?;
    let mut places: Vec<Place> =
        list("partitions", listed)?.iter().map(place).collect::<Result<_, _>>()?;
    places.sort();
    places.dedup();
    Ok(places)
}

/// A yes or no in the query.
pub(crate) fn answer_to(text: Option<&str>) -> Result<Option<bool>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    truth(text).map(Some).ok_or_else(|| bad_parameter(text))
}

/// A number in the query.
pub(crate) fn bound(text: Option<&str>) -> Result<Option<u64>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<i64>().map(u64::try_from) {
        Ok(Ok(number)) => Ok(Some(number)),
        Ok(Err(_)) => Err(ApiError::BadRequest(format!("Invalid request parameter {text}"))),
        Err(_) => Err(bad_parameter(text)),
    }
}

pub(crate) fn bad_parameter(text: &str) -> ApiError {
    let text: String = text.chars().take(64).collect();
    ApiError::BadRequest(format!("Invalid request parameters: {text}"))
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

/// A partition that may exist. librdkafka crashes if it is assigned a topic whose name is too long.
fn place(value: &Value) -> Result<Place, ApiError> {
    let topic = value.get("topic").and_then(Value::as_str);
    let topic = topic.ok_or_else(|| ApiError::Invalid("topic missing or no string".to_owned()))?;
    let number = number(value, "partition")?;
    let topic = topic_name(topic)?;
    let partition = i32::try_from(number).ok().filter(|it| *it >= 0);
    Ok((topic.as_str().into(), partition.ok_or(ApiError::PartitionNotFound(number))?))
}

fn positive(value: &Value) -> Result<i64, ApiError> {
    let rule = || ApiError::Invalid("offset must be a positive number".to_owned());
    number(value, "offset").and_then(|it| if it < 0 { Err(rule()) } else { Ok(it) })
}

/// What Python calls false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(listed) => listed.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(on) => !on,
        _ => false,
    }
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
