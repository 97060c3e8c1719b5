//! Waking a task when a producer has something to say, instead of a thread that asks.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys::rd_kafka_queue_t;
use rdkafka_sys::types::RDKafka;
use tokio::sync::Notify;

/// The main queue of a client: reports of records, errors, logs. Has to be dropped before the
/// client is.
pub(crate) struct Events {
    queue: NonNull<rd_kafka_queue_t>,
    /// Notified when the queue is no longer empty.
    ready: Arc<Notify>,
}

#[expect(unsafe_code, reason = "librdkafka's objects are thread-safe")]
// SAFETY: librdkafka locks its queues itself.
unsafe impl Send for Events {}
#[expect(unsafe_code, reason = "librdkafka's objects are thread-safe")]
// SAFETY: as above.
unsafe impl Sync for Events {}

impl Events {
    /// Those of `client`; `None` if librdkafka gives no queue.
    pub(crate) fn of<C: ClientContext>(client: &Client<C>) -> Option<Self> {
        let ready = Arc::new(Notify::new());
        #[expect(unsafe_code, reason = "rust-rdkafka keeps this to itself")]
        // SAFETY: the client is alive. The queue is a counted reference, given back by `drop`,
        // which also takes the callback away while `ready` is still there.
        let queue = unsafe {
            let queue = NonNull::new(rdkafka_sys::rd_kafka_queue_get_main(client.native_ptr()))?;
            rdkafka_sys::rd_kafka_queue_cb_event_enable(
                queue.as_ptr(),
                Some(notify),
                Arc::as_ptr(&ready).cast_mut().cast(),
            );
            queue
        };
        // What came before the callback.
        ready.notify_one();
        Some(Self { queue, ready })
    }

    /// What is notified when there may be events. It outlives the client.
    pub(crate) fn ready(&self) -> Arc<Notify> {
        Arc::clone(&self.ready)
    }

    pub(crate) fn is_empty(&self) -> bool {
        #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
        // SAFETY: the queue is alive.
        let length = unsafe { rdkafka_sys::rd_kafka_queue_length(self.queue.as_ptr()) };
        length == 0
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
        // SAFETY: the client and the queue are alive; librdkafka calls back under the queue's lock,
        // which this takes as well, so nobody is in the callback afterwards.
        unsafe {
            rdkafka_sys::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            rdkafka_sys::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

/// Called by threads of librdkafka, which hold the queue's lock: so only to wake somebody.
#[expect(unsafe_code, reason = "librdkafka calls it")]
unsafe extern "C" fn notify(_client: *mut RDKafka, ready: *mut c_void) {
    // SAFETY: `Events` keeps it alive as long as the callback is set.
    unsafe { (*ready.cast::<Notify>()).notify_one() };
}
