//! What a roll says at its end, as JSON.

use serde::Serialize;

/// How a roll went.
#[derive(Clone, Debug, Serialize)]
pub struct RollReport {
    /// Until the algorithm was through.
    pub total_secs: f64,
    /// Until every broker answered and was in every ISR again.
    pub whole_secs: f64,
    /// In the order in which they were stopped.
    pub restarts: Vec<Restart>,
    /// Brokers that ended by themselves meanwhile, and were started again at the end.
    pub ended_by_themselves: usize,
    /// Why the algorithm gave up, if it did.
    pub gave_up: Option<String>,
}

/// One restart. All times count from its signal.
#[derive(Clone, Debug, Serialize)]
pub struct Restart {
    /// The broker.
    pub node: i32,
    /// When the signal was sent, from the start of the roll on.
    pub at_secs: f64,
    /// Until its process was gone.
    pub stopped_secs: f64,
    /// Until its port was open.
    pub open_secs: Option<f64>,
    /// Until it answered and was in every ISR, where the algorithm looks at that.
    pub in_sync_secs: Option<f64>,
}
