//! What goes when. The producer has no broker, so that nothing that it got is ever reported.

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext, PurgeConfig};
use tokio::time::advance;

use super::*;
use crate::librdkafka::{Prepared, Report, Span, Ticket, TopicHandle};
use crate::produce::sticky::Sticky;

struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Ticket;

    fn delivery(&self, _: &DeliveryResult<'_>, ticket: Ticket) {
        ticket.settle(Report::Failed(RDKafkaErrorCode::PurgeQueue));
    }
}

struct Case {
    outbox: Outbox,
    topic: Arc<Opened>,
    // Dropped last.
    producer: BaseProducer<Reports>,
}

impl Case {
    fn new(pace: Pace) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", "127.0.0.1:1");
        let producer = config.create_with_context(Reports).unwrap();
        let handle = TopicHandle::new(BaseProducer::client(&producer), "t").unwrap().unwrap();
        let topic = Arc::new(Opened { handle, sticky: Sticky::default() });
        let kick_after = (pace == Pace::Bulk).then_some(Duration::from_micros(60));
        Self { outbox: Outbox::new(pace, Arc::default(), kick_after), topic, producer }
    }

    fn put(&self, batch: &Arc<Batch>) -> Deposit<'_> {
        let deposit = self.outbox.put(Arc::clone(&self.topic), batch);
        self.outbox.hand_over();
        deposit
    }
}

/// Whether librdkafka has the records: each holds on to its batch. (What librdkafka counts includes
/// its complaints about the missing broker.)
fn is_sent(batch: &Arc<Batch>) -> bool {
    Arc::strong_count(batch) > batch.records().len()
}

/// Records of so many bytes each: enough of them to outnumber who else holds on to the batch.
fn batch(records: usize, bytes: u32) -> Arc<Batch> {
    let record = Prepared { value: Span::Body(0, bytes), ..Prepared::default() };
    Batch::new(Bytes::from(vec![b'x'; bytes as usize]), Vec::new(), vec![record; records])
}

#[tokio::test(start_paused = true)]
async fn who_comes_second_waits_for_the_first_but_not_for_long() {
    let case = Case::new(Pace::Quick);
    let (first, second, third) = (batch(10, 1), batch(11, 1), batch(12, 1));
    let _first = case.put(&first);
    assert_eq!((is_sent(&first), case.outbox.due()), (true, None), "alone, it waits for nobody");
    let _second = case.put(&second);
    let _third = case.put(&third);
    assert!(!is_sent(&second) && !is_sent(&third));
    assert_eq!(case.outbox.due(), Some(Instant::now() + LONGEST_WAIT));
    advance(LONGEST_WAIT).await;
    case.outbox.hand_over();
    assert!(is_sent(&second) && is_sent(&third), "together");
    assert_eq!((case.outbox.due(), case.outbox.kick()), (None, Kick::Never));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_because_others_come() {
    let case = Case::new(Pace::Bulk);
    let (first, second, third) = (batch(10, 1), batch(10, 1), batch(10, 1));
    let _first = case.put(&first);
    let _second = case.put(&second);
    advance(LONGEST_WAIT / 2).await;
    let _third = case.put(&third);
    assert!(!is_sent(&second));
    advance(LONGEST_WAIT / 2).await;
    case.outbox.hand_over();
    assert!(is_sent(&second) && is_sent(&third));
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_holds_up_nobody_and_is_let_go() {
    let case = Case::new(Pace::Quick);
    let (first, second) = (batch(10, 1), batch(10, 1));
    drop(case.put(&first));
    case.producer.purge(PurgeConfig::default().queue());
    while !first.is_done() {
        case.producer.poll(Duration::from_millis(10));
    }
    case.outbox.hand_over();
    assert_eq!(Arc::strong_count(&first), 1, "only ours");
    let _second = case.put(&second);
    assert!(is_sent(&second));
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_takes_along_what_was_not_handed_over() {
    let case = Case::new(Pace::Quick);
    let (first, second, third) = (batch(10, 1), batch(10, 1), batch(10, 1));
    let _first = case.put(&first);
    drop(case.put(&second));
    let _third = case.put(&third);
    assert_eq!(second.report(9), Some(Report::Failed(RDKafkaErrorCode::QueueFull)));
    case.outbox.purge();
    assert_eq!(third.report(0), Some(Report::Failed(RDKafkaErrorCode::PurgeQueue)));
    advance(LONGEST_WAIT).await;
    case.outbox.hand_over();
    assert!(is_sent(&first) && !is_sent(&second) && !is_sent(&third));
}

#[tokio::test(start_paused = true)]
async fn bulk_prepares_one_batch_more_if_there_is_another_partition() {
    let case = Case::new(Pace::Bulk);
    let stored = |partition| Some(Report::Stored { partition, offset: 0 });
    case.topic.sticky.learn(None, stored(3));
    let (first, second, third) = (batch(10, 1), batch(10, 1), batch(10, 1));
    let _first = case.put(&first);
    let _second = case.put(&second);
    assert_eq!((is_sent(&second), first.aim()), (false, Some(3)), "that one is busy");
    case.topic.sticky.learn(None, stored(4));
    case.outbox.hand_over();
    assert_eq!((is_sent(&second), second.aim()), (true, Some(4)));
    let _third = case.put(&third);
    assert!(!is_sent(&third));
}

#[tokio::test(start_paused = true)]
async fn no_more_goes_at_once_than_a_batch_holds() {
    let case = Case::new(Pace::Bulk);
    let first = batch(10, 1);
    let batches = [batch(4_000, 1), batch(4_000, 1), batch(10, 100_000), batch(10, 100_000)];
    let _first = case.put(&first);
    let _deposits = batches.each_ref().map(|it| case.put(it));
    for turn in 1..=batches.len() {
        advance(LONGEST_WAIT).await;
        case.outbox.hand_over();
        assert_eq!(batches.iter().filter(|it| is_sent(it)).count(), turn);
    }
}

#[tokio::test(start_paused = true)]
async fn librdkafka_is_woken_up_when_it_has_lingered() {
    let case = Case::new(Pace::Bulk);
    let _first = case.put(&batch(10, 1));
    assert_eq!(case.outbox.kick(), Kick::Soon);
    advance(Duration::from_micros(60)).await;
    assert_eq!((case.outbox.kick(), case.outbox.kick()), (Kick::Now, Kick::Never));
}
