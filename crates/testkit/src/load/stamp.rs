//! What a record of the load carries: enough to know it again wherever it turns up.

use std::time::Duration;

/// Names one record, and says when it should have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Which producer sent it.
    pub(crate) producer: usize,
    /// To which partition.
    pub(crate) partition: usize,
    /// How many this producer has sent to this partition before.
    pub(crate) sequence: usize,
    /// When it was due, since the start of the run. Latency counts from here, not from when the
    /// client got around to it.
    pub(crate) due: Duration,
}

impl Stamp {
    /// As a payload: `RUN PRODUCER PARTITION SEQUENCE DUE_MICROS`.
    pub(crate) fn payload(&self, run: &str) -> String {
        let Self { producer, partition, sequence, due } = self;
        format!("{run} {producer} {partition} {sequence} {}", due.as_micros())
    }

    /// Reads a payload. `None` if it is not of this run: the topic may hold those of others.
    pub(crate) fn parse(run: &str, payload: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(payload).ok()?.split(' ');
        if words.next()? != run {
            return None;
        }
        let stamp = Self {
            producer: words.next()?.parse().ok()?,
            partition: words.next()?.parse().ok()?,
            sequence: words.next()?.parse().ok()?,
            due: Duration::from_micros(words.next()?.parse().ok()?),
        };
        words.next().is_none().then_some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_back_by_its_own_run_only() {
        let due = Duration::from_micros(1_234_567);
        let stamp = Stamp { producer: 1, partition: 2, sequence: 3, due };
        let payload = stamp.payload("run-a");
        assert_eq!(payload, "run-a 1 2 3 1234567");
        assert_eq!(Stamp::parse("run-a", payload.as_bytes()), Some(stamp));
        assert_eq!(Stamp::parse("run-b", payload.as_bytes()), None);
        assert_eq!(Stamp::parse("run-a", b"run-a 1 2 3"), None);
        assert_eq!(Stamp::parse("run-a", b"run-a 1 2 3 4 5"), None);
        assert_eq!(Stamp::parse("run-a", &[0xff]), None);
    }
}
