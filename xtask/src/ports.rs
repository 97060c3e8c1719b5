//! The ports of a stack: chosen free at its first start, then kept, so that addresses stay.

use std::fs;
use std::net::TcpListener;
use std::ops::Range;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::places::{Places, fingerprint};

/// Below the range from which Linux gives ports to outgoing connections.
const RANGE: Range<u16> = 20_000..30_000;
/// How many ports one stack has.
const BLOCK: u16 = 100;

/// Where the parts of a stack listen, all on loopback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) idp: u16,
    pub(crate) control_plane: u16,
    pub(crate) orchestrator: u16,
    /// The first of those for nodes and REST proxies.
    pub(crate) nodes: u16,
}

impl Ports {
    const fn of_block(base: u16) -> Self {
        Self {
            postgres: base,
            idp: base + 1,
            control_plane: base + 2,
            orchestrator: base + 3,
            nodes: base + 10,
        }
    }

    /// The ports of this stack, chosen now if it has none.
    pub(crate) fn load_or_choose(places: &Places) -> anyhow::Result<Self> {
        if let Some(ports) = Self::load(places)? {
            return Ok(ports);
        }
        let base = free_block(&places.state.display().to_string(), is_free)
            .context("no 100 free ports between 20000 and 30000")?;
        let text = format!("{:#}\n", json!({ "base": base, "ports": BLOCK }));
        fs::write(places.state.join("ports.json"), text)?;
        Ok(Self::of_block(base))
    }

    /// The ports of this stack, if it was ever started.
    pub(crate) fn load(places: &Places) -> anyhow::Result<Option<Self>> {
        let path = places.state.join("ports.json");
        if !path.exists() {
            return Ok(None);
        }
        let read: Value = serde_json::from_str(&fs::read_to_string(&path)?)
            .with_context(|| format!("reading {}", path.display()))?;
        let base = read["base"].as_u64().and_then(|base| u16::try_from(base).ok());
        let base = base.with_context(|| format!("{} has no base", path.display()))?;
        ensure!(RANGE.contains(&base), "{} is out of range", path.display());
        Ok(Some(Self::of_block(base)))
    }
}

/// The first block without a used port. Each name starts elsewhere, so that two stacks do not
/// choose the same block while one of them is down.
fn free_block(name: &str, is_free: impl Fn(u16) -> bool) -> Option<u16> {
    let blocks = (RANGE.end - RANGE.start) / BLOCK;
    let first = u16::try_from(fingerprint(name) % u64::from(blocks)).ok()?;
    (0..blocks)
        .map(|step| RANGE.start + (first + step) % blocks * BLOCK)
        .find(|&base| (base..base + BLOCK).all(&is_free))
}

/// Whether nothing listens there.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_another_block_when_a_port_is_used() {
        let first = free_block("a", |_| true).unwrap();
        let second = free_block("a", |port| port != first + 7).unwrap();
        assert_ne!(first, second);
        assert_eq!(free_block("a", |_| false), None);
    }
}
