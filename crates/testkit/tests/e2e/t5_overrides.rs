//! What somebody sets dynamically at Kafka, past the platform.

use std::time::Duration;

use kafka::{ConfigChange, ConfigResource, ConfigSource};
use model::NodeId;

use crate::support::{Stack, raw_admin, wait_until};

const POOL: &str = "num.io.threads";
const RETENTION: &str = "log.retention.ms";

/// Eight threads is what the file says, by Kafka's default. A pool of 30 would keep a broker that
/// starts from taking over anything that is set dynamically.
#[tokio::test]
async fn overrides_of_what_the_platform_renders_go_and_others_stay() {
    let stack = Stack::new();
    stack.settled().await;
    let admin = raw_admin();
    let set =
        |name: &str, value: &str| ConfigChange::Set { name: name.into(), value: value.into() };
    let (cluster, broker) = (ConfigResource::ClusterDefault, ConfigResource::Broker(NodeId(1)));
    let others = [set("log.cleaner.backoff.ms", "14000")];
    admin.alter_configs(&cluster, &others, false).await.unwrap();
    for threads in ["15", "30"] {
        // Orchestrators are quick: the second step may be refused, since the first is gone already.
        let _refused = admin.alter_configs(&cluster, &[set(POOL, threads)], false).await;
    }
    admin.alter_configs(&broker, &[set(RETENTION, "12345678")], false).await.unwrap();
    wait_until("what is ours is gone", Duration::from_mins(1), async || {
        let mut left = Vec::new();
        for (resource, source) in
            [(&cluster, ConfigSource::DynamicDefaultBroker), (&broker, ConfigSource::DynamicBroker)]
        {
            let entries = admin.describe_configs(resource, None).await;
            let entries = entries.map_err(|error| error.to_string())?.into_iter();
            left.extend(entries.filter(|it| it.source == source).map(|it| it.name));
        }
        let ours = |it: &String| it == POOL || it == RETENTION;
        if left.iter().any(ours) { Err(format!("{left:?}")) } else { Ok(()) }
    })
    .await;
    let pool = admin.describe_configs(&broker, Some(&[POOL])).await.unwrap().remove(0);
    assert_eq!((pool.value.as_deref(), pool.source), (Some("8"), ConfigSource::Default));
    let kept = admin.describe_configs(&cluster, None).await.unwrap();
    assert!(kept.iter().any(|it| it.name == "log.cleaner.backoff.ms"), "what is not ours stays");
    let delete = [ConfigChange::Delete { name: "log.cleaner.backoff.ms".into() }];
    admin.alter_configs(&cluster, &delete, false).await.unwrap();
}
