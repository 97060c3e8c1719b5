//! What a broker's process uses of this machine, from `/proc`.

use std::collections::HashMap;
use std::fmt::Display;

use procfs::net::DeviceStatus;
use procfs::process::Process;
use procfs::{Current as _, LoadAverage, Meminfo};
use rolling::Incarnation;
use rustix::fs::StatVfs;

use super::folder::NodeFolder;
use super::processes;
use crate::usage::Usage;

/// What says the same of all nodes of this machine.
#[derive(Clone, Debug)]
pub(super) struct Machine(Usage);

impl Machine {
    /// Looks at it.
    pub(super) fn look() -> Self {
        let mut usage = Usage {
            // Of a container those that it may use.
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            ..Usage::default()
        };
        usage.load_average =
            usage.read("the load average", LoadAverage::current()).map(|it| it.one);
        usage.machine_memory = usage.read("the memory", Meminfo::current()).map(|it| it.mem_total);
        Self(usage)
    }
}

impl Usage {
    /// What was read, or else a note that it was not.
    fn read<T>(&mut self, what: &str, read: Result<T, impl Display>) -> Option<T> {
        read.map_err(|error| self.unread.push(format!("cannot read {what}: {error}"))).ok()
    }
}

/// Looks at the run of a process that works in `folder`. `None` if it has ended in the meantime.
pub(super) fn look(machine: &Machine, folder: &NodeFolder, of: &Incarnation) -> Option<Usage> {
    let Machine(mut usage) = machine.clone();
    usage.process = Some(of.clone());
    let disk = rustix::fs::statvfs(folder.path());
    usage.disk = usage.read("the disk", disk).map(|it| space(&it));
    let process = Process::new(processes::pid(of)?);
    if let Some(process) = usage.read("the process", process) {
        let stat = usage.read("CPU time and memory", process.stat());
        usage.cpu_ms = stat.as_ref().map(|it| milliseconds(it.utime + it.stime));
        usage.memory = stat.map(|it| it.rss * procfs::page_size());
        let io = usage.read("what it reads and writes", process.io());
        usage.storage_read = io.as_ref().map(|it| it.read_bytes);
        usage.storage_written = io.map(|it| it.write_bytes);
        let devices = usage.read("network devices", process.dev_status());
        let (received, sent) = devices.map(|it| bytes(&it)).unzip();
        (usage.net_received, usage.net_sent) = (received, sent);
    }
    // What was read is of that run if it is there still.
    processes::lives(of).then_some(usage)
}

/// Bytes in use, and bytes that could be: what is kept for root counts as neither, as in `df`.
fn space(of: &StatVfs) -> (u64, u64) {
    let used = of.f_blocks.saturating_sub(of.f_bfree);
    (used.saturating_mul(of.f_frsize), (used + of.f_bavail).saturating_mul(of.f_frsize))
}

/// Bytes received and sent by all devices of a network namespace but loopback.
fn bytes(devices: &HashMap<String, DeviceStatus>) -> (u64, u64) {
    let real = devices.values().filter(|it| it.name != "lo");
    real.fold((0, 0), |(received, sent), it| (received + it.recv_bytes, sent + it.sent_bytes))
}

fn milliseconds(ticks: u64) -> u64 {
    ticks.saturating_mul(1000) / procfs::ticks_per_second().max(1)
}

#[cfg(test)]
mod tests {
    use procfs::FromBufRead as _;

    use super::*;

    const DEVICES: &str = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9000      10    0    0    0     0          0         0     9000      10    0    0    0     0       0          0
  eth0:    1000       1    0    0    0     0          0         0     2000       2    0    0    0     0       0          0
  eth1:      10       1    0    0    0     0          0         0       20       2    0    0    0     0       0          0
";

    #[test]
    fn loopback_is_not_the_network() {
        let devices =
            procfs::net::InterfaceDeviceStatus::from_buf_read(DEVICES.as_bytes()).unwrap();
        assert_eq!(bytes(&devices.0), (1010, 2020));
        assert_eq!(bytes(&HashMap::new()), (0, 0));
    }

    #[test]
    fn space_is_counted_as_df_does() {
        let mut of = rustix::fs::statvfs("/").unwrap();
        (of.f_frsize, of.f_blocks, of.f_bfree, of.f_bavail) = (4096, 100, 30, 20);
        assert_eq!(space(&of), (70 * 4096, 90 * 4096));
    }

    #[test]
    fn this_process_uses_something_and_another_run_of_it_is_not_there() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let folder = NodeFolder::at(std::env::temp_dir());
        let machine = Machine::look();
        let usage = look(&machine, &folder, &processes::incarnation(pid).unwrap()).unwrap();
        assert_eq!(usage.unread, Vec::<String>::new());
        assert!(usage.cpus > 0 && usage.cpu_ms.is_some());
        let memory = usage.memory.unwrap();
        assert!(memory > 0 && memory < usage.machine_memory.unwrap(), "{memory}");
        let (used, of) = usage.disk.unwrap();
        assert!(used <= of && of > 0, "{used} of {of}");
        assert!(usage.storage_read.is_some() && usage.net_sent.is_some());
        assert_eq!(look(&machine, &folder, &Incarnation(format!("{pid}@1"))), None);
    }
}
