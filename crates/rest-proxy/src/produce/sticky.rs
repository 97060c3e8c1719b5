//! One partition at a time for records that may go anywhere.
//!
//! librdkafka sends one partition in each request, and looks for one for each record. So a partition
//! that it chose, and that took a record, is used for a while without asking.

use std::sync::Mutex;

use model::Timestamp;

use crate::clients::STICKY_MS;
use crate::librdkafka::Report;
use crate::shared::locked;

/// The partition of the moment, and the one before, which serves while that is busy.
#[derive(Default)]
pub(super) struct Sticky(Mutex<Chosen>);

#[derive(Clone, Copy, Default)]
struct Chosen {
    current: Option<i32>,
    /// When it was chosen.
    since: Option<Timestamp>,
    before: Option<i32>,
}

impl Sticky {
    /// The partition of the moment, or another that is not `busy`; `None` if librdkafka should
    /// choose.
    pub(super) fn get(&self, busy: impl Fn(Option<i32>) -> bool) -> Option<i32> {
        self.at(Timestamp::now(), busy)
    }

    fn at(&self, now: Timestamp, busy: impl Fn(Option<i32>) -> bool) -> Option<i32> {
        let Chosen { current, since, before } = *locked(&self.0);
        let age = now.ms_since(since?);
        if !(0..STICKY_MS).contains(&age) {
            return None;
        }
        if busy(current) { before.or(current) } else { current }
    }

    /// What came of a record that was sent to `used`, or to where librdkafka chose.
    pub(super) fn learn(&self, used: Option<i32>, report: Option<Report>) {
        let mut chosen = locked(&self.0);
        match report {
            Some(Report::Stored { partition, .. }) if used.is_none() => {
                if chosen.current != Some(partition) {
                    chosen.before = chosen.current;
                }
                chosen.current = Some(partition);
                chosen.since = Some(Timestamp::now());
            }
            Some(Report::Stored { .. }) => {}
            // Its leader may be gone.
            _ => *chosen = Chosen::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::*;

    #[test]
    fn what_librdkafka_chose_is_kept_for_a_while_and_given_up_with_the_first_failure() {
        let sticky = Sticky::default();
        let stored = |partition| Some(Report::Stored { partition, offset: 0 });
        let free = |_| false;
        assert_eq!(sticky.get(free), None);
        sticky.learn(None, stored(3));
        let now = Timestamp::now();
        assert_eq!(sticky.at(now.plus_ms(STICKY_MS / 2), free), Some(3));
        assert_eq!(sticky.at(now.plus_ms(2 * STICKY_MS), free), None, "another one's turn");
        sticky.learn(Some(3), Some(Report::Failed(RDKafkaErrorCode::MessageTimedOut)));
        assert_eq!(sticky.get(free), None);
    }

    #[test]
    fn the_one_before_serves_while_the_other_is_busy() {
        let sticky = Sticky::default();
        let busy = |it: Option<i32>| it == Some(4);
        for partition in [3, 4, 4] {
            sticky.learn(None, Some(Report::Stored { partition, offset: 0 }));
        }
        assert_eq!((sticky.get(|_| false), sticky.get(busy)), (Some(4), Some(3)));
    }
}
