//! When a rollout is done, if nothing gets in the way.

use std::collections::BTreeMap;

use model::{NodeId, PhaseStatus, Timestamp};
use rolling::Policy;
use store::RolloutRecord;

/// What each restart waits for anyway. Anything else may take any time.
const USUAL: [&str; 11] = [
    "auth_unproven",
    "busy",
    "fenced",
    "leaders_away",
    "metadata_behind",
    "min_in_sync",
    "not_answering",
    "not_registered",
    "out_of_sync",
    "soaking",
    "voter_behind",
];

/// When it is done, counting nodes one after another; `None` if that is not known. `usual` is how
/// long restarts of each node take, in milliseconds.
pub(super) fn eta(
    rollout: &RolloutRecord,
    phases: &[PhaseStatus],
    usual: &BTreeMap<NodeId, i64>,
    now: Timestamp,
) -> Option<Timestamp> {
    let stopped = rollout.paused.is_some() || rollout.is_halted || rollout.is_aborting;
    if stopped || rollout.ended_at.is_some() || super::opens_at(rollout, now).is_some() {
        return None;
    }
    let blocker = rollout.status.as_ref().and_then(|it| it.blocker.as_ref());
    if blocker.is_some_and(|it| !USUAL.contains(&it.code.as_str())) {
        return None;
    }
    let policy = Policy::default();
    let soak = rollout.soak_ms.unwrap_or(policy.soak_ms);
    let bake = rollout.canary_bake_ms.unwrap_or(policy.canary_bake_ms);
    let mut left = 0;
    for phase in phases.iter().filter(|it| it.phase != "done") {
        let spent = now.ms_since(phase.since).max(0);
        left += match phase.phase.as_str() {
            "failed" => return None,
            "pending" => *usual.get(&phase.node)? + soak,
            "soaking" => (soak - spent).max(0),
            _ => (*usual.get(&phase.node)? - spent).max(0) + soak,
        };
    }
    let n_begun = phases.iter().filter(|it| it.phase != "pending").count();
    let canary = rollout.direction == "forward" && n_begun <= 1;
    let all_done = phases.iter().all(|it| it.phase == "done");
    let extra = if canary && !all_done { (bake - soak).max(0) } else { 0 };
    Some(now.plus_ms(left + extra))
}

#[cfg(test)]
mod tests {
    use model::{BlockerStatus, RolloutId, RolloutStatus};

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn rollout(blocker: Option<&str>) -> RolloutRecord {
        let blocker = blocker.map(|code| BlockerStatus {
            code: code.into(),
            text: String::new(),
            since: NOW,
        });
        RolloutRecord {
            id: RolloutId(uuid::Uuid::nil()),
            target: "b".repeat(64),
            base: None,
            direction: "forward".into(),
            started_by: "api".into(),
            started_at: Timestamp(0),
            ended_at: None,
            outcome: None,
            paused: None,
            is_halted: false,
            is_aborting: false,
            failure: None,
            remedy: "wait".into(),
            consent: None,
            window: None,
            max_unavailable: 1,
            all_nodes: false,
            canary_bake_ms: Some(60_000),
            soak_ms: Some(15_000),
            version: 1,
            status: Some(RolloutStatus { blocker, nodes: Vec::new(), probe: None }),
            status_at: None,
        }
    }

    fn left(rollout: &RolloutRecord, phases: [(&str, i64); 3]) -> Option<i64> {
        let phases: Vec<_> = (1..)
            .zip(phases)
            .map(|(id, (phase, ago))| PhaseStatus {
                node: NodeId(id),
                phase: phase.into(),
                since: NOW.plus_ms(-ago),
            })
            .collect();
        let usual = (1..=3).map(|id| (NodeId(id), 20_000)).collect();
        eta(rollout, &phases, &usual, NOW).map(|it| it.ms_since(NOW))
    }

    #[test]
    fn what_is_left_of_each_node_is_added_up() {
        let moves = rollout(Some("soaking"));
        assert_eq!(left(&moves, [("pending", 0); 3]), Some(3 * 35_000 + 45_000));
        let second = [("done", 0), ("catching_up", 5_000), ("pending", 0)];
        assert_eq!(left(&moves, second), Some(30_000 + 35_000));
        assert_eq!(left(&moves, [("done", 0), ("done", 0), ("soaking", 14_000)]), Some(1000));
    }

    #[test]
    fn what_may_take_any_time_has_no_end() {
        let pending = [("pending", 0); 3];
        assert_eq!(left(&rollout(Some("needs_consent")), pending), None);
        assert_eq!(left(&rollout(None), [("failed", 0), ("done", 0), ("pending", 0)]), None);
        let paused = Some(("me".into(), "lunch".into()));
        assert_eq!(left(&RolloutRecord { paused, ..rollout(None) }, pending), None);
    }
}
