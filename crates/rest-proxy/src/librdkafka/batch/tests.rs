//! Each record has one report, and the batch lives as long as librdkafka may read it.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use super::*;
use crate::librdkafka::{Part, TopicHandle, hand_over};

struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Ticket;

    fn delivery(&self, report: &DeliveryResult<'_>, ticket: Ticket) {
        let (error, _) = report.as_ref().err().unwrap();
        ticket.settle(Report::Failed(error.rdkafka_error_code().unwrap()));
    }
}

/// A producer without a broker that has room for five records.
fn small_producer() -> BaseProducer<Reports> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", "127.0.0.1:1").set("queue.buffering.max.messages", "5");
    config.create_with_context(Reports).unwrap()
}

#[test]
fn what_a_full_queue_does_not_take_is_left_and_the_rest_is_accounted_for() {
    let producer = small_producer();
    let topic = TopicHandle::new(producer.client(), "t").unwrap().unwrap();
    let record = Prepared { value: Span::Body(0, 1), ..Prepared::default() };
    let batch = Batch::new(Bytes::from_static(b"x"), Vec::new(), vec![record; 8]);
    let part = |next, end| Part { batch: Arc::clone(&batch), next, end };
    let mut parts = [part(0, 2), part(2, 8)];
    hand_over(&topic, None, parts.iter_mut().collect());
    assert_eq!((parts[0].is_over(), parts[1].next), (true, 5));
    drop(parts);
    assert_eq!(Arc::strong_count(&batch), 6, "one for each record on its way, and ours");
    assert!((0..8).all(|index| batch.report(index).is_none()));

    (5..8).for_each(|index| batch.fail(index, RDKafkaErrorCode::QueueFull));
    drop(topic);
    drop(producer);
    let purged = Some(Report::Failed(RDKafkaErrorCode::PurgeQueue));
    assert!((0..5).all(|index| batch.report(index) == purged));
    assert_eq!(batch.report(7), Some(Report::Failed(RDKafkaErrorCode::QueueFull)));
    assert_eq!(Arc::strong_count(&batch), 1);
}

#[tokio::test]
async fn the_last_report_ends_the_waiting() {
    let records = vec![Prepared::default(); 2];
    let batch = Batch::new(Bytes::new(), Vec::new(), records);
    let ticket = batch.ticket(1).unwrap();
    let stored = Report::Stored { partition: 3, offset: 7 };
    let thread = std::thread::spawn(move || ticket.settle(stored));
    batch.fail(0, RDKafkaErrorCode::UnknownPartition);
    batch.fail(0, RDKafkaErrorCode::Fail);
    batch.wait().await;
    thread.join().unwrap();
    assert_eq!(batch.report(0), Some(Report::Failed(RDKafkaErrorCode::UnknownPartition)));
    assert_eq!(batch.report(1), Some(stored));
    assert_eq!((batch.report(2), batch.ticket(2).is_none()), (None, true));
}

#[test]
fn bytes_are_found_and_nothing_beyond_them() {
    let batch = Batch::new(Bytes::from_static(b"body"), b"side".to_vec(), Vec::new());
    assert_eq!(batch.bytes(Span::Body(1, 2)), Some(b"od".as_slice()));
    assert_eq!(batch.bytes(Span::Side(0, 4)), Some(b"side".as_slice()));
    assert_eq!(batch.bytes(Span::Side(4, 0)), Some(b"".as_slice()));
    assert_eq!((batch.bytes(Span::Body(3, 2)), batch.bytes(Span::Null)), (None, None));
}
