//! The simulated brokers, asked by our own client.

use std::time::Duration;

use kafka::{
    Admin, AdminConfig, Credential, LoginOutcome, NewTopic, Probe, ScramMechanism, try_login,
};
use model::{Principal, Secret};
use tokio::task::JoinSet;

use super::{Fleet, SimulatedBrokers};

const PATIENCE: Duration = Duration::from_secs(5);

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// One cluster that answers, and how to reach it.
async fn cluster(tasks: &mut JoinSet<()>) -> AdminConfig {
    let options = SimulatedBrokers { clusters: 2, password: "right".to_owned() };
    let fleet = Fleet::listen(&options).await.unwrap();
    let port = fleet.addresses().port;
    let bootstrap = fleet.addresses().hosts[1].iter().map(|host| format!("{host}:{port}"));
    let config = AdminConfig {
        bootstrap: bootstrap.collect(),
        credential: Credential::Plain {
            username: Principal::ADMIN.to_owned(),
            password: secret("right"),
        },
        client_id: "test".to_owned(),
        timeout: PATIENCE,
    };
    tasks.spawn(async move { fleet.serve().await.unwrap() });
    config
}

#[tokio::test]
async fn a_cluster_tells_what_it_was_told() {
    let mut tasks = JoinSet::new();
    let config = cluster(&mut tasks).await;
    let admin = Admin::new(config.clone());
    let brokers = admin.describe_cluster().await.unwrap().brokers;
    assert_eq!(
        brokers.iter().map(|it| it.host.as_str()).collect::<Vec<_>>(),
        ["127.16.2.1", "127.16.2.2", "127.16.2.3"]
    );
    let name: model::TopicName = "orders".parse().unwrap();
    let configs = [("retention.ms".to_owned(), "5".to_owned())].into();
    let new = NewTopic { name: name.clone(), partitions: 4, replication: 3, configs };
    let before = admin.describe_topics(None).await.unwrap().len();
    admin.create_topic(&new, false).await.unwrap();
    assert!(admin.create_topic(&new, false).await.is_err(), "it is there");
    let topics = admin.describe_topics(None).await.unwrap();
    assert_eq!(topics.len(), before + 1, "an earlier answer holds no longer");
    let shown =
        admin.describe_topic_configs(std::slice::from_ref(&name), &["retention.ms"]).await.unwrap();
    assert_eq!(shown["orders"][0].value.as_deref(), Some("5"));
    let quorum = admin.describe_quorum().await.unwrap();
    assert_eq!(quorum.voters.len(), 3);
    Probe::new(config).write(&name, 3, b"record", PATIENCE).await.unwrap();
}

#[tokio::test]
async fn who_has_the_password_gets_in_and_nobody_else() {
    let mut tasks = JoinSet::new();
    let config = cluster(&mut tasks).await;
    let admin = Admin::new(config.clone());
    for mechanism in [ScramMechanism::Sha256, ScramMechanism::Sha512] {
        admin.upsert_scram("a,b", mechanism, &secret("hers")).await.unwrap();
    }
    assert_eq!(admin.describe_scram().await.unwrap()["a,b"].len(), 2);
    let plain = |password| Credential::Plain {
        username: Principal::ADMIN.to_owned(),
        password: secret(password),
    };
    let scram = |mechanism, password| Credential::Scram {
        mechanism,
        username: "a,b".to_owned(),
        password: secret(password),
    };
    for (credential, is_let_in) in [
        (plain("right"), true),
        (plain("wrong"), false),
        (scram(ScramMechanism::Sha256, "hers"), true),
        (scram(ScramMechanism::Sha512, "hers"), true),
        (scram(ScramMechanism::Sha512, "his"), false),
    ] {
        let outcome = try_login(&config.bootstrap[0], &credential, PATIENCE).await.unwrap();
        assert_eq!(outcome == LoginOutcome::Accepted, is_let_in, "{credential:?}: {outcome:?}");
    }
}
