//! The cluster as a whole, and who may look at it.

use std::time::Duration;

use kafka::{Admin, AdminConfig, Credential, KafkaError, sasl_mechanisms};
use model::Secret;

use crate::stage::Stage;

#[tokio::test]
async fn the_quorum_is_what_java_describes() {
    let stage = Stage::new("cluster");
    let cluster = stage.admin.describe_cluster().await.unwrap();
    assert!(!cluster.brokers.is_empty() && cluster.brokers.iter().all(|it| !it.fenced));
    let quorum = stage.admin.describe_quorum().await.unwrap();
    let java =
        stage.tool("org.apache.kafka.tools.MetadataQuorumCommand", &["describe", "--status"]).await;
    let is = |key: &str, value: String| {
        let mut lines = java.lines().filter_map(|it| it.split_once(':'));
        assert!(lines.any(|it| it.0 == key && it.1.trim() == value), "{key} {value}\n{java}");
    };
    is("ClusterId", cluster.cluster_id);
    is("LeaderId", quorum.leader.unwrap().to_string());
    is("LeaderEpoch", quorum.leader_epoch.to_string());
    assert_eq!(quorum.voters.len(), cluster.brokers.len());
    let leader = quorum.voters.iter().find(|it| Some(it.id) == quorum.leader).unwrap();
    assert!(leader.log_end_offset >= quorum.high_watermark);
}

#[tokio::test]
async fn every_broker_tells_its_log_folders() {
    let stage = Stage::new("dirs");
    let brokers = stage.admin.describe_cluster().await.unwrap().brokers;
    let dirs = stage.admin.describe_log_dirs(brokers.iter().map(|it| it.id)).await;
    assert_eq!(dirs.len(), brokers.len());
    for (node, dirs) in dirs {
        let dirs = dirs.unwrap();
        assert!(!dirs.is_empty(), "node {node}");
        for dir in dirs {
            assert_eq!(dir.error, None);
            assert!(dir.usable_bytes.unwrap() <= dir.total_bytes.unwrap());
        }
    }
}

#[tokio::test]
async fn the_internal_listener_takes_our_password_only() {
    let stage = Stage::new("login");
    let address = stage.bootstrap.split(',').next().unwrap();
    assert_eq!(sasl_mechanisms(address, Duration::from_secs(5)).await.unwrap(), ["PLAIN"]);
    for (username, password) in [(" admin", "wrong"), ("admin", "wrong"), (" nobody", "wrong")] {
        let admin = Admin::new(AdminConfig {
            bootstrap: vec![address.to_owned()],
            credential: Credential::Plain {
                username: username.to_owned(),
                password: Secret::new(password.to_owned()),
            },
            client_id: "tidegate-test".to_owned(),
            timeout: Duration::from_secs(5),
        });
        let error = admin.describe_cluster().await.unwrap_err();
        assert!(matches!(error, KafkaError::Authentication { .. }), "{error:?}");
    }
}
