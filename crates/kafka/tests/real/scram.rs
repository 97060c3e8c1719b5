//! SCRAM credentials, as `kafka.admin.ConfigCommand` names them, and as a Java client uses them.

use std::time::Duration;

use kafka::{Admin, AdminConfig, Credential, ErrorCode, KafkaError, ScramMechanism};
use model::Secret;

use crate::stage::Stage;

async fn described(stage: &Stage) -> String {
    let arguments = ["--describe", "--entity-type", "users", "--entity-name", &stage.prefix];
    stage.tool("kafka.admin.ConfigCommand", &arguments).await
}

async fn mechanisms(stage: &Stage) -> Option<Vec<ScramMechanism>> {
    stage.admin.describe_scram().await.unwrap().remove(&stage.prefix)
}

/// So does ours, and a wrong password is refused.
async fn assert_we_log_in(stage: &Stage, password: &Secret) {
    let listener = stage.client_listener().await;
    for mechanism in [ScramMechanism::Sha256, ScramMechanism::Sha512] {
        let log_in = async |password: &Secret| {
            let credential = Credential::Scram {
                mechanism,
                username: stage.prefix.clone(),
                password: password.clone(),
            };
            let admin = Admin::new(AdminConfig {
                bootstrap: vec![listener.clone()],
                credential,
                client_id: "tidegate-test".to_owned(),
                timeout: Duration::from_secs(10),
            });
            admin.describe_cluster().await
        };
        log_in(password).await.unwrap();
        let refused = log_in(&Secret::new("wrong".to_owned())).await.unwrap_err();
        assert!(matches!(refused, KafkaError::Authentication { .. }), "{refused}");
    }
}

/// Java's client logs in with both, at the listener that offers them.
async fn assert_logs_in(stage: &Stage, password: &Secret) {
    let listener = stage.client_listener().await;
    for mechanism in [ScramMechanism::Sha256, ScramMechanism::Sha512] {
        let mechanism = mechanism.as_str();
        let properties = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
             username=\"{}\" password=\"{}\";\n",
            stage.prefix,
            password.expose()
        );
        // Sees no topic, for there is no ACL; without a login it would fail.
        let command = "org.apache.kafka.tools.TopicCommand";
        let listed = stage.tool_as(&listener, &properties, command, &["--list"]).await;
        assert_eq!(listed.trim(), "");
    }
}

#[tokio::test]
async fn credentials_are_what_java_describes() {
    use ScramMechanism::{Sha256, Sha512};

    let stage = Stage::new("scram");
    let (user, password) = (stage.prefix.as_str(), Secret::new("geheim-1".to_owned()));
    stage.admin.upsert_scram(user, Sha256, &password).await.unwrap();
    stage.until("one", async || mechanisms(&stage).await == Some(vec![Sha256])).await;
    let java = described(&stage).await;
    assert!(java.contains("SCRAM-SHA-256=iterations=8192"), "{java}");
    assert!(!java.contains("SCRAM-SHA-512"), "{java}");

    stage.admin.upsert_scram(user, Sha512, &password).await.unwrap();
    stage.admin.upsert_scram(user, Sha256, &password).await.expect("in place of the first");
    stage.until("two", async || mechanisms(&stage).await == Some(vec![Sha256, Sha512])).await;
    let java = described(&stage).await;
    assert!(java.contains("SCRAM-SHA-256=iterations=8192"), "{java}");
    assert!(java.contains("SCRAM-SHA-512=iterations=8192"), "{java}");

    assert_logs_in(&stage, &password).await;
    assert_we_log_in(&stage, &password).await;

    stage.admin.delete_scram(user, Sha256).await.unwrap();
    stage.until("one left", async || mechanisms(&stage).await == Some(vec![Sha512])).await;
    let again = stage.admin.delete_scram(user, Sha256).await.unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::ResourceNotFound));
    let java = described(&stage).await;
    assert!(!java.contains("SCRAM-SHA-256"), "{java}");
    assert!(java.contains("SCRAM-SHA-512=iterations=8192"), "{java}");
    stage.admin.delete_scram(user, Sha512).await.unwrap();
    stage.until("none", async || mechanisms(&stage).await.is_none()).await;
}
