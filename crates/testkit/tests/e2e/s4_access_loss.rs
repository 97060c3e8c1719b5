//! Step 4, before it is taken away: who was seen, would lose access, and then does.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::issuer::TokenRequest;

use crate::s4_access::{allowed, forbidden};
use crate::support::{Answer, Login, Request, Stack, wait_until};

/// Who uses what is told every ten seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A topic that is written to from everywhere.
struct Written<'a> {
    stack: &'a Stack,
    topic: String,
}

impl Written<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/project/{}/service/{}{rest}", self.stack.project, self.stack.service)
    }

    /// Who would lose access to the topic by a request, as `name where operations`.
    async fn losers(&self, method: &str, path: &str, body: Option<&Value>) -> BTreeSet<String> {
        let losses = self.losses(method, path, body).await;
        losses.iter().map(words).collect()
    }

    /// What would be lost of the topic, by a dry run.
    async fn losses(&self, method: &str, path: &str, body: Option<&Value>) -> Vec<Value> {
        let path = self.path(&format!("{path}?dry_run=true&seen_days=1"));
        let answer = self.stack.api(method, &path, body).await.expect(200).json();
        let of_service = answer["tidegate"].get("would_lose_access");
        let all = of_service.or_else(|| answer.get("would_lose_access")).and_then(Value::as_array);
        let all = all.expect("every answer has it").clone();
        all.into_iter().filter(|it| it["resource_name"] == self.topic.as_str()).collect()
    }

    /// Waits until a dry run names exactly these.
    async fn names(&self, method: &str, path: &str, body: Option<&Value>, expected: &[String]) {
        let expected: BTreeSet<String> = expected.iter().cloned().collect();
        let what = format!("{method} {path} names {expected:?}");
        wait_until(&what, PATIENCE, async || {
            let named = self.losers(method, path, body).await;
            if named == expected { Ok(()) } else { Err(format!("{named:?}")) }
        })
        .await;
    }

    /// Writes through the REST proxy.
    async fn post(&self, authorization: Option<&str>) -> Answer {
        let body = json!({ "records": [{ "value": "seen" }] }).to_string();
        let request = Request::new("POST", &format!("{}/topics/{}", self.stack.rest, self.topic))
            .body("application/vnd.kafka.json.v2+json", &body);
        let request = match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        request.send().await
    }

    async fn posts(&self, authorization: Option<&str>, status: u16) {
        let what = format!("a record through the proxy is answered {status}");
        wait_until(&what, Duration::from_secs(20), async || {
            let answer = self.post(authorization).await;
            if answer.status == status { Ok(()) } else { Err(format!("{answer:?}")) }
        })
        .await;
    }

    /// Adds the ACL entries that would give back what is lost.
    async fn give_back(&self, losses: &[Value], principal: &str) {
        let lost: Vec<_> = losses.iter().filter(|it| it["principal"] == principal).collect();
        assert_eq!(lost.len(), 1, "{losses:?}");
        for proposed in lost[0]["acls"].as_array().expect("a list") {
            let path = self.path(&format!("/{}", proposed["path"].as_str().expect("a path")));
            self.stack.api("POST", &path, Some(&proposed["entry"])).await.expect(200);
        }
    }

    /// Asks about a subject claim that is none of the common ones: what it says is known as soon as the
    /// caller has been seen again.
    async fn knows_another_claim(&self, caller: &str) {
        let badge = self.stack.name("badge");
        let wish = TokenRequest {
            subject: Some(caller.to_owned()),
            scope: badge.clone(),
            ..TokenRequest::of("alice")
        };
        let bearer = format!("Bearer {}", self.stack.token(&wish).await);
        let subject = json!({ "kafka": { "sasl_oauthbearer_sub_claim_name": "scope" } });
        let subject = json!({ "user_config": subject });
        let why = async || {
            let losses = self.losses("PUT", "", Some(&subject)).await;
            let mut of_caller = losses.iter().filter(|it| it["principal"] == caller);
            of_caller.next().expect("it loses access")["reason"].as_str().unwrap().to_owned()
        };
        let first = why().await;
        assert!(first.contains("what this principal would be called is not known"), "{first}");
        let expected =
            format!("it would be called '{badge}', and no ACL allows that name to do it");
        wait_until("another claim is known", PATIENCE, async || {
            self.posts(Some(&bearer), 200).await;
            let said = why().await;
            if said == expected { Ok(()) } else { Err(said) }
        })
        .await;
    }

    /// The path of the only ACL entry of a principal, of either kind.
    async fn entry(&self, kind: &str, key: &str, principal: &str) -> String {
        let answer = self.stack.api("GET", &self.path(&format!("/{kind}")), None).await;
        let answer = answer.expect(200).json();
        let list = answer[key].as_array().expect("a list of entries").iter();
        let of = |it: &&Value| it["username"] == principal || it["principal"] == principal;
        let ids: Vec<&str> = list.filter(of).filter_map(|it| it["id"].as_str()).collect();
        assert_eq!(ids.len(), 1, "{principal} in {answer}");
        format!("/{kind}/{}", ids[0])
    }
}

