//! What the API answers, as far as it is shown. What a newer one adds is passed over.

use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Rollout {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) direction: String,
    pub(crate) target: String,
    pub(crate) base: Option<String>,
    pub(crate) started_by: String,
    pub(crate) started_at: String,
    pub(crate) ended_at: Option<String>,
    pub(crate) estimated_end: Option<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) blocker: Option<Blocker>,
    pub(crate) paused: Option<Word>,
    pub(crate) failure: Option<Failure>,
    pub(crate) remedy: String,
    pub(crate) consent: Option<Word>,
    pub(crate) window: Option<Window>,
    pub(crate) probe: Option<Probe>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Node {
    #[expect(clippy::struct_field_names, reason = "the API calls it so")]
    pub(crate) node: i32,
    pub(crate) name: String,
    pub(crate) phase: String,
    pub(crate) since: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Blocker {
    pub(crate) text: String,
    pub(crate) since: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Word {
    pub(crate) name: String,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Failure {
    pub(crate) node: i32,
    pub(crate) why: String,
    pub(crate) log: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Window {
    pub(crate) dow: String,
    pub(crate) time: String,
    pub(crate) opens_at: Option<String>,
    pub(crate) closes_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Probe {
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    pub(crate) slowest_ms: u64,
    pub(crate) longest_gap_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    pub(crate) time: String,
    pub(crate) node: Option<i32>,
    pub(crate) kind: String,
    pub(crate) detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Forecast {
    pub(crate) summary: String,
    pub(crate) needs_consent: bool,
    pub(crate) remedies: Vec<Remedy>,
    pub(crate) blocker: Option<Blocked>,
    pub(crate) window: Option<WindowFit>,
    pub(crate) nodes: Vec<NodeForecast>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Remedy {
    pub(crate) remedy: String,
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Blocked {
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct WindowFit {
    #[serde(flatten)]
    pub(crate) window: Window,
    pub(crate) fits: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct NodeForecast {
    pub(crate) name: String,
    pub(crate) batch: usize,
    pub(crate) away_ms: i64,
    pub(crate) is_measured: bool,
    pub(crate) quorum_margin: i64,
    pub(crate) n_partitions: usize,
    pub(crate) partitions: Vec<PartitionForecast>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PartitionForecast {
    pub(crate) partition: String,
    pub(crate) outage: String,
    pub(crate) certainty: String,
}

/// Why something was refused.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) forecast: Option<Forecast>,
}

impl Rollout {
    /// Whether nothing more happens by itself: it has ended, or stands because a node failed.
    pub(crate) fn rests(&self) -> bool {
        self.ended_at.is_some() || self.state == "halted"
    }
}
