//! Dynamic broker configuration. What an option of ours sets is ours to take away, wherever it was
//! set: a value of a single broker shadows that of the cluster, and both shadow the file, for ever.
//! Anything else that somebody set there stays.

use std::collections::BTreeMap;

use futures::future::join_all;
use kafka::{Admin, ConfigChange, ConfigEntry, ConfigResource, ConfigSource, KafkaError};
use model::NodeId;
use service_config::{THREAD_POOLS, owned_dynamic_properties};
use store::Service;
use tracing::{debug, info};
use web::chain;

use super::DesiredError;

/// Sets for the cluster what differs, and deletes what is not wanted any more or set for a single
/// broker. A thread pool takes a step at each pass.
pub(super) async fn apply(admin: &Admin, service: &Service) -> Result<(), DesiredError> {
    let looked = join_all(service.nodes.iter().map(|it| of_node(admin, it.id))).await;
    let nodes = looked.into_iter().collect::<Result<Vec<_>, KafkaError>>()?;
    let (cluster, source) = (ConfigResource::ClusterDefault, ConfigSource::DynamicDefaultBroker);
    let entries = admin.describe_configs(&cluster, None).await?;
    let seen: Vec<&[ConfigEntry]> = nodes.iter().map(|(_, it)| it.as_slice()).collect();
    let changes = changes(&service.dynamic_config, &set_at(&entries, source), &seen);
    alter(admin, &cluster, &changes).await?;
    for (id, entries) in &nodes {
        let overrides = set_at(entries, ConfigSource::DynamicBroker);
        let changes = self::changes(&BTreeMap::new(), &overrides, &[entries]);
        alter(admin, &ConfigResource::Broker(*id), &changes).await?;
    }
    Ok(())
}

async fn alter(
    admin: &Admin,
    resource: &ConfigResource,
    changes: &[ConfigChange],
) -> Result<(), KafkaError> {
    if !changes.is_empty() {
        admin.alter_configs(resource, changes, false).await?;
        info!(?resource, ?changes, "dynamic configuration changed");
    }
    Ok(())
}

/// What a broker has of that which is ours; nothing of one that is away, which is asked when it is
/// back.
async fn of_node(admin: &Admin, id: NodeId) -> Result<(NodeId, Vec<ConfigEntry>), KafkaError> {
    let owned: Vec<&str> = owned_dynamic_properties().iter().map(String::as_str).collect();
    match admin.describe_configs(&ConfigResource::Broker(id), Some(&owned)).await {
        Err(error @ (KafkaError::Unreachable { .. } | KafkaError::Timeout { .. })) => {
            debug!(node.id = %id, error = %chain(&error), "configuration of node {id} not seen");
            Ok((id, Vec::new()))
        }
        entries => Ok((id, entries?)),
    }
}

/// What is set at this very place.
fn set_at(entries: &[ConfigEntry], source: ConfigSource) -> BTreeMap<String, String> {
    let here = entries.iter().filter(|it| it.source == source);
    here.filter_map(|it| Some((it.name.clone(), it.value.clone()?))).collect()
}

/// What leads from `actual` to `wanted` at a place that counts for the brokers in `seen`.
fn changes(
    wanted: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
    seen: &[&[ConfigEntry]],
) -> Vec<ConfigChange> {
    let set = wanted
        .iter()
        .filter(|(name, value)| actual.get(*name) != Some(*value))
        .map(|(name, value)| ConfigChange::Set { name: name.clone(), value: value.clone() });
    let stray = actual
        .iter()
        .filter(|(name, _)| !wanted.contains_key(*name))
        .filter(|(name, _)| owned_dynamic_properties().contains(*name));
    let away = stray.filter_map(|(name, value)| {
        let rung = THREAD_POOLS.contains(&name.as_str()).then(|| rung(name, seen));
        match rung {
            // It is there already, and brokers that have not taken it over yet will.
            Some(Some(rung)) if rung == *value => None,
            Some(Some(rung)) => Some(ConfigChange::Set { name: name.clone(), value: rung }),
            Some(None) | None => Some(ConfigChange::Delete { name: name.clone() }),
        }
    });
    set.chain(away).collect()
}

/// The next size of a thread pool on the way to what brokers start with, if it is not within the
/// reach of each of them: `DynamicThreadPool` takes no more than twice what it has and no less than
/// half of it. Brokers may have different sizes: those that have started since ignored the override.
fn rung(name: &str, seen: &[&[ConfigEntry]]) -> Option<String> {
    let number = |it: &Option<String>| it.as_ref()?.parse::<i64>().ok();
    let pools: Vec<(i64, i64)> = seen
        .iter()
        .filter_map(|it| it.iter().find(|it| it.name == name))
        .filter_map(|it| Some((number(&it.value)?, number(&it.at_start)?)))
        .collect();
    let low = pools.iter().map(|(has, _)| has / 2).max()?;
    let high = pools.iter().map(|(has, _)| has * 2).min()?;
    let (_, goal) = *pools.first()?;
    (!(low..=high).contains(&goal)).then(|| goal.max(low).min(high.max(low)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> ConfigChange {
        ConfigChange::Set { name: name.into(), value: value.into() }
    }

    fn delete(name: &str) -> ConfigChange {
        ConfigChange::Delete { name: name.into() }
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn only_the_difference_is_changed() {
        let wanted = map(&[("same", "1"), ("other", "2"), ("new", "3")]);
        let stray = "unclean.leader.election.enable";
        let actual = map(&[
            ("same", "1"),
            ("other", "1"),
            ("message.max.bytes", "4"),
            ("x", "5"),
            (stray, "true"),
        ]);
        let expected =
            [set("new", "3"), set("other", "2"), delete("message.max.bytes"), delete(stray)];
        assert_eq!(changes(&wanted, &actual, &[]), expected);
    }

    #[test]
    fn a_thread_pool_goes_back_in_steps_that_every_broker_takes() {
        let pool = "num.io.threads";
        let broker = |has: &str| {
            vec![ConfigEntry {
                name: pool.to_owned(),
                value: Some(has.to_owned()),
                source: ConfigSource::DynamicDefaultBroker,
                read_only: false,
                sensitive: false,
                at_start: Some("8".to_owned()),
            }]
        };
        for (has, next) in [
            (["8", "8"], delete(pool)),
            (["16", "8"], delete(pool)),
            (["100", "100"], set(pool, "50")),
            (["17", "17"], delete(pool)),
            (["18", "18"], set(pool, "9")),
            (["2", "2"], set(pool, "4")),
            (["3", "4"], set(pool, "6")),
            (["100", "8"], set(pool, "50")),
        ] {
            let brokers = has.map(broker);
            let seen: Vec<&[ConfigEntry]> = brokers.iter().map(Vec::as_slice).collect();
            let actual = map(&[(pool, has[0])]);
            assert_eq!(changes(&BTreeMap::new(), &actual, &seen), [next], "{has:?}");
        }
    }
}
