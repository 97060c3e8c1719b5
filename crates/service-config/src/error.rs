//! What is wrong with a configuration, in words that name key, value and rule.

use serde_json::Value;

/// How much of a value an error shows. It may come from anywhere and be of any length.
const SHOWN: usize = 120;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid 'user_config': {key}: {value} {rule}")]
pub struct ConfigError {
    /// The option, dotted: `kafka.log_segment_bytes`.
    pub key: String,
    /// Its value as JSON, cut if it is long.
    pub value: String,
    /// What the value is not, as a predicate: `is less than the minimum of 1`.
    pub rule: String,
}

impl ConfigError {
    pub(crate) fn new(key: &str, value: &Value, rule: impl Into<String>) -> Self {
        let text = value.to_string();
        // JSON escapes the ASCII control characters but not those beyond, such as U+0085.
        let mut shown: String = text
            .chars()
            .take(SHOWN)
            .flat_map(|c| if c.is_control() { c.escape_unicode().collect() } else { vec![c] })
            .collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        Self { key: key.to_owned(), value: shown, rule: rule.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_and_its_control_characters_are_escaped() {
        let error = ConfigError::new("k", &Value::from("a\n\u{85}b"), "is bad");
        assert_eq!(error.to_string(), r#"Invalid 'user_config': k: "a\n\u{85}b" is bad"#);
        let long = ConfigError::new("k", &Value::from("x".repeat(500)), "is bad");
        assert_eq!(long.value.len(), SHOWN + 3);
    }
}
