//! What an update changes.

use serde::Serialize;
use serde_json::{Map, Value, json};
use service_config::UserConfig;
use store::{Service, ServiceChange};
use utoipa::ToSchema;

/// One thing that is different. Null: it is not set.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// Dotted: `user_config.kafka.log_segment_bytes`.
    pub(crate) key: String,
    #[schema(value_type = Value)]
    pub(crate) before: Value,
    #[schema(value_type = Value)]
    pub(crate) after: Value,
}

/// What a change makes different, by key.
pub(super) fn difference(service: &Service, change: &ServiceChange) -> Vec<Difference> {
    let (dow, time) = (&service.maintenance_dow, &service.maintenance_time);
    let window = json!({ "dow": dow, "time": time });
    let maintenance = change.maintenance.as_ref();
    let before = json!({
        "maintenance": window, "plan": service.plan, "powered": service.powered,
        "termination_protection": service.termination_protection,
        "tidegate": { "apply_in_window": service.apply_in_window },
        "user_config": service.user_config,
    });
    let after = json!({
        "maintenance": maintenance.map_or(window, |(dow, time)| json!({ "dow": dow, "time": time })),
        "plan": change.plan,
        "powered": change.powered,
        "termination_protection": change.termination_protection,
        "tidegate": { "apply_in_window": change.apply_in_window.unwrap_or(service.apply_in_window) },
        "user_config": change.user_config,
    });
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return Vec::new() };
    let mut keys = changed_keys(&before, &after);
    keys.sort();
    let differs = |key: String| {
        let (before, after) = (at(&before, &key), at(&after, &key));
        Difference { key, before, after }
    };
    keys.into_iter().map(differs).collect()
}

/// What an option is set to, null if it is not.
pub(crate) fn at(config: &Map<String, Value>, dotted: &str) -> Value {
    let found = match dotted.split_once('.') {
        None => config.get(dotted).cloned(),
        Some((group, rest)) => {
            return config
                .get(group)
                .and_then(Value::as_object)
                .map_or(Value::Null, |it| at(it, rest));
        }
    };
    found.unwrap_or_default()
}

/// Dotted names of the options that differ.
pub(crate) fn changed_keys(before: &UserConfig, after: &UserConfig) -> Vec<String> {
    let mut found = Vec::new();
    collect("", before, after, &mut found);
    found
}

fn collect(path: &str, before: &UserConfig, after: &UserConfig, found: &mut Vec<String>) {
    let empty = UserConfig::new();
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                collect(&key, old, new, found);
            }
            (Some(Value::Object(old)), None) if !old.is_empty() => {
                collect(&key, old, &empty, found);
            }
            (None, Some(Value::Object(new))) if !new.is_empty() => {
                collect(&key, &empty, new, found);
            }
            _ => found.push(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_named_with_their_group() {
        let config = |it: Value| it.as_object().unwrap().clone();
        let before = config(json!({ "a": 1, "o": { "x": 1, "y": 2 }, "gone": { "z": 1 } }));
        let after = config(json!({ "a": 1, "o": { "x": 1, "y": 3 }, "new": true, "none": {} }));
        let mut changed = changed_keys(&before, &after);
        changed.sort();
        assert_eq!(changed, ["gone.z", "new", "none", "o.y"]);
        assert!(changed_keys(&before, &before).is_empty());
    }
}
