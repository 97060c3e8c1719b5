//! How the platform itself logs in at the brokers of a stack.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use xshell::Shell;

use crate::api::{PROJECT, SERVICE};
use crate::places::Places;

/// The INTERNAL listener of each node, from the configuration that it was started with.
pub(crate) fn addresses(sh: &Shell, places: &Places) -> anyhow::Result<String> {
    let (mut addresses, service) = (Vec::new(), service(places));
    for node in sh.read_dir(&service)? {
        let revisions = sh.read_dir(node.join("revisions")).unwrap_or_default();
        let files = revisions
            .iter()
            .filter_map(|it| fs::read_to_string(it.join("server.properties")).ok())
            .collect::<Vec<_>>();
        addresses.extend(files.into_iter().find_map(|text| internal_address(&text)));
    }
    anyhow::ensure!(!addresses.is_empty(), "no INTERNAL listener below {}", service.display());
    Ok(addresses.join(","))
}

fn internal_address(properties: &str) -> Option<String> {
    let listeners = properties.lines().find_map(|line| line.strip_prefix("listeners="))?;
    let internal = listeners.split(',').find_map(|it| it.trim().strip_prefix("INTERNAL://"))?;
    Some(internal.to_owned())
}

/// The password of the platform's administrator.
pub(crate) fn password(places: &Places) -> anyhow::Result<String> {
    let path = service(places).join("1/secrets.properties");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("admin="));
    Ok(line.context("secrets.properties has the admin's password")?.trim().to_owned())
}

fn service(places: &Places) -> PathBuf {
    places.nodes().join(PROJECT).join(SERVICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_internal_listener() {
        let text = "node.id=1\nlisteners=CONTROLLER://127.0.0.1:1,INTERNAL://127.0.0.1:2\n";
        assert_eq!(internal_address(text).as_deref(), Some("127.0.0.1:2"));
        assert_eq!(internal_address("node.id=1"), None);
    }
}
