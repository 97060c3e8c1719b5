//! Aiven's own client.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::Stack;

/// How one run of avn ended.
struct Said {
    succeeded: bool,
    stdout: String,
    stderr: String,
}

impl Stack {
    /// Runs avn, expects success, and gives what it printed.
    pub(crate) async fn avn(&self, args: &[&str]) -> String {
        let said = self.run_avn(args).await;
        let shown = args.join(" ");
        assert!(said.succeeded, "avn {shown} failed: {}{}", said.stdout, said.stderr);
        said.stdout
    }

    /// The same with `--json`.
    pub(crate) async fn avn_json(&self, args: &[&str]) -> Value {
        let text = self.avn(&[args, &["--json"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("avn {} printed no JSON: {error}: {text}", args.join(" "))
        })
    }

    /// Runs avn, expects that it fails without a traceback, and gives what it said.
    pub(crate) async fn avn_refused(&self, args: &[&str]) -> String {
        let said = self.run_avn(args).await;
        let text = format!("{}{}", said.stdout, said.stderr);
        assert!(!said.succeeded, "avn {} was expected to fail: {text}", args.join(" "));
        assert!(!text.contains("Traceback"), "avn {} crashed: {text}", args.join(" "));
        text
    }

    /// `avn service update SERVICE` with these options.
    pub(crate) async fn update(&self, options: &[String]) -> String {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.avn(&[&["service", "update", &self.service], &options[..]].concat()).await
    }

    /// The same, expected to be refused.
    pub(crate) async fn update_refused(&self, options: &[&str]) -> String {
        self.avn_refused(&[&["service", "update", &self.service], options].concat()).await
    }

    async fn run_avn(&self, args: &[&str]) -> Said {
        // The address and the project come from the environment that we have, too.
        let output = Command::new(&self.avn)
            .args(args)
            .env("AIVEN_AUTH_TOKEN", &self.token)
            .env("NO_PROXY", "*")
            .env_remove("AIVEN_CREDENTIALS_FILE")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("cannot run TIDEGATE_TEST_AVN");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said {
            succeeded: output.status.success(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
