//! The records of one request, ready to be handed over.

use std::sync::Arc;

use bytes::Bytes;
use rdkafka::error::RDKafkaErrorCode;

use super::outcome::Outcome;
use super::record::{Extra, Record, Unfit};
use crate::formats::Format;
use crate::librdkafka::{Batch, Prepared, Span};
use crate::trace::RecordTrace;

/// Records, and what is special about some of them.
pub(super) struct Load {
    pub(super) batch: Arc<Batch>,
    /// By index, ascending.
    pub(super) special: Vec<(usize, Special)>,
    /// The highest partition that any record names.
    pub(super) highest: Option<i32>,
}

/// Why a record is not handed over with the others.
pub(super) enum Special {
    /// It is sent by itself.
    Extra(Extra),
    /// It is not sent at all.
    Refused(Outcome),
}

impl Load {
    /// The `records` of a `body`, in `format`, for `partition` where they name none.
    pub(super) fn of(
        body: &Bytes,
        records: &[Record<'_>],
        format: Format,
        partition: Option<i32>,
    ) -> Self {
        let mut packer = Packer { body, side: Vec::new(), format };
        let mut prepared = Vec::with_capacity(records.len());
        let mut special = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match packer.pack(record, partition) {
                Ok((ready, extra)) => {
                    prepared.push(ready);
                    special.extend(extra.map(|it| (index, Special::Extra(it))));
                }
                Err(unfit) => {
                    prepared.push(Prepared::default());
                    special.push((index, Special::Refused(Outcome::Unfit(unfit))));
                }
            }
        }
        let highest = prepared.iter().filter_map(|it| it.partition).max();
        let side = packer.side;
        Self { batch: Batch::new(body.clone(), side, prepared), special, highest }
    }

    /// Gives each record the headers of `trace`. Such a record is sent by itself, which is slower.
    pub(super) fn trace(&mut self, trace: &RecordTrace) {
        if trace.is_empty() {
            return;
        }
        let mut special = std::mem::take(&mut self.special).into_iter().peekable();
        for index in 0..self.batch.records().len() {
            let own = special.next_if(|it| it.0 == index).map(|it| it.1);
            let traced = match own {
                Some(Special::Extra(extra)) => Special::Extra(extra.traced(trace)),
                Some(refused) => refused,
                None => Special::Extra(Extra::default().traced(trace)),
            };
            self.special.push((index, traced));
        }
    }

    /// Refuses the records for partitions that are not there, because there are only `partitions`.
    pub(super) fn refuse_beyond(&mut self, partitions: i32) {
        if self.highest.is_none_or(|it| it < partitions) && !self.has_negative() {
            return;
        }
        for (index, record) in self.batch.records().iter().enumerate() {
            if record.partition.is_some_and(|it| !(0..partitions).contains(&it)) {
                let refused = Special::Refused(Outcome::Failed(RDKafkaErrorCode::UnknownPartition));
                match self.special.binary_search_by_key(&index, |it| it.0) {
                    Ok(at) => self.special[at].1 = refused,
                    Err(at) => self.special.insert(at, (index, refused)),
                }
            }
        }
    }

    fn has_negative(&self) -> bool {
        self.batch.records().iter().any(|it| it.partition.is_some_and(|it| it < 0))
    }

    /// What became of each record, in the order of the request.
    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        let lost = Outcome::Failed(RDKafkaErrorCode::Unknown);
        let reported = |index| self.batch.report(index).map_or_else(|| lost.clone(), Outcome::from);
        let mut outcomes: Vec<Outcome> = (0..self.batch.records().len()).map(reported).collect();
        for (index, special) in &self.special {
            if let Special::Refused(outcome) = special {
                outcomes[*index] = outcome.clone();
            }
        }
        outcomes
    }
}

struct Packer<'a> {
    body: &'a Bytes,
    side: Vec<u8>,
    format: Format,
}

