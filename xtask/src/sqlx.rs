//! What `cargo sqlx prepare` does, without the tool: the query macros write what they learn.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::ensure;
use xshell::{Shell, cmd};

use crate::places::Places;
use crate::throwaway::Throwaway;

/// Refreshes `.sqlx` with the server of `$DATABASE_URL`, else with one that is started for it.
pub(crate) fn run(sh: &Shell, check: bool) -> anyhow::Result<()> {
    let places = Places::new(sh, None)?;
    match sh.var("DATABASE_URL") {
        Ok(url) => refresh(sh, &places, &url, check),
        Err(_) => refresh(sh, &places, &Throwaway::start(sh, &places)?.url()?, check),
    }
}

/// The database has to have the migrations. A failure leaves `.sqlx` as it was.
pub(crate) fn refresh(sh: &Shell, places: &Places, url: &str, check: bool) -> anyhow::Result<()> {
    let (kept, fresh) = (places.root.join(".sqlx"), places.target.join("sqlx-fresh"));
    sh.remove_path(&fresh)?;
    sh.create_dir(&fresh)?;
    // The macros run only when the crate is compiled, and cargo sees no reason to.
    cmd!(sh, "cargo clean --quiet --package store").quiet().run()?;
    cmd!(sh, "cargo check --package store --all-targets --locked")
        .quiet()
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &fresh)
        .run()?;
    let queries = contents(sh, &fresh)?;
    let differs = contents(sh, &kept)? != queries;
    ensure!(!(check && differs), "run `cargo xtask sqlx` and commit what changed in .sqlx");
    if differs {
        sh.remove_path(&kept)?;
        sh.create_dir(&kept)?;
        for (name, query) in queries {
            sh.write_file(kept.join(name), query)?;
        }
    }
    Ok(sh.remove_path(&fresh)?)
}

/// Compared by content, so that the check needs no git and no commit.
fn contents(sh: &Shell, folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let files = sh.read_dir(folder).unwrap_or_default().into_iter();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, sh.read_file(path)?))
    };
    files.map(read).collect()
}
