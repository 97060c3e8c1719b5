//! The programs that the machine has to have: looked for, and installed where that is possible.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

use crate::postgres;
use crate::process::run_silently;
use crate::progress::Part;

/// Something that has to be there, and the Debian packages that bring it.
struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    is_there: fn(&Shell) -> bool,
}

const NEEDS: [Need; 9] = [
    Need { what: "a JDK >= 17", packages: &["openjdk-17-jdk-headless"], is_there: has_jdk },
    Need { what: "Maven", packages: &["maven"], is_there: |sh| find(sh, "mvn").is_some() },
    Need { what: "Python 3 with venv", packages: &["python3", "python3-venv"], is_there: has_venv },
    Need {
        what: "curl, jq, openssl",
        packages: &["ca-certificates", "curl", "jq", "openssl"],
        is_there: |sh| ["curl", "jq", "openssl"].iter().all(|it| find(sh, it).is_some()),
    },
    Need {
        what: "a C compiler, make, pkg-config",
        packages: &["gcc", "libc6-dev", "make", "pkg-config"],
        is_there: |sh| ["cc", "make", "pkg-config"].iter().all(|it| find(sh, it).is_some()),
    },
    Need {
        what: "OpenSSL's headers",
        packages: &["libssl-dev"],
        is_there: |sh| has_lib(sh, "openssl"),
    },
    Need { what: "zlib's headers", packages: &["zlib1g-dev"], is_there: |sh| has_lib(sh, "zlib") },
    // The build script of `console` fetches with it.
    Need { what: "npm", packages: &["npm"], is_there: |sh| find(sh, "npm").is_some() },
    Need {
        what: "setsid, tar, xz",
        packages: &["tar", "util-linux", "xz-utils"],
        is_there: |sh| {
            let unpacks = postgres::system_binaries(sh).is_some() || find(sh, "xz").is_some();
            unpacks && ["setsid", "tar"].iter().all(|it| find(sh, it).is_some())
        },
    },
];

/// What the browser tests need beside all that.
const FOR_BROWSERS: [Need; 2] = [
    Need {
        what: "Chromium",
        packages: &["chromium"],
        is_there: |sh| find(sh, "chromium").is_some(),
    },
    Need {
        what: "chromedriver",
        packages: &["chromium-driver"],
        is_there: |sh| find(sh, "chromedriver").is_some(),
    },
];

/// The programs of the browser tests.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// Looks for everything, and installs what is missing if that is possible without asking.
pub(crate) fn ensure(sh: &Shell) -> anyhow::Result<String> {
    let installed = ensure_all(sh, &NEEDS)?;
    let there = || format!("JDK {}, Maven, Python, C compiler", java_version(sh).unwrap_or(0));
    Ok(installed.unwrap_or_else(there))
}

/// Chromium and its driver, installed if they are missing and that is possible without asking.
pub(crate) fn browser(sh: &Shell) -> anyhow::Result<Browser> {
    let part = Part::new("browser");
    let installed = ensure_all(sh, &FOR_BROWSERS)?;
    part.done(&installed.unwrap_or_else(|| "Chromium and chromedriver".to_owned()));
    Ok(Browser {
        chromium: find(sh, "chromium").context("no chromium")?,
        chromedriver: find(sh, "chromedriver").context("no chromedriver")?,
    })
}

/// Says what it installed; `None` if nothing was missing.
fn ensure_all(sh: &Shell, needs: &[Need]) -> anyhow::Result<Option<String>> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)(sh)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let names = missing.iter().map(|need| need.what).collect::<Vec<_>>().join("; ");
    let mut packages: Vec<&str> =
        missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    let install = privileged_apt(sh);
    let Some(apt) = install else {
        bail!("missing: {names}\n  {}", by_hand(sh, &packages));
    };
    apt_get(sh, &apt, &["update", "-q"]).context("apt-get update")?;
    for package in &mut packages {
        if *package == "openjdk-17-jdk-headless" {
            *package = newest_jdk(sh);
        }
    }
    let args = [&["install", "-q", "-y", "--no-install-recommends"], packages.as_slice()].concat();
    apt_get(sh, &apt, &args).with_context(|| by_hand(sh, &packages))?;
    let still: Vec<&str> =
        missing.iter().filter(|need| !(need.is_there)(sh)).map(|need| need.what).collect();
    anyhow::ensure!(still.is_empty(), "installed, and still missing: {}", still.join("; "));
    Ok(Some(format!("installed: {}", packages.join(" "))))
}

