//! A service: its nodes as they are now, and what clients need to connect.

use maud::{Markup, html};

use crate::list::{Column, List, ListQuery};
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, notice, state};
use crate::{Frame, Page, live};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Its state, as the API spells it.
    pub state: &'static str,
    /// Its plan.
    pub plan: String,
    /// The configuration that every node shall run, in short.
    pub revision: String,
    /// Grows with each change.
    pub generation: i64,
    /// Kafka's id of the cluster.
    pub cluster_id: String,
    /// What people should know of it.
    pub warnings: Vec<String>,
    /// The rollout that is under way.
    pub rollout: Option<Rollout>,
    /// Its nodes, by number.
    pub nodes: Vec<Node>,
    /// What is asked of the list of nodes.
    pub query: ListQuery,
    /// How clients connect; else why that cannot be said.
    pub connection: Result<Connection, String>,
}

/// A rollout that is under way, in short.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// The address of its page.
    pub href: String,
    /// Its state, as the API spells it.
    pub state: String,
    /// `forward` or `back`.
    pub direction: String,
    /// How many nodes are done.
    pub done: usize,
    /// Of how many.
    pub of: usize,
    /// What it waits for, in words.
    pub waits_for: Option<String>,
}

/// A node, as it was seen last.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its number, Kafka's `node.id`.
    pub id: i32,
    /// `host:port` of its listener for clients.
    pub address: String,
    /// Kafka's `broker.rack`.
    pub rack: String,
    /// How it is, as the API spells it.
    pub state: &'static str,
    /// Whether it votes in the controller quorum.
    pub controller: bool,
    /// Whether it leads the controller quorum.
    pub active_controller: bool,
    /// The configuration that its process was started with, in short.
    pub revision: Option<String>,
    /// Whether that is the one that every node shall run.
    pub is_current: bool,
    /// Which run of its process this is, in short.
    pub incarnation: Option<String>,
    /// How many of its replicas are not in sync, if that is known.
    pub out_of_sync: Option<u32>,
    /// `active`, `joining`, `leaving` or `emptied`.
    pub life: &'static str,
    /// Where it is in the rollout that is under way.
    pub phase: Option<String>,
    /// Why nothing moves, in words.
    pub waiting_for: Option<String>,
}

/// How clients connect. No secrets are in it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `host:port` of each node, comma-separated.
    pub bootstrap: String,
    /// Kafka's `security.protocol`.
    pub protocol: String,
    /// Kafka's `sasl.mechanism`.
    pub mechanism: String,
    /// Who has to have issued a token, if OIDC is on.
    pub issuer: Option<String>,
    /// Of which a token has to be for one.
    pub audiences: Vec<String>,
    /// What to put in before a snippet is used: its name and what it is.
    pub placeholders: Vec<(String, String)>,
    /// For which client, and the text.
    pub snippets: Vec<(&'static str, String)>,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let body = html! {
        (live::region("now", &now(view)))
        section {
            h2 { "Nodes" }
            (nodes(frame, view))
        }
        section {
            h2 { "Connect" }
            @match &view.connection {
                Ok(it) => (connection(it)),
                Err(why) => (notice(Tone::Bad, why)),
            }
        }
    };
    Page::of_service(view.at.clone(), "Overview", body)
}

/// What changes while one looks.
fn now(view: &View) -> Markup {
    html! {
        dl.facts {
            div { dt { "State" } dd { (state(view.state)) } }
            div { dt { "Plan" } dd { (view.plan) } }
            div { dt { "Revision" } dd { code { (view.revision) } } }
            div { dt { "Changes" } dd { (view.generation) } }
            div { dt { "Cluster" } dd { code { (view.cluster_id) } } }
        }
        @for text in &view.warnings { (notice(Tone::Busy, text)) }
        @if let Some(it) = &view.rollout { (rollout(it)) }
    }
}

pub(crate) fn rollout(it: &Rollout) -> Markup {
    let what = if it.direction == "back" {
        "Going back to the configuration before"
    } else {
        "Rolling restart"
    };
    html! {
        div.notice.busy {
            p { strong { (what) } ": " (it.state.replace('_', " ")) ", " (it.done) " of " (it.of) " nodes done" }
            progress max=(it.of) value=(it.done) aria-label="Nodes that are done" {}
            @if let Some(text) = &it.waits_for { p { "Waits for: " (text) } }
            p { a href=(it.href) { "Look at this rollout" } }
        }
    }
}

const COLUMNS: [Column<Node>; 8] = [
    Column::new("node", "Node", |it: &Node| it.id.to_string()).sorted(|a, b| a.id.cmp(&b.id)),
    Column::new("state", "State", |it: &Node| {
        let phase = it.phase.as_deref().unwrap_or_default().replace('_', " ");
        let waits = it.waiting_for.as_deref().unwrap_or_default();
        format!("{} {} {phase} {waits}", it.state, it.life)
    })
    .shown(|it, _| how(it)),
    Column::new("sync", "In sync", in_sync)
        .sorted(|a, b| a.out_of_sync.cmp(&b.out_of_sync))
        .shown(|it, _| known(it.out_of_sync.map(|_| html! { (in_sync(it)) }))),
    Column::new("role", "Role", |it: &Node| role(it).to_owned()),
    Column::new("revision", "Revision", |it: &Node| {
        it.revision.clone().unwrap_or_else(|| UNKNOWN.to_owned())
    })
    .shown(|it, _| {
        known(it.revision.as_ref().map(|has| {
            html! { code { (has) } @if !it.is_current { " " (badge(Tone::Busy, "not yet current")) } }
        }))
    }),
    Column::new("incarnation", "Incarnation", |it: &Node| {
        it.incarnation.clone().unwrap_or_else(|| UNKNOWN.to_owned())
    })
    .shown(|it, _| known(it.incarnation.as_ref().map(|has| html! { code { (has) } }))),
    Column::new("address", "Address", |it: &Node| it.address.clone())
        .shown(|it, _| html! { code { (it.address) } }),
    Column::new("rack", "Rack", |it: &Node| it.rack.clone()),
];

