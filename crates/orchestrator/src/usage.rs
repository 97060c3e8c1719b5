//! What a node uses of its machine, and what becomes of two looks at it.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Metric, Timestamp};
use rolling::Incarnation;
use uuid::Uuid;

/// The time between two samples of a node, in milliseconds; `store` has a row for each such step.
pub(crate) const STEP_MS: i64 = 30_000;
/// In which part of a step samples are taken: not near its ends, where one that is a little late would
/// be of the next.
const WITHIN_MS: u128 = 20_000;

/// What a driver reads of a node that runs. Counters only grow, until the process or the machine is
/// another one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Of which process.
    pub process: Option<Incarnation>,
    /// How many CPUs there are for it.
    pub cpus: usize,
    /// Counter: CPU time of the process, in milliseconds of one CPU.
    pub cpu_ms: Option<u64>,
    /// Resident memory of the process, in bytes.
    pub memory: Option<u64>,
    /// Memory of the machine, in bytes.
    pub machine_memory: Option<u64>,
    /// Bytes in use of the file system that holds the node's data, and bytes that it could hold.
    pub disk: Option<(u64, u64)>,
    /// Counter: bytes that the process had read from storage.
    pub storage_read: Option<u64>,
    /// Counter: bytes that the process had written to storage.
    pub storage_written: Option<u64>,
    /// The machine's load average over a minute.
    pub load_average: Option<f32>,
    /// Counter: bytes that the machine received, without loopback.
    pub net_received: Option<u64>,
    /// Counter: bytes that the machine sent, without loopback.
    pub net_sent: Option<u64>,
    /// What could not be read, and why; for the log.
    pub unread: Vec<String>,
}

/// The figures of a node. What is a rate needs the look `before`, and how long ago that was: of a
/// process that has started since, or a counter that has started anew, there is none.
pub(crate) fn values(now: &Usage, before: Option<(&Usage, Duration)>) -> BTreeMap<Metric, f32> {
    let grown = |counter: fn(&Usage) -> Option<u64>| {
        let (before, elapsed) = before.filter(|(_, elapsed)| !elapsed.is_zero())?;
        let grown = counter(now)?.checked_sub(counter(before)?)?;
        Some(as_f64(grown) / elapsed.as_secs_f64())
    };
    let is_same = before.is_some_and(|(it, _)| it.process == now.process);
    let of_process = |counter| if is_same { grown(counter) } else { None };
    let cpus = now.cpus.max(1);
    let found = [
        // Milliseconds of a second, of all CPUs.
        (Metric::CpuUsage, of_process(|it| it.cpu_ms).map(|it| it / 10.0 / as_f64(cpus as u64))),
        (Metric::DiskUsage, now.disk.and_then(|(used, of)| percent(used, of))),
        (Metric::DiskioRead, of_process(|it| it.storage_read)),
        (Metric::DiskioWrites, of_process(|it| it.storage_written)),
        (Metric::LoadAverage, now.load_average.map(f64::from)),
        (Metric::MemUsage, now.memory.zip(now.machine_memory).and_then(|it| percent(it.0, it.1))),
        (Metric::NetReceive, grown(|it| it.net_received)),
        (Metric::NetSend, grown(|it| it.net_sent)),
    ];
    #[expect(clippy::cast_possible_truncation, reason = "a figure for a chart")]
    let values = found.into_iter().filter_map(|(metric, value)| Some((metric, value? as f32)));
    values.collect()
}

/// How long after `now` the next sample of a service is due, in milliseconds: once in each step, and
/// of many services not of all at once.
pub(crate) fn until_next(now: Timestamp, service: Uuid) -> u64 {
    // The low bits of a version 7 id are random.
    let within = i64::try_from(service.as_u128() % WITHIN_MS).unwrap_or(0) + 5_000;
    let wait = (within - now.0).rem_euclid(STEP_MS);
    u64::try_from(if wait == 0 { STEP_MS } else { wait }).unwrap_or(0)
}

fn percent(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| as_f64(part) * 100.0 / as_f64(of))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for a chart")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(process: &str) -> Usage {
        Usage {
            process: Some(Incarnation(process.into())),
            cpus: 4,
            cpu_ms: Some(100_000),
            memory: Some(512),
            machine_memory: Some(2048),
            disk: Some((30, 40)),
            storage_read: Some(1_000),
            storage_written: Some(2_000),
            load_average: Some(1.5),
            net_received: Some(10_000),
            net_sent: Some(20_000),
            unread: Vec::new(),
        }
    }

    fn later(process: &str) -> Usage {
        Usage {
            cpu_ms: Some(130_000),
            storage_read: Some(1_300),
            storage_written: Some(2_000),
            net_received: Some(13_000),
            net_sent: Some(26_000),
            ..usage(process)
        }
    }

    const GAUGES: [(Metric, f32); 3] =
        [(Metric::DiskUsage, 75.0), (Metric::LoadAverage, 1.5), (Metric::MemUsage, 25.0)];
    const OF_PROCESS: [(Metric, f32); 3] =
        [(Metric::CpuUsage, 25.0), (Metric::DiskioRead, 10.0), (Metric::DiskioWrites, 0.0)];
    const OF_MACHINE: [(Metric, f32); 2] = [(Metric::NetReceive, 100.0), (Metric::NetSend, 200.0)];

    /// A look, how long after [`usage`] it was, and what comes of it.
    type Case = (&'static str, Usage, Option<Duration>, Vec<&'static [(Metric, f32)]>);

    #[test]
    fn rates_are_of_two_looks_at_the_same_process() {
        let before = usage("1@1");
        let second = Duration::from_secs(30);
        let rebooted = Usage { net_received: Some(0), net_sent: None, ..later("2@2") };
        let table: [Case; 6] = [
            ("the first look", usage("1@1"), None, vec![&GAUGES]),
            ("the second", later("1@1"), Some(second), vec![&GAUGES, &OF_PROCESS, &OF_MACHINE]),
            ("at once", later("1@1"), Some(Duration::ZERO), vec![&GAUGES]),
            ("another process", later("2@2"), Some(second), vec![&GAUGES, &OF_MACHINE]),
            ("another boot", rebooted, Some(second), vec![&GAUGES]),
            (
                "nothing could be read",
                Usage { process: before.process.clone(), cpus: 4, ..Usage::default() },
                Some(second),
                vec![],
            ),
        ];
        for (name, now, elapsed, expected) in table {
            let expected = expected.concat().into_iter().collect::<BTreeMap<_, _>>();
            assert_eq!(values(&now, elapsed.map(|it| (&before, it))), expected, "{name}");
        }
    }

    #[test]
    fn of_a_machine_that_says_zero_there_is_no_percentage() {
        let now = Usage { machine_memory: Some(0), disk: Some((0, 0)), ..usage("1@1") };
        assert_eq!(values(&now, None), [(Metric::LoadAverage, 1.5)].into());
    }

    proptest::proptest! {
        #[test]
        fn a_sample_is_due_once_in_each_step(id: u128, now in 0..4_000_000_000_000_i64) {
            let wait = |now| i64::try_from(until_next(now, Uuid::from_u128(id))).unwrap();
            let first = wait(Timestamp(now));
            proptest::prop_assert!((1..=STEP_MS).contains(&first));
            let at = Timestamp(now).plus_ms(first);
            proptest::prop_assert_eq!(wait(at), STEP_MS);
            proptest::prop_assert!((5_000..25_000).contains(&at.0.rem_euclid(STEP_MS)));
        }
    }
}
