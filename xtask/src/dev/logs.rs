//! `cargo xtask dev logs`: the log of a part, found by its name.

use std::path::{Path, PathBuf};

use anyhow::bail;
use xshell::{Shell, cmd};

use crate::places::Places;
use crate::postgres;

/// Shows the end of every log that the name fits.
pub(super) fn show(sh: &Shell, places: &Places, part: &str, follow: bool) -> anyhow::Result<()> {
    let logs = all(sh, places);
    let found: Vec<&PathBuf> =
        logs.iter().filter(|(name, _)| fits(name, part)).map(|(_, path)| path).collect();
    if found.is_empty() {
        let names: Vec<&str> = logs.iter().map(|(name, _)| name.as_str()).collect();
        bail!("no log of `{part}`; there are: {}", names.join(" "));
    }
    let follow: &[&str] = if follow { &["-F"] } else { &[] };
    Ok(cmd!(sh, "tail -n 100 {follow...} {found...}").quiet().run()?)
}

/// Every log of a stack: `idp`, `my-kafka/1/server`, `postgres`.
pub(crate) fn all(sh: &Shell, places: &Places) -> Vec<(String, PathBuf)> {
    let mut logs = Vec::new();
    for folder in [places.logs(), places.nodes()] {
        collect(sh, &folder, &folder, &mut logs);
    }
    logs.extend(postgres::log(&places.postgres()).map(|path| ("postgres".to_owned(), path)));
    logs.sort();
    logs
}

fn collect(sh: &Shell, top: &Path, folder: &Path, logs: &mut Vec<(String, PathBuf)>) {
    for path in sh.read_dir(folder).unwrap_or_default() {
        // Kafka's own data has files by that name too.
        let data = path.file_name().is_some_and(|name| name == "data");
        if path.is_dir() && !data {
            collect(sh, top, &path, logs);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            let name = path.strip_prefix(top).unwrap_or(&path).with_extension("");
            logs.push((name.display().to_string(), path));
        }
    }
}

/// A log fits its whole name, and each of the folders and the file that it is made of.
fn fits(name: &str, part: &str) -> bool {
    name == part
        || name.split('/').any(|word| word == part)
        || name.starts_with(&format!("{part}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_by_its_number_or_its_folder() {
        assert!(fits("my-kafka/1/server", "1"));
        assert!(fits("my-kafka/1/server", "my-kafka/1"));
        assert!(fits("idp", "idp"));
        assert!(!fits("my-kafka/11/server", "1"));
    }

    #[test]
    fn the_log_of_postgres_is_among_them() {
        let state = std::env::temp_dir().join(format!("xtask-logs-{}", std::process::id()));
        let (root, cache, target) = (state.clone(), state.clone(), state.clone());
        let places = Places { root, state, cache, target };
        let sh = Shell::new().unwrap();
        assert!(all(&sh, &places).is_empty());
        let log = places.postgres().join("postgres.log");
        sh.write_file(&log, "").unwrap();
        assert_eq!(all(&sh, &places), [("postgres".to_owned(), log)]);
        sh.remove_path(&places.state).unwrap();
    }
}
