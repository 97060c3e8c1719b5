//! `logs/authorizer.log`, as [`super::files`] has the brokers write it, and the file that it was
//! before it was rolled over.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::folder::NodeFolder;
use crate::driver::{LogMark, LogPart};

/// The most that is read at once, in bytes: what a broker may write in half a minute.
const MOST: u64 = 2 * 1024 * 1024;

/// What follows `after`, whole lines only. A file is told by its inode: one that was rolled over in
/// between is read to its end first.
pub(super) fn read(folder: &NodeFolder, after: LogMark) -> io::Result<LogPart> {
    let (current, older) = (folder.log("authorizer.log"), folder.log("authorizer.log.1"));
    let (current_file, older_file) = (inode(&current)?, inode(&older)?);
    let nothing = LogPart { text: String::new(), mark: after };
    if current_file == Some(after.file) {
        return part(&current, after);
    }
    if let Some(file) = older_file {
        let offset = if file == after.file { after.offset } else { 0 };
        let rest = part(&older, LogMark { file, offset })?;
        if !rest.text.is_empty() {
            return Ok(rest);
        }
    }
    match current_file {
        Some(file) => part(&current, LogMark { file, offset: 0 }),
        None => Ok(nothing),
    }
}

fn inode(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A part of one file. If it was rolled over since it was looked up, the mark says so and the next
/// part begins with the right one.
fn part(path: &Path, after: LogMark) -> io::Result<LogPart> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(LogPart { text: String::new(), mark: after });
        }
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    // Another file, or another one under the same number.
    let is_other = metadata.ino() != after.file || metadata.len() < after.offset;
    let offset = if is_other { 0 } else { after.offset };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    let whole = match bytes.iter().rposition(|it| *it == b'\n') {
        Some(last) => last + 1,
        // A line that is longer than all that is read has no end for us.
        None if bytes.len() as u64 == MOST => bytes.len(),
        None => 0,
    };
    bytes.truncate(whole);
    let mark = LogMark { file: metadata.ino(), offset: offset + whole as u64 };
    Ok(LogPart { text: String::from_utf8_lossy(&bytes).into_owned(), mark })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    struct Logs(NodeFolder);

    impl Logs {
        fn new(test: &str) -> Self {
            let dir = format!("tidegate-authorizer-{test}-{}", std::process::id());
            let dir = std::env::temp_dir().join(dir);
            let _none = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("logs")).unwrap();
            Self(NodeFolder::at(dir))
        }

        fn write(&self, text: &str) {
            let path = self.0.log("authorizer.log");
            let file = fs::OpenOptions::new().create(true).append(true).open(path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn roll(&self) {
            fs::rename(self.0.log("authorizer.log"), self.0.log("authorizer.log.1")).unwrap();
        }

        fn next(&self, mark: &mut LogMark) -> String {
            let part = read(&self.0, *mark).unwrap();
            *mark = part.mark;
            part.text
        }
    }

    impl Drop for Logs {
        fn drop(&mut self) {
            let _gone = fs::remove_dir_all(self.0.path());
        }
    }

    #[test]
    fn each_line_is_read_once_and_whole_also_when_the_file_was_rolled_over() {
        let (logs, mut mark) = (Logs::new("rolled"), LogMark::default());
        assert_eq!(logs.next(&mut mark), "", "there is no file");
        logs.write("a\nb\nc");
        assert_eq!(logs.next(&mut mark), "a\nb\n");
        assert_eq!(logs.next(&mut mark), "");
        logs.write("c\nd\n");
        logs.roll();
        assert_eq!(logs.next(&mut mark), "cc\nd\n", "there is no new file yet");
        logs.write("e\n");
        assert_eq!(logs.next(&mut mark), "e\n");
        logs.write("f\n");
        logs.roll();
        logs.write("g\n");
        assert_eq!((logs.next(&mut mark), logs.next(&mut mark)), ("f\n".into(), "g\n".into()));
        let mut other = LogMark { file: 1, offset: 7 };
        let both = (logs.next(&mut other), logs.next(&mut other));
        assert_eq!(both, ("e\nf\n".into(), "g\n".into()), "a mark of nothing begins anew");
    }

    #[test]
    fn much_is_read_in_parts_and_a_file_that_was_cut_begins_anew() {
        let (logs, mut mark) = (Logs::new("much"), LogMark::default());
        let line = format!("{}\n", "x".repeat(999));
        logs.write(&line.repeat(3000));
        let parts = [logs.next(&mut mark), logs.next(&mut mark), logs.next(&mut mark)];
        assert!(parts.iter().all(|it| it.len() as u64 <= MOST && it.len() % 1000 == 0));
        assert_eq!(parts.iter().map(String::len).sum::<usize>(), 3_000_000);
        File::create(logs.0.log("authorizer.log")).unwrap();
        logs.write("anew\n");
        assert_eq!(logs.next(&mut mark), "anew\n");
    }
}
