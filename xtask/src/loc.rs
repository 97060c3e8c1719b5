//! How much code there is, and how large its files are.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::sources;

/// Lines of one crate.
#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    files: usize,
    all: usize,
    /// Neither blank nor a comment.
    code: usize,
}

/// Prints a line for each crate, the sum, and the sizes of files.
pub(crate) fn show(root: &Path) -> anyhow::Result<()> {
    let sources = sources::all(root)?;
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    let mut sizes = Vec::new();
    for source in &sources {
        let mut folders = source.path.iter().map(|it| it.to_string_lossy().into_owned());
        let top = folders.next().context("a path has a first part")?;
        let name = if top == "crates" { folders.next().unwrap_or(top) } else { top };
        let size = source.text.lines().count();
        let lines = crates.entry(name).or_default();
        lines.files += 1;
        lines.all += size;
        lines.code += source.text.lines().filter(|line| is_code(line)).count();
        sizes.push((size, &source.path));
    }
    sizes.sort();
    println!("{:<16} {:>6} {:>8} {:>8}", "crate", "files", "lines", "code");
    let mut sum = Lines::default();
    for (name, lines) in &crates {
        println!("{name:<16} {:>6} {:>8} {:>8}", lines.files, lines.all, lines.code);
        sum.files += lines.files;
        sum.all += lines.all;
        sum.code += lines.code;
    }
    println!("{:<16} {:>6} {:>8} {:>8}", "all", sum.files, sum.all, sum.code);
    let at = |percent: usize| sizes.get((sizes.len() * percent / 100).min(sizes.len() - 1));
    let (median, p90) = (at(50).context("no files")?, at(90).context("no files")?);
    let (longest, path) = sizes.last().context("no files")?;
    println!(
        "lines a file: median {}, p90 {}, max {longest} ({})",
        median.0,
        p90.0,
        path.display()
    );
    Ok(())
}

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}
