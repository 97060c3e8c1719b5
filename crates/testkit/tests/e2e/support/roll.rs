//! A rolling restart, watched from outside until it is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::service::ServiceState;
use super::{Stack, wait_until};

/// A rolling restart that is over.
pub(crate) struct Roll {
    /// From the update until every node was current and in sync.
    pub(crate) took: Duration,
    /// Each picture that differed from the one before, with its time.
    pub(crate) pictures: Vec<(Instant, ServiceState)>,
    /// How many brokers ran at the worst moment, by the process table.
    pub(crate) fewest_running: usize,
    /// The nodes in the order in which they were restarted, as the events tell it.
    pub(crate) order: Vec<String>,
    pub(crate) end: ServiceState,
}

/// Watches a rolling restart that has begun after event `since`.
pub(crate) async fn watch_roll(stack: &Stack, since: i64) -> Roll {
    let mut pictures: Vec<(Instant, ServiceState)> = Vec::new();
    let mut fewest_running = usize::MAX;
    let what = "the rolling restart ends";
    let (end, took) = wait_until(what, Duration::from_mins(10), async || {
        let service = stack.service().await;
        fewest_running = fewest_running.min(stack.running().brokers.len());
        if pictures.last().is_none_or(|(_, last)| *last != service) {
            pictures.push((Instant::now(), service.clone()));
        }
        if service.is_settled() { Ok(service) } else { Err(format!("{service:?}")) }
    })
    .await;
    let events = stack.events_after(since).await;
    let order = events
        .iter()
        .filter(|it| it.kind == "node_restart")
        .map(|it| {
            let node = it.description.split_whitespace().nth(1).expect("it names the node");
            format!("{}-{node}", stack.service)
        })
        .collect();
    Roll { took, pictures, fewest_running, order, end }
}

impl Roll {
    /// How long each node was in each state, but `running`.
    pub(crate) fn phases(&self) -> BTreeMap<String, BTreeMap<String, Duration>> {
        let mut phases: BTreeMap<String, BTreeMap<String, Duration>> = BTreeMap::new();
        for pair in self.pictures.windows(2) {
            let passed = pair[1].0 - pair[0].0;
            for node in pair[0].1.nodes.iter().filter(|it| it.state != "running") {
                let states = phases.entry(node.name.clone()).or_default();
                *states.entry(node.state.clone()).or_default() += passed;
            }
        }
        phases
    }

    /// Fails unless never two nodes were down, or going down, at once, and each went down when the
    /// others were in sync.
    pub(crate) fn assert_one_at_a_time(&self) {
        let nodes = self.end.nodes.len();
        assert!(self.fewest_running >= nodes - 1, "only {} brokers ran", self.fewest_running);
        let mut down = None;
        for (_, picture) in &self.pictures {
            let out: Vec<&str> = picture
                .nodes
                .iter()
                .filter(|it| is_out(&it.state))
                .map(|it| it.name.as_str())
                .collect();
            assert!(out.len() <= 1, "two nodes are out at once: {picture:?}");
            if let [node] = out[..]
                && down != Some(node)
            {
                down = Some(node);
                let running = picture.nodes.iter().filter(|it| it.state == "running").count();
                assert_eq!(
                    running,
                    nodes - 1,
                    "{node} goes before all others are back: {picture:?}"
                );
            }
        }
    }

    /// Fails unless each node was restarted once, and none while it was the active controller and
    /// another was left.
    pub(crate) fn assert_controller_last(&self) {
        let (mut sorted, nodes) = (self.order.clone(), self.end.nodes.len());
        sorted.sort();
        sorted.dedup();
        assert_eq!((sorted.len(), self.order.len()), (nodes, nodes), "order: {:?}", self.order);
        for node in &self.order[..nodes - 1] {
            let before = self.active_controller_before(node);
            assert_ne!(before, Some(node.as_str()), "restarted too early: {:?}", self.order);
        }
    }

    /// Who led the controllers when a node went down, as far as it was seen.
    pub(crate) fn active_controller_before(&self, node: &str) -> Option<&str> {
        let is_out_in = |picture: &ServiceState| {
            picture.nodes.iter().any(|it| it.name == node && is_out(&it.state))
        };
        let at = self.pictures.iter().position(|(_, it)| is_out_in(it));
        let at = at.unwrap_or_else(|| panic!("{node} was never seen down"));
        self.pictures[..at].iter().rev().find_map(|(_, it)| it.active_controller())
    }
}

fn is_out(state: &str) -> bool {
    matches!(state, "leaving" | "setting_up_vm")
}
