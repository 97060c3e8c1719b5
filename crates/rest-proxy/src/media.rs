//! Media types of requests: what a body holds, and what an answer may be.

use axum::extract::FromRequestParts;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::error::ApiError;
use crate::formats::Format;

/// What an `Accept` header asks for, with the weights of RFC 9110, section 12.4.2.
///
/// As the first extractor of a handler it also checks the `Content-Type`. Both say nothing of who
/// asks and cost nothing to look at, so they come before that.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Accept {
    /// Of what names no embedded format, the most wanted.
    unnamed: f32,
    /// Embedded formats by name.
    named: Vec<(&'static str, f32)>,
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
    let text = value.to_str().map_err(|_| ApiError::UnsupportedMediaType)?.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let records = match media.strip_prefix("application/") {
        Some("octet-stream") => Some(Records::Unnamed),
        subtype => subtype.and_then(embedded),
    };
    let records = records.ok_or(ApiError::UnsupportedMediaType)?;
    match parts.find_map(|it| it.strip_prefix("charset=")).map(|it| it.trim_matches('"')) {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => Ok(records),
        Some(other) => Err(ApiError::UnknownCharset(other.chars().take(64).collect())),
    }
}

impl<S: Sync> FromRequestParts<S> for Accept {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match json_content(&parts.headers) {
            // As Karapace says it where no body is expected.
            Err(ApiError::UnsupportedMediaType) if parts.method != Method::POST => {
                Err(ApiError::NotAcceptable)
            }
            checked => checked.and_then(|()| accept(&parts.headers)),
        }
    }
}

/// What the answer may be; 406 if nothing of what we have.
pub(crate) fn accept(headers: &HeaderMap) -> Result<Accept, ApiError> {
    let mut accept = Accept::default();
    let mut present = false;
    for value in headers.get_all(ACCEPT) {
        let value = value.to_str().map_err(|_| ApiError::NotAcceptable)?;
        for range in value.split(',').filter(|it| !it.trim().is_empty()) {
            present = true;
            match accepted(range) {
                Some((Records::Unnamed, weight)) => accept.unnamed = accept.unnamed.max(weight),
                Some((Records::Named(name), weight)) => accept.named.push((name, weight)),
                None => {}
            }
        }
    }
    if !present {
        accept.unnamed = 1.0;
    }
    let any = accept.unnamed > 0.0 || accept.named.iter().any(|(_, weight)| *weight > 0.0);
    if any { Ok(accept) } else { Err(ApiError::NotAcceptable) }
}

impl Accept {
    /// Checks that records of `format` may be the answer. What is named counts more than what is
    /// not (RFC 9110, section 12.5.1).
    pub(crate) fn admit(&self, format: Format) -> Result<(), ApiError> {
        let name = format.name();
        let weight = self.named.iter().filter(|it| it.0 == name).map(|it| it.1).reduce(f32::max);
        if weight.unwrap_or(self.unnamed) > 0.0 {
            return Ok(());
        }
        let mut asked = ("none", 0.0);
        for &(other, weight) in &self.named {
            if weight > asked.1 {
                asked = (other, weight);
            }
        }
        Err(ApiError::FormatMismatch { consumer: name, asked: asked.0 })
    }
}

/// One media range and its weight, if it covers anything that we have.
fn accepted(range: &str) -> Option<(Records, f32)> {
    let range = range.to_ascii_lowercase();
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?;
    let subtype = media.strip_prefix("application/").or_else(|| media.strip_prefix("*/"))?;
    let records = if subtype == "*" { Records::Unnamed } else { embedded(subtype)? };
    let weight = parts.find_map(|it| it.strip_prefix("q=")).and_then(|it| it.parse::<f32>().ok());
    Some((records, weight.filter(|it| !it.is_nan()).unwrap_or(1.0).clamp(0.0, 1.0)))
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
    fn text_is_utf8() {
        let of = |value| content_format(&headers(CONTENT_TYPE, value));
        assert!(of("application/json; charset=\"UTF-8\"").is_ok());
        let error = of("application/json; charset=utf-16").unwrap_err();
        assert_eq!((error.kind().1, error.to_string().as_str()), (400, "Unknown charset utf-16"));
    }

    #[test]
    fn accept_may_be_a_weighted_list() {
        let check = |value, expected: Option<Result<(), &str>>| {
            let accept = accept(&headers(ACCEPT, value)).ok();
            let admitted = accept.map(|it| {
                it.admit(Format::Json).map_err(|error| match error {
                    ApiError::FormatMismatch { asked, .. } => asked,
                    other => panic!("{other:?}"),
                })
            });
            assert_eq!(admitted, expected, "{value}");
        };
        let fits = Some(Ok(()));
        check("*/*", fits);
        check("application/vnd.kafka.v2+json", fits);
        check("application/vnd.kafka.json.v2+json", fits);
        check("text/html, application/vnd.kafka.json.v2+json;q=0.5", fits);
        check("application/vnd.kafka.json.v2+json, */*;q=0", fits);
        check("application/vnd.kafka.binary.v2+json;q=0.9, application/json;q=0.1", fits);
        check("*/*;q=0, application/json", fits);
        check("application/vnd.kafka.binary.v2+json", Some(Err("binary")));
        let two = "application/vnd.kafka.binary.v2+json;q=0.2, application/vnd.kafka.avro.v2+json";
        check(two, Some(Err("avro")));
        check("application/vnd.kafka.json.v2+json;q=0, */*", Some(Err("none")));
        check("application/vnd.kafka.json.v2+json;q=0", None);
        check("text/html", None);
        check("application/octet-stream", None);
        check("application/vnd.kafka.v3+json", None);
        assert!(accept(&HeaderMap::new()).unwrap().admit(Format::Binary).is_ok());
    }
}
