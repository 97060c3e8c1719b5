//! Our source files, and the rules that each of them keeps.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A Rust file of ours.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Below the checkout.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Every Rust file of the workspace, by path.
pub(crate) fn all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["crates", "xtask"] {
        collect(root, &root.join(folder), &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            sources.push(Source { path: path.strip_prefix(root)?.to_owned(), text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 600;

    fn root() -> PathBuf {
        let xtask = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap());
        xtask.parent().unwrap().to_path_buf()
    }

    fn manifests() -> Vec<(PathBuf, String)> {
        let crates = fs::read_dir(root().join("crates")).unwrap().map(|it| it.unwrap().path());
        let folders = crates.chain([root().join("xtask")]);
        let manifests = folders.map(|it| it.join("Cargo.toml")).filter(|it| it.is_file());
        manifests.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    }

    fn offenders(breaks: impl Fn(&Source) -> bool) -> Vec<PathBuf> {
        all(&root()).unwrap().into_iter().filter(breaks).map(|it| it.path).collect()
    }

    #[test]
    fn no_file_is_longer_than_one_can_read() {
        let long = offenders(|it| it.text.lines().count() > LONGEST);
        assert!(long.is_empty(), "over {LONGEST} lines: {long:?}");
    }

    #[test]
    fn every_file_starts_with_a_sentence_on_what_it_is() {
        let mute = offenders(|it| !it.text.starts_with("//!"));
        assert!(mute.is_empty(), "no //! on the first line: {mute:?}");
    }

    #[test]
    fn every_crate_has_the_lints_of_the_workspace() {
        for (path, manifest) in manifests() {
            assert!(manifest.contains("[lints]\nworkspace = true"), "{}", path.display());
        }
    }

    #[test]
    fn versions_are_pinned_in_one_place() {
        for (path, manifest) in manifests() {
            let mut in_dependencies = false;
            for line in manifest.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                if line.starts_with('[') {
                    in_dependencies = line.contains("dependencies");
                } else if in_dependencies {
                    let inherits = line.contains("workspace = true");
                    assert!(inherits, "{}: `{line}` belongs into the root", path.display());
                }
            }
        }
    }
}
