//! The service, as the control plane shows it.

use std::time::Duration;

use serde_json::Value;

use super::{Stack, wait_until};

/// What a node is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeState {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) revision: Option<String>,
    pub(crate) active_controller: bool,
    pub(crate) waiting_for: Option<String>,
}

/// The service at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceState {
    pub(crate) state: String,
    /// What every node shall run.
    pub(crate) revision: String,
    pub(crate) generation: i64,
    pub(crate) nodes: Vec<NodeState>,
    pub(crate) user_config: Value,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) description: String,
}

impl ServiceState {
    /// From a service object.
    pub(crate) fn parse(service: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let nodes = service["node_states"].as_array().expect("the service has node_states");
        Self {
            state: text(&service["state"]).expect("the service has a state"),
            revision: text(&service["tidegate"]["revision"]).expect("it has a revision"),
            generation: service["tidegate"]["generation"].as_i64().expect("it has a generation"),
            nodes: nodes
                .iter()
                .map(|node| NodeState {
                    name: text(&node["name"]).expect("a node has a name"),
                    state: text(&node["state"]).expect("a node has a state"),
                    revision: text(&node["tidegate"]["revision"]),
                    active_controller: node["tidegate"]["active_controller"] == true,
                    waiting_for: text(&node["tidegate"]["waiting_for"]),
                })
                .collect(),
            user_config: service["user_config"].clone(),
        }
    }

    /// The name of the node that leads the controller quorum.
    pub(crate) fn active_controller(&self) -> Option<&str> {
        self.nodes.iter().find(|it| it.active_controller).map(|it| it.name.as_str())
    }

    /// Whether every node runs what it shall, in sync, and nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        let current = |node: &NodeState| {
            node.state == "running" && node.revision.as_ref() == Some(&self.revision)
        };
        self.state == "RUNNING" && self.nodes.iter().all(current)
    }

    /// Whether the brokers take tokens.
    pub(crate) fn has_oidc(&self) -> bool {
        let url = &self.user_config["kafka"]["sasl_oauthbearer_jwks_endpoint_url"];
        url.as_str().is_some_and(|it| !it.is_empty())
    }
}

impl Stack {
    /// The service now.
    pub(crate) async fn service(&self) -> ServiceState {
        ServiceState::parse(&self.service_object().await)
    }

    pub(crate) async fn service_object(&self) -> Value {
        let path = format!("/project/{}/service/{}", self.project, self.service);
        self.api("GET", &path, None).await.expect(200).json()["service"].clone()
    }

    /// Waits until every node runs what it shall, in sync.
    pub(crate) async fn settled(&self) -> ServiceState {
        let (state, _) = wait_until("the service settles", Duration::from_mins(10), async || {
            let service = self.service().await;
            if service.is_settled() { Ok(service) } else { Err(format!("{service:?}")) }
        })
        .await;
        state
    }

    /// What happened to this service after event `id`, oldest first, as `avn events` tells it.
    pub(crate) async fn events_after(&self, id: i64) -> Vec<Event> {
        let events = self.avn_json(&["events", "-n", "1000"]).await;
        let events = events.as_array().expect("avn events prints a list").iter().rev();
        let ours = events.filter(|it| it["service_name"] == self.service.as_str());
        ours.map(Event::parse).filter(|it| it.id > id).collect()
    }

    /// The id of the latest event.
    pub(crate) async fn last_event(&self) -> i64 {
        self.events_after(0).await.last().map_or(0, |it| it.id)
    }
}

impl Event {
    fn parse(event: &Value) -> Self {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id").parse().expect("an event has a number"),
            kind: text("event_type"),
            description: text("event_desc"),
        }
    }
}
