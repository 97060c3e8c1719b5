//! Where nodes shall be: on the hosts in turn, on ports that nobody has.

use model::{Node, NodeId, NodePorts};

use crate::Settings;
use crate::error::ApiError;

/// Ports of a node: one for each listener.
const PORTS_PER_NODE: u16 = 3;

/// Nodes that have a place, and the first port behind theirs.
pub(crate) struct Placed {
    pub(crate) nodes: Vec<Node>,
    pub(crate) next_port: u16,
}

/// Places `count` more nodes beside `there` that a service has already. `highest` is the highest
/// port that any service uses.
pub(crate) fn place(
    settings: &Settings,
    there: &[Node],
    count: u16,
    highest: Option<u16>,
) -> Result<Placed, ApiError> {
    let full = || ApiError::Conflict(format!("No ports are left for {count} nodes"));
    let first = highest.map_or(Some(settings.port_base), |it| it.checked_add(1));
    let mut next_port = first.ok_or_else(full)?.max(settings.port_base);
    let last_id = there.iter().map(|it| it.id.0).max().unwrap_or(0);
    let hosts = settings.node_hosts.iter().cycle().skip(there.len());
    let mut nodes = Vec::new();
    for (id, host) in (last_id + 1..).zip(hosts).take(usize::from(count)) {
        let port = next_port;
        next_port = port.checked_add(PORTS_PER_NODE).ok_or_else(full)?;
        nodes.push(Node {
            id: NodeId(id),
            host: host.host.clone(),
            ports: NodePorts { controller: port, internal: port + 1, client: port + 2 },
            rack: host.rack.clone(),
        });
    }
    if nodes.len() < usize::from(count) {
        return Err(ApiError::Internal("no hosts for nodes".into()));
    }
    Ok(Placed { nodes, next_port })
}
