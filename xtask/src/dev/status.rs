//! `cargo xtask dev status`: what runs, where, and how much memory it has.

use std::fs;

use serde_json::{Value, json};
use xshell::Shell;

use crate::api::summary;
use crate::node_processes;
use crate::places::Places;
use crate::process::Process;
use crate::stack::{PROGRAMS, Stack};

/// A part, as it is shown.
struct Row {
    name: String,
    pid: Option<u32>,
    address: String,
}

/// Prints the table, or the same as JSON.
pub(super) fn show(sh: &Shell, places: &Places, as_json: bool) -> anyhow::Result<()> {
    let stack = Stack::find(sh, places)?;
    let rows = stack.as_ref().map_or_else(|| Ok(Vec::new()), rows)?;
    let service = stack.as_ref().and_then(|stack| stack.api().ok()?.service().ok());
    if as_json {
        let parts: Vec<Value> = rows.iter().map(Row::json).collect();
        let state = &places.state;
        println!("{:#}", json!({ "state": state, "parts": parts, "service": service }));
        return Ok(());
    }
    if rows.is_empty() {
        super::say_nothing_there(places);
        return Ok(());
    }
    println!("{:<22} {:<8} {:>8} {:>9}  address", "part", "state", "pid", "memory");
    for row in &rows {
        let state = if row.pid.is_some() { "running" } else { "stopped" };
        let pid = row.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let memory = row.memory().map_or_else(|| "-".to_owned(), |mib| format!("{mib} MiB"));
        println!("{:<22} {state:<8} {pid:>8} {memory:>9}  {}", row.name, row.address);
    }
    if let Some(service) = service {
        println!("{}", summary(&service));
    }
    Ok(())
}

fn rows(stack: &Stack<'_>) -> anyhow::Result<Vec<Row>> {
    let ports = stack.ports;
    let address_of = |name: &str| match name {
        "postgres" => format!("127.0.0.1:{}", ports.postgres),
        "idp" => stack.idp_url(),
        "control-plane" => stack.control_plane_url(),
        _ => stack.orchestrator_url(),
    };
    let mut rows = Vec::new();
    for name in ["postgres"].into_iter().chain(PROGRAMS) {
        let pid = Process::running(stack.places, name)?.map(|process| process.pid);
        rows.push(Row { name: name.to_owned(), pid, address: address_of(name) });
    }
    let nodes = node_processes::list(stack.places).into_iter();
    rows.extend(nodes.map(|it| Row { name: it.name, pid: Some(it.pid), address: String::new() }));
    Ok(rows)
}

impl Row {
    /// Resident memory in MiB. For Postgres with its children.
    fn memory(&self) -> Option<u64> {
        let pid = self.pid?;
        let own = resident_kib(pid)?;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        let of_children =
            children.split_ascii_whitespace().filter_map(|pid| resident_kib(pid.parse().ok()?));
        Some((own + of_children.sum::<u64>()) / 1024)
    }

    fn json(&self) -> Value {
        json!({
            "part": self.name,
            "running": self.pid.is_some(),
            "pid": self.pid,
            "memory_mib": self.memory(),
            "address": self.address,
        })
    }
}

/// The private part of it where the kernel tells, so that shared buffers count once.
fn resident_kib(pid: u32) -> Option<u64> {
    let read = |file: &str, key: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    read("smaps_rollup", "Pss:").or_else(|| read("status", "VmRSS:"))
}
