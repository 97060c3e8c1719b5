//! Records as a JSON answer.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Serialize;

use super::shelf::{Handout, Record, RecordHeader};
use crate::answer::MEDIA_TYPE;
use crate::error::ApiError;
use crate::formats::Format;
use crate::metrics::Metrics;

/// Room for what surrounds key and value.
const OVERHEAD: usize = 128;

/// The answer to a fetch. The records count as delivered when the connection takes them; a
/// connection that is gone by then loses nothing.
///
/// A record that is not what the consumer's format says ends the answer before it, and is the next
/// answer: 422, which names it. The one after goes on behind it.
///
/// `headers` shows the headers of records that have some: Karapace's shape since 6.2.
pub(crate) fn answer(
    fetched: Option<Handout>,
    format: Format,
    headers: bool,
    metrics: &Metrics,
) -> Result<Response, ApiError> {
    let Some(mut handout) = fetched else { return Ok(respond(b"[]".to_vec(), None, metrics)) };
    let (body, written, unfit) = write(handout.records(), format, headers);
    if let (0, Some(unfit)) = (written, unfit) {
        handout.keep(1);
        handout.delivered();
        return Err(unfit);
    }
    handout.keep(written);
    Ok(respond(body, Some(handout), metrics))
}

fn respond(body: Vec<u8>, handout: Option<Handout>, metrics: &Metrics) -> Response {
    let metrics = metrics.clone();
    let length = body.len();
    let body = Bytes::from(body);
    let once = futures::stream::once(async move {
        if let Some(handout) = handout {
            let records = handout.records();
            metrics.consumed(records.len(), records.iter().map(Record::size).sum());
            handout.delivered();
        }
        Ok::<_, Infallible>(body)
    });
    let mut response = Body::from_stream(once).into_response();
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// Writes records up to the first that cannot be: the text, how many, and why no more.
fn write(records: &[Record], format: Format, headers: bool) -> (Vec<u8>, usize, Option<ApiError>) {
    let room: usize = records.iter().map(|it| it.size() * 4 / 3 + OVERHEAD).sum();
    let mut out = Vec::with_capacity(room + 2);
    out.push(b'[');
    for (index, record) in records.iter().enumerate() {
        let start = out.len();
        if index > 0 {
            out.push(b',');
        }
        if let Err(error) = write_record(record, format, headers, &mut out) {
            out.truncate(start);
            out.push(b']');
            return (out, index, Some(error));
        }
    }
    out.push(b']');
    (out, records.len(), None)
}

fn write_record(
    record: &Record,
    format: Format,
    headers: bool,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    out.push(b'{');
    if let Some(headers) = record.headers.as_ref().filter(|it| headers && !it.is_empty()) {
        write_headers(headers, out)?;
    }
    let mut digits = itoa::Buffer::new();
    let mut number = |out: &mut Vec<u8>, name: &str, value: i64| {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(digits.format(value).as_bytes());
    };
    out.extend_from_slice(b"\"key\":");
    write_data("key", record.key.as_deref(), record, format, out)?;
    number(out, ",\"offset\":", record.offset);
    number(out, ",\"partition\":", record.partition.into());
    match record.timestamp {
        Some(timestamp) => number(out, ",\"timestamp\":", timestamp),
        None => out.extend_from_slice(b",\"timestamp\":null"),
    }
    // Names of topics need no escaping.
    out.extend_from_slice(b",\"topic\":\"");
    out.extend_from_slice(record.topic.as_bytes());
    out.extend_from_slice(b"\",\"value\":");
    write_data("value", record.value.as_deref(), record, format, out)?;
    out.push(b'}');
    Ok(())
}

#[derive(Serialize)]
struct HeaderShown<'a> {
    key: &'a str,
    value: Option<String>,
}

fn write_headers(headers: &[RecordHeader], out: &mut Vec<u8>) -> Result<(), ApiError> {
    let shown: Vec<HeaderShown<'_>> = headers
        .iter()
        .map(|(key, value)| HeaderShown {
            key,
            value: value.as_ref().map(|it| STANDARD.encode(it)),
        })
        .collect();
    out.extend_from_slice(b"\"headers\":");
    serde_json::to_writer(&mut *out, &shown).map_err(ApiError::internal)?;
    out.push(b',');
    Ok(())
}

fn write_data(
    what: &'static str,
    data: Option<&[u8]>,
    record: &Record,
    format: Format,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let Some(data) = data else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    format.embedded().decode(data, out).map_err(|_| {
        let topic = record.topic.to_string();
        ApiError::Undecodable(what, format.name(), topic, record.partition, record.offset)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::consumers::shelf::Shelf;

    fn record(offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> Record {
        let (key, value) = (key.map(Bytes::copy_from_slice), value.map(Bytes::copy_from_slice));
        let (topic, timestamp, headers) = ("t".into(), Some(17), None);
        Record { topic, partition: 3, offset, timestamp, key, value, headers }
    }

    #[test]
    fn members_are_in_alphabetical_order_and_nothing_is_rounded() {
        let records = [record(0, None, Some(b"1.10")), record(1, Some(b"\"k\""), None)];
        let (out, ..) = write(&records, Format::Json, true);
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"[{"key":null,"offset":0,"partition":3,"timestamp":17,"topic":"t","value":1.10},{"key":"k","offset":1,"partition":3,"timestamp":17,"topic":"t","value":null}]"#);
    }

    #[test]
    fn headers_are_shown_to_who_asks() {
        let headers: Box<[RecordHeader]> =
            Box::new([("a".into(), Some(b"Ka".as_slice().into())), ("b\"".into(), None)]);
        let record = Record { headers: Some(headers), ..record(0, None, Some(b"1")) };
        let text = |shown| {
            let (out, ..) = write(std::slice::from_ref(&record), Format::Json, shown);
            String::from_utf8(out).unwrap()
        };
        insta::assert_snapshot!(text(true), @r#"[{"headers":[{"key":"a","value":"S2E="},{"key":"b\"","value":null}],"key":null,"offset":0,"partition":3,"timestamp":17,"topic":"t","value":1}]"#);
        assert!(!text(false).contains("headers"));
    }

    #[tokio::test]
    async fn one_bad_record_costs_no_other() {
        let shelf = Arc::new(Shelf::default());
        shelf.assign([("t".into(), 3)]);
        for (offset, value) in [(0, b"1"), (1, b"}"), (2, b"3")] {
            shelf.push(vec![record(offset, None, Some(value))], shelf.rebalances());
        }
        let mut answers = Vec::new();
        for _ in 0..3 {
            let answer = match answer(Some(shelf.take(1000)), Format::Json, false, &Metrics::new())
            {
                Ok(response) => {
                    let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
                    String::from_utf8(body.to_vec()).unwrap()
                }
                Err(error) => error.to_string(),
            };
            answers.push(answer);
        }
        assert!(answers[0].ends_with("\"value\":1}]"), "{}", answers[0]);
        assert_eq!(
            answers[1],
            "value deserialization error for format json: topic t, partition 3, offset 1"
        );
        assert!(answers[2].contains("\"offset\":2"), "{}", answers[2]);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_is_given_again() {
        let shelf = Arc::new(Shelf::default());
        shelf.assign([("t".into(), 3)]);
        shelf.push(vec![record(5, None, Some(b"1"))], shelf.rebalances());
        drop(answer(Some(shelf.take(1000)), Format::Json, false, &Metrics::new()).unwrap());
        assert!(shelf.positions().is_empty());
        assert_eq!(shelf.take(1000).records().len(), 1);
    }
}
