//! Fetches what the pages run in the browser from npm, and embeds it with our own style.
//!
//! Each file is written to `OUT_DIR` twice, as it is and compressed, and named by its content:
//! `htmx.1f2e3d4c5b6a7988.js`. `src/assets.rs` includes the table that is written here.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Name, ending, content type, and where it is: below `assets/`, or in a package of npm.
const ASSETS: [(&str, &str, &str, &str); 7] = [
    ("console", "css", "text/css; charset=utf-8", "assets/console.css"),
    ("icon", "svg", "image/svg+xml", "assets/icon.svg"),
    ("htmx", "js", "text/javascript; charset=utf-8", "npm/htmx.org/dist/htmx.min.js"),
    ("htmx_sse", "js", "text/javascript; charset=utf-8", "npm/htmx-ext-sse/dist/sse.min.js"),
    ("morph", "js", "text/javascript; charset=utf-8", "npm/idiomorph/dist/idiomorph-ext.min.js"),
    ("keep", "js", "text/javascript; charset=utf-8", "assets/keep.js"),
    ("live", "js", "text/javascript; charset=utf-8", "assets/live.js"),
];
/// What npm reads.
const PACKAGE: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

fn main() -> anyhow::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("cargo says where it is")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo says where to write")?);
    for watched in PACKAGE.into_iter().chain(["assets", "build.rs"]) {
        println!("cargo::rerun-if-changed={watched}");
    }
    let packages = fetch(&here, &out.join("npm"))?;
    let mut table =
        String::from("/// Everything that is embedded.\npub static ASSETS: [Asset; 7] = [\n");
    for (name, ending, kind, place) in ASSETS {
        let path =
            place.strip_prefix("npm/").map_or_else(|| here.join(place), |it| packages.join(it));
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let hash = hash(&bytes);
        let file = format!("{name}.{hash}.{ending}");
        fs::write(out.join(&file), &bytes)?;
        fs::write(out.join(format!("{file}.gz")), compressed(&bytes)?)?;
        let include =
            |suffix| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}{suffix}\"))");
        let (plain, gzip) = (include(""), include(".gz"));
        writeln!(
            table,
            "    Asset {{ file: {file:?}, content_type: {kind:?}, plain: {plain}, gzip: {gzip} }},"
        )?;
    }
    table.push_str("];\n");
    for (index, (name, ..)) in ASSETS.into_iter().enumerate() {
        let constant = name.to_uppercase();
        writeln!(
            table,
            "/// Where it is in [`ASSETS`].\npub(crate) const {constant}: usize = {index};"
        )?;
    }
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

/// Installs exactly what the lock file says into `to`, runs none of it, and returns where it is.
fn fetch(from: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(to)?;
    for file in PACKAGE {
        fs::copy(from.join(file), to.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(to)
        .status()
        .context("cannot run npm, which fetches htmx for the console: install Debian's `npm`")?;
    ensure!(
        status.success(),
        "`npm ci` for the console failed ({status}): is the registry reachable, and \
         crates/console/package-lock.json unharmed?"
    );
    Ok(to.join("node_modules"))
}

/// The first 64 bits of its SHA-256, in hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let (first, _) = digest.split_at(8);
    first.iter().fold(String::new(), |text, it| text + &format!("{it:02x}"))
}

fn compressed(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
