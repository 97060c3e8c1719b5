//! The option catalogue: one JSON schema, served as it is, and the same as types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

const TEXT: &str = include_str!("../kafka_user_config_schema.json");

/// The JSON schema of `user_config`, as the API serves it.
///
/// Beyond the standard it has `user_error`, the reason behind an `enum` or a `pattern` in words,
/// and `x-update: "dynamic"` on options that running brokers take over without a restart.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(parse);
    &SCHEMA
}

/// The same, typed: its top is an object whose properties are the top-level options.
pub(crate) fn catalogue() -> &'static Property {
    static CATALOGUE: LazyLock<Property> = LazyLock::new(parse);
    &CATALOGUE
}

#[expect(clippy::expect_used, reason = "the text is compiled in, and a test parses it")]
fn parse<T: serde::de::DeserializeOwned>() -> T {
    serde_json::from_str(TEXT).expect("the schema parses")
}

/// One option, or a group of them. Every keyword that the schema uses is known here, so none is
/// written there and then not acted on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Property {
    #[serde(default, rename = "title")]
    _title: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default, rename = "example")]
    _example: Option<Value>,
    #[serde(default, rename = "additionalProperties")]
    _additional_properties: bool,
    #[serde(rename = "type", deserialize_with = "kind")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) default: Option<Value>,
    #[serde(default, rename = "enum")]
    pub(crate) choices: Option<Vec<Value>>,
    pub(crate) minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
    pub(crate) max_length: Option<usize>,
    #[serde(default, deserialize_with = "pattern")]
    pub(crate) pattern: Option<Regex>,
    #[serde(rename = "user_error")]
    pub(crate) user_error: Option<String>,
    #[serde(default, rename = "x-update")]
    pub(crate) update: Update,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, Property>,
}

/// The type of an option, besides `null`, which is only ever in an update and means: remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Object,
    String,
    Integer,
    Number,
    Boolean,
}

/// How a broker takes over a change of an option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Update {
    /// By being started anew.
    #[default]
    Restart,
    /// While it runs, for the whole cluster at once (Kafka's `cluster-wide`).
    Dynamic,
}

impl Kind {
    /// As JSON schema spells it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

impl Property {
    /// The dotted names of all options below, groups not among them.
    pub(crate) fn options(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, property) in &self.properties {
            if property.kind == Kind::Object {
                found.extend(property.options().into_iter().map(|it| format!("{name}.{it}")));
            } else {
                found.push(name.clone());
            }
        }
        found
    }

    /// The option or group with this dotted name.
    pub(crate) fn find(&self, dotted: &str) -> Option<&Self> {
        dotted.split('.').try_fold(self, |at, name| at.properties.get(name))
    }
}

/// The broker property that an option below `kafka` sets: always the same words, with dots.
pub(crate) fn broker_property(option: &str) -> String {
    option.replace('_', ".")
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(Kind),
        OrNull(Kind, Null),
    }
    #[derive(Deserialize)]
    enum Null {
        #[serde(rename = "null")]
        Null,
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::One(kind) | Written::OrNull(kind, Null::Null) => kind,
    })
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text).map(Some).map_err(serde::de::Error::custom)
}

/// Sizes of thread pools, which Kafka changes at run time to no more than twice and no less than
/// half of what they are (`DynamicThreadPool`). A broker that starts checks that against its file,
/// and if it does not hold, ignores **everything** that is set dynamically (Kafka 4.3.1). So they are
/// never set so, and taken away where somebody did.
pub const THREAD_POOLS: [&str; 6] = [
    "background.threads",
    "log.cleaner.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
];

/// The broker properties, by Kafka's names, that Kafka can change at run time and whose value is the
/// platform's: those of dynamic options, one that every file sets, and [`THREAD_POOLS`]. Only such
/// a property is the platform's to take away again.
pub fn owned_dynamic_properties() -> &'static BTreeSet<String> {
    static OWNED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let options = catalogue().find("kafka").map(|it| &it.properties).into_iter().flatten();
        let dynamic = options.filter(|(_, it)| it.update == Update::Dynamic);
        let fixed = THREAD_POOLS.into_iter().chain(["unclean.leader.election.enable"]);
        dynamic.map(|(name, _)| broker_property(name)).chain(fixed.map(str::to_owned)).collect()
    });
    &OWNED
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `avn` needs: without it, it crashes, or refuses `--remove-option`.
    #[test]
    fn every_property_has_a_type_and_every_option_can_be_removed() {
        fn walk(key: &str, schema: &Value) {
            let kind = &schema["type"];
            if let Some(properties) = schema["properties"].as_object() {
                assert_eq!(kind, "object", "{key}");
                assert_eq!(schema["additionalProperties"], false, "{key}");
                for (name, property) in properties {
                    walk(&format!("{key}.{name}"), property);
                }
            } else {
                assert!(kind[0].is_string() && kind[1] == "null", "{key}: {kind}");
            }
        }
        walk("", schema());
    }

    #[test]
    fn a_default_is_a_value_that_the_option_may_have() {
        for key in catalogue().options() {
            let property = catalogue().find(&key).unwrap();
            if let Some(default) = &property.default {
                let mut errors = Vec::new();
                crate::validate::value(&key, default, property, &mut errors);
                assert_eq!(errors, []);
            }
        }
    }

    #[test]
    fn large_bounds_are_kept_exactly() {
        let maximum = |key| catalogue().find(key).unwrap().maximum.as_ref().unwrap().as_i64();
        assert_eq!(maximum("kafka.log_retention_bytes"), Some(i64::MAX));
    }
}
