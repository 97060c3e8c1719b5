//! The body of a produce request: read in one pass, without building what it says.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::record::Record;
use super::scan;
use crate::error::ApiError;

/// Schemas mean nothing to formats without them, and are let pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub(super) records: Vec<Record<'a>>,
    #[serde(default, rename = "key_schema")]
    _key_schema: Option<IgnoredAny>,
    #[serde(default, rename = "key_schema_id")]
    _key_schema_id: Option<IgnoredAny>,
    #[serde(default, rename = "value_schema")]
    _value_schema: Option<IgnoredAny>,
    #[serde(default, rename = "value_schema_id")]
    _value_schema_id: Option<IgnoredAny>,
}

/// The records of a request; at least one.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Record<'_>>, ApiError> {
    // Once for all: cheaper than for each value.
    let Ok(text) = std::str::from_utf8(body) else { return Err(ApiError::NotJson) };
    if let Some(records) = scan::records(text) {
        return Ok(records);
    }
    match serde_json::from_str::<Body<'_>>(text) {
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
        assert_eq!((records[0].key, records[0].value), (Some("0"), None));
        assert_eq!(records[1].partition(), Ok(Some(3)));
        assert_eq!(records[2].value, Some("\"\""));
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
}
