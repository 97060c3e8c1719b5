//! The control plane's API, as far as the stack needs it.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use xshell::Shell;

use crate::http::{Request, Response};
use crate::interrupt;

/// The project of the development stack.
pub(crate) const PROJECT: &str = "dev";
/// Its one service.
pub(crate) const SERVICE: &str = "my-kafka";

/// The control plane at an address, asked with a token.
pub(crate) struct Api<'a> {
    pub(crate) sh: &'a Shell,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Api<'_> {
    /// Whether the token is good for the project.
    pub(crate) fn accepts_token(&self) -> anyhow::Result<bool> {
        Ok(self.get(&format!("/v1/project/{PROJECT}/service"))?.status == 200)
    }

    /// The service as the API shows it.
    pub(crate) fn service(&self) -> anyhow::Result<Value> {
        self.find_service()?.context("the service does not exist")
    }

    /// The same, if it was created.
    pub(crate) fn find_service(&self) -> anyhow::Result<Option<Value>> {
        let response = self.get(&format!("/v1/project/{PROJECT}/service/{SERVICE}"))?;
        if response.status == 404 {
            return Ok(None);
        }
        let mut body = response.json().context("asking for the service")?;
        Ok(Some(body["service"].take()))
    }

    /// Creates the service: three nodes and a REST proxy.
    pub(crate) fn create_service(&self) -> anyhow::Result<()> {
        let body = json!({
            "service_name": SERVICE,
            "service_type": "kafka",
            "plan": "business-4",
            "cloud": null,
            "user_config": { "kafka_rest": true },
        });
        let url = format!("{}/v1/project/{PROJECT}/service", self.url);
        let request = self.authorized(Request::new("POST", url));
        let response = request.body("application/json", body.to_string()).send(self.sh)?;
        response.json().context("creating the service").map(drop)
    }

    /// Switches the service on, which somebody has switched off.
    pub(crate) fn power_on(&self) -> anyhow::Result<()> {
        let url = format!("{}/v1/project/{PROJECT}/service/{SERVICE}", self.url);
        let request = self.authorized(Request::new("PUT", url));
        let body = json!({ "powered": true }).to_string();
        let response = request.body("application/json", body).send(self.sh)?;
        ensure!(response.status == 200, "power on: {} {}", response.status, response.body);
        Ok(())
    }

    fn get(&self, path: &str) -> anyhow::Result<Response> {
        let request = self.authorized(Request::new("GET", format!("{}{path}", self.url)));
        // On a busy machine an answer may be late: that alone is no reason to give up.
        for _ in 0..3 {
            let response = request.send(self.sh)?;
            if response.status != 0 {
                return Ok(response);
            }
            interrupt::sleep(Duration::from_secs(1))?;
        }
        bail!("the control plane at {} does not answer", self.url)
    }

    fn authorized(&self, request: Request) -> Request {
        request.header("Authorization", &format!("aivenv1 {}", self.token))
    }
}

/// The state of the service and of each node, in one line.
pub(crate) fn summary(service: &Value) -> String {
    let nodes = service["node_states"].as_array().into_iter().flatten().map(|node| {
        let word = |key: &str| node[key].as_str().unwrap_or("?").to_owned();
        format!("{} {}", word("name"), word("state"))
    });
    let nodes = nodes.collect::<Vec<_>>().join(", ");
    // What is waited for is said of each node, and is the same for all.
    let mut all = service["node_states"].as_array().into_iter().flatten();
    let waits = all.find_map(|node| node["tidegate"]["waiting_for"].as_str());
    let waits = waits.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{}: {nodes}{waits}", service["state"].as_str().unwrap_or("?"))
}

/// The node that leads the controller quorum.
pub(crate) fn active_controller(service: &Value) -> Option<&str> {
    let nodes = service["node_states"].as_array()?;
    let leader = nodes.iter().find(|node| node["tidegate"]["active_controller"] == true)?;
    leader["name"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_tells_the_state_and_what_is_waited_for() {
        let service = json!({ "state": "REBUILDING", "node_states": [
            { "name": "k-1", "state": "running", "tidegate": { "active_controller": true } },
            { "name": "k-2", "state": "syncing_data", "tidegate": { "waiting_for": "orders-0" } },
        ] });
        let line = "REBUILDING: k-1 running, k-2 syncing_data (orders-0)";
        assert_eq!(summary(&service), line);
        assert_eq!(active_controller(&service), Some("k-1"));
    }
}
