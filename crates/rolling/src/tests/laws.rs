//! Laws over random clusters: `sim::run` asserts them at every step.

use proptest::prelude::*;

use super::sim::{self, Pace};

fn pace() -> impl Strategy<Value = Pace> {
    (1..20_u8, 0..40_u8, 0..60_u8).prop_map(|(stop, start, catch_up)| Pace {
        stop,
        start,
        catch_up,
    })
}

proptest! {
    /// Whatever the size, however slow the nodes, and wherever the orchestrator crashes between
    /// writing an order down and carrying it out: each node is restarted exactly once, the active
    /// controller last, and never a second one while a replica is out of sync.
    #[test]
    fn every_rollout_ends_with_each_node_restarted_once(
        size in 3..12_i32,
        paces in prop::collection::vec(pace(), 1..12),
        crashes in prop::collection::vec(1..12_u8, 0..4),
    ) {
        let order = sim::run(size, &paces, &crashes);
        prop_assert_eq!(order.len(), usize::try_from(size).unwrap());
    }
}
