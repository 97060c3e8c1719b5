//! What Linux says of this process. A few lines of `/proc`, which are not worth a dependency.

use std::{fs, io};

/// Ticks a second in `/proc`: the same on every architecture that we build for.
const TICKS: f64 = 100.0;

/// Figures at one moment.
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: i64,
    pub(super) virtual_bytes: i64,
    pub(super) threads: i64,
    pub(super) open_fds: i64,
    pub(super) max_fds: i64,
}

impl Process {
    /// Looks. `None` where `/proc` is not as Linux has it.
    pub(super) fn look() -> io::Result<Option<Self>> {
        let status = fs::read_to_string("/proc/self/status")?;
        let stat = fs::read_to_string("/proc/self/stat")?;
        let limits = fs::read_to_string("/proc/self/limits")?;
        // One of them is the folder that is being read.
        let open_fds = fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
        Ok(Self::read(&status, &stat, &limits, i64::try_from(open_fds).unwrap_or(i64::MAX)))
    }

    fn read(status: &str, stat: &str, limits: &str, open_fds: i64) -> Option<Self> {
        // Behind the program's name, which may hold anything.
        let mut times = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let mut ticks = || times.next()?.parse::<u32>().ok();
        Some(Self {
            cpu_seconds: (f64::from(ticks()?) + f64::from(ticks()?)) / TICKS,
            resident_bytes: number(status, "VmRSS:")? * 1024,
            virtual_bytes: number(status, "VmSize:")? * 1024,
            threads: number(status, "Threads:")?,
            open_fds,
            max_fds: number(limits, "Max open files").unwrap_or(i64::MAX),
        })
    }
}

/// The number behind `name`, at the beginning of a line.
fn number(text: &str, name: &str) -> Option<i64> {
    let rest = text.lines().find_map(|it| it.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_found_whatever_the_program_is_called() {
        let status = "Name:\ta\nVmSize:\t    2000 kB\nVmRSS:\t    1000 kB\nThreads:\t7\n";
        let stat = "1 (a) b) S 1 1 1 0 -1 0 0 0 0 0 250 50 0 0 20 0 7 0 1 2 3";
        let limits = "Limit Soft Hard Units\nMax open files            1024   4096   files\n";
        let found = Process::read(status, stat, limits, 3).unwrap();
        assert!((found.cpu_seconds - 3.0).abs() < 1e-9);
        assert_eq!((found.resident_bytes, found.virtual_bytes), (1_024_000, 2_048_000));
        assert_eq!((found.threads, found.open_fds, found.max_fds), (7, 3, 1024));
        assert!(Process::read("", stat, limits, 3).is_none());
    }

    #[test]
    fn this_process_has_figures() {
        let found = Process::look().unwrap().unwrap();
        assert!(found.resident_bytes > 0 && found.threads > 0 && found.open_fds > 0);
    }
}
