//! What a broker's own log tells: its end, for people, and whether it recovers logs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::folder::NodeFolder;

/// How much of the end is looked at, in bytes.
const TAIL: u64 = 6 * 1024;
/// What `LogManager#loadLogs` and `LogLoader#recoverLog` say after an unclean stop.
const RECOVERING: [&str; 2] = ["Recovering unflushed segment", "Attempting recovery for all logs"];
/// How many lines back that counts: many are written for each segment.
const LINES: usize = 20;

/// The end of the log of a broker, whole lines only.
pub(crate) fn tail(folder: &NodeFolder) -> io::Result<String> {
    let mut file = File::open(folder.log("server.log"))?;
    let len = file.metadata()?.len();
    let from = len.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = if from == 0 { &text } else { text.split_once('\n').map_or("", |it| it.1) };
    Ok(whole.to_owned())
}

/// Whether the last things that a broker said are that it recovers its logs. Only of use while the
/// broker is not registered: one that says nothing more seems to go on with it.
pub(crate) fn is_recovering(folder: &NodeFolder) -> bool {
    tail(folder).is_ok_and(|text| recovers(&text))
}

fn recovers(text: &str) -> bool {
    let last = text.lines().rev().filter(|it| it.starts_with('[')).take(LINES);
    // The log of the metadata is gone through at every start, however the broker stopped.
    let mut of_records = last.into_iter().filter(|it| !it.contains("partition=__cluster_metadata"));
    of_records.any(|line| RECOVERING.iter().any(|it| line.contains(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_things_said_count() {
        let recovering = "[2026-11-27 09:00:00,000] INFO [LogLoader partition=a-0] Recovering \
                          unflushed segment 0. 1/3 recovered (o.a.k.s.internals.log.LogLoader)\n";
        let other =
            "[2026-11-27 09:00:01,000] INFO Producer state recovery took 1ms (UnifiedLog)\n";
        assert!(recovers(&format!("{other}{recovering}{other}\tat Thread.run\n")));
        assert!(!recovers(&other.repeat(3)));
        let metadata = recovering.replace("partition=a-0", "partition=__cluster_metadata-0");
        assert!(!recovers(&metadata), "the metadata at every start");
        assert!(!recovers(&format!("{recovering}{}", other.repeat(LINES))));
    }
}
