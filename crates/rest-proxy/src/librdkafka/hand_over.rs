//! Handing records of one or more requests over in one call.

use std::sync::Arc;

use rdkafka::util::IntoOpaque;
use rdkafka_sys::rd_kafka_resp_err_t;
use rdkafka_sys::types::RDKafkaMessage;

use super::batch::{ANY_PARTITION, Batch, Report, Ticket, error_code};
use super::topic::TopicHandle;

/// Records of one request that have to be handed over yet.
pub(crate) struct Part {
    pub(crate) batch: Arc<Batch>,
    /// The first of them.
    pub(crate) next: usize,
    /// The first after them.
    pub(crate) end: usize,
}

impl Part {
    pub(crate) const fn len(&self) -> usize {
        self.end - self.next
    }

    /// Whether librdkafka has them all.
    pub(crate) const fn is_over(&self) -> bool {
        self.next == self.end
    }
}

/// Hands `parts` over to librdkafka, in order, with as few pauses in between as can be: its thread
/// wakes up with the first record, and takes what is there. What it had no room for is left in the
/// parts; of the others each has a report or will have one.
///
/// With `partition` they all go there, whatever they say: then librdkafka has less to do.
pub(crate) fn hand_over(topic: &TopicHandle, partition: Option<i32>, parts: Vec<&mut Part>) {
    let mut messages: Vec<RDKafkaMessage> =
        Vec::with_capacity(parts.iter().map(|it| it.len()).sum());
    for part in &parts {
        part.batch.set_aim(partition);
        messages.extend((part.next..part.end).filter_map(|index| part.batch.message(index)));
    }
    let count = i32::try_from(messages.len()).unwrap_or(i32::MAX);
    #[expect(unsafe_code, reason = "rust-rdkafka has no binding for this")]
    // SAFETY: the topic's handle is alive. `messages` has at least `count` elements, whose pointers
    // are good until their reports: each has a ticket, which keeps its batch alive. Keys are copied,
    // payloads are read only.
    let taken = unsafe {
        rdkafka_sys::rd_kafka_produce_batch(
            topic.ptr(),
            partition.unwrap_or(ANY_PARTITION),
            if partition.is_some() { 0 } else { rdkafka_sys::RD_KAFKA_MSG_F_PARTITION },
            messages.as_mut_ptr(),
            count,
        )
    };
    let mut messages = messages.iter();
    for part in parts {
        let (start, end) = (part.next, part.end);
        part.next = end;
        if taken == count {
            continue;
        }
        for (index, message) in (start..end).zip(messages.by_ref()) {
            let code = message.err as i32;
            if code == 0 {
                continue;
            }
            #[expect(unsafe_code, reason = "the ticket that librdkafka did not take")]
            // SAFETY: made by `Batch::message` just now, and not taken over.
            let ticket = unsafe { Ticket::from_ptr(message._private) };
            if message.err == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__QUEUE_FULL {
                ticket.give_back();
                part.next = part.next.min(index);
            } else {
                ticket.settle(Report::Failed(error_code(code)));
            }
        }
    }
}
