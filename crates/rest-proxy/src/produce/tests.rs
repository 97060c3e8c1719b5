//! What a request is told of its records.

use rdkafka::error::RDKafkaErrorCode;

use super::*;

fn topic() -> TopicName {
    "orders".parse().unwrap()
}

fn stored() -> Outcome {
    Outcome::Stored { partition: 0, offset: 7 }
}

fn failed(code: RDKafkaErrorCode) -> Outcome {
    Outcome::Failed(code)
}

#[test]
fn one_reason_for_all_records_is_an_error_of_the_request() {
    let status = |outcomes: &[Outcome]| {
        common_error(&topic(), outcomes).map(|it| (it.kind().0.as_u16(), it.kind().1))
    };
    let denied = failed(RDKafkaErrorCode::TopicAuthorizationFailed);
    let late = failed(RDKafkaErrorCode::MessageTimedOut);
    let unfit = Outcome::Unfit(Unfit::Data("bad".to_owned()));
    assert_eq!(status(&[denied.clone(), denied.clone()]), Some((403, 40301)));
    assert_eq!(status(&[late.clone(), failed(RDKafkaErrorCode::QueueFull)]), Some((503, 503)));
    assert_eq!(status(&[failed(RDKafkaErrorCode::UnknownTopic)]), Some((404, 40401)));
    assert_eq!(status(std::slice::from_ref(&unfit)), Some((400, 400)));
    assert_eq!(status(&[unfit, stored()]), None);
    assert_eq!(status(&[denied, late]), None);
    assert_eq!(status(&[failed(RDKafkaErrorCode::MessageSizeTooLarge)]), None);
}

#[test]
fn each_record_has_its_entry() {
    let entries: Vec<RecordMetadata> = [
        stored(),
        failed(RDKafkaErrorCode::UnknownPartition),
        failed(RDKafkaErrorCode::MessageSizeTooLarge),
        Outcome::Unfit(Unfit::Data("data=1  is not a base64 string.".to_owned())),
    ]
    .into_iter()
    .map(RecordMetadata::from)
    .collect();
    let produced = Produced { key_schema_id: None, offsets: entries, value_schema_id: None };
    insta::assert_snapshot!(serde_json::to_string(&produced).unwrap(), @r#"{"key_schema_id":null,"offsets":[{"offset":7,"partition":0},{"error":"This request is for a topic or partition that does not exist on this broker.","error_code":2},{"error":"The server has a configurable maximum message size to avoid unbounded memory allocation. This error is thrown if the client attempt to produce a message larger than this maximum.","error_code":1},{"error":"data=1  is not a base64 string.","error_code":1}],"value_schema_id":null}"#);
}

#[tokio::test]
async fn the_quick_answer_is_the_same_as_the_other() {
    let bytes = Bytes::from_static(br#"{"records":[{"value":1},{"value":2}]}"#);
    let load = load(&bytes, Format::Json, None, usize::MAX).unwrap();
    for (index, offset) in [(0, 7), (1, 8)] {
        let report = Report::Stored { partition: 3, offset };
        load.batch.ticket(index).unwrap().settle(report);
    }
    assert!(load.batch.is_stored());
    let offsets = load.outcomes().into_iter().map(RecordMetadata::from).collect();
    let other = Produced { key_schema_id: None, offsets, value_schema_id: None };
    let quick = axum::body::to_bytes(all_stored(&load).into_body(), 1000).await.unwrap();
    assert_eq!(quick, serde_json::to_vec(&other).unwrap());
}
