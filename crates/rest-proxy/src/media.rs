//! Media types of requests: what a body holds, and what an answer may be.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::error::ApiError;
use crate::formats::Format;

/// What an `Accept` header asks of the records in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// Anything that we have.
    Any,
    /// One of these embedded formats, by name.
    Only(Vec<&'static str>),
}

/// What a media type says of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Records {
    /// Nothing.
    Unnamed,
    /// The embedded format that they have.
    Named(&'static str),
}

/// The embedded formats that a media type can name, ours or not.
const EMBEDDED: [&str; 5] = ["avro", "binary", "json", "jsonschema", "protobuf"];

/// The format of the records in a request. Without a header, or without a format in it: binary.
pub(crate) fn content_format(headers: &HeaderMap) -> Result<Format, ApiError> {
    match content(headers)? {
        Records::Unnamed => Ok(Format::Binary),
        Records::Named(name) => Format::named(name).ok_or(ApiError::UnsupportedMediaType),
    }
}

/// Checks that a request's body may be JSON. A request without records may name any format.
pub(crate) fn json_content(headers: &HeaderMap) -> Result<(), ApiError> {
    content(headers).map(|_| ())
}

/// What the header says of the records in a request.
fn content(headers: &HeaderMap) -> Result<Records, ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(Records::Unnamed) };
    let text = value.to_str().map_err(|_| ApiError::UnsupportedMediaType)?;
    let media = text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase();
    if media == "application/octet-stream" {
        return Ok(Records::Unnamed);
    }
    media.strip_prefix("application/").and_then(embedded).ok_or(ApiError::UnsupportedMediaType)
}

/// What the answer may be; 406 if nothing of what we have.
pub(crate) fn accept(headers: &HeaderMap) -> Result<Accept, ApiError> {
    let mut named = Vec::new();
    let mut present = false;
    for value in headers.get_all(ACCEPT) {
        let value = value.to_str().map_err(|_| ApiError::NotAcceptable)?;
        for range in value.split(',').filter(|it| !it.trim().is_empty()) {
            present = true;
            match accepted(range) {
                Some(Records::Unnamed) => return Ok(Accept::Any),
                Some(Records::Named(name)) => named.push(name),
                None => {}
            }
        }
    }
    match (present, named.is_empty()) {
        (false, _) => Ok(Accept::Any),
        (true, true) => Err(ApiError::NotAcceptable),
        (true, false) => Ok(Accept::Only(named)),
    }
}

/// One media range, if it covers anything that we have.
fn accepted(range: &str) -> Option<Records> {
    let range = range.to_ascii_lowercase();
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?;
    let refused = parts.any(|it| {
        it.strip_prefix("q=").and_then(|it| it.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
    });
    let subtype = media.strip_prefix("application/").or_else(|| media.strip_prefix("*/"))?;
    if refused {
        return None;
    }
    if subtype == "*" { Some(Records::Unnamed) } else { embedded(subtype) }
}

/// `json`, or `vnd.kafka[.format][.v1|.v2]+json`.
fn embedded(subtype: &str) -> Option<Records> {
    if subtype == "json" {
        return Some(Records::Unnamed);
    }
    let rest = subtype.strip_prefix("vnd.kafka")?.strip_suffix("+json")?;
    let rest = rest.strip_suffix(".v1").or_else(|| rest.strip_suffix(".v2")).unwrap_or(rest);
    if rest.is_empty() {
        return Some(Records::Unnamed);
    }
    let name = rest.strip_prefix('.')?;
    EMBEDDED.into_iter().find(|it| *it == name).map(Records::Named)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_content_type_names_the_format() {
        let check = |value, expected| {
            let format = content_format(&headers(CONTENT_TYPE, value)).ok();
            assert_eq!(format, expected, "{value}");
        };
        check("application/vnd.kafka.json.v2+json", Some(Format::Json));
        check("application/vnd.kafka.json+json; charset=utf-8", Some(Format::Json));
        check("Application/Vnd.Kafka.Binary.V1+JSON", Some(Format::Binary));
        check("application/vnd.kafka.v2+json", Some(Format::Binary));
        check("application/json", Some(Format::Binary));
        check("application/octet-stream", Some(Format::Binary));
        check("application/vnd.kafka.avro.v2+json", None);
        check("application/vnd.kafka.json.v3+json", None);
        check("text/plain", None);
        assert_eq!(content_format(&HeaderMap::new()).ok(), Some(Format::Binary));
    }

    #[test]
    fn a_request_without_records_may_name_any_format() {
        let ok = |value| json_content(&headers(CONTENT_TYPE, value)).is_ok();
        assert!(ok("application/vnd.kafka.avro.v2+json"));
        assert!(!ok("text/plain"));
    }

    #[test]
    fn accept_may_be_a_weighted_list() {
        let check = |value, expected: Option<Accept>| {
            assert_eq!(accept(&headers(ACCEPT, value)).ok(), expected, "{value}");
        };
        let json = || Some(Accept::Only(vec!["json"]));
        check("*/*", Some(Accept::Any));
        check("application/vnd.kafka.v2+json", Some(Accept::Any));
        check("application/vnd.kafka.json.v2+json", json());
        check("text/html, application/vnd.kafka.json.v2+json;q=0.5", json());
        check("application/vnd.kafka.json.v2+json, */*;q=0", json());
        check("text/html", None);
        check("application/octet-stream", None);
        check("application/vnd.kafka.v3+json", None);
        assert_eq!(accept(&HeaderMap::new()).ok(), Some(Accept::Any));
    }
}
