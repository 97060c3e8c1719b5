//! Shows what a test program prints, as it prints it, and counts its tests.

use std::io::{BufRead as _, BufReader, Read};

use anyhow::Context as _;

/// The tests of all programs so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
    /// The closing line of each program, as it printed it.
    pub(super) lines: Vec<String>,
}

impl Tally {
    /// Copies a program's output to ours.
    pub(super) fn follow(&mut self, output: impl Read) -> anyhow::Result<()> {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).context("reading a test's output")? > 0 {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            self.count(text.trim_end());
            line.clear();
        }
        Ok(())
    }

    fn count(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let number = |word: &str| {
            let part = counts.split(['.', ';']).find_map(|part| part.trim().strip_suffix(word));
            part.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        self.passed += number("passed");
        self.failed += number("failed");
        self.ignored += number("ignored");
        if !counts.starts_with("ok. 0 passed; 0 failed; 0 ignored") {
            self.lines.push(line.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_the_programs_say() {
        let mut tally = Tally::default();
        tally.count("test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out");
        tally.count("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        tally.count("test a ... ok");
        assert_eq!((tally.passed, tally.failed, tally.ignored), (13, 2, 3));
        assert_eq!(tally.lines.len(), 2);
    }
}
