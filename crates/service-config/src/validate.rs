//! Each value against the schema. What depends on several values is in `rules`.

use serde_json::{Number, Value};

use crate::distance::nearest;
use crate::schema::{Kind, Property, catalogue};
use crate::{ConfigError, UserConfig};

/// Up to which problem unknown options are compared with the known ones, which takes a while.
const HELPED: usize = 20;

/// Checks every value of `config` on its own and reports every problem.
pub(crate) fn validate(config: &UserConfig) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    group("", config, catalogue(), &mut errors);
    errors
}

fn group(path: &str, config: &UserConfig, known: &Property, errors: &mut Vec<ConfigError>) {
    for (name, found) in config {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match known.properties.get(name) {
            Some(property) => value(&key, found, property, errors),
            None => {
                let rule = unknown(&key, errors.len() < HELPED);
                errors.push(ConfigError::new(&printable(&key), found, rule));
            }
        }
    }
}

/// Checks one value against what the schema says of it.
pub(crate) fn value(key: &str, value: &Value, property: &Property, errors: &mut Vec<ConfigError>) {
    let mut fail = |rule: String| errors.push(ConfigError::new(key, value, rule));
    match (property.kind, value) {
        (Kind::Object, Value::Object(config)) => return group(key, config, property, errors),
        (Kind::String, Value::String(text)) => string(text, property, &mut fail),
        (Kind::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            range(number, property, &mut fail);
        }
        (Kind::Number, Value::Number(number)) => range(number, property, &mut fail),
        (Kind::Boolean, Value::Bool(_)) => {}
        (kind, _) => return fail(format!("is not of type {}", kind.as_str())),
    }
    choice(value, property, &mut fail);
}

fn string(text: &str, property: &Property, fail: &mut impl FnMut(String)) {
    if text.chars().any(char::is_control) {
        return fail("contains a line feed or another control character".into());
    }
    if text.contains(['"', '\'']) {
        return fail("contains a quote; check how the shell or the program quoted it".into());
    }
    // Kafka would put the content of a file in its place, the platform's passwords for example.
    if text.contains("${") {
        return fail("contains '${', which Kafka would replace".into());
    }
    if let Some(max) = property.max_length.filter(|max| text.chars().count() > *max) {
        fail(format!("is longer than the maximum of {max} characters"));
    }
    if let Some(pattern) = property.pattern.as_ref().filter(|it| !it.is_match(text)) {
        fail(property.user_error.clone().unwrap_or_else(|| format!("does not match {pattern}")));
    }
}

fn range(number: &Number, property: &Property, fail: &mut impl FnMut(String)) {
    if let Some(minimum) = property.minimum.as_ref().filter(|it| less(number, it)) {
        fail(format!("is less than the minimum of {minimum}"));
    }
    if let Some(maximum) = property.maximum.as_ref().filter(|it| less(it, number)) {
        fail(format!("is greater than the maximum of {maximum}"));
    }
}

/// Compares as integers whenever both are: an `f64` cannot tell the largest `i64` from the next.
fn less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64() < b.as_f64(),
    }
}

fn choice(value: &Value, property: &Property, fail: &mut impl FnMut(String)) {
    let Some(choices) = property.choices.as_ref().filter(|it| !it.contains(value)) else {
        return;
    };
    let shown: Vec<String> =
        choices.iter().filter(|it| !it.is_null()).map(ToString::to_string).collect();
    let one_of = if shown.len() == 1 { "is not" } else { "is not one of" };
    let reason = property.user_error.as_ref().map_or_else(String::new, |it| format!(": {it}"));
    fail(format!("{one_of} {}{reason}", shown.join(", ")));
}

fn unknown(key: &str, help: bool) -> String {
    let known = if help { catalogue().options() } else { Vec::new() };
    let near = nearest(key, &known);
    if near.is_empty() {
        "is for an option that does not exist".into()
    } else {
        format!("is for an option that does not exist; the nearest are {}", near.join(", "))
    }
}

/// A key that is not ours may hold anything.
fn printable(key: &str) -> String {
    key.escape_debug().take(100).collect()
}

#[cfg(test)]
mod tests;