impl Packer<'_> {
    fn pack(
        &mut self,
        record: &Record<'_>,
        partition: Option<i32>,
    ) -> Result<(Prepared, Option<Extra>), Unfit> {
        let own = record.partition()?;
        let extra = record.extra()?;
        let key = self.span(record.key)?;
        let value = self.span(record.value)?;
        Ok((Prepared { key, value, partition: own.or(partition) }, extra))
    }

    /// Where the bytes of `data` are: in the body itself, if they look the same in Kafka.
    fn span(&mut self, data: Option<&str>) -> Result<Span, Unfit> {
        let Some(data) = data else { return Ok(Span::Null) };
        let encoded = self.format.embedded().encode(data);
        let encoded = encoded.map_err(|it| Unfit::Data(it.0))?;
        let length = encoded.len();
        let start = (encoded.as_ptr() as usize).wrapping_sub(self.body.as_ptr() as usize);
        let inside = matches!(encoded, std::borrow::Cow::Borrowed(_))
            && start.checked_add(length).is_some_and(|end| end <= self.body.len());
        let place = |start: usize| {
            let short = |it| u32::try_from(it).map_err(|_| Unfit::Data("too large".to_owned()));
            Ok((short(start)?, short(length)?))
        };
        if inside {
            return place(start).map(|(start, length)| Span::Body(start, length));
        }
        let (start, length) = place(self.side.len())?;
        self.side.extend_from_slice(&encoded);
        Ok(Span::Side(start, length))
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Headers;

    use super::*;
    use crate::produce::body;

    fn load(json: &str, format: Format) -> Load {
        let bytes = Bytes::copy_from_slice(json.as_bytes());
        let records = body::parse(&bytes).unwrap();
        Load::of(&bytes, &records, format, Some(1))
    }

    #[test]
    fn what_is_compact_already_is_sent_from_the_body() {
        let load =
            load(r#"{"records":[{"key":"k","value":{"a":1}},{"value":[ 1 ]}]}"#, Format::Json);
        let records = load.batch.records();
        assert!(matches!((records[0].key, records[0].value), (Span::Body(..), Span::Body(..))));
        assert!(matches!(records[1].value, Span::Side(0, 3)));
        let bytes = |span| load.batch.bytes(span).unwrap();
        assert_eq!(bytes(records[0].value), br#"{"a":1}"#);
        assert_eq!((bytes(records[0].key), bytes(records[1].value)), (&b"\"k\""[..], &b"[1]"[..]));
        assert_eq!((records[1].key, load.special.len()), (Span::Null, 0));
    }

    #[test]
    fn a_trace_is_written_into_every_record_that_brings_none() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = http::HeaderMap::from_iter([(
            http::HeaderName::from_static("traceparent"),
            http::HeaderValue::from_static(PARENT),
        )]);
        let trace = RecordTrace::from(web::TraceContext::of(&request));
        let json = r#"{"records":[{"value":"dg=="},{"value":"!"},{"headers":[{"key":"traceparent","value":"YQ=="}]},{"timestamp":5}]}"#;
        let mut load = load(json, Format::Binary);
        load.trace(&trace);
        let seen = load.special.iter().map(|(index, special)| match special {
            Special::Refused(_) => format!("{index} refused"),
            Special::Extra(Extra { timestamp, headers }) => {
                let header = headers.as_ref().unwrap().get(0);
                let value = header.value.unwrap().escape_ascii();
                format!("{index} {timestamp:?} {}={value}", header.key)
            }
        });
        let expected = [
            format!("0 None traceparent={PARENT}"),
            "1 refused".to_owned(),
            "2 None traceparent=a".to_owned(),
            format!("3 Some(5) traceparent={PARENT}"),
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_record_is_refused_by_itself() {
        let json = r#"{"records":[{"value":"!"},{"value":"dg==","partition":9},{"value":"","partition":-1},{"value":null}]}"#;
        let mut load = load(json, Format::Binary);
        load.refuse_beyond(2);
        let outcomes = load.outcomes();
        assert!(matches!(&outcomes[0], Outcome::Unfit(Unfit::Data(_))));
        let beyond = Outcome::Failed(RDKafkaErrorCode::UnknownPartition);
        assert_eq!((&outcomes[1], &outcomes[2]), (&beyond, &beyond));
        assert_eq!(load.batch.records()[3].partition, Some(1), "the request's partition");
    }
}
