//! Cluster-wide dynamic broker configuration. What an option of ours sets is ours to take away;
//! anything else that somebody set there stays.

use std::collections::BTreeMap;

use kafka::{Admin, ConfigChange, ConfigResource, ConfigSource};
use service_config::is_dynamic_option;
use tracing::info;

use super::DesiredError;

/// Sets what differs, and deletes what is not wanted any more.
pub(super) async fn apply(
    admin: &Admin,
    wanted: &BTreeMap<String, String>,
) -> Result<(), DesiredError> {
    let entries = admin.describe_configs(&ConfigResource::ClusterDefault, None).await?;
    let actual = entries
        .into_iter()
        .filter(|it| it.source == ConfigSource::DynamicDefaultBroker)
        .filter_map(|it| Some((it.name, it.value?)))
        .collect();
    let changes = changes(wanted, &actual);
    if !changes.is_empty() {
        admin.alter_configs(&ConfigResource::ClusterDefault, &changes, false).await?;
        info!(options = changes.len(), "dynamic configuration changed");
    }
    Ok(())
}

fn changes(
    wanted: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
) -> Vec<ConfigChange> {
    let set = wanted
        .iter()
        .filter(|(name, value)| actual.get(*name) != Some(*value))
        .map(|(name, value)| ConfigChange::Set { name: name.clone(), value: value.clone() });
    let delete = actual
        .keys()
        .filter(|name| !wanted.contains_key(*name) && is_dynamic_option(name))
        .map(|name| ConfigChange::Delete { name: name.clone() });
    set.chain(delete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_difference_is_changed() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let wanted = map(&[("same", "1"), ("other", "2"), ("new", "3")]);
        let actual = map(&[("same", "1"), ("other", "1"), ("message.max.bytes", "4"), ("x", "5")]);
        let set =
            |name: &str, value: &str| ConfigChange::Set { name: name.into(), value: value.into() };
        assert_eq!(
            changes(&wanted, &actual),
            [
                set("new", "3"),
                set("other", "2"),
                ConfigChange::Delete { name: "message.max.bytes".into() }
            ]
        );
    }
}
