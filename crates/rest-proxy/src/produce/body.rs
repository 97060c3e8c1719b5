//! The body of a produce request: read in one pass, without building what it says.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::ApiError;

/// One record as it was sent. What is absent and what is `null` is the same: no key, a tombstone,
/// any partition.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record<'a> {
    #[serde(borrow, default)]
    pub(crate) key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    partition: Option<&'a RawValue>,
}

/// Schemas mean nothing to formats without them, and are let pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    records: Vec<Record<'a>>,
    #[serde(default, rename = "key_schema")]
    _key_schema: Option<IgnoredAny>,
    #[serde(default, rename = "key_schema_id")]
    _key_schema_id: Option<IgnoredAny>,
    #[serde(default, rename = "value_schema")]
    _value_schema: Option<IgnoredAny>,
    #[serde(default, rename = "value_schema_id")]
    _value_schema_id: Option<IgnoredAny>,
}

impl Record<'_> {
    /// The partition it is for: a number, or one in a string.
    pub(crate) fn partition(&self) -> Result<Option<i32>, String> {
        let Some(raw) = self.partition else { return Ok(None) };
        let text = raw.get();
        let digits =
            text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(text).trim();
        match digits.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!(
                "partition is not a valid int: {}",
                digits.chars().take(64).collect::<String>()
            )),
        }
    }
}

/// The records of a request; at least one.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<Record<'_>>, ApiError> {
    match serde_json::from_slice::<Body<'_>>(body) {
        Ok(body) if !body.records.is_empty() => Ok(body.records),
        Ok(_) => Err(invalid()),
        Err(_) => Err(diagnose(body)),
    }
}

fn invalid() -> ApiError {
    ApiError::Invalid("Invalid request format".to_owned())
}

/// Why it cannot be read. Slower, and only for what is refused anyway.
fn diagnose(body: &[u8]) -> ApiError {
    let object = match crate::request_body::object(body) {
        Ok(object) => object,
        Err(error) => return error,
    };
    match object.get("records") {
        None | Some(Value::Null) => invalid(),
        Some(Value::Array(records)) if records.iter().all(Value::is_object) => invalid(),
        Some(Value::Array(_)) => {
            ApiError::BadRequest("Produce record must be an object".to_owned())
        }
        Some(_) => ApiError::BadRequest("'records' must be an array".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_are_the_same_and_falsy_values_are_values() {
        let body = br#"{"records":[{"value":null,"key":0},{"partition":"3"},{"value":""}]}"#;
        let records = parse(body).unwrap();
        let raw = |it: Option<&RawValue>| it.map(|it| it.get().to_owned());
        assert_eq!((raw(records[0].key), raw(records[0].value)), (Some("0".to_owned()), None));
        assert_eq!(records[1].partition(), Ok(Some(3)));
        assert_eq!(raw(records[2].value).as_deref(), Some("\"\""));
    }

    #[test]
    fn what_is_wrong_is_said_as_karapace_does() {
        let check = |body: &str, status: u16, text: &str| {
            let error = parse(body.as_bytes()).err().unwrap();
            assert_eq!((error.kind().0.as_u16(), error.to_string().as_str()), (status, text));
        };
        check("", 400, "Missing request JSON body");
        check("{", 400, "Invalid request JSON body");
        check("[]", 400, "Malformed request");
        check("{}", 422, "Invalid request format");
        check(r#"{"records":[]}"#, 422, "Invalid request format");
        check(r#"{"records":[{"v":1}]}"#, 422, "Invalid request format");
        check(r#"{"records":[{}],"x":1}"#, 422, "Invalid request format");
        check(r#"{"records":{}}"#, 400, "'records' must be an array");
        check(r#"{"records":[1]}"#, 400, "Produce record must be an object");
    }

    #[test]
    fn a_partition_is_a_whole_number() {
        for bad in ["\"x\"", "1.5", "true", "[]", "99999999999"] {
            let body = format!(r#"{{"records":[{{"partition":{bad}}}]}}"#);
            assert!(parse(body.as_bytes()).unwrap()[0].partition().is_err(), "{bad}");
        }
    }
}
