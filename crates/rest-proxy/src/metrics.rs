//! What is counted. A page of it is `GET /metrics`.
//!
//! **Invariant:** labels have few values, known beforehand: never a path, a topic, a group or a
//! principal. Counting takes a few atomic additions: no lock, no search for a label.

mod page;
mod process;
mod reasons;
mod requests;

use std::sync::{Arc, Mutex};

use prometheus::core::Collector;
use prometheus::{
    Counter, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

pub(crate) use self::page::{routes, show_metrics};
pub(crate) use self::reasons::{AuthFailure, End, ProduceFailure};

/// Upper ends of the classes of durations, in seconds. A long poll may take half a minute.
const SECONDS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

/// All that is counted. Cheap to clone; clones count together.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
    produced: Volume,
    consumed: Volume,
    produce_failures: Vec<IntCounter>,
    auth_failures: Vec<IntCounter>,
    sessions_opened: IntCounter,
    sessions_ended: Vec<IntCounter>,
    token_swaps: IntCounter,
    builds: IntCounter,
    failed_builds: IntCounter,
    forgotten_uses: IntCounter,
    /// Also the lock of who writes a page.
    sampled: Mutex<Sampled>,
}

/// Records and their bytes.
struct Volume {
    records: IntCounter,
    bytes: IntCounter,
}

/// What is looked at when somebody asks for the page.
struct Sampled {
    sessions: IntGauge,
    consumers: IntGaugeVec,
    builds_in_flight: IntGauge,
    bodies: IntGauge,
    keys: IntGauge,
    keys_age: IntGauge,
    keys_failures: IntGauge,
    start_time: IntGauge,
    cpu: Counter,
    resident: IntGauge,
    virtual_memory: IntGauge,
    threads: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let new = Maker(Registry::new());
        let build_info = new.gauges("tidegate_rest_build_info", "Always 1", &["version"]);
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let inner = Inner {
            requests: new.counters(
                "tidegate_rest_http_requests_total",
                "HTTP requests that ended, by status; 499: the caller hung up",
                &["method", "route", "status"],
            ),
            durations: new.durations(
                "tidegate_rest_http_request_duration_seconds",
                "From the head of a request to the head of its answer",
                &["method", "route"],
            ),
            in_flight: new
                .gauge("tidegate_rest_http_requests_in_flight", "HTTP requests in flight"),
            produced: new.volume("produced", "acknowledged by Kafka"),
            consumed: new.volume("consumed", "handed to callers"),
            produce_failures: new.reasons(
                "tidegate_rest_produce_failures_total",
                "Records that were not stored or not acknowledged, by reason; without those of requests \
                 that were refused as a whole before",
                &ProduceFailure::LABELS,
            ),
            auth_failures: new.reasons(
                "tidegate_rest_authentication_failures_total",
                "Requests whose credentials were missing or not accepted, by reason",
                &AuthFailure::LABELS,
            ),
            sessions_opened: new
                .counter("tidegate_rest_sessions_opened_total", "Sessions that were opened"),
            sessions_ended: new.reasons(
                "tidegate_rest_sessions_ended_total",
                "Sessions that ended, by reason",
                &End::LABELS,
            ),
            token_swaps: new.counter(
                "tidegate_rest_token_swaps_total",
                "Newer tokens that live sessions went on with",
            ),
            builds: new
                .counter("tidegate_rest_client_builds_total", "Kafka clients that were begun"),
            failed_builds: new.counter(
                "tidegate_rest_client_build_failures_total",
                "Kafka clients that could not be made",
            ),
            forgotten_uses: new.counter(
                "tidegate_rest_seen_forgotten_total",
                "Uses of resources that the control plane was not told of: there were too many, or \
                 it did not take them",
            ),
            sampled: Mutex::new(Sampled::new(&new)),
            registry: new.0,
        };
        Self(Arc::new(inner))
    }

    /// Kafka acknowledged `records`, whose keys and values have `bytes` together.
    pub(crate) fn produced(&self, records: usize, bytes: usize) {
        self.0.produced.add(records, bytes);
    }

    /// A record was not stored, or not acknowledged.
    pub(crate) fn produce_failed(&self, reason: ProduceFailure) {
        if let Some(counter) = self.0.produce_failures.get(reason as usize) {
            counter.inc();
        }
    }

    /// A caller was handed `records`, whose keys and values have `bytes` together.
    pub(crate) fn consumed(&self, records: usize, bytes: usize) {
        self.0.consumed.add(records, bytes);
    }

    /// Somebody did not get in.
    pub(crate) fn auth_failed(&self, reason: AuthFailure) {
        if let Some(counter) = self.0.auth_failures.get(reason as usize) {
            counter.inc();
        }
    }

    pub(crate) fn session_opened(&self) {
        self.0.sessions_opened.inc();
    }

    pub(crate) fn session_ended(&self, why: End) {
        if let Some(counter) = self.0.sessions_ended.get(why as usize) {
            counter.inc();
        }
    }

    /// A live session goes on with a newer token.
    pub(crate) fn token_swapped(&self) {
        self.0.token_swaps.inc();
    }

    /// Of `uses` the control plane is not told.
    pub(crate) fn uses_forgotten(&self, uses: usize) {
        self.0.forgotten_uses.inc_by(wide(uses));
    }

    /// How many those are.
    #[cfg(test)]
    pub(crate) fn forgotten(&self) -> u64 {
        self.0.forgotten_uses.get()
    }

    /// A Kafka client was made, or could not be.
    pub(crate) fn client_built(&self, well: bool) {
        self.0.builds.inc();
        if !well {
            self.0.failed_builds.inc();
        }
    }
}

