//! Where to seek: offsets and times.

use model::Timestamp;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Object, as_int, list, not_int, place, positive, present};
use crate::consumers::shelf::Place;
use crate::error::ApiError;

/// Where a partition goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Offset(i64),
    /// At the first record with this time or a later one; at the end if there is none.
    Time(Timestamp),
}

/// The targets of `POST .../positions`: in `offsets`, where an entry may have a `timestamp` instead
/// of an `offset`, and in `timestamps`, as Confluent has it. The last one of a partition counts.
pub(crate) fn targets(body: &Object) -> Result<Vec<(Place, Target)>, ApiError> {
    let (offsets, timestamps) = (present(body, "offsets"), present(body, "timestamps"));
    if offsets.is_none() && timestamps.is_none() {
        return Err(ApiError::Invalid("offsets missing from the request".to_owned()));
    }
    let mut targets = Vec::new();
    for entry in offsets.map_or(Ok(&[][..]), |it| list("offsets", it))? {
        let target = match (entry.get("offset"), entry.get("timestamp")) {
            (Some(_), Some(_)) => {
                let rule = "Either offset or timestamp is expected, not both";
                return Err(ApiError::Invalid(rule.to_owned()));
            }
            (None, Some(at)) => Target::Time(time(at)?),
            _ => Target::Offset(positive(entry)?),
        };
        targets.push((place(entry)?, target));
    }
    for entry in timestamps.map_or(Ok(&[][..]), |it| list("timestamps", it))? {
        let at = entry.get("timestamp");
        let at = at.ok_or_else(|| ApiError::Invalid("timestamp missing".to_owned()))?;
        targets.push((place(entry)?, Target::Time(time(at)?)));
    }
    Ok(targets)
}

/// Milliseconds since 1970, or text as in RFC 3339.
fn time(value: &Value) -> Result<Timestamp, ApiError> {
    if let Some(ms) = as_int(value) {
        let rule = || ApiError::Invalid("timestamp must be a positive number".to_owned());
        return if ms < 0 { Err(rule()) } else { Ok(Timestamp(ms)) };
    }
    let parsed = value.as_str().and_then(|it| OffsetDateTime::parse(it, &Rfc3339).ok());
    let ms = parsed.map(|it| it.unix_timestamp_nanos() / 1_000_000);
    let ms = ms.and_then(|it| i64::try_from(it).ok()).filter(|it| *it >= 0);
    ms.map(Timestamp).ok_or_else(|| not_int("timestamp"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &Value) -> Result<Vec<(Place, Target)>, String> {
        targets(body.as_object().unwrap()).map_err(|it| format!("{} {it}", it.kind().1))
    }

    #[test]
    fn a_target_is_an_offset_or_a_time() {
        let body = json!({
            "offsets": [
                {"topic": "t", "partition": 0, "offset": "7"},
                {"topic": "t", "partition": 1, "timestamp": 1_700_000_000_000_i64},
            ],
            "timestamps": [
                {"topic": "t", "partition": 2, "timestamp": "2023-11-14T23:13:20.5+01:00"},
            ],
        });
        let at = |ms| Target::Time(Timestamp(ms));
        let expected = [
            (("t".into(), 0), Target::Offset(7)),
            (("t".into(), 1), at(1_700_000_000_000)),
            (("t".into(), 2), at(1_700_000_000_500)),
        ];
        assert_eq!(of(&body), Ok(expected.to_vec()));
    }

    #[test]
    fn what_is_no_target_is_said() {
        let check = |entry: Value, text: &str| {
            assert_eq!(of(&json!({ "offsets": [entry] })), Err(text.to_owned()));
        };
        check(json!({"topic": "t", "partition": 0}), "422 offset missing");
        let both = json!({"topic": "t", "partition": 0, "offset": 1, "timestamp": 1});
        check(both, "422 Either offset or timestamp is expected, not both");
        let negative = json!({"topic": "t", "partition": 0, "offset": -1});
        check(negative, "422 offset must be a positive number");
        let before = json!({"topic": "t", "partition": 0, "timestamp": -1});
        check(before, "422 timestamp must be a positive number");
        let word = json!({"topic": "t", "partition": 0, "timestamp": "yesterday"});
        check(word, "422 timestamp is not a valid int");
        check(json!({"partition": 0, "offset": 1}), "422 topic missing or no string");
        check(json!(5), "422 offset missing");
        assert_eq!(of(&json!({})), Err("422 offsets missing from the request".to_owned()));
        assert!(of(&json!({"offsets": {}})).is_err());
        assert!(of(&json!({"timestamps": [{"topic": "t", "partition": 0}]})).is_err());
    }
}
