//! Fills the database with services: three nodes, a few users, topics and ACL entries each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::future::join_all;
use model::{
    AclEntry, AclId, AclPattern, AclPermission, Node, NodeId, NodePorts, ProjectName, Revision,
    RevisionId, Secret, ServiceId, ServiceState,
};
use serde_json::{Map, Value};
use store::{By, DesiredTopic, NewService, ServiceSecrets, Store};
use uuid::Uuid;

/// How many are made at a time.
const AT_ONCE: usize = 2;
/// The users of each service, beside `avnadmin`.
const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// The topics of each service. With Kafka's own they have a hundred partitions.
const TOPICS: [&str; 4] = ["orders", "payments", "shipments", "returns"];
/// How many partitions each of them has.
const PARTITIONS: i32 = 20;
/// How long it may take until all are up.
const PATIENCE: Duration = Duration::from_mins(10);

/// Where the simulated brokers are.
#[derive(Debug)]
pub(crate) struct Addresses {
    port: u16,
    /// The hosts of each service's nodes.
    hosts: Vec<Vec<String>>,
}

impl Addresses {
    /// Reads what `tidegate-bench brokers` prints.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(text)?;
        let port = value["port"].as_u64().and_then(|it| it.try_into().ok()).context("its port")?;
        let texts = |it: &Value| Some(it.as_str()?.to_owned());
        let hosts = |it: &Value| Some(it.as_array()?.iter().filter_map(texts).collect());
        let all = value["hosts"].as_array().context("its hosts")?;
        Ok(Self { port, hosts: all.iter().filter_map(hosts).collect() })
    }
}

/// What every node runs.
pub(crate) fn revision() -> anyhow::Result<Revision> {
    Ok(Revision {
        id: RevisionId::try_from("a".repeat(64))?,
        server_properties: "simulated=true\n".to_owned(),
        jvm_options: Vec::new(),
    })
}

/// Makes a service for each simulated cluster.
pub(crate) async fn services(
    store: &Store,
    addresses: &Addresses,
    password: &Secret,
    revision: &Revision,
) -> anyhow::Result<Vec<ServiceId>> {
    let project: ProjectName = "bench".parse()?;
    store.projects.ensure(&project, &By::from("bench")).await?;
    let mut services = Vec::new();
    let numbered: Vec<_> = addresses.hosts.iter().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        let made = some.iter().map(async |(number, hosts)| {
            let new = NewService {
                id: ServiceId(Uuid::now_v7()),
                project: project.clone(),
                name: format!("kafka-{number}").parse()?,
                plan: "business-4".to_owned(),
                cluster_id: format!("{number:022}"),
                user_config: Map::new(),
                revision: revision.clone(),
                dynamic_config: [("min.insync.replicas".to_owned(), "2".to_owned())].into(),
                termination_protection: false,
                nodes: nodes(hosts, addresses.port),
                rest: (hosts[0].clone(), 1),
                secrets: ServiceSecrets {
                    broker: password.clone(),
                    admin: password.clone(),
                    rest_proxy: password.clone(),
                },
                avnadmin_password: password.clone(),
                warnings: Vec::new(),
                by: By::from("bench"),
            };
            service(store, &new).await
        });
        for made in join_all(made).await {
            services.push(made?);
        }
    }
    Ok(services)
}

fn nodes(hosts: &[String], port: u16) -> Vec<Node> {
    // Nobody asks the controllers.
    let ports = NodePorts { controller: 1, internal: port, client: port };
    let node = |(id, host): (i32, &String)| Node {
        id: NodeId(id),
        host: host.clone(),
        ports,
        rack: format!("rack-{id}"),
    };
    (1..).zip(hosts).map(node).collect()
}

async fn service(store: &Store, new: &NewService) -> anyhow::Result<ServiceId> {
    store.services.create(new).await?;
    for user in USERS {
        store
            .users
            .create(new.id, &user.parse()?, &new.avnadmin_password, &By::from("bench"))
            .await?;
        let entry = AclEntry {
            id: AclId(format!("acl{user}")),
            permission: AclPermission::Readwrite,
            topic: AclPattern::topic("orders*").map_err(anyhow::Error::msg)?,
            username: AclPattern::username(user).map_err(anyhow::Error::msg)?,
        };
        store.acls.add(new.id, &entry, &By::from("bench")).await?;
    }
    for topic in TOPICS {
        let topic = DesiredTopic {
            name: topic.parse()?,
            partitions: PARTITIONS,
            replication: 3,
            config: BTreeMap::from([("retention.ms".to_owned(), "86400000".to_owned())]),
            tags: Vec::new(),
            deleting: false,
            problem: None,
        };
        store.topics.create(new.id, &topic, &By::from("bench")).await?;
    }
    Ok(new.id)
}

/// Waits until the first rollout of each is through, which has nothing to do, and every user can log
/// in.
pub(crate) async fn wait_until_settled(
    store: &Store,
    services: &[ServiceId],
) -> anyhow::Result<()> {
    let began = Instant::now();
    for service in services {
        loop {
            let users = store.users.list(*service).await?;
            let found = store.services.by_id(*service).await?.context("it is there")?;
            if found.state == ServiceState::Running
                && users.iter().all(|it| it.applied_version == Some(it.password_version))
            {
                break;
            }
            ensure!(began.elapsed() < PATIENCE, "service {} does not come up", found.name);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    Ok(())
}