fn words(loss: &Value) -> String {
    let name = loss["principal"].as_str().unwrap_or("nobody");
    format!("{name} {} {}", loss["seen_at"], loss["operations"])
}

#[tokio::test]
async fn who_would_lose_access_is_named_before_it_happens() {
    let stack = Stack::new();
    stack.with_oidc().await;
    let before = stack.service().await.user_config["kafka_rest_authorization"].clone();
    let topic = stack.name("seen");
    stack.topic(&topic, 1).await;
    let written = Written { stack: &stack, topic };
    stack.authorize(false).await;

    // Three callers of a proxy that asks nobody, and two clients that have ACLs.
    let [bearer, basic, scram, oauth] =
        ["bearer", "basic", "scram", "oauth"].map(|it| stack.name(it));
    let token = async |name: &str| {
        let subject = Some(name.to_owned());
        stack.token(&TokenRequest { subject, ..TokenRequest::of("alice") }).await
    };
    let with_token = format!("Bearer {}", token(&bearer).await);
    stack.user(&basic).await;
    let password = stack.password(&basic).await.unwrap();
    let with_password = format!("Basic {}", STANDARD.encode(format!("{basic}:{password}")));
    for caller in [Some(&*with_token), Some(&*with_password), None] {
        written.posts(caller, 200).await;
    }
    let by_password = stack.user(&scram).await;
    stack.add_acl("write", &written.topic, &scram).await;
    let by_token = Login::Token(token(&oauth).await);
    let principal = format!("User:{oauth}");
    let native = ["--operation", "Write", "--topic", &written.topic, "--principal", &principal];
    stack.avn(&[&["service", "kafka-acl-add", &stack.service], &native[..]].concat()).await;
    for login in [&by_password, &by_token] {
        allowed(&stack, login, &written.topic).await;
    }

    // What would be refused with authorization on.
    let on = json!({ "user_config": { "kafka_rest_authorization": true } });
    let rest = |name: &str| format!(r#"{name} ["rest_proxy"] ["Write"]"#);
    let all = [rest(&bearer), rest(&basic), rest("nobody")];
    written.names("PUT", "", Some(&on), &all).await;
    let losses = written.losses("PUT", "", Some(&on)).await;
    written.give_back(&losses, &bearer).await;
    written.names("PUT", "", Some(&on), &[rest(&basic), rest("nobody")]).await;

    // What would be refused without an entry.
    let entry = written.entry("acl", "acl", &scram).await;
    let native = written.entry("kafka/acl", "kafka_acl", &principal).await;
    let broker = |name: &str| format!(r#"{name} ["broker"] ["Write"]"#);
    written.names("DELETE", &entry, None, &[broker(&scram)]).await;
    written.names("DELETE", &native, None, &[broker(&oauth)]).await;
    allowed(&stack, &by_password, &written.topic).await;

    // And so it comes.
    let losses = written.losses("DELETE", &entry, None).await;
    let deleted = stack.api("DELETE", &written.path(&entry), None).await.expect(200).json();
    let said = deleted["message"].as_str().unwrap_or_default();
    assert!(said.starts_with("deleted; ") && said.contains(&scram), "{said}");
    forbidden(&stack, &by_password, &written.topic).await;
    allowed(&stack, &by_token, &written.topic).await;
    written.give_back(&losses, &scram).await;
    allowed(&stack, &by_password, &written.topic).await;
    stack.authorize(true).await;
    written.posts(Some(&with_token), 200).await;
    written.posts(Some(&with_password), 403).await;
    written.posts(None, 401).await;
    written.knows_another_claim(&bearer).await;

    for principal in [format!("User:{bearer}"), principal] {
        let native = written.entry("kafka/acl", "kafka_acl", &principal).await;
        stack.api("DELETE", &written.path(&native), None).await.expect(200);
    }
    stack.delete_acl("write", &written.topic, &scram).await;
    for username in [&basic, &scram] {
        stack.delete_user(username).await;
    }
    stack.delete_topic(&written.topic).await;
    stack.authorize(before == json!(true)).await;
}
