//! librdkafka's handle of a topic, which records are handed over by, and what it knows of one.

use std::ffi::{CString, NulError};
use std::ptr::{self, NonNull};

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys::rd_kafka_resp_err_t;
use rdkafka_sys::types::RDKafkaTopic;

/// A topic of one client. Has to be dropped before the client is.
pub(crate) struct TopicHandle(NonNull<RDKafkaTopic>);

#[expect(unsafe_code, reason = "librdkafka's objects are thread-safe")]
// SAFETY: librdkafka locks its topics itself.
unsafe impl Send for TopicHandle {}
#[expect(unsafe_code, reason = "librdkafka's objects are thread-safe")]
// SAFETY: as above.
unsafe impl Sync for TopicHandle {}

impl TopicHandle {
    /// The topic `name` of `client`, with the client's configuration. Asks no broker. `None` if
    /// librdkafka does not allow the name.
    pub(crate) fn new<C: ClientContext>(
        client: &Client<C>,
        name: &str,
    ) -> Result<Option<Self>, NulError> {
        let name = CString::new(name)?;
        #[expect(unsafe_code, reason = "rust-rdkafka keeps this to itself")]
        // SAFETY: the client is alive, the name ends in NUL and is copied; no configuration means
        // the client's.
        let topic = unsafe {
            rdkafka_sys::rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), ptr::null_mut())
        };
        Ok(NonNull::new(topic).map(Self))
    }

    pub(super) const fn ptr(&self) -> *mut RDKafkaTopic {
        self.0.as_ptr()
    }
}

/// The end of a partition, the offset after its last record, by the last fetch of the consumer
/// `client`; `None` before there was one. Asks no broker.
pub(crate) fn known_end<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    partition: i32,
) -> Option<i64> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
    // SAFETY: the client is alive, the name ends in NUL, and both numbers are written at most once.
    let code = unsafe {
        rdkafka_sys::rd_kafka_get_watermark_offsets(
            client.native_ptr(),
            topic.as_ptr(),
            partition,
            &raw mut low,
            &raw mut high,
        )
    };
    (code == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "rust-rdkafka keeps this to itself")]
        // SAFETY: ours, and not used any more. Records on their way have counts of their own.
        unsafe {
            rdkafka_sys::rd_kafka_topic_destroy(self.0.as_ptr());
        }
    }
}
