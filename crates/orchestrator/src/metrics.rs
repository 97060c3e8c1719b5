//! What is counted of rolling restarts. A page of it is `GET /metrics`.
//!
//! **Invariant:** labels have few values: services of this installation and stable names of
//! `rolling`, never a topic or a text.

use prometheus::{
    CounterVec, Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use rolling::{End, Phase, Step};

/// Upper ends of the classes of phases, in seconds.
const SECONDS: [f64; 10] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 180.0, 600.0, 3600.0];

/// All that is counted. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    rollouts: IntGaugeVec,
    phases: HistogramVec,
    blocked: CounterVec,
    restarts: IntCounterVec,
    ended: IntCounterVec,
    decisions: IntCounterVec,
    forecast_error: HistogramVec,
    epochs: IntGaugeVec,
    unsafe_looks: IntCounterVec,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let opts = |name: &str, help: &str| Opts::new(format!("tidegate_{name}"), help);
        let histogram = |name: &str, help: &str| {
            HistogramOpts::from(opts(name, help)).buckets(SECONDS.to_vec())
        };
        let made = Self {
            rollouts: IntGaugeVec::new(
                opts("rollout_active", "Whether a rolling restart is under way: 1 or 0."),
                &["service"],
            )?,
            phases: HistogramVec::new(
                histogram("node_phase_seconds", "How long a node was in a phase of its restart."),
                &["phase"],
            )?,
            blocked: CounterVec::new(
                opts("rollout_blocked_seconds_total", "How long rollouts waited, and for what."),
                &["service", "reason"],
            )?,
            restarts: IntCounterVec::new(
                opts("node_orders_total", "Nodes told to start or restart, and why."),
                &["service", "reason"],
            )?,
            ended: IntCounterVec::new(
                opts("rollouts_ended_total", "Rollouts that ended, went back or halted."),
                &["service", "result"],
            )?,
            decisions: IntCounterVec::new(
                opts("gate_evaluations_total", "Decisions of the planner, by what came of them."),
                &["service", "result"],
            )?,
            forecast_error: HistogramVec::new(
                histogram(
                    "forecast_error_seconds",
                    "By how much the restart of a node differed from what was usual.",
                ),
                &["service"],
            )?,
            epochs: IntGaugeVec::new(
                opts("lease_epoch", "The epoch of the lease on a service, while it is ours."),
                &["service"],
            )?,
            unsafe_looks: IntCounterVec::new(
                opts(
                    "unsafe_observations_total",
                    "Looks at which a partition had too few replicas in sync while a node was away \
                     by our order, and nobody had agreed to it. Has to be 0.",
                ),
                &["service"],
            )?,
            registry,
        };
        made.register()?;
        Ok(made)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let all: [Box<dyn prometheus::core::Collector>; 9] = [
            Box::new(self.rollouts.clone()),
            Box::new(self.phases.clone()),
            Box::new(self.blocked.clone()),
            Box::new(self.restarts.clone()),
            Box::new(self.ended.clone()),
            Box::new(self.decisions.clone()),
            Box::new(self.forecast_error.clone()),
            Box::new(self.epochs.clone()),
            Box::new(self.unsafe_looks.clone()),
        ];
        all.into_iter().try_for_each(|it| self.registry.register(it))
    }

    /// The page, in Prometheus' text format.
    pub fn page(&self) -> String {
        let mut page = Vec::new();
        // Writing to memory fails for no valid metric.
        let written = TextEncoder::new().encode(&self.registry.gather(), &mut page);
        written.map_or_else(
            |error| format!("# {error}\n"),
            |()| String::from_utf8_lossy(&page).into_owned(),
        )
    }

    /// Counts of one service.
    pub(crate) fn of(&self, service: &str) -> ServiceMetrics {
        // Has to be there to be seen to be 0.
        self.unsafe_looks.with_label_values(&[service]).inc_by(0);
        ServiceMetrics { all: self.clone(), service: service.to_owned() }
    }
}

/// Counts of one service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceMetrics {
    all: Metrics,
    service: String,
}

impl ServiceMetrics {
    /// A decision was made, `seconds` after the one before.
    pub(crate) fn decided(&self, step: &Step, is_rolling: bool, seconds: f64) {
        let service = self.service.as_str();
        self.all.rollouts.with_label_values(&[service]).set(i64::from(is_rolling));
        self.all.decisions.with_label_values(&[service, result(step)]).inc();
        match step {
            Step::Wait(blocker) if is_rolling => {
                self.all.blocked.with_label_values(&[service, blocker.code()]).inc_by(seconds);
            }
            _ => {}
        }
    }

    /// A decision was carried out.
    pub(crate) fn done(&self, step: &Step) {
        let service = self.service.as_str();
        let ordered = |reason, n: usize| {
            let n = u64::try_from(n).unwrap_or(u64::MAX);
            self.all.restarts.with_label_values(&[service, reason]).inc_by(n);
        };
        let ended = |result| self.all.ended.with_label_values(&[service, result]).inc();
        match step {
            Step::Start(nodes) => ordered("down", nodes.len()),
            Step::Restart(nodes) => ordered("rollout", nodes.len()),
            Step::GoBack(failure) => ended(failure.kind.as_str()),
            Step::Halt(_) => ended("halted"),
            Step::End(End::Done) => ended("done"),
            Step::End(End::RolledBack) => ended("rolled_back"),
            Step::End(End::Aborted) => ended("aborted"),
            _ => {}
        }
    }

    /// A node left a phase after `ms` milliseconds.
    pub(crate) fn left(&self, phase: Phase, ms: i64) {
        self.all.phases.with_label_values(&[phase.as_str()]).observe(seconds(ms));
    }

    /// A restart took `ms` milliseconds, and `usual_ms` were expected.
    pub(crate) fn took(&self, ms: i64, usual_ms: i64) {
        let error = seconds((ms - usual_ms).abs());
        self.all.forecast_error.with_label_values(&[&self.service]).observe(error);
    }

    /// The lease is ours.
    pub(crate) fn holds(&self, epoch: i64) {
        self.all.epochs.with_label_values(&[&self.service]).set(epoch);
    }

    /// A look at which clients were kept from writing by us.
    pub(crate) fn saw_unsafe(&self) {
        self.all.unsafe_looks.with_label_values(&[&self.service]).inc();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time for people")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn result(step: &Step) -> &'static str {
    match step {
        Step::Start(_) => "start",
        Step::Restart(_) => "restart",
        Step::RestoreLeaders(_) => "restore_leaders",
        Step::RaiseReplication(_) => "raise_replication",
        Step::LowerReplication(_) => "lower_replication",
        Step::GoBack(_) => "go_back",
        Step::Halt(_) => "halt",
        Step::Wait(blocker) => blocker.code(),
        Step::End(_) => "end",
        Step::Idle => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_what_was_counted() {
        let metrics = Metrics::new().unwrap();
        let service = metrics.of("my-kafka");
        service.decided(&Step::Wait(rolling::Blocker::NoQuorumLeader), true, 0.5);
        service.done(&Step::Restart([model::NodeId(1)].into()));
        service.left(Phase::CatchingUp, 1500);
        let page = metrics.page();
        for line in [
            r#"tidegate_rollout_blocked_seconds_total{reason="no_quorum_leader",service="my-kafka"} 0.5"#,
            r#"tidegate_node_orders_total{reason="rollout",service="my-kafka"} 1"#,
            r#"tidegate_node_phase_seconds_count{phase="catching_up"} 1"#,
            r#"tidegate_unsafe_observations_total{service="my-kafka"} 0"#,
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }
}
