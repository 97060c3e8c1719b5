//! Uses that a service's brokers have allowed, until they are in the database.

use std::collections::BTreeMap;

use model::{NodeId, SeenReport, SeenUse, Timestamp};

use crate::driver::LogMark;

/// The most uses that are remembered of a service, as many as the database takes of one.
const MOST: usize = 20_000;
/// A use that goes on is told again after so long: when it was last is of days.
const AGAIN_MS: i64 = 5 * 60 * 1000;

/// What was seen of a service. May be lost: the brokers' files are then read from their beginning.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// How far each node's file was read.
    pub(crate) marks: BTreeMap<NodeId, LogMark>,
    /// By the use, without its time.
    uses: BTreeMap<SeenUse, Times>,
    /// Uses for which there was no room, since they were taken.
    dropped: u64,
}

#[derive(Debug)]
struct Times {
    last: Timestamp,
    /// The time that the database has.
    told: Option<Timestamp>,
}

impl Times {
    fn is_due(&self) -> bool {
        self.told.is_none_or(|it| self.last.ms_since(it) >= AGAIN_MS)
    }
}

impl Gathered {
    /// Remembers a use. If there is no room it takes that of those which need not be told.
    pub(crate) fn add(&mut self, mut seen: SeenUse) {
        let last = std::mem::replace(&mut seen.last, Timestamp(0));
        if let Some(times) = self.uses.get_mut(&seen) {
            times.last = times.last.max(last);
            return;
        }
        if self.uses.len() >= MOST {
            self.uses.retain(|_, it| it.is_due());
        }
        if self.uses.len() < MOST {
            self.uses.insert(seen, Times { last, told: None });
        } else {
            self.dropped += 1;
        }
    }

    /// Uses that the database does not know yet, or only as long ago; as many as fit into a report.
    pub(crate) fn due(&self) -> SeenReport {
        let due = self.uses.iter().filter(|(_, times)| times.is_due());
        let uses = due.map(|(seen, times)| SeenUse { last: times.last, ..seen.clone() });
        SeenReport { uses: uses.take(SeenReport::MOST).collect(), claims: Vec::new() }
    }

    /// A report is in the database.
    pub(crate) fn told(&mut self, report: SeenReport) {
        for mut seen in report.uses {
            let last = std::mem::replace(&mut seen.last, Timestamp(0));
            if let Some(times) = self.uses.get_mut(&seen) {
                times.told = Some(last);
            }
        }
    }

    /// For how many uses there was no room since this was last asked.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use model::{AclOperation, Principal, ResourceType};

    use super::*;

    fn seen(topic: usize, last: i64) -> SeenUse {
        SeenUse {
            principal: Some(Principal("alice".into())),
            proven: true,
            resource_type: ResourceType::Topic,
            resource_name: format!("t{topic}"),
            operation: AclOperation::Read,
            last: Timestamp(last),
        }
    }

    #[test]
    fn a_use_is_told_once_and_again_when_it_has_gone_on_for_a_while() {
        let mut gathered = Gathered::default();
        gathered.add(seen(1, 1_000));
        gathered.add(seen(1, 900));
        assert_eq!(gathered.due().uses, [seen(1, 1_000)]);
        assert_eq!(gathered.due().uses.len(), 1, "until it is in the database");
        gathered.told(gathered.due());
        gathered.add(seen(1, 1_000 + AGAIN_MS - 1));
        assert!(gathered.due().is_empty());
        gathered.add(seen(1, 1_000 + AGAIN_MS));
        assert_eq!(gathered.due().uses, [seen(1, 1_000 + AGAIN_MS)]);
    }

    #[test]
    fn there_are_never_more_than_the_bound_and_what_was_told_goes_first() {
        let mut gathered = Gathered::default();
        (0..MOST).for_each(|it| gathered.add(seen(it, 1)));
        let report = gathered.due();
        assert_eq!((report.uses.len(), report.check()), (SeenReport::MOST, Ok(())));
        gathered.add(seen(MOST, 1));
        assert_eq!((gathered.uses.len(), gathered.take_dropped()), (MOST, 1));
        gathered.told(report);
        gathered.add(seen(MOST, 1));
        assert_eq!(gathered.uses.len(), MOST - SeenReport::MOST + 1);
        assert_eq!(gathered.take_dropped(), 0);
    }
}
