//! The starts of a node, one line each in a file: when, and with which revision.

use std::fs;
use std::io;

use model::{RevisionId, Timestamp};

use super::files;
use super::folder::NodeFolder;
use crate::driver::Started;

/// How many are kept.
const KEPT: usize = 16;

/// The latest starts, oldest first. A line that makes no sense is none.
pub(crate) fn read(folder: &NodeFolder) -> Vec<Started> {
    let text = fs::read_to_string(folder.starts()).unwrap_or_default();
    text.lines().filter_map(parse).collect()
}

/// Adds one.
pub(crate) fn add(folder: &NodeFolder, at: Timestamp, revision: &RevisionId) -> io::Result<()> {
    let mut starts = read(folder);
    starts.push(Started { at, revision: revision.clone() });
    let kept = starts.iter().skip(starts.len().saturating_sub(KEPT));
    let lines = kept.map(|it| format!("{} {}\n", it.at.0, it.revision.as_str()));
    files::write(&folder.starts(), &lines.collect::<String>())
}

fn parse(line: &str) -> Option<Started> {
    let (at, revision) = line.split_once(' ')?;
    let revision = RevisionId::try_from(revision.to_owned()).ok()?;
    Some(Started { at: Timestamp(at.parse().ok()?), revision })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_starts_are_kept_and_nonsense_is_not() {
        let dir = std::env::temp_dir().join(format!("tidegate-starts-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let folder = NodeFolder::at(dir.clone());
        assert_eq!(read(&folder), []);
        let revision = RevisionId::try_from("a".repeat(64)).unwrap();
        for at in 0..20 {
            add(&folder, Timestamp(at), &revision).unwrap();
        }
        fs::write(folder.starts(), fs::read_to_string(folder.starts()).unwrap() + "half a li")
            .unwrap();
        let kept: Vec<i64> = read(&folder).iter().map(|it| it.at.0).collect();
        assert_eq!(kept, (4..20).collect::<Vec<_>>());
        fs::remove_dir_all(dir).unwrap();
    }
}
