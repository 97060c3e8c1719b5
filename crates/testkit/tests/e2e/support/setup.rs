//! Making the stack be as a step needs it, whatever ran before.

use std::time::Duration;

use kafka::{Admin, AdminConfig, Credential};
use model::{Principal, Secret};
use serde_json::Value;

use super::stack::variable;
use super::{Login, Stack, wait_until};

/// How long something that becomes real within two seconds is waited for: a slow machine shall say
/// how slow it was.
const PATIENCE: Duration = Duration::from_secs(20);

/// The options of OIDC, as the vendor documents them.
const OIDC: [&str; 4] = [
    "kafka.sasl_oauthbearer_expected_audience",
    "kafka.sasl_oauthbearer_expected_issuer",
    "kafka.sasl_oauthbearer_jwks_endpoint_url",
    "kafka.sasl_oauthbearer_sub_claim_name",
];

/// Kafka's admin calls by the platform's own administrator, past the control plane.
pub(crate) fn raw_admin() -> Admin {
    let bootstrap = variable("TIDEGATE_TEST_BOOTSTRAP_INTERNAL").expect("internal listeners");
    let password = variable("TIDEGATE_TEST_ADMIN_PASSWORD").expect("its password");
    Admin::new(AdminConfig {
        bootstrap: bootstrap.split(',').map(str::to_owned).collect(),
        credential: Credential::Plain {
            username: Principal::ADMIN.to_owned(),
            password: Secret::new(password),
        },
        client_id: "e2e".to_owned(),
        timeout: Duration::from_secs(5),
    })
}

impl Stack {
    /// The arguments of `avn service update` that switch OIDC on.
    pub(crate) fn switch_on(&self) -> Vec<String> {
        let values = ["my-audience, another-audience", &self.issuer, &self.jwks, "custom-sub"];
        let options = OIDC.iter().zip(values);
        options.flat_map(|(key, value)| ["-c".to_owned(), format!("{key}={value}")]).collect()
    }

    /// The arguments of `avn service update` that switch OIDC off.
    pub(crate) fn switch_off() -> Vec<String> {
        OIDC.iter().flat_map(|key| ["--remove-option", *key]).map(str::to_owned).collect()
    }

    /// Sees to it that the brokers take tokens, and that nothing is under way.
    pub(crate) async fn with_oidc(&self) {
        if !self.settled().await.has_oidc() {
            self.update(&self.switch_on()).await;
            self.settled().await;
        }
    }

    /// Sees to it that the brokers take no tokens, and that nothing is under way.
    pub(crate) async fn without_oidc(&self) {
        if self.settled().await.has_oidc() {
            self.update(&Self::switch_off()).await;
            self.settled().await;
        }
    }

    /// Switches `kafka_rest_authorization`. Returns how long after avn the proxy still did as
    /// before, told by what it answers to a request without a token.
    pub(crate) async fn authorize(&self, on: bool) -> Duration {
        self.update(&["-c".to_owned(), format!("kafka_rest_authorization={on}")]).await;
        let expected = if on { 401 } else { 200 };
        let what = format!("the proxy answers {expected} without a token");
        let ((), took) = wait_until(&what, PATIENCE, async || {
            let answer = self.rest("GET", "/topics", None).await;
            if answer.status == expected {
                return Ok(());
            }
            Err(format!("{} {}", answer.status, answer.body))
        })
        .await;
        took
    }

    /// `avnadmin`, who may do everything with topics and groups.
    pub(crate) async fn admin(&self) -> Login {
        self.user("avnadmin").await
    }

    /// A service user that exists and may log in.
    pub(crate) async fn user(&self, username: &str) -> Login {
        let known = self.password(username).await;
        let password = match known {
            Some(password) => password,
            None => {
                self.avn(&["service", "user-create", &self.service, "--username", username]).await;
                self.password(username).await.expect("the new user has a password")
            }
        };
        let login = Login::Scram { username: username.to_owned(), password };
        for broker in &self.brokers {
            let what = format!("{username} may log in at {broker}");
            wait_until(&what, PATIENCE, async || {
                self.topics_at(broker, &login).await.map_err(|it| it.to_string())
            })
            .await;
        }
        login
    }

    /// The password of a service user, if there is one of that name.
    pub(crate) async fn password(&self, username: &str) -> Option<String> {
        let users = self.avn_json(&["service", "user-list", &self.service]).await;
        let users = users.as_array().expect("user-list prints a list");
        let user = users.iter().find(|it| it["username"] == username)?;
        user["password"].as_str().map(str::to_owned)
    }

    /// A topic of three replicas that exists.
    pub(crate) async fn topic(&self, name: &str, partitions: usize) {
        let admin = self.admin().await;
        let seen = async || {
            let topics = self.topics_at(&self.bootstrap(), &admin).await;
            topics.map(|it| it.into_iter().find(|it| it.name == name))
        };
        if !matches!(seen().await, Ok(Some(_))) {
            self.create_topic(name, partitions).await;
        }
        let what = format!("topic {name} is there, in sync");
        wait_until(&what, PATIENCE, async || match seen().await {
            Ok(Some(topic)) if topic.in_sync == 3 => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }

    /// `avn service topic-create`
    pub(crate) async fn create_topic(&self, name: &str, partitions: usize) {
        let partitions = partitions.to_string();
        let create = ["service", "topic-create", &self.service, name];
        self.avn(&[&create[..], &["--partitions", &partitions, "--replication", "3"]].concat())
            .await;
    }

    /// `avn service acl-add`
    pub(crate) async fn add_acl(&self, permission: &str, topic: &str, username: &str) {
        let add = ["service", "acl-add", &self.service, "--permission", permission];
        self.avn(&[&add[..], &["--topic", topic, "--username", username]].concat()).await;
    }

    /// An ACL entry that exists.
    pub(crate) async fn with_acl(&self, permission: &str, topic: &str, username: &str) {
        if self.acl(permission, topic, username).await.is_none() {
            self.add_acl(permission, topic, username).await;
        }
    }

    /// The id of an ACL entry, if there is one, as `avn service acl-list` tells it.
    async fn acl(&self, permission: &str, topic: &str, username: &str) -> Option<String> {
        let listed = self.avn_json(&["service", "acl-list", &self.service]).await;
        let same = |it: &&Value| {
            it["permission"] == permission && it["topic"] == topic && it["username"] == username
        };
        let entries = listed.as_array().or_else(|| listed["acl"].as_array());
        let entry = entries.expect("acl-list prints a list").iter().find(same)?;
        entry["id"].as_str().map(str::to_owned)
    }

    /// `avn service acl-delete` of this entry, which `avn service acl-list` has to know.
    pub(crate) async fn delete_acl(&self, permission: &str, topic: &str, username: &str) {
        let id = self.acl(permission, topic, username).await.expect("the entry is listed");
        self.avn(&["service", "acl-delete", &self.service, &id]).await;
    }

    /// `avn service user-delete`
    pub(crate) async fn delete_user(&self, username: &str) {
        self.avn(&["service", "user-delete", &self.service, "--username", username]).await;
    }

    /// `avn service topic-delete`
    pub(crate) async fn delete_topic(&self, name: &str) {
        self.avn(&["service", "topic-delete", &self.service, name]).await;
    }
}