/// The words before `apt-get` with which it may install, if it may.
fn privileged_apt(sh: &Shell) -> Option<Vec<&'static str>> {
    find(sh, "apt-get")?;
    if cmd!(sh, "id -u").quiet().read().is_ok_and(|uid| uid == "0") {
        return Some(Vec::new());
    }
    let sudo = cmd!(sh, "sudo -n true").quiet().ignore_stderr().run();
    (find(sh, "sudo").is_some() && sudo.is_ok()).then(|| vec!["sudo", "-n"])
}

fn apt_get(sh: &Shell, before: &[&str], args: &[&str]) -> anyhow::Result<()> {
    let words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    let words: Vec<&str> = before.iter().chain(&words).chain(args).copied().collect();
    let (program, rest) = words.split_first().context("a program")?;
    run_silently(cmd!(sh, "{program} {rest...}"))
}

fn by_hand(sh: &Shell, packages: &[&str]) -> String {
    if find(sh, "apt-get").is_some() {
        return format!("run: sudo apt-get update && sudo apt-get install {}", packages.join(" "));
    }
    format!("install what Debian calls: {}", packages.join(" "))
}

/// The newest JDK that this distribution has, of those that Kafka runs on.
fn newest_jdk(sh: &Shell) -> &'static str {
    let known = ["openjdk-25-jdk-headless", "openjdk-21-jdk-headless", "openjdk-17-jdk-headless"];
    let has = |package: &&str| {
        let shown = cmd!(sh, "apt-cache show --no-all-versions {package}").quiet().ignore_stderr();
        shown.read().is_ok_and(|text| !text.is_empty())
    };
    known.into_iter().find(has).unwrap_or("default-jdk-headless")
}

fn has_jdk(sh: &Shell) -> bool {
    java_version(sh).is_some_and(|version| version >= 17)
}

/// The `java` to run brokers with: `$JAVA_HOME`'s, else the first in `$PATH`.
pub(crate) fn java(sh: &Shell) -> Option<PathBuf> {
    let home = sh.var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    home.filter(|java| java.is_file()).or_else(|| find(sh, "java"))
}

/// The `go` that builds the program on Aiven's Go client: the first in `$PATH`, else where Go's own
/// archive is unpacked. One from 1.21 on fetches the version that is needed by itself.
pub(crate) fn go(sh: &Shell) -> anyhow::Result<PathBuf> {
    let unpacked = || Some(PathBuf::from("/usr/local/go/bin/go")).filter(|it| it.is_file());
    let go = find(sh, "go").or_else(unpacked);
    let go = go.context("missing: Go >= 1.21\n  unpack https://go.dev/dl/ to /usr/local/go")?;
    let said = cmd!(sh, "{go} version").quiet().read()?;
    let minor = parse_go_version(&said);
    anyhow::ensure!(
        minor.is_some_and(|it| it >= 21),
        "{said} is too old: Go >= 1.21 is needed\n  unpack https://go.dev/dl/ to /usr/local/go"
    );
    Ok(go)
}

/// The second number of `go version go1.26.8 linux/amd64`.
fn parse_go_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("go1.")?;
    rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

fn java_version(sh: &Shell) -> Option<u32> {
    let java = java(sh)?;
    let text = cmd!(sh, "{java} -version").quiet().ignore_stdout().read_stderr().ok()?;
    parse_java_version(&text)
}

fn parse_java_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("version \"")?;
    rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

fn has_venv(sh: &Shell) -> bool {
    cmd!(sh, "python3 -c 'import ensurepip, venv'").quiet().ignore_stderr().run().is_ok()
}

fn has_lib(sh: &Shell, name: &str) -> bool {
    cmd!(sh, "pkg-config --exists {name}").quiet().ignore_stderr().run().is_ok()
}

/// The first program of that name in `$PATH`.
pub(crate) fn find(sh: &Shell, program: &str) -> Option<PathBuf> {
    let path = sh.var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|it| it.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_of_go() {
        assert_eq!(parse_go_version("go version go1.26.8 linux/amd64"), Some(26));
        assert_eq!(parse_go_version("go version go1.19 linux/arm64"), Some(19));
        assert_eq!(parse_go_version("go: not found"), None);
    }

    #[test]
    fn reads_old_and_new_java_versions() {
        assert_eq!(parse_java_version("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(parse_java_version("java version \"1.8.0_402\""), Some(1));
        assert_eq!(parse_java_version("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(parse_java_version("command not found"), None);
    }
}