const UNKNOWN: &str = "not known";

fn known(it: Option<Markup>) -> Markup {
    it.unwrap_or_else(|| html! { span.none { (UNKNOWN) } })
}

fn how(it: &Node) -> Markup {
    html! {
        (state(it.state))
        @if it.life != "active" { " " (badge(Tone::Busy, it.life)) }
        @if let Some(phase) = &it.phase { p.more { (phase.replace('_', " ")) } }
        @if let Some(text) = &it.waiting_for { p.more { "Waits for: " (text) } }
    }
}

fn in_sync(it: &Node) -> String {
    match it.out_of_sync {
        Some(0) => "all replicas".to_owned(),
        Some(1) => "all but 1 replica".to_owned(),
        Some(behind) => format!("all but {behind} replicas"),
        None => UNKNOWN.to_owned(),
    }
}

const fn role(it: &Node) -> &'static str {
    match (it.controller, it.active_controller) {
        (true, true) => "broker, active controller",
        (true, false) => "broker, controller",
        (false, _) => "broker",
    }
}

fn nodes(frame: &Frame, view: &View) -> Markup {
    let list = List {
        id: "nodes",
        title: "Nodes",
        path: &view.at.href(""),
        keep: &[],
        columns: &COLUMNS,
        key: |it| it.id.to_string(),
        empty: html! { p.none { "There are none." } },
    };
    list.show(&view.query.pick(view.nodes.clone(), &COLUMNS), &view.query, frame)
}

fn connection(it: &Connection) -> Markup {
    html! {
        dl.facts {
            div.wide { dt { "Bootstrap servers" } dd { code { (it.bootstrap) } } }
            div { dt { "Security protocol" } dd { code { (it.protocol) } } }
            div { dt { "SASL mechanism" } dd { code { (it.mechanism) } } }
            @if let Some(issuer) = &it.issuer { div { dt { "Issuer" } dd { code { (issuer) } } } }
            @if !it.audiences.is_empty() {
                div { dt { "Audience" } dd { code { (it.audiences.join(" or ")) } } }
            }
        }
        @if it.issuer.is_none() {
            p { "OIDC is off: clients log in with a service user and its password." }
        }
        div.tabs {
            @for (index, (client, text)) in it.snippets.iter().enumerate() {
                details name="snippet" open[index == 0] {
                    summary { (client) }
                    pre tabindex="0" aria-label={ "For " (client) } { code { (text) } }
                }
            }
        }
        h3 { "To be put in" }
        dl.terms {
            @for (name, what) in &it.placeholders { dt { code { (name) } } dd { (what) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Role, Timestamp};

    use super::*;

    fn node(id: i32, state: &'static str, revision: &str) -> Node {
        Node {
            id,
            address: format!("10.0.0.{id}:9094"),
            rack: format!("rack-{id}"),
            state,
            controller: id <= 3,
            active_controller: id == 1,
            revision: Some(revision.into()),
            is_current: revision == "bbbb",
            incarnation: (id == 1).then(|| "4711@99".into()),
            out_of_sync: u32::try_from(id - 1).ok().filter(|it| *it < 3),
            life: if id > 3 { "joining" } else { "active" },
            phase: (id == 2).then(|| "catching_up".into()),
            waiting_for: None,
        }
    }

    fn view() -> View {
        View {
            at: ServiceAt {
                project: "dev".into(),
                service: "my-kafka".into(),
                role: Role::ReadOnly,
                here: "",
            },
            state: "REBUILDING",
            plan: "business-4".into(),
            revision: "bbbb".into(),
            generation: 7,
            cluster_id: "abc".into(),
            warnings: vec!["Kafka refuses topic <x>".into()],
            rollout: Some(Rollout {
                href: "/rollout".into(),
                state: "running".into(),
                direction: "forward".into(),
                done: 1,
                of: 4,
                waits_for: Some("a partition that is not in sync".into()),
            }),
            nodes: vec![
                node(1, "running", "bbbb"),
                node(2, "syncing_data", "bbbb"),
                node(4, "unknown", "aaaa"),
            ],
            query: ListQuery::default(),
            connection: Ok(Connection {
                bootstrap: "10.0.0.1:9094".into(),
                protocol: "SASL_PLAINTEXT".into(),
                mechanism: "OAUTHBEARER".into(),
                issuer: Some("https://idp.example.com/".into()),
                audiences: vec!["kafka".into()],
                placeholders: vec![("<CLIENT_ID>".into(), "A client".into())],
                snippets: vec![("librdkafka", "a=<CLIENT_ID>\n".into()), ("Java", "b".into())],
            }),
        }
    }

    const FRAME: Frame = Frame { who: None, csrf: String::new(), now: Timestamp(0) };

    #[test]
    fn nodes_and_connections_are_shown() {
        let text = page(&FRAME, &view()).body.into_string().replace("><", ">\n<");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_breaks_rules_is_said_where_the_connection_would_be() {
        let view = View { connection: Err("Invalid 'x'".into()), ..view() };
        let text = page(&FRAME, &view).body.into_string();
        assert!(text.contains("Invalid 'x'") && !text.contains("Bootstrap"), "{text}");
    }
}
