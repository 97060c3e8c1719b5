//! Where everything lies: the checkout, the state of a stack, the downloads, the build.

use std::fs::{self, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::progress::Part;

/// The file that says that a folder is ours to delete.
const MARKER: &str = ".tidegate-state";
/// How long to wait for another xtask: it may be building, or fetching what is needed.
const PATIENCE: Duration = Duration::from_mins(30);

/// The folders of one stack, and those that all stacks share.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Data, logs, ports and process files of one stack.
    pub(crate) state: PathBuf,
    /// Downloads, shared between stacks: jars, avn, Postgres.
    pub(crate) cache: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Places {
    /// The folders of the stack in `state`, else in `$TIDEGATE_STATE_DIR`, else in `.dev`.
    pub(crate) fn new(sh: &Shell, state: Option<PathBuf>) -> anyhow::Result<Self> {
        let root = sh.current_dir();
        let metadata = cmd!(sh, "cargo metadata --no-deps --format-version 1").quiet().read()?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let target = metadata["target_directory"].as_str().context("cargo has a target folder")?;
        let state = state
            .or_else(|| sh.var_os("TIDEGATE_STATE_DIR").map(PathBuf::from))
            .unwrap_or_else(|| root.join(".dev"));
        let state = std::path::absolute(state)?;
        Ok(Self { cache: cache(sh, &root)?, state, target: target.into(), root })
    }

    /// The same, with the stack in another folder.
    pub(crate) fn with_state(&self, state: PathBuf) -> Self {
        Self { state, ..self.clone() }
    }

    /// The command that is about this stack, for whoever wants to type it.
    pub(crate) fn dev(&self) -> String {
        if self.state == self.root.join(".dev") {
            return "cargo xtask dev".to_owned();
        }
        format!("cargo xtask dev --state {}", self.state.display())
    }

    /// Process files, tokens and passwords.
    pub(crate) fn run(&self) -> PathBuf {
        self.state.join("run")
    }

    /// A log file for each part.
    pub(crate) fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// What the orchestrator calls its data folder: one folder a service, one a node.
    pub(crate) fn nodes(&self) -> PathBuf {
        self.state.join("nodes")
    }

    /// Where Postgres is wanted. It may have to lie elsewhere.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.state.join("postgres")
    }

    /// Kafka's jars.
    pub(crate) fn kafka_libs(&self) -> PathBuf {
        self.cache.join("kafka-libs")
    }

    /// The Python environment of avn.
    pub(crate) fn venv(&self) -> PathBuf {
        self.cache.join("venv")
    }

    /// Aiven's client.
    pub(crate) fn avn(&self) -> PathBuf {
        self.venv().join("bin/avn")
    }

    /// A program that cargo built.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// The same, built to be fast.
    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// A program as this stack runs it: a link beside its data, so that a build in the meantime
    /// does not take it away from under it.
    pub(crate) fn installed(&self, name: &str) -> PathBuf {
        self.state.join("bin").join(name)
    }

    /// Makes [`Self::installed`] what cargo built last.
    pub(crate) fn install(&self, name: &str) -> anyhow::Result<PathBuf> {
        let (built, installed) = (self.binary(name), self.installed(name));
        fs::create_dir_all(self.state.join("bin"))?;
        let _absent = fs::remove_file(&installed);
        // Another file system has no links to this one.
        fs::hard_link(&built, &installed)
            .or_else(|_| copy_with_time(&built, &installed))
            .with_context(|| format!("installing {}", built.display()))?;
        Ok(installed)
    }

    /// Whether [`Self::installed`] is what cargo built last.
    pub(crate) fn is_installed(&self, name: &str) -> anyhow::Result<bool> {
        let built = self.binary(name);
        let built = modified(&built).with_context(|| format!("looking for {}", built.display()))?;
        Ok(modified(&self.installed(name)).is_ok_and(|installed| installed == built))
    }

    /// Makes the state folder, or refuses one that somebody else filled.
    pub(crate) fn claim(&self) -> anyhow::Result<()> {
        if !self.is_ours() {
            let strangers = fs::read_dir(&self.state).is_ok_and(|mut entries| {
                entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != "cache"))
            });
            ensure!(!strangers, "{} holds something else: not used", self.state.display());
            fs::create_dir_all(&self.state)?;
            fs::write(self.state.join(MARKER), "made by cargo xtask dev\n")?;
        }
        for folder in [self.run(), self.logs(), self.nodes(), self.cache.clone()] {
            fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        Ok(())
    }

    /// Keeps others from starting or stopping this stack until the answer is dropped.
    pub(crate) fn lock(&self) -> anyhow::Result<fs::File> {
        let part = Part::new("lock");
        let file = fs::File::create(self.state.join("lock"))?;
        let mut waited = false;
        // Not `lock()`: Ctrl-C would not end that.
        part.until(PATIENCE, || match file.try_lock() {
            Ok(()) => Ok(Ok(())),
            Err(TryLockError::WouldBlock) => {
                waited = true;
                Ok(Err("another xtask that starts or stops this stack".to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        })?;
        if waited {
            part.done("ours");
        } else {
            part.unmentioned();
        }
        Ok(file)
    }

    /// Whether the state folder was made by [`Self::claim`].
    pub(crate) fn is_ours(&self) -> bool {
        self.state.join(MARKER).is_file()
    }

    /// Deletes the state, and not the downloads that may lie in it.
    pub(crate) fn delete_state(&self) -> anyhow::Result<()> {
        if !self.state.exists() {
            return Ok(());
        }
        ensure!(self.is_ours(), "{} was not made by xtask: not deleted", self.state.display());
        for entry in fs::read_dir(&self.state)? {
            let path = entry?.path();
            if path == self.cache || path.ends_with(MARKER) {
                continue;
            }
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.with_context(|| format!("deleting {}", path.display()))?;
        }
        fs::remove_file(self.state.join(MARKER))?;
        // Goes only if it is empty: the downloads keep it.
        let _kept = fs::remove_dir(&self.state);
        Ok(())
    }
}

/// CI keeps its downloads outside of the clone, which is new every time.
fn cache(sh: &Shell, root: &Path) -> anyhow::Result<PathBuf> {
    if sh.var_os("CI").is_none_or(|ci| ci != "true") {
        return Ok(root.join(".dev/cache"));
    }
    match (sh.var_os("XDG_CACHE_HOME"), sh.var_os("HOME")) {
        (Some(xdg), _) if !xdg.is_empty() => Ok(Path::new(&xdg).join("tidegate")),
        (_, Some(home)) => Ok(Path::new(&home).join(".cache/tidegate")),
        _ => bail!("neither XDG_CACHE_HOME nor HOME is set"),
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// A copy that is as old as what it was made from, as a link would be.
fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    fs::File::options().write(true).open(to)?.set_modified(modified(from)?)
}

/// Writes a file that only its owner may read.
pub(crate) fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    let _absent = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(file.write_all(secret.as_bytes())?)
}

/// A number for a text that stays the same across versions of Rust (FNV-1a).
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(name: &str) -> Places {
        let state = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let cache = state.join("cache");
        Places { root: state.clone(), target: state.clone(), cache, state }
    }

    #[test]
    fn deletes_the_state_and_keeps_the_downloads() {
        let places = places("reset");
        places.claim().unwrap();
        fs::write(places.cache.join("jar"), "").unwrap();
        fs::write(places.run().join("token"), "").unwrap();
        places.delete_state().unwrap();
        assert!(places.cache.join("jar").is_file());
        assert!(!places.run().exists());
        fs::remove_dir_all(&places.state).unwrap();
    }

    #[test]
    fn a_program_is_installed_until_it_is_built_again() {
        let places = places("install");
        fs::create_dir_all(places.target.join("debug")).unwrap();
        let build = |text: &str, secs| {
            let _absent = fs::remove_file(places.binary("p"));
            fs::write(places.binary("p"), text).unwrap();
            let file = fs::File::options().write(true).open(places.binary("p")).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(secs)).unwrap();
        };
        build("one", 1);
        assert!(!places.is_installed("p").unwrap());
        places.install("p").unwrap();
        assert!(places.is_installed("p").unwrap());
        build("two", 2);
        assert!(!places.is_installed("p").unwrap());
        copy_with_time(&places.binary("p"), &places.installed("p")).unwrap();
        assert!(places.is_installed("p").unwrap());
        fs::remove_dir_all(&places.state).unwrap();
    }

    #[test]
    fn leaves_the_folder_of_somebody_else_alone() {
        let places = places("stranger");
        fs::create_dir_all(&places.state).unwrap();
        fs::write(places.state.join("thesis.txt"), "").unwrap();
        assert!(places.claim().is_err());
        assert!(places.delete_state().is_err());
        assert!(places.state.join("thesis.txt").is_file());
        fs::remove_dir_all(&places.state).unwrap();
    }
}
