//! What a rollout would do, before it does it.

use std::collections::BTreeSet;

use model::NodeId;

use crate::gate::not_whole;
use crate::turn::{Placement, inherent, next_batch, quorum_margin};
use crate::{Blocker, Impact, KafkaView, Order, Rollout, ServiceView, impact};

/// How many partitions of a node are named; the rest is counted.
const NAMED: usize = 50;

/// What a rollout would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What speaks against the start just now; it may pass by itself.
    pub blocker: Option<Blocker>,
    /// The nodes in the order of their restarts, as things are now.
    pub nodes: Vec<NodeForecast>,
    /// How long it takes if nothing gets in the way, in milliseconds.
    pub duration_ms: i64,
    /// Whether a person has to agree: a restart makes partitions unavailable, whatever is waited
    /// for.
    pub needs_consent: bool,
}

/// What the restart of one node would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeForecast {
    /// Which node.
    pub node: NodeId,
    /// Nodes with the same number are restarted together; counted from 1.
    pub batch: usize,
    /// How long it is away, in milliseconds.
    pub away_ms: i64,
    /// Whether that is known from earlier restarts of it.
    pub is_measured: bool,
    /// How many of the voters it leaves are more than a majority needs; below 0 the quorum is lost.
    pub quorum_margin: i64,
    /// Partitions that clients would miss, the first 50 of them.
    pub partitions: Vec<PartitionForecast>,
    /// How many there are in all.
    pub n_partitions: usize,
}

/// What the restart of a node would do to a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionForecast {
    /// `topic-index`.
    pub name: String,
    /// What clients would miss, and whether waiting helps.
    pub impact: Impact,
}

/// Plays a rollout through on what is there: every restart goes well and nothing else changes.
pub fn forecast(rollout: &Rollout, view: &ServiceView) -> Forecast {
    let Some(kafka) = &view.kafka else {
        return Forecast {
            blocker: Some(Blocker::KafkaSilent),
            nodes: Vec::new(),
            duration_ms: 0,
            needs_consent: false,
        };
    };
    let goal = rollout.goal().clone();
    let mut rollout = Rollout { remedy: crate::Remedy::Consent, ..rollout.clone() };
    let healed = healed(kafka);
    let (placement, now) = (Placement::for_many(&healed), Placement::for_many(kafka));
    let mut stale = crate::step::stale(&rollout, view);
    let needs_consent = inherent(&healed, &stale).is_some();
    let mut forecast = Forecast {
        blocker: not_whole(view, kafka),
        nodes: Vec::new(),
        duration_ms: 0,
        needs_consent,
    };
    let mut n_batch = 0;
    while !stale.is_empty() {
        // What blocks a whole cluster blocks for ever: such as the loss of a quorum of one.
        let batch = next_batch(&rollout, view, &healed, &placement, &stale)
            .unwrap_or_else(|_| stale.iter().copied().take(1).collect());
        n_batch += 1;
        let first = n_batch == 1;
        let away = batch.iter().map(|id| view.restart_ms(*id)).max().unwrap_or_default();
        let soak = if first { rollout.policy.canary_bake_ms } else { rollout.policy.soak_ms };
        forecast.duration_ms += away + soak.max(rollout.policy.leaders_delay_ms);
        for node in &batch {
            forecast.nodes.push(node_forecast(view, (kafka, &now), *node, &batch, n_batch));
            stale.remove(node);
            let order = Order { revision: goal.clone(), from: None, at: rollout.since, attempt: 1 };
            rollout.orders.insert(*node, order);
        }
    }
    forecast
}

/// The cluster as it is once every replica is in sync.
fn healed(kafka: &KafkaView) -> KafkaView {
    let mut healed = kafka.clone();
    for partition in &mut healed.partitions {
        partition.in_sync.clone_from(&partition.replicas);
    }
    healed.quorum.caught_up.clone_from(&healed.quorum.voters);
    healed
}

fn node_forecast(
    view: &ServiceView,
    (kafka, placement): (&KafkaView, &Placement<'_>),
    node: NodeId,
    together: &BTreeSet<NodeId>,
    batch: usize,
) -> NodeForecast {
    let mut found = Vec::new();
    let mut n_partitions = 0;
    for partition in placement.in_sync(node) {
        if let Some(impact) = impact(partition, together) {
            n_partitions += 1;
            if found.len() < NAMED {
                found.push(PartitionForecast { name: partition.name(), impact });
            }
        }
    }
    NodeForecast {
        node,
        batch,
        away_ms: view.restart_ms(node),
        is_measured: view.usual_ms(node).is_some(),
        quorum_margin: quorum_margin(kafka, together),
        partitions: found,
        n_partitions,
    }
}
