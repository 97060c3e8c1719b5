//! Handing equal records to librdkafka a thousand at a time. rust-rdkafka has only the call for one
//! record, which looks the topic up each time: compared with that, anybody would look fast.

use std::ffi::{CString, c_int};

use anyhow::{Context as _, ensure};
use rdkafka::ClientContext;
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};
use rdkafka_sys::{
    RD_KAFKA_MSG_F_COPY, rd_kafka_message_t, rd_kafka_produce_batch, rd_kafka_resp_err_t,
    rd_kafka_topic_destroy, rd_kafka_topic_new, rd_kafka_topic_t,
};

/// librdkafka chooses.
const RD_KAFKA_PARTITION_UA: i32 = -1;
/// How many at a time.
const BATCH: usize = 1000;

/// Records of one topic, all the same.
pub(super) struct Batch<'a> {
    topic: *mut rd_kafka_topic_t,
    messages: Vec<rd_kafka_message_t>,
    record: &'a [u8],
}

impl<'a> Batch<'a> {
    pub(super) fn new<C>(
        producer: &'a BaseProducer<C>,
        topic: &str,
        record: &'a [u8],
    ) -> anyhow::Result<Self>
    where
        C: ClientContext + ProducerContext,
    {
        let name = CString::new(topic)?;
        #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
        // SAFETY: the producer outlives `Self`, the name ends in NUL and is copied. No configuration
        // is given, so none is taken over.
        let topic = unsafe {
            rd_kafka_topic_new(producer.client().native_ptr(), name.as_ptr(), std::ptr::null_mut())
        };
        ensure!(!topic.is_null(), "librdkafka does not take the topic's name");
        Ok(Self { topic, messages: Vec::with_capacity(BATCH), record })
    }

    /// Hands them over. Whether the queue was full before the last.
    pub(super) fn send(&mut self) -> anyhow::Result<bool> {
        self.messages.clear();
        self.messages.resize(BATCH, self.message());
        let count = c_int::try_from(BATCH).context("a number of records")?;
        #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
        // SAFETY: the topic is ours until the end of `self`. `count` messages are there, each with a
        // payload that lives longer than the call, which copies it.
        let taken = unsafe {
            rd_kafka_produce_batch(
                self.topic,
                RD_KAFKA_PARTITION_UA,
                RD_KAFKA_MSG_F_COPY,
                self.messages.as_mut_ptr(),
                count,
            )
        };
        if taken == count {
            return Ok(false);
        }
        for message in &self.messages {
            let known = [
                rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
                rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__QUEUE_FULL,
            ];
            ensure!(known.contains(&message.err), "librdkafka refused a record: {:?}", message.err);
        }
        Ok(true)
    }

    fn message(&self) -> rd_kafka_message_t {
        rd_kafka_message_t {
            err: rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
            rkt: std::ptr::null_mut(),
            partition: RD_KAFKA_PARTITION_UA,
            payload: self.record.as_ptr().cast_mut().cast(),
            len: self.record.len(),
            key: std::ptr::null_mut(),
            key_len: 0,
            offset: 0,
            _private: std::ptr::null_mut(),
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
        // SAFETY: made by `new`, and given back once.
        unsafe {
            rd_kafka_topic_destroy(self.topic);
        }
    }
}
