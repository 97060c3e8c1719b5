//! Whether records are sent at once or in large batches.

use std::time::Duration;

use model::RestProducer;

/// From how many records on a request has to do with large batches.
const MANY: usize = 20;
/// How long librdkafka waits for the rest of many records: longer than its thread takes to wake up.
const GATHERING: Duration = Duration::from_micros(60);

/// What the records of a request need. Each pace has a producer of its own, because librdkafka knows
/// one `linger.ms` a client. Who waits for the answer to one request before the next is sent has its
/// records in order, whatever their paces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// To be sent at once.
    Quick,
    /// To be sent together: librdkafka's thread wakes up with the first record, and would go with
    /// what is there by then.
    Bulk,
}

impl Pace {
    pub(crate) const ALL: [Self; 2] = [Self::Quick, Self::Bulk];

    /// That of a request with so many records.
    pub(crate) const fn of(records: usize) -> Self {
        if records < MANY { Self::Quick } else { Self::Bulk }
    }

    /// How many batches may be with librdkafka, each for another partition. It sends a broker one
    /// at a time, and the next at once when that is prepared.
    pub(crate) const fn flights(self) -> usize {
        match self {
            Self::Quick => 1,
            Self::Bulk => 2,
        }
    }

    /// How long librdkafka waits for more records, and whether it has to be woken up after that:
    /// by itself it knows whole milliseconds.
    pub(crate) fn linger(self, wanted: &RestProducer) -> (Duration, bool) {
        match (self, wanted.linger_ms) {
            (Self::Bulk, 0) => (GATHERING, true),
            (_, linger_ms) => (Duration::from_millis(linger_ms.into()), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_the_service_wants_is_kept_and_otherwise_only_many_records_wait() {
        let mut wanted = testing::settings("127.0.0.1:1").producer;
        assert_eq!(Pace::of(1).linger(&wanted), (Duration::ZERO, false));
        assert_eq!(Pace::of(MANY).linger(&wanted), (GATHERING, true));
        wanted.linger_ms = 5;
        for pace in Pace::ALL {
            assert_eq!(pace.linger(&wanted), (Duration::from_millis(5), false));
        }
    }
}
