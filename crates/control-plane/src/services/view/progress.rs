//! How far a node is in a rollout, in the words that Aiven has for a node that is replaced.
//!
//! | Aiven's phase | ours, one step each |
//! |---|---|
//! | `prepare` | `pending`, `stopping` |
//! | `basebackup` | `starting`, `recovering`, `registered`, `opening_listeners`, `proving` |
//! | `stream` | `catching_up` |
//! | `finalize` | `soaking` |
//!
//! Those behind are completed, the present one shows how many of its steps are, those ahead are not
//! there yet. A node that is done has all four; one that failed has none, and says so in its
//! `tidegate.phase`.

use serde::Serialize;
use utoipa::ToSchema;

/// How far a node is in one of Aiven's phases.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct ProgressView {
    completed: bool,
    current: usize,
    min: usize,
    /// Never `min`: clients divide by the difference.
    max: usize,
    phase: &'static str,
    /// Steps have none of Aiven's units.
    unit: Option<&'static str>,
}

const STEPS: [(&str, &[&str]); 4] = [
    ("prepare", &["pending", "stopping"]),
    ("basebackup", &["starting", "recovering", "registered", "opening_listeners", "proving"]),
    ("stream", &["catching_up"]),
    ("finalize", &["soaking"]),
];

/// The progress of a node in this phase of ours.
pub(super) fn progress(phase: &str) -> Vec<ProgressView> {
    let mut shown = Vec::new();
    for (name, steps) in STEPS {
        let at = steps.iter().position(|it| *it == phase);
        let (current, max) = (at.unwrap_or(steps.len()), steps.len());
        let completed = at.is_none();
        shown.push(ProgressView { completed, current, min: 0, max, phase: name, unit: None });
        if at.is_some() {
            return shown;
        }
    }
    if phase == "done" { shown } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(phase: &str) -> String {
        let one = |it: &ProgressView| format!("{} {}/{}", it.phase, it.current, it.max);
        progress(phase).iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_behind_is_completed_and_what_is_ahead_is_not_there() {
        assert_eq!(brief("pending"), "prepare 0/2");
        assert_eq!(brief("registered"), "prepare 2/2, basebackup 2/5");
        assert_eq!(brief("catching_up"), "prepare 2/2, basebackup 5/5, stream 0/1");
        assert_eq!(brief("done"), "prepare 2/2, basebackup 5/5, stream 1/1, finalize 1/1");
        assert_eq!(brief("failed"), "");
    }

    #[test]
    fn every_phase_of_the_planner_is_known() {
        use rolling::Phase;
        let all = [
            Phase::Pending,
            Phase::Stopping,
            Phase::Starting,
            Phase::Recovering,
            Phase::Registered,
            Phase::OpeningListeners,
            Phase::Proving,
            Phase::CatchingUp,
            Phase::Soaking,
            Phase::Done,
        ];
        assert!(all.iter().all(|it| !progress(it.as_str()).is_empty()));
    }
}
