//! One record as a request, and what a broker says to it.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{LeaderIdAndEpoch, NodeEndpoint};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use model::Timestamp;
use tokio::time::Instant;

use crate::admin::broker_timeout_ms;
use crate::codes::{ACKS_ALL, RECORD_BATCH_V2};
use crate::error::{KafkaError, refused};
use crate::probe::Written;
use crate::probe::leader::Leader;
use crate::routing::address;

/// A batch of this one record, not compressed, of a producer without an id.
pub(super) fn batch(payload: &[u8], created: Timestamp) -> Result<Bytes, KafkaError> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: created.0,
        key: None,
        value: Some(Bytes::copy_from_slice(payload)),
        headers: std::iter::empty().collect(),
    };
    let options = RecordEncodeOptions { version: RECORD_BATCH_V2, compression: Compression::None };
    let mut batch = BytesMut::new();
    RecordBatchEncoder::encode(&mut batch, [&record], &options)
        .map_err(|_| KafkaError::Invalid("a record that is too large for a batch"))?;
    Ok(batch.freeze())
}

/// Asks the leader to take the batch. It says `REQUEST_TIMED_OUT` a little before `answer_by` if the
/// replicas do not have it by then, so that a leader which waits for them is not taken for a silent one.
pub(super) fn produce(
    leader: &Leader,
    partition: i32,
    batch: &Bytes,
    answer_by: Instant,
) -> ProduceRequest {
    let own =
        PartitionProduceData::default().with_index(partition).with_records(Some(batch.clone()));
    ProduceRequest::default()
        .with_acks(ACKS_ALL)
        .with_timeout_ms(broker_timeout_ms(answer_by))
        .with_topic_data(vec![leader.topic.clone().with_partition_data(vec![own])])
}

/// What became of the record, and who leads in place of `leader` if the broker told that (KIP-951).
pub(super) fn outcome(
    leader: &Leader,
    answer: &ProduceResponse,
) -> (Result<Written, KafkaError>, Option<Leader>) {
    let Some(own) = answer.responses.iter().flat_map(|it| &it.partition_responses).next() else {
        let source = "nothing about the record".into();
        let address = leader.address.clone();
        return (Err(KafkaError::Protocol { address, api: "Produce", source }), None);
    };
    let outcome = refused(own.error_code, own.error_message.as_deref())
        .map(|()| Written { offset: own.base_offset });
    let next = endpoint(&own.current_leader, &answer.node_endpoints)
        // One that names itself and refuses is not through with becoming the leader.
        .filter(|address| *address != leader.address)
        .map(|address| Leader { address, topic: leader.topic.clone() });
    (outcome, next)
}

fn endpoint(leader: &LeaderIdAndEpoch, endpoints: &[NodeEndpoint]) -> Option<String> {
    let own = endpoints.iter().find(|it| it.node_id == leader.leader_id)?;
    Some(address(&own.host, own.port))
}
