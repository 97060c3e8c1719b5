//! OIDC switched on and off by avn, and the rolling restart that follows, watched through the API.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::Value;

use crate::addresses::Addresses;
use crate::api::{Api, SERVICE, summary};
use crate::interrupt;

/// The four options, as the vendor documents them.
const OPTIONS: [&str; 4] = [
    "kafka.sasl_oauthbearer_expected_audience",
    "kafka.sasl_oauthbearer_expected_issuer",
    "kafka.sasl_oauthbearer_jwks_endpoint_url",
    "kafka.sasl_oauthbearer_sub_claim_name",
];

/// The arguments of avn that switch OIDC on.
pub(crate) fn switch_on(at: &Addresses) -> Vec<String> {
    let values = ["my-audience, another-audience", &at.issuer, &at.jwks, "custom-sub"];
    let mut args = ["service", "update", SERVICE].map(str::to_owned).to_vec();
    for (option, value) in OPTIONS.iter().zip(values) {
        args.extend(["-c".to_owned(), format!("{option}={value}")]);
    }
    args
}

/// The arguments of avn that switch it off.
pub(crate) fn switch_off() -> Vec<String> {
    let mut args = ["service", "update", SERVICE].map(str::to_owned).to_vec();
    args.extend(OPTIONS.iter().flat_map(|it| ["--remove-option".to_owned(), (*it).to_owned()]));
    args
}

/// The arguments of avn that change whom OIDC lets in, so that every broker has to restart and no
/// token of ours becomes a bad one.
pub(crate) fn other_audience(service: &Value) -> Vec<String> {
    let audiences = ["my-audience, another-audience", "my-audience, a-third-audience"];
    let now = &service["user_config"]["kafka"]["sasl_oauthbearer_expected_audience"];
    let next = if now == audiences[0] { audiences[1] } else { audiences[0] };
    let option = format!("{}={next}", OPTIONS[0]);
    ["service", "update", SERVICE, "-c", &option].map(str::to_owned).to_vec()
}

/// Whether OIDC is on.
pub(crate) fn is_on(service: &Value) -> bool {
    service["user_config"]["kafka"]["sasl_oauthbearer_jwks_endpoint_url"].is_string()
}

/// How long each node was in each state, and the whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) total: Duration,
    /// Node, then state.
    pub(crate) states: BTreeMap<String, BTreeMap<String, Duration>>,
    /// The nodes in the order in which they were told to stop.
    pub(crate) order: Vec<String>,
}

/// Watches until the service is RUNNING. `show` gets each new state of the nodes.
pub(crate) fn watch(api: &Api<'_>, mut show: impl FnMut(&str)) -> anyhow::Result<Watched> {
    let (started, mut last) = (Instant::now(), Instant::now());
    let (mut watched, mut shown) = (Watched::default(), String::new());
    loop {
        let service = api.service()?;
        let line = summary(&service);
        if line != shown {
            show(&line);
            shown = line;
        }
        watched.note(&service, last.elapsed());
        last = Instant::now();
        if service["state"] == "RUNNING" {
            watched.total = started.elapsed();
            return Ok(watched);
        }
        ensure!(started.elapsed() < Duration::from_mins(15), "still not RUNNING: {shown}");
        // Each look is a process, on a machine that has something else to do.
        interrupt::sleep(Duration::from_millis(200))?;
    }
}

impl Watched {
    fn note(&mut self, service: &Value, since: Duration) {
        for node in service["node_states"].as_array().into_iter().flatten() {
            let (Some(name), Some(state)) = (node["name"].as_str(), node["state"].as_str()) else {
                continue;
            };
            if state == "running" {
                continue;
            }
            if state == "leaving" && !self.order.iter().any(|it| it == name) {
                self.order.push(name.to_owned());
            }
            let states = self.states.entry(name.to_owned()).or_default();
            *states.entry(state.to_owned()).or_default() += since;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_audience_changes_each_time() {
        let option = "sasl_oauthbearer_expected_audience";
        let mut service = json!({ "user_config": { "kafka": {} } });
        let mut seen = Vec::new();
        for _ in 0..3 {
            let args = other_audience(&service);
            let (_, value) = args[4].split_once('=').unwrap();
            service["user_config"]["kafka"][option] = value.into();
            seen.push(value.to_owned());
        }
        assert!(seen.iter().all(|it| it.starts_with("my-audience")));
        assert!(seen[0] != seen[1] && seen[0] == seen[2]);
    }

    #[test]
    fn adds_up_the_time_of_each_state() {
        let at = |state: &str| json!({ "node_states": [{ "name": "my-kafka-1", "state": state }] });
        let mut watched = Watched::default();
        for state in ["running", "leaving", "leaving", "syncing_data"] {
            watched.note(&at(state), Duration::from_secs(1));
        }
        assert_eq!(watched.order, ["my-kafka-1"]);
        assert_eq!(watched.states["my-kafka-1"]["leaving"], Duration::from_secs(2));
        assert!(!watched.states["my-kafka-1"].contains_key("running"));
    }
}
