//! What the machine and some processes did during a window: CPU, memory, threads, and the CPU that
//! others took.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io;
use std::str::FromStr;
use std::time::Instant;

use serde::Serialize;

/// The kernel counts CPU in hundredths of a second, whatever its own clock is.
const TICKS: f64 = 100.0;
const PAGE_KIB: f64 = 4.0;

/// A process whose CPU and memory is reported under a name.
#[derive(Clone, Debug)]
pub struct Watched {
    name: String,
    /// `self`, or a number.
    pid: String,
}

impl FromStr for Watched {
    type Err = Infallible;

    /// `NAME=PID`
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (name, pid) = text.split_once('=').unwrap_or((text, text));
        Ok(Self { name: name.to_owned(), pid: pid.to_owned() })
    }
}

/// The processes of a measurement.
#[derive(Clone, Debug)]
pub(super) struct Machine(Vec<Watched>);

/// The counters at one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    at: Instant,
    cpu: Vec<f64>,
    busy: f64,
    stolen: f64,
}

/// What was used between two readings.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Window {
    pub(super) seconds: f64,
    /// CPU seconds of each process.
    pub(super) cpu: BTreeMap<String, f64>,
    /// Resident memory at the end.
    pub(super) memory_mib: BTreeMap<String, f64>,
    /// Cores that the hypervisor gave to others.
    pub(super) stolen: f64,
    /// Cores that processes of this machine took that are not watched.
    pub(super) foreign: f64,
}

impl Machine {
    /// Watches these, and this process itself as `tool`.
    pub(super) fn new(watched: &[Watched]) -> Self {
        let mut all = watched.to_vec();
        all.push(Watched { name: "tool".to_owned(), pid: "self".to_owned() });
        Self(all)
    }

    pub(super) fn read(&self) -> io::Result<Reading> {
        let cpu = self.0.iter().map(|it| cpu(&it.pid)).collect::<io::Result<_>>()?;
        let (busy, stolen) = all_cpus()?;
        Ok(Reading { at: Instant::now(), cpu, busy, stolen })
    }

    /// What was used since `before`.
    pub(super) fn window(&self, before: &Reading) -> io::Result<Window> {
        let after = self.read()?;
        let seconds = after.at.duration_since(before.at).as_secs_f64();
        let used: Vec<f64> = after.cpu.iter().zip(&before.cpu).map(|(a, b)| a - b).collect();
        let ours: f64 = used.iter().sum();
        let memory = self.0.iter().map(|it| Ok((it.name.clone(), memory_mib(&it.pid)?)));
        Ok(Window {
            seconds,
            memory_mib: memory.collect::<io::Result<_>>()?,
            cpu: self.0.iter().map(|it| it.name.clone()).zip(used).collect(),
            stolen: (after.stolen - before.stolen) / seconds,
            foreign: ((after.busy - before.busy - ours) / seconds).max(0.0),
        })
    }

    /// Resident memory of a watched process now.
    pub(super) fn memory_mib(&self, name: &str) -> io::Result<f64> {
        memory_mib(&self.find(name)?.pid)
    }

    /// How many threads librdkafka has in a process, and how many are of others.
    pub(super) fn threads(&self, name: &str) -> io::Result<(u32, u32)> {
        let pid = &self.find(name)?.pid;
        let (mut rdkafka, mut others) = (0, 0);
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // One that ends meanwhile has no name any more.
            let name = fs::read_to_string(task?.path().join("comm")).unwrap_or_default();
            if name.starts_with("rdk:") { rdkafka += 1 } else { others += 1 }
        }
        Ok((rdkafka, others))
    }

    fn find(&self, name: &str) -> io::Result<&Watched> {
        let missing = || io::Error::other(format!("give --watch {name}=PID"));
        self.0.iter().find(|it| it.name == name).ok_or_else(missing)
    }
}

fn cpu(pid: &str) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name is in brackets and may hold anything.
    let fields: Vec<&str> =
        stat.rsplit_once(") ").map_or(Vec::new(), |(_, rest)| rest.split(' ').collect());
    Ok((number(&fields, 11)? + number(&fields, 12)?) / TICKS)
}

/// Seconds that all CPUs worked, and that were stolen from them.
fn all_cpus() -> io::Result<(f64, f64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().collect();
    let mut busy = 0.0;
    // user, nice, system, irq, softirq
    for field in [1, 2, 3, 6, 7] {
        busy += number(&fields, field)?;
    }
    Ok((busy / TICKS, number(&fields, 8)? / TICKS))
}

fn memory_mib(pid: &str) -> io::Result<f64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let fields: Vec<&str> = statm.split_whitespace().collect();
    Ok(number(&fields, 1)? * PAGE_KIB / 1024.0)
}

fn number(fields: &[&str], index: usize) -> io::Result<f64> {
    let field = fields.get(index).and_then(|it| it.parse().ok());
    field.ok_or_else(|| io::Error::other("the kernel's counters cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_there_and_uses_memory() {
        let machine = Machine::new(&[]);
        let before = machine.read().unwrap();
        let window = machine.window(&before).unwrap();
        assert!(window.memory_mib["tool"] > 0.1, "{window:?}");
        assert!(machine.threads("tool").unwrap().1 >= 1);
        assert!(machine.threads("proxy").is_err());
    }
}