impl Volume {
    fn add(&self, records: usize, bytes: usize) {
        self.records.inc_by(wide(records));
        self.bytes.inc_by(wide(bytes));
    }
}

impl Sampled {
    fn new(new: &Maker) -> Self {
        Self {
            sessions: new.gauge("tidegate_rest_sessions", "Sessions that are open"),
            consumers: new.gauges(
                "tidegate_rest_consumer_instances",
                "Consumer instances: live, or suspended until their owner returns",
                &["state"],
            ),
            builds_in_flight: new
                .gauge("tidegate_rest_client_builds_in_flight", "Kafka clients being made"),
            bodies: new.gauge(
                "tidegate_rest_in_flight_bytes",
                "Room that is taken by request bodies, in steps of 1024",
            ),
            keys: new.gauge("tidegate_rest_jwks_keys", "Keys of the identity provider in use"),
            keys_age: new.gauge(
                "tidegate_rest_jwks_age_seconds",
                "Since the keys were last known to be right; -1: never",
            ),
            keys_failures: new.gauge(
                "tidegate_rest_jwks_failures",
                "Fetches of keys that failed since one last succeeded",
            ),
            start_time: new.gauge("process_start_time_seconds", "Start, in Unix time"),
            cpu: new.seconds("process_cpu_seconds_total", "User and system CPU time spent"),
            resident: new.gauge("process_resident_memory_bytes", "Resident memory size"),
            virtual_memory: new.gauge("process_virtual_memory_bytes", "Virtual memory size"),
            threads: new.gauge("process_threads", "Threads of the process"),
            open_fds: new.gauge("process_open_fds", "Open file descriptors"),
            max_fds: new.gauge("process_max_fds", "Most file descriptors that may be open"),
        }
    }
}

const fn wide(count: usize) -> u64 {
    count as u64
}

/// Makes metrics and has them on the page. Names and help texts are fixed and distinct, which is
/// all that could be wrong with them.
struct Maker(Registry);

impl Maker {
    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.on_page(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.on_page(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A counter for each reason, in this order.
    fn reasons(&self, name: &str, help: &str, reasons: &[&str]) -> Vec<IntCounter> {
        let all = self.counters(name, help, &["reason"]);
        reasons.iter().map(|it| all.with_label_values(&[it])).collect()
    }

    fn volume(&self, verb: &str, what: &str) -> Volume {
        let counter = |unit: &str, counted: &str| {
            let name = format!("tidegate_rest_{verb}_{unit}_total");
            self.counter(&name, &format!("{counted} {what}"))
        };
        let bytes = counter("bytes", "Bytes of keys and values of records");
        Volume { records: counter("records", "Records"), bytes }
    }

    fn durations(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.on_page(HistogramVec::new(options, labels))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.on_page(IntGauge::new(name, help))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.on_page(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn seconds(&self, name: &str, help: &str) -> Counter {
        self.on_page(Counter::new(name, help))
    }

    fn on_page<M: Collector + Clone + 'static>(&self, made: prometheus::Result<M>) -> M {
        let registered = made.and_then(|it| self.0.register(Box::new(it.clone())).map(|()| it));
        match registered {
            Ok(metric) => metric,
            Err(error) => unreachable!("a fixed name of a metric is wrong: {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
