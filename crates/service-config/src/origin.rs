//! Where each value of a configuration comes from.

use serde_json::Value;

use crate::effective::set;
use crate::render::{ALLOWED_URLS, MIN_IN_SYNC, Rendered, jvm_options, sections};
use crate::schema::{Property, Update, broker_property, catalogue};
use crate::{Effective, Topology, UserConfig};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody has set it: Kafka's own default, or the proxy's.
    Default,
    /// The platform sets it for every service.
    Platform,
    /// It follows from the plan: nodes, memory.
    Plan,
    /// A user has set it.
    User,
    /// It follows from other options.
    Derived,
}

impl Origin {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Platform => "platform",
            Self::Plan => "plan",
            Self::User => "user",
            Self::Derived => "derived",
        }
    }
}

/// How a change of an option takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Every node is restarted, one after another.
    RollingRestart,
    /// Running brokers take it over.
    Dynamic,
    /// The REST proxy takes it over while it runs.
    ProxyReload,
}

impl UpdateMode {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RollingRestart => "rolling_restart",
            Self::Dynamic => "dynamic",
            Self::ProxyReload => "proxy_reload",
        }
    }
}

/// An option, with the value that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigOption {
    /// Dotted: `kafka.log_segment_bytes`.
    pub key: String,
    /// What counts; `None` where nothing is set and Kafka's own default is not in the schema.
    pub value: Option<Value>,
    /// Where it comes from.
    pub origin: Origin,
    /// What counts if nothing is set.
    pub default: Option<Value>,
    /// The property of Kafka that it sets, if it sets one by itself.
    pub kafka_property: Option<String>,
    /// How a change takes effect.
    pub update: UpdateMode,
    /// What it does, in words.
    pub description: Option<String>,
    /// `string`, `integer`, `number` or `boolean`.
    pub kind: &'static str,
    /// The smallest value.
    pub minimum: Option<Value>,
    /// The largest value.
    pub maximum: Option<Value>,
    /// The only values.
    pub choices: Option<Vec<Value>>,
}

/// A line of what a node is started with, or of the dynamic configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProperty {
    /// Kafka's name, or a JVM option.
    pub name: String,
    /// Its value. Passwords are references (`${secrets:...}`).
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
    /// `server.properties`, `dynamic` or `jvm`.
    pub place: &'static str,
}

/// Every option that there is, by key, with what counts and where it comes from.
pub fn options(effective: &Effective, rendered: &Rendered) -> Vec<ConfigOption> {
    let stored = effective.stored();
    let option = |key: String| {
        let property = catalogue().find(&key)?;
        Some(option(key, property, stored, rendered))
    };
    catalogue().options().into_iter().filter_map(option).collect()
}

fn option(
    key: String,
    property: &Property,
    stored: &UserConfig,
    rendered: &Rendered,
) -> ConfigOption {
    let kafka_property = key
        .strip_prefix("kafka.")
        .filter(|it| !it.starts_with("sasl_oauthbearer_"))
        .map(broker_property);
    let user = set(stored, &key).cloned();
    // What the platform gives it because of nodes and other options.
    let given = kafka_property.as_ref().and_then(|it| rendered.given(it));
    let (value, origin) = match (user, given) {
        (Some(value), _) => (Some(value), Origin::User),
        (None, Some((value, origin))) => (Some(value), origin),
        (None, None) => (property.default.clone(), Origin::Default),
    };
    let number = |it: &Option<serde_json::Number>| it.clone().map(Value::Number);
    ConfigOption {
        value,
        origin,
        default: property.default.clone(),
        update: mode(&key, property),
        kafka_property,
        description: property.description.clone(),
        kind: property.kind.as_str(),
        minimum: number(&property.minimum),
        maximum: number(&property.maximum),
        choices: property.choices.clone(),
        key,
    }
}

fn mode(key: &str, property: &Property) -> UpdateMode {
    if key.starts_with("kafka_rest") {
        UpdateMode::ProxyReload
    } else if property.update == Update::Dynamic {
        UpdateMode::Dynamic
    } else {
        UpdateMode::RollingRestart
    }
}

impl Rendered {
    /// The value that a property of Kafka has without any user, as JSON.
    fn given(&self, property: &str) -> Option<(Value, Origin)> {
        if property == MIN_IN_SYNC {
            return Some((plain(self.dynamic.get(property)?), Origin::Derived));
        }
        let lines = crate::properties::lines(&self.revision.server_properties);
        Some((plain(lines.get(property)?), Origin::Platform))
    }
}

/// A number or a truth value where it is one.
fn plain(text: &str) -> Value {
    serde_json::from_str(text)
        .ok()
        .filter(|it: &Value| it.is_number() || it.is_boolean())
        .unwrap_or_else(|| text.into())
}

/// Every line that follows from a configuration, with where it comes from.
pub fn properties(
    effective: &Effective,
    topology: &Topology<'_>,
    rendered: &Rendered,
) -> Vec<ConfigProperty> {
    let line = |place, origin| {
        move |(name, value): (String, String)| ConfigProperty { name, value, origin, place }
    };
    let mut found = Vec::new();
    for (_, origin, section) in sections(effective, topology) {
        found.extend(section.into_iter().map(line("server.properties", origin)));
    }
    for (name, value) in &rendered.dynamic {
        let option = name.replace('.', "_");
        let is_user = effective.broker_options().any(|(it, _)| it == option);
        let origin = if is_user { Origin::User } else { Origin::Derived };
        found.push(line("dynamic", origin)((name.clone(), value.clone())));
    }
    for option in jvm_options(effective, topology) {
        let origin = if option.starts_with("-Xm") {
            Origin::Plan
        } else if option.starts_with(ALLOWED_URLS) {
            Origin::Derived
        } else {
            Origin::Platform
        };
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        found.push(line("jvm", origin)((name.to_owned(), value.to_owned())));
    }
    found
}

#[cfg(test)]
mod tests;
