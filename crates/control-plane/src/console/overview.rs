//! `/console/project/{project}/service/{service}`: its nodes as they are now, and how to connect.

use axum::extract::{Query, State};
use console::list::ListQuery;
use console::nav::{ServiceAt, rollout as path};
use console::pages::overview::{Connection, Node, Rollout, View, page};

use super::live::{Of, of_look};
use super::on_page::OnPage;
use super::show::{Failed, Show};
use crate::App;
use crate::connection_info::{self, ConnectionInfoView};
use crate::error::ApiError;
use crate::rollouts::RolloutBrief;
use crate::services::{NodeLook, ServiceLook, look};

pub(super) async fn show(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
) -> Result<Show, Failed> {
    let service = on.service();
    let look = look(&app, service).await?;
    let at = on.at("");
    let live = Of::Service.since(&at, &of_look(service, &look));
    let ServiceLook { state, nodes, rollout, warnings } = look;
    let connection = connection_info::of(&app, service).map(connection);
    let view = View {
        state: state.as_str(),
        plan: service.plan.clone(),
        revision: service.target.short().to_owned(),
        generation: service.generation,
        cluster_id: service.cluster_id.clone(),
        warnings,
        rollout: rollout.map(|it| brief(&at, it)),
        at,
        nodes: nodes.into_iter().map(|it| node(it, service.target.short())).collect(),
        query,
        connection: connection.map_err(|it: ApiError| it.to_string()),
    };
    Ok(page(on.frame(), &view).following(live).into())
}

fn node(it: NodeLook, target: &str) -> Node {
    Node {
        id: it.node.id.0,
        address: it.node.client_address(),
        rack: it.node.rack,
        state: it.state,
        controller: it.controller,
        active_controller: it.active_controller,
        is_current: it.revision.as_deref().is_none_or(|has| has == target),
        revision: it.revision,
        incarnation: it.incarnation,
        out_of_sync: it.out_of_sync,
        life: it.life,
        phase: it.phase,
        waiting_for: it.waiting_for,
    }
}

pub(super) fn brief(at: &ServiceAt, it: RolloutBrief) -> Rollout {
    Rollout {
        href: at.href(&path(&it.id)),
        waits_for: it.waits_for(),
        state: it.state,
        direction: it.direction,
        done: it.nodes_done,
        of: it.nodes,
    }
}

fn connection(it: ConnectionInfoView) -> Connection {
    Connection {
        bootstrap: it.bootstrap_servers,
        protocol: it.security_protocol.to_owned(),
        mechanism: it.sasl_mechanism.to_owned(),
        issuer: it.issuer,
        audiences: it.audiences,
        placeholders: it
            .placeholders
            .into_iter()
            .map(|it| (it.name.to_owned(), it.description))
            .collect(),
        snippets: it.snippets.named(),
    }
}
