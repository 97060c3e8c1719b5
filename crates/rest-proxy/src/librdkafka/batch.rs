//! The records of one request on their way through librdkafka: one allocation for all of them, one
//! call to hand them over, one wake-up when the last report is in. Nothing is copied: what
//! librdkafka sends is read from the body of the request, which the batch owns.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering};

use bytes::Bytes;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::util::IntoOpaque;
use rdkafka_sys::rd_kafka_resp_err_t;
use rdkafka_sys::types::RDKafkaMessage;
use tokio::sync::Notify;

/// Where the bytes of a key or a value are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Span {
    /// Nowhere: no key, or a tombstone.
    #[default]
    Null,
    /// In the body of the request: start and length.
    Body(u32, u32),
    /// Beside it, because the body says it in another way.
    Side(u32, u32),
}

impl Span {
    const fn len(self) -> usize {
        match self {
            Self::Null => 0,
            Self::Body(_, length) | Self::Side(_, length) => length as usize,
        }
    }
}

/// A record that is ready to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) key: Span,
    pub(crate) value: Span,
    /// Where it has to go, if not where librdkafka chooses.
    pub(crate) partition: Option<i32>,
}

impl Prepared {
    /// Bytes of key and value.
    pub(crate) const fn size(&self) -> usize {
        self.key.len() + self.value.len()
    }

    const fn is_unbound(&self) -> bool {
        self.partition.is_none() && matches!(self.key, Span::Null)
    }
}

/// What librdkafka or a broker said of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Acknowledged. The offset is -1 without acknowledgements (`acks=0`).
    Stored { partition: i32, offset: i64 },
    /// Refused, given up, or never taken.
    Failed(RDKafkaErrorCode),
}

/// Records, and what became of each.
pub(crate) struct Batch {
    body: Bytes,
    side: Box<[u8]>,
    records: Box<[Prepared]>,
    /// Bytes of all keys and values.
    size: usize,
    is_unbound: bool,
    slots: Box<[Slot]>,
    /// Records without a report.
    open: AtomicUsize,
    /// The partition that all records went to; `ANY_PARTITION` if each had its own.
    aim: AtomicI32,
    done: Notify,
}

/// The place for one record's report. Its address rides along with the record.
struct Slot {
    batch: *const Batch,
    offset: AtomicI64,
    partition: AtomicI32,
    /// `NO_REPORT`, or what librdkafka calls the error.
    code: AtomicI32,
}

const NO_REPORT: i32 = i32::MAX;
/// `RD_KAFKA_PARTITION_UA`: librdkafka chooses.
pub(super) const ANY_PARTITION: i32 = -1;

#[expect(unsafe_code, reason = "a slot points to the batch that owns it")]
// SAFETY: `batch` is only followed by whoever reports, and then the batch is alive: see `Ticket`.
unsafe impl Send for Slot {}
#[expect(unsafe_code, reason = "a slot points to the batch that owns it")]
// SAFETY: as above; everything else in it is atomic.
unsafe impl Sync for Slot {}

impl Batch {
    /// `records` of a request whose `body` they lie in, or `side`.
    pub(crate) fn new(body: Bytes, side: Vec<u8>, records: Vec<Prepared>) -> Arc<Self> {
        Arc::new_cyclic(|batch| {
            let slot = || Slot {
                batch: batch.as_ptr(),
                offset: AtomicI64::new(-1),
                partition: AtomicI32::new(-1),
                code: AtomicI32::new(NO_REPORT),
            };
            Self {
                body,
                side: side.into(),
                slots: records.iter().map(|_| slot()).collect(),
                open: AtomicUsize::new(records.len()),
                aim: AtomicI32::new(ANY_PARTITION),
                size: records.iter().map(Prepared::size).sum(),
                is_unbound: records.iter().all(Prepared::is_unbound),
                records: records.into(),
                done: Notify::new(),
            }
        })
    }

    pub(crate) fn records(&self) -> &[Prepared] {
        &self.records
    }

    /// Whether librdkafka may put any of the records anywhere.
    pub(crate) const fn is_unbound(&self) -> bool {
        self.is_unbound
    }

    /// The bytes of a key or a value.
    pub(crate) fn bytes(&self, span: Span) -> Option<&[u8]> {
        let cut = |from: &[u8], start: u32, length: u32| -> Option<(usize, usize)> {
            let (start, length) = (start as usize, length as usize);
            (start + length <= from.len()).then_some((start, start + length))
        };
        match span {
            Span::Null => None,
            Span::Body(start, length) => {
                cut(&self.body, start, length).map(|(from, to)| &self.body[from..to])
            }
            Span::Side(start, length) => {
                cut(&self.side, start, length).map(|(from, to)| &self.side[from..to])
            }
        }
    }

    /// Bytes of all keys and values.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Notes that all records go to `partition`.
    pub(super) fn set_aim(&self, partition: Option<i32>) {
        self.aim.store(partition.unwrap_or(ANY_PARTITION), Ordering::Relaxed);
    }

