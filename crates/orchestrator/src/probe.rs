//! A client of our own that writes all through a rolling restart, and what it notices of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use kafka::{Admin, AdminConfig, ErrorCode, KafkaError, NewTopic, Probe};
use model::{ProbeFigures, RolloutId, TopicName};
use rolling::PROBE_TOPIC;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How often a record is due in each partition.
const EVERY: Duration = Duration::from_millis(100);
/// When a record that is not acknowledged counts as failed: `delivery.timeout.ms` of a client that
/// is configured with care.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long to wait before the topic is asked for again.
const RETRY: Duration = Duration::from_secs(1);
/// How long records are kept, in milliseconds.
const RETENTION_MS: &str = "600000";

/// What the probe has noticed of which rollout. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noticed(Arc<Mutex<Option<(RolloutId, Figures)>>>);

/// What was counted, and when each partition was acknowledged last.
#[derive(Clone, Debug, Default)]
struct Figures {
    counted: ProbeFigures,
    acked: BTreeMap<i32, Instant>,
}

impl Noticed {
    /// Begins to count for a rollout, or goes on where `before` ended.
    pub(crate) fn begin(&self, rollout: RolloutId, before: ProbeFigures) {
        let figures = Figures { counted: before, acked: BTreeMap::new() };
        *self.lock() = Some((rollout, figures));
    }

    /// What was counted for a rollout, a silence that goes on included.
    pub(crate) fn figures(&self, rollout: RolloutId) -> Option<ProbeFigures> {
        let noticed = self.lock();
        let (_, figures) = noticed.as_ref().filter(|it| it.0 == rollout)?;
        let silence = figures.acked.values().map(|it| millis(it.elapsed())).max().unwrap_or(0);
        let longest_gap_ms = figures.counted.longest_gap_ms.max(silence);
        Some(ProbeFigures { longest_gap_ms, ..figures.counted })
    }

    fn note(&self, rollout: RolloutId, partition: i32, sent: Instant, is_written: bool) {
        let mut noticed = self.lock();
        let Some((_, figures)) = noticed.as_mut().filter(|it| it.0 == rollout) else { return };
        let now = Instant::now();
        let counted = &mut figures.counted;
        counted.sent += 1;
        counted.slowest_ms = counted.slowest_ms.max(millis(now - sent));
        if !is_written {
            counted.failed += 1;
            return;
        }
        if let Some(before) = figures.acked.insert(partition, now) {
            counted.longest_gap_ms = counted.longest_gap_ms.max(millis(now - before));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(RolloutId, Figures)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes until `stop` is cancelled. What is under way then counts for nothing.
pub(crate) async fn run(
    admin: &Admin,
    config: AdminConfig,
    partitions: i32,
    rollout: RolloutId,
    noticed: &Noticed,
    stop: &CancellationToken,
) {
    let Ok(topic) = PROBE_TOPIC.parse::<TopicName>() else { return };
    while let Err(error) = ensure_topic(admin, &topic, partitions).await {
        debug!(error = %web::chain(&error), "no topic for the probe yet");
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(RETRY) => {}
        }
    }
    let probe = Probe::new(config);
    let writing = join_all((0..partitions).map(|partition| {
        let (probe, topic) = (&probe, &topic);
        async move {
            let mut due = interval(EVERY);
            due.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                // One at a time: what was due in the meantime is late, and says so. More would be a
                // load of its own when brokers are slow.
                let tick = due.tick().await;
                let written = probe.write(topic, partition, b"probe", DEADLINE).await;
                if let Err(error) = &written {
                    warn!(error = %web::chain(error), "the probe could not write");
                }
                noticed.note(rollout, partition, tick, written.is_ok());
            }
        }
    }));
    tokio::select! {
        () = stop.cancelled() => {}
        _ = writing => {}
    }
}

/// Makes the topic, if there is none.
async fn ensure_topic(admin: &Admin, topic: &TopicName, partitions: i32) -> Result<(), KafkaError> {
    let configs = [("retention.ms", RETENTION_MS), ("segment.bytes", "1048576")];
    let new = NewTopic {
        name: topic.clone(),
        partitions,
        replication: -1,
        configs: configs.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    };
    match admin.create_topic(&new, false).await {
        Err(KafkaError::Broker { code: ErrorCode::TopicAlreadyExists, .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silence_counts_while_it_lasts_and_only_for_its_rollout() {
        let (noticed, rollout) = (Noticed::default(), RolloutId(Uuid::from_u128(1)));
        noticed.begin(rollout, ProbeFigures { sent: 5, ..ProbeFigures::default() });
        let sent = Instant::now();
        sleep(Duration::from_millis(20)).await;
        noticed.note(rollout, 0, sent, true);
        sleep(Duration::from_millis(700)).await;
        let figures = noticed.figures(rollout).unwrap();
        assert_eq!((figures.sent, figures.slowest_ms, figures.longest_gap_ms), (6, 20, 700));
        noticed.note(rollout, 0, sent, false);
        assert_eq!(noticed.figures(rollout).unwrap().failed, 1);
        assert_eq!(noticed.figures(RolloutId(Uuid::from_u128(2))), None);
    }
}
