//! What is put beside our rolling restart.

/// An algorithm of `tidegate-roll`.
pub(super) struct Rival {
    pub(super) name: &'static str,
    /// What is to be known of its numbers.
    pub(super) note: &'static str,
}

/// What three restarts cost at the least: the baseline of our time.
pub(super) const SINGLE: &str = "single";
/// The same, with leaders moved away before each stop.
pub(super) const DRAIN: &str = "drain";
/// It waits for a number of checks.
pub(super) const KAFKA_UTILS: &str = "kafka-utils";
/// How often it finds the cluster well before it goes on, by its own rule and here.
pub(super) const CHECKS: u32 = 12;
pub(super) const CHECKS_HERE: u32 = 2;
/// How many seconds lie between two checks.
pub(super) const CHECK_SECS: u32 = 10;

pub(super) const RIVALS: [Rival; 6] = [
    Rival { name: SINGLE, note: "each alone; total is the sum of stop, start and resync" },
    Rival { name: DRAIN, note: "each alone, after its leaders were moved away, eight at a time" },
    Rival {
        name: "strimzi",
        note: "without the 15 s that Kubernetes waits before it probes for readiness",
    },
    Rival { name: KAFKA_UTILS, note: "" },
    Rival { name: "naive", note: "SIGTERM, start, the next when the port is open" },
    Rival { name: "kill-9", note: "SIGKILL, start, the next when the port is open" },
];

impl Rival {
    /// The note, which for kafka-utils says what is left out.
    pub(super) fn note(&self, checks: u32) -> String {
        if self.name != KAFKA_UTILS {
            return self.note.to_owned();
        }
        let left_out = CHECKS.saturating_sub(checks) * CHECK_SECS;
        format!(
            "{checks} checks {CHECK_SECS} s apart before each next broker; by its own rule \
             {CHECKS}, which adds {left_out} s a broker"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kafka_utils_is_spared_is_said() {
        let rival = RIVALS.iter().find(|it| it.name == KAFKA_UTILS).unwrap();
        assert!(rival.note(2).ends_with("adds 100 s a broker"));
        assert!(rival.note(12).ends_with("adds 0 s a broker"));
    }
}