    /// The partition that they were last all handed over for, if they were.
    pub(crate) fn aim(&self) -> Option<i32> {
        let partition = self.aim.load(Ordering::Relaxed);
        (partition != ANY_PARTITION).then_some(partition)
    }

    /// Whether every record has its report.
    pub(crate) fn is_done(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    /// Waits until every record has its report. One waiter.
    pub(crate) async fn wait(&self) {
        while !self.is_done() {
            self.done.notified().await;
        }
    }

    /// What became of a record; `None` as long as that is not known.
    pub(crate) fn report(&self, index: usize) -> Option<Report> {
        let slot = self.slots.get(index)?;
        match slot.code.load(Ordering::Acquire) {
            NO_REPORT => None,
            0 => Some(Report::Stored {
                partition: slot.partition.load(Ordering::Relaxed),
                offset: slot.offset.load(Ordering::Relaxed),
            }),
            code => Some(Report::Failed(error_code(code))),
        }
    }

    /// Whether every record was stored.
    pub(crate) fn is_stored(&self) -> bool {
        self.slots.iter().all(|it| it.code.load(Ordering::Acquire) == 0)
    }

    /// Files the report of a record that librdkafka never took. The first report counts.
    pub(crate) fn fail(&self, index: usize, code: RDKafkaErrorCode) {
        if let Some(slot) = self.slots.get(index) {
            let was = slot.code.compare_exchange(
                NO_REPORT,
                code as i32,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if was.is_ok() {
                self.count_down();
            }
        }
    }

    fn count_down(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    /// The ticket of a record that is handed over by itself.
    pub(crate) fn ticket(self: &Arc<Self>, index: usize) -> Option<Ticket> {
        let slot = self.slots.get(index)?;
        // Given back by `Ticket::settle`.
        let _kept_alive = Arc::into_raw(Arc::clone(self));
        Some(Ticket(NonNull::from(slot)))
    }

    /// As librdkafka takes it, with a ticket.
    pub(super) fn message(self: &Arc<Self>, index: usize) -> Option<RDKafkaMessage> {
        let record = self.records.get(index)?;
        let (key, key_len) = raw(self.bytes(record.key));
        let (payload, len) = raw(self.bytes(record.value));
        Some(RDKafkaMessage {
            err: rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR,
            rkt: ptr::null_mut(),
            partition: record.partition.unwrap_or(ANY_PARTITION),
            payload,
            len,
            key,
            key_len,
            offset: 0,
            _private: self.ticket(index)?.into_ptr(),
        })
    }
}

/// Address and length; an empty value has an address, a tombstone has none.
fn raw(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |it| (it.as_ptr().cast_mut().cast(), it.len()))
}

pub(super) fn error_code(code: i32) -> RDKafkaErrorCode {
    rd_kafka_resp_err_t::try_from(code).map_or(RDKafkaErrorCode::Unknown, RDKafkaErrorCode::from)
}

/// Rides along with a record and brings its report home.
///
/// **Invariant:** each ticket owns one strong count of its batch, so the slot and the bytes that
/// librdkafka reads are there until it is settled.
pub(crate) struct Ticket(NonNull<Slot>);

#[expect(unsafe_code, reason = "a ticket is a pointer")]
// SAFETY: slots may be reported to from any thread, and the batch is alive.
unsafe impl Send for Ticket {}
#[expect(unsafe_code, reason = "a ticket is a pointer")]
// SAFETY: as above.
unsafe impl Sync for Ticket {}

impl Ticket {
    /// Files the record's report.
    pub(crate) fn settle(self, report: Report) {
        let batch = self.batch();
        #[expect(unsafe_code, reason = "a ticket is a pointer")]
        // SAFETY: `batch` owns the slot and is alive.
        let slot = unsafe { self.0.as_ref() };
        let code = match report {
            Report::Stored { partition, offset } => {
                slot.partition.store(partition, Ordering::Relaxed);
                slot.offset.store(offset, Ordering::Relaxed);
                0
            }
            Report::Failed(code) => code as i32,
        };
        slot.code.store(code, Ordering::Release);
        batch.count_down();
    }

    /// The record was not taken, and has no report yet.
    pub(crate) fn give_back(self) {
        drop(self.batch());
    }

    /// The strong count that this ticket owns.
    fn batch(&self) -> Arc<Batch> {
        #[expect(unsafe_code, reason = "a ticket is a pointer")]
        // SAFETY: `Batch::ticket` made one count of this batch for this ticket, and both callers
        // consume the ticket.
        unsafe {
            Arc::from_raw(self.0.as_ref().batch)
        }
    }
}

impl IntoOpaque for Ticket {
    fn into_ptr(self) -> *mut c_void {
        self.0.as_ptr().cast()
    }

    #[expect(unsafe_code, reason = "the trait wants it")]
    unsafe fn from_ptr(pointer: *mut c_void) -> Self {
        match NonNull::new(pointer.cast()) {
            Some(slot) => Self(slot),
            None => unreachable!("every record has a ticket"),
        }
    }
}

#[cfg(test)]
mod tests;
