//! The probe on two brokers, of which one leads.

mod stage;

use std::time::{Duration, Instant};

use kafka_protocol::messages::{ApiKey, ProduceRequest};
use kafka_protocol::records::RecordBatchDecoder;

use crate::tests::fake::Reply;
use crate::tests::probe::stage::{PATIENCE, Stage, acked, refusal};
use crate::{ErrorCode, KafkaError, Written};

/// Far more than any of these writes takes.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn one_record_goes_to_the_leader_and_the_next_over_the_same_connection() {
    // By name, as in version 12, and by the topic's id, as in 13.
    for newest in [12, 13] {
        let stage = Stage::speaking(newest, move |_, asked| {
            let request: ProduceRequest = asked.request();
            assert_eq!(request.acks, -1);
            assert!(request.timeout_ms > 0 && request.timeout_ms < 200, "{}", request.timeout_ms);
            let topic = &request.topic_data[0];
            assert_eq!(topic.name.as_str(), if newest == 12 { "probe" } else { "" });
            assert_eq!(topic.topic_id.is_nil(), newest == 12);
            assert_eq!(topic.partition_data[0].index, 1);
            let mut batch = topic.partition_data[0].records.clone().unwrap();
            let batch = RecordBatchDecoder::decode(&mut batch).unwrap();
            assert_eq!((batch.version, batch.records.len()), (2, 1));
            assert_eq!(batch.records[0].value.as_deref(), Some(&b"tick"[..]));
            assert!(batch.records[0].timestamp > 1_700_000_000_000, "milliseconds");
            asked.answer::<ProduceRequest>(&acked(7))
        })
        .await;
        stage.lead(1);
        assert_eq!(stage.write(DEADLINE).await.unwrap(), Written { offset: 7 });
        assert_eq!(stage.write(DEADLINE).await.unwrap(), Written { offset: 7 });
        assert_eq!(stage.asked(ApiKey::Produce), [0, 2]);
        assert_eq!(stage.asked(ApiKey::Metadata), [1, 0]);
        assert_eq!(stage.brokers[1].connections(), 1);
    }
}

#[tokio::test]
async fn a_leader_that_moved_is_looked_up() {
    let stage = Stage::of(|stage, asked| {
        if stage.leads(asked) {
            return asked.answer::<ProduceRequest>(&acked(1));
        }
        asked.answer::<ProduceRequest>(&refusal(ErrorCode::NotLeaderOrFollower))
    })
    .await;
    stage.write(DEADLINE).await.unwrap();
    stage.lead(1);
    stage.write(DEADLINE).await.unwrap();
    assert_eq!(stage.asked(ApiKey::Produce), [2, 1]);
    assert_eq!(stage.searches(), 2);
}

#[tokio::test]
async fn a_leader_that_the_former_one_names_is_not_looked_up() {
    let stage = Stage::of(|stage, asked| {
        if stage.leads(asked) {
            return asked.answer::<ProduceRequest>(&acked(1));
        }
        asked.answer::<ProduceRequest>(&stage.naming_the_leader())
    })
    .await;
    stage.write(DEADLINE).await.unwrap();
    stage.lead(1);
    stage.write(DEADLINE).await.unwrap();
    assert_eq!(stage.asked(ApiKey::Produce), [2, 1]);
    assert_eq!(stage.searches(), 1);
}

#[tokio::test]
async fn a_leader_that_falls_silent_costs_its_patience_and_hides_no_other() {
    let stage = Stage::of(|_, asked| asked.answer::<ProduceRequest>(&acked(1))).await;
    stage.write(DEADLINE).await.unwrap();
    stage.silence(0);
    // The other broker notices a moment later.
    let started = Instant::now();
    let (written, ()) = tokio::join!(stage.write(DEADLINE), async {
        tokio::time::sleep(PATIENCE * 3).await;
        stage.lead(1);
    });
    written.unwrap();
    // What was under way when the other took over, its connection, a pause, and a slow machine.
    assert!(started.elapsed() < PATIENCE * 10, "{:?}", started.elapsed());
    assert_eq!(stage.asked(ApiKey::Metadata)[0], 1, "only the very first");
    assert_eq!(stage.asked(ApiKey::Produce)[1], 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let stage = Stage::of(|_, asked| match asked.nth {
        0 => Reply::Close,
        _ => asked.answer::<ProduceRequest>(&acked(1)),
    })
    .await;
    stage.write(DEADLINE).await.unwrap();
    assert_eq!(stage.asked(ApiKey::Produce), [2, 0]);
    assert_eq!(stage.brokers[0].connections(), 2);
}

#[tokio::test]
async fn a_broker_that_names_an_old_leader_is_not_the_only_one_to_be_asked() {
    let stage = Stage::of(|stage, asked| {
        if stage.leads(asked) {
            return asked.answer::<ProduceRequest>(&acked(1));
        }
        asked.answer::<ProduceRequest>(&refusal(ErrorCode::NotLeaderOrFollower))
    })
    .await;
    stage.lag(0);
    stage.lead(1);
    stage.write(DEADLINE).await.unwrap();
    assert_eq!(stage.asked(ApiKey::Metadata), [1, 1]);
    assert_eq!(stage.asked(ApiKey::Produce), [1, 1]);
}

#[tokio::test]
async fn too_few_replicas_are_waited_for() {
    let codes = [
        ErrorCode::NotEnoughReplicas,
        ErrorCode::NotEnoughReplicasAfterAppend,
        ErrorCode::KafkaStorageError,
        ErrorCode::RequestTimedOut,
        ErrorCode::UnknownTopicId,
    ];
    let stage = Stage::of(move |_, asked| match codes.get(asked.nth) {
        Some(code) => asked.answer::<ProduceRequest>(&refusal(*code)),
        None => asked.answer::<ProduceRequest>(&acked(9)),
    })
    .await;
    assert_eq!(stage.write(DEADLINE).await.unwrap().offset, 9);
    assert_eq!(stage.asked(ApiKey::Produce), [codes.len() + 1, 0]);
    assert_eq!(stage.brokers[0].connections(), 1);
}

#[tokio::test]
async fn a_deadline_ends_a_write_with_kafkas_last_word() {
    let stage = Stage::of(|_, asked| {
        asked.answer::<ProduceRequest>(&refusal(ErrorCode::NotEnoughReplicas))
    })
    .await;
    let error = stage.write(Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::NotEnoughReplicas));
    assert!(stage.asked(ApiKey::Produce)[0] > 3);
}

#[tokio::test]
async fn a_deadline_ends_a_write_when_nobody_answers() {
    let stage = Stage::of(|_, asked| asked.answer::<ProduceRequest>(&acked(1))).await;
    stage.silence(0);
    stage.silence(1);
    let (started, deadline) = (Instant::now(), PATIENCE + PATIENCE / 2);
    let error = stage.write(deadline).await.unwrap_err();
    assert!(matches!(error, KafkaError::Timeout { .. }), "{error:?}");
    assert!(started.elapsed() < deadline * 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_refusal_for_good_is_an_error_at_once() {
    for code in [ErrorCode::TopicAuthorizationFailed, ErrorCode::MessageTooLarge] {
        let stage = Stage::of(move |_, asked| asked.answer::<ProduceRequest>(&refusal(code))).await;
        assert_eq!(stage.write(DEADLINE).await.unwrap_err().code(), Some(code));
        assert_eq!(stage.asked(ApiKey::Produce), [1, 0]);
    }
}
