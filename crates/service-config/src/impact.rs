//! What a change of the configuration costs.

use std::collections::{BTreeMap, BTreeSet};

use model::Revision;

use crate::properties::lines;
use crate::render::ALLOWED_URLS;
use crate::{Effective, Rendered};

/// What has to happen so that a change takes effect, and because of which properties. Nothing at
/// all if every list is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Every node has to be started anew with the new revision. Properties of Kafka, and JVM
    /// options without their values.
    pub rolling_restart: Vec<String>,
    /// Cluster-wide dynamic configs that have to be set or removed.
    pub dynamic: Vec<String>,
    /// What the REST proxy has to take over: options without their values.
    pub proxy_reload: Vec<String>,
}

impl Impact {
    /// Whether the change is none.
    pub const fn is_nothing(&self) -> bool {
        self.rolling_restart.is_empty() && self.dynamic.is_empty() && self.proxy_reload.is_empty()
    }
}

/// Compares two configurations and what they became.
pub fn impact(before: (&Effective, &Rendered), after: (&Effective, &Rendered)) -> Impact {
    Impact {
        rolling_restart: restart(&before.1.revision, &after.1.revision),
        dynamic: changed(&before.1.dynamic, &after.1.dynamic),
        proxy_reload: proxy_reload(before.0, after.0),
    }
}

fn restart(before: &Revision, after: &Revision) -> Vec<String> {
    let mut found = changed(&lines(&before.server_properties), &lines(&after.server_properties));
    found.extend(changed_jvm_options(before, after));
    found
}

/// The names that only one side has, or both with different values; sorted.
fn changed<K: Ord + ToString, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<String> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| before.get(key) != after.get(key))
        .map(ToString::to_string)
        .collect()
}

/// An allowed URL less is no reason for a restart: the next one that has a reason takes it away.
fn changed_jvm_options(before: &Revision, after: &Revision) -> BTreeSet<String> {
    let name = |option: &str| {
        let name = option.split('=').next().unwrap_or_default();
        name.trim_start_matches("-D").to_owned()
    };
    let (before, after) = (&before.jvm_options, &after.jvm_options);
    let allowed_before: Vec<&str> = before.iter().flat_map(|it| allowed_urls(it)).collect();
    let one_more = |option: &String| allowed_urls(option).any(|url| !allowed_before.contains(&url));
    let plain = |option: &&String| !option.starts_with(ALLOWED_URLS);
    let gone = before.iter().filter(plain).filter(|it| !after.contains(it));
    let new = after.iter().filter(plain).filter(|it| !before.contains(it));
    let more = after.iter().filter(|it| one_more(it));
    gone.chain(new).chain(more).map(|it| name(it)).collect()
}

fn allowed_urls(option: &str) -> impl Iterator<Item = &str> {
    option.strip_prefix(ALLOWED_URLS).into_iter().flat_map(|it| it.split(','))
}

fn proxy_reload(before: &Effective, after: &Effective) -> Vec<String> {
    let (produce, consume) = (
        (before.rest_producer(), after.rest_producer()),
        (before.rest_consumer(), after.rest_consumer()),
    );
    [
        ("kafka_rest", before.kafka_rest() != after.kafka_rest()),
        ("kafka_rest_authorization", before.rest_authorization() != after.rest_authorization()),
        ("kafka_rest_config.producer", produce.0 != produce.1),
        ("kafka_rest_config.consumer", consume.0 != consume.1),
        ("kafka.sasl_oauthbearer", before.oidc() != after.oidc()),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(name, _)| name.to_owned())
    .collect()
}

#[cfg(test)]
mod tests;
