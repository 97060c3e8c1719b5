//! A partial update over what is stored.

use serde_json::Value;

use crate::UserConfig;

/// Puts `patch` over `current`: objects are merged at every depth, everything else is replaced,
/// and `null` removes (RFC 7396). The result holds no `null`.
pub fn merge(current: &UserConfig, patch: &UserConfig) -> UserConfig {
    let mut merged = current.clone();
    for (key, value) in patch {
        match value {
            Value::Null => {
                merged.remove(key);
            }
            Value::Object(patch) => {
                let under = match merged.get(key) {
                    Some(Value::Object(current)) => merge(current, patch),
                    _ => merge(&UserConfig::new(), patch),
                };
                merged.insert(key.clone(), Value::Object(under));
            }
            other => {
                merged.insert(key.clone(), other.clone());
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::object;

    #[test]
    fn objects_are_merged_and_scalars_replaced_and_null_removes() {
        let current = object(json!({ "a": 1, "o": { "x": 1, "y": [1, 2], "z": { "d": 1 } } }));
        let patch = object(json!({ "b": 2, "o": { "x": null, "y": [3], "z": { "e": null } } }));
        assert_eq!(
            Value::Object(merge(&current, &patch)),
            json!({ "a": 1, "b": 2, "o": { "y": [3], "z": { "d": 1 } } })
        );
        let whole = object(json!({ "o": null, "a": { "n": null, "m": 1 } }));
        assert_eq!(Value::Object(merge(&current, &whole)), json!({ "a": { "m": 1 } }));
    }

    fn config(null: bool) -> impl Strategy<Value = UserConfig> {
        let leaf = if null {
            prop_oneof![Just(Value::Null), any::<u8>().prop_map(Value::from)].boxed()
        } else {
            any::<u8>().prop_map(Value::from).boxed()
        };
        let value = leaf.prop_recursive(3, 24, 4, |inner| {
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
        });
        prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|map| map.into_iter().collect())
    }

    fn has_null(config: &UserConfig) -> bool {
        config.values().any(|it| it.is_null() || it.as_object().is_some_and(has_null))
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(current in config(false), patch in config(true)) {
            let once = merge(&current, &patch);
            prop_assert!(!has_null(&once));
            prop_assert_eq!(&merge(&once, &patch), &once);
        }

        #[test]
        fn nothing_or_the_same_changes_nothing(current in config(false)) {
            prop_assert_eq!(&merge(&current, &UserConfig::new()), &current);
            prop_assert_eq!(&merge(&current, &current), &current);
        }

        #[test]
        fn null_removes_the_key_and_leaves_the_others(
            current in config(false),
            key in "[a-d]",
        ) {
            let mut patch = UserConfig::new();
            patch.insert(key.clone(), Value::Null);
            let mut expected = current.clone();
            expected.remove(&key);
            prop_assert_eq!(merge(&current, &patch), expected);
        }
    }
}
