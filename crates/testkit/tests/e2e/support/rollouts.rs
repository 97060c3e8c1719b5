//! Rollouts as the API shows them, and what a person tells them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{Answer, Stack, wait_until};

/// How long a rolling restart may take on a slow machine.
const ROLL: Duration = Duration::from_mins(10);

/// A rollout at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Rollout(Value);

impl Rollout {
    pub(crate) fn id(&self) -> String {
        self.0["id"].as_str().expect("a rollout has an id").to_owned()
    }

    pub(crate) fn state(&self) -> &str {
        self.0["state"].as_str().expect("a rollout has a state")
    }

    pub(crate) fn target(&self) -> &str {
        self.0["target"].as_str().expect("a rollout has a target")
    }

    /// What it waits for.
    pub(crate) fn blocker(&self) -> Option<&str> {
        self.0["blocker"]["code"].as_str()
    }

    /// The phase of each node, by its number.
    pub(crate) fn phases(&self) -> BTreeMap<u32, String> {
        let nodes = self.0["nodes"].as_array().expect("a rollout has nodes").iter();
        let phase = |it: &Value| Some((it["node"].as_u64()?, it["phase"].as_str()?.to_owned()));
        let phases = nodes.filter_map(phase);
        phases.filter_map(|(node, phase)| Some((u32::try_from(node).ok()?, phase))).collect()
    }

    pub(crate) fn is_in(&self, phase: &str) -> bool {
        self.phases().values().any(|it| it == phase)
    }

    /// Whether a node is on its way down or up.
    pub(crate) fn is_under_way(&self) -> bool {
        let rests = |phase: &String| ["pending", "soaking", "done"].contains(&phase.as_str());
        !self.phases().values().all(rests)
    }

    /// Whether a node has come back and others have not had their turn.
    pub(crate) fn is_between(&self) -> bool {
        let phases = self.phases();
        let is = |name: &str| phases.values().any(|it| it == name);
        is("pending") && (is("soaking") || is("done"))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0["ended_at"].is_string()
    }

    /// All of it.
    pub(crate) const fn json(&self) -> &Value {
        &self.0
    }
}

impl Stack {
    fn rollouts_path(&self, rest: &str) -> String {
        format!("/project/{}/service/{}/rollouts{rest}", self.project, self.service)
    }

    /// A request about rollouts.
    pub(crate) async fn rollouts_api(
        &self,
        method: &str,
        rest: &str,
        body: Option<&Value>,
    ) -> Answer {
        self.api(method, &self.rollouts_path(rest), body).await
    }

    /// The latest rollout.
    pub(crate) async fn latest_rollout(&self) -> Rollout {
        let rollouts = self.rollouts_api("GET", "?limit=1", None).await.expect(200).json();
        Rollout(rollouts["rollouts"][0].clone())
    }

    pub(crate) async fn rollout(&self, id: &str) -> Rollout {
        let answer = self.rollouts_api("GET", &format!("/{id}"), None).await.expect(200).json();
        Rollout(answer["rollout"].clone())
    }

    /// Tells a rollout something.
    pub(crate) async fn tell(&self, id: &str, verb: &str, body: &Value) {
        self.rollouts_api("POST", &format!("/{id}/{verb}"), Some(body)).await.expect(202);
    }

    /// Waits until the rollout is so.
    pub(crate) async fn rollout_is(
        &self,
        id: &str,
        what: &str,
        is_so: impl Fn(&Rollout) -> bool,
    ) -> Rollout {
        let (rollout, _) = wait_until(what, ROLL, async || {
            let rollout = self.rollout(id).await;
            let is_so = is_so(&rollout);
            assert!(is_so || !rollout.has_ended(), "never: {what}; {}", rollout.json());
            if is_so { Ok(rollout) } else { Err(rollout.json().to_string()) }
        })
        .await;
        rollout
    }

    /// Waits until the rollout has ended.
    pub(crate) async fn ended(&self, id: &str) -> Rollout {
        self.rollout_is(id, "the rollout ends", Rollout::has_ended).await
    }

    /// Follows a rollout to its end, as `tidegatectl rollout watch` does. Its events.
    pub(crate) async fn watch(&self, id: &str) -> Vec<Value> {
        let output = Command::new(self.xtask.with_file_name("tidegatectl"))
            .args(["--json", "rollout", "watch", &self.service, "--rollout", id])
            .env("TIDEGATE_URL", &self.url)
            .env("TIDEGATE_PROJECT", &self.project)
            .env("TIDEGATE_TOKEN", &self.token)
            .output()
            .await
            .expect("tidegatectl runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said.lines().map(|it| serde_json::from_str(it).expect("a line is an event")).collect()
    }

    /// Switches OIDC on or off, whichever changes something, and gives the rollout of it.
    pub(crate) async fn change_oidc(&self) -> Rollout {
        let before = self.settled().await;
        let options = if before.has_oidc() { Self::switch_off() } else { self.switch_on() };
        self.update(&options).await;
        self.latest_rollout().await
    }

    /// Restarts every node, as a person asks for it.
    pub(crate) async fn restart_all(&self) -> Rollout {
        self.settled().await;
        let body = json!({ "all_nodes": true });
        let answer = self.rollouts_api("POST", "", Some(&body)).await.expect(201).json();
        Rollout(answer["rollout"].clone())
    }

    /// The orders of a rollout: the nodes, in order.
    pub(crate) async fn orders(&self, id: &str) -> Vec<u64> {
        let events = self.rollouts_api("GET", &format!("/{id}/events?limit=1000"), None).await;
        let events = events.expect(200).json();
        let events = events["events"].as_array().expect("a list of events").iter();
        let ordered = events.filter(|it| it["kind"] == "ordered");
        ordered.filter_map(|it| it["node"].as_u64()).collect()
    }

    /// Runs SQL on the stack's own database: for what no API does, because it would be wrong.
    pub(crate) async fn sql(&self, statements: &str) -> String {
        let url = self.program("tidegate-control-plane").variable("TIDEGATE_DATABASE_URL");
        let mut child = Command::new(psql())
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname", &url])
            .args(["--set", "ON_ERROR_STOP=1", "--single-transaction", "--file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cannot run psql");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(statements.as_bytes()).await.expect("psql reads");
        drop(stdin);
        let output = child.wait_with_output().await.expect("psql ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Starts a rollout into a revision that no API would accept: what the service has, changed by
    /// `change`, which is an expression of SQL over `server_properties`.
    pub(crate) async fn roll_into(&self, digit: char, change: &str) -> Rollout {
        self.settled().await;
        let (id, service) = (digit.to_string().repeat(64), &self.service);
        self.sql(&format!(
            "insert into revision (revision_id, server_properties, jvm_options)
             select '{id}', {change}, jvm_options from service
             join revision on revision_id = target_revision where service_name = '{service}'
             on conflict (revision_id) do update
             set server_properties = excluded.server_properties, rejected_reason = null;
             update service set target_revision = '{id}', generation = generation + 1
             where service_name = '{service}';
             insert into rollout (rollout_id, service_id, target_revision, started_by, base_revision)
             select gen_random_uuid(), service_id, '{id}', 'e2e', stable_revision
             from service where service_name = '{service}';
             select pg_notify('tidegate_service', service_id::text)
             from service where service_name = '{service}';"
        ))
        .await;
        self.latest_rollout().await
    }
}

/// `psql`, where Debian has it if it is not in the path.
fn psql() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|it| it.path().join("bin/psql")).find(|it| it.exists());
    found.unwrap_or_else(|| "psql".into())
}
