//! What is different between two values of the audit log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A change: its dotted name, before, after. `None`: it is not there.
type Change = (String, Option<String>, Option<String>);

/// What differs, by name. Lists are compared as a whole.
pub(super) fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let (mut then, mut now) = (BTreeMap::new(), BTreeMap::new());
    for (value, into) in [(before, &mut then), (after, &mut now)] {
        if let Some(value) = value {
            flatten("", value, into);
        }
    }
    let names: BTreeSet<String> = then.keys().chain(now.keys()).cloned().collect();
    let change = |name: String| {
        let (before, after) = (then.get(&name).cloned(), now.get(&name).cloned());
        (before != after).then_some((name, before, after))
    };
    names.into_iter().filter_map(change).collect()
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{name}"), value, into);
            }
        }
        _ => {
            let name = if path.is_empty() { "value" } else { path };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            into.insert(name.to_owned(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({ "a": { "x": 1, "y": [1] }, "same": true, "gone": "z" });
        let after = json!({ "a": { "x": 2, "y": [1, 2] }, "same": true, "new": null });
        let told = changes(Some(&before), Some(&after));
        let text = |it: &str| Some(it.to_owned());
        let expected = [
            ("a.x".to_owned(), text("1"), text("2")),
            ("a.y".to_owned(), text("[1]"), text("[1,2]")),
            ("gone".to_owned(), text("z"), None),
        ];
        assert_eq!(told, expected);
        assert_eq!(changes(None, Some(&json!("x"))), [("value".to_owned(), None, text("x"))]);
        assert!(changes(Some(&before), Some(&before)).is_empty());
        assert!(changes(None, None).is_empty());
    }
}
