//! Step 7: what would break the brokers is refused before anything restarts, and what changes
//! nothing restarts nothing.

use serde_json::json;
use testkit::issuer::{Issuer, JwksFault};

use crate::support::{Running, ServiceState, Stack};

const JWKS: &str = "kafka.sasl_oauthbearer_jwks_endpoint_url";

/// The stack as it was, to be held against what it is after a refusal.
struct Before {
    stack: Stack,
    service: ServiceState,
    running: Running,
}

impl Before {
    async fn new() -> Self {
        let stack = Stack::new();
        stack.with_oidc().await;
        let (service, running) = (stack.settled().await, stack.running());
        Self { stack, service, running }
    }

    /// Expects that avn is refused, with all of these in what it says.
    async fn refused(&self, options: &[&str], said: &[&str]) {
        let text = self.stack.update_refused(options).await;
        for part in said {
            assert!(text.contains(part), "{part:?} is missing: {text}");
        }
        self.assert_unchanged().await;
    }

    /// Nothing was written down, and nothing has restarted.
    async fn assert_unchanged(&self) {
        let service = self.stack.service().await;
        assert_eq!(
            (&service.state, &service.revision, service.generation, &service.user_config),
            (
                &self.service.state,
                &self.service.revision,
                self.service.generation,
                &self.service.user_config
            )
        );
        assert_eq!(self.stack.running(), self.running, "something restarted");
    }
}

#[tokio::test]
async fn a_jwks_url_that_cannot_be_reached() {
    let before = Before::new().await;
    // A port that was free a moment ago.
    let gone = Issuer::serve().await.unwrap().issuer.jwks_url();
    before.refused(&["-c", &format!("{JWKS}={gone}")], &[JWKS, &gone, "is not accepted"]).await;
}

#[tokio::test]
async fn a_jwks_url_without_a_usable_key() {
    let before = Before::new().await;
    // One of our own: the brokers must go on trusting theirs.
    let idp = Issuer::serve().await.unwrap();
    for (fault, name) in JwksFault::ALL.into_iter().filter(|(it, _)| *it != JwksFault::None) {
        idp.issuer.set_jwks_fault(fault);
        let url = format!("{}?{name}", idp.issuer.jwks_url());
        before.refused(&["-c", &format!("{JWKS}={url}")], &[JWKS, &url, "is not accepted"]).await;
    }
    assert!(idp.issuer.jwks_requests() > 0, "it was never asked");
}

#[tokio::test]
async fn a_jwks_url_that_anybody_could_answer() {
    let before = Before::new().await;
    let url = "http://idp.example.com/jwks";
    before.refused(&["-c", &format!("{JWKS}={url}")], &[JWKS, url, "must use https"]).await;
}

#[tokio::test]
async fn no_sasl_mechanism_left() {
    let before = Before::new().await;
    let options = [
        "-c",
        "kafka_sasl_mechanisms.scram_sha_256=false",
        "-c",
        "kafka_sasl_mechanisms.scram_sha_512=false",
        "--remove-option",
        JWKS,
    ];
    let said = ["kafka_sasl_mechanisms", "false", "leaves no SASL mechanism"];
    before.refused(&options, &said).await;
}

#[tokio::test]
async fn a_value_out_of_range() {
    let before = Before::new().await;
    for (key, value, rule) in [
        ("kafka.message_max_bytes", "-1", "minimum of 0"),
        ("kafka.message_max_bytes", "100001201", "maximum of 100001200"),
    ] {
        before.refused(&["-c", &format!("{key}={value}")], &[key, value, rule]).await;
    }
}

#[tokio::test]
async fn an_unknown_option() {
    let before = Before::new().await;
    // avn knows the schema, and does not even ask.
    before.refused(&["-c", "kafka.no_such_option=1"], &["kafka.no_such_option"]).await;
    let path = format!("/project/{}/service/{}", before.stack.project, before.stack.service);
    let body = json!({ "user_config": { "kafka": { "no_such_option": 1 } } });
    let answer = before.stack.api("PUT", &path, Some(&body)).await.expect(400).json();
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("kafka.no_such_option") && message.contains(": 1 "), "{message}");
    before.assert_unchanged().await;
}

#[tokio::test]
async fn an_update_that_changes_nothing() {
    let before = Before::new().await;
    let since = before.stack.last_event().await;
    before.stack.update(&before.stack.switch_on()).await;
    before.stack.update(&[]).await;
    before.assert_unchanged().await;
    let events = before.stack.events_after(since).await;
    let restarts = ["rollout_started", "node_restart"];
    assert!(!events.iter().any(|it| restarts.contains(&it.kind.as_str())), "{events:?}");
}
