//! Which options differ, by name: values may be nobody's business.

use serde_json::Value;
use service_config::UserConfig;

/// Dotted names of the options that differ.
pub(super) fn changed_keys(before: &UserConfig, after: &UserConfig) -> Vec<String> {
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
