//! Changes of options that are not saved yet, as a form carries them.

use std::collections::{BTreeMap, BTreeSet};

use console::draft::{Draft as Carried, FORM, Form, GENERATION, MAY, SEEN, SET, UNSET};
use console::pages::configure::{DO, FIND};
use console::pages::review::Difference;
use serde_json::{Map, Value};
use service_config::{ConfigOption, UserConfig};
use store::Service;

use crate::services::{at, changed_keys};

/// What somebody wants to change, and what they saw when they began.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// The form that it is edited in.
    pub(super) form: Form,
    /// The generation that they saw.
    pub(super) generation: i64,
    /// What was set then.
    pub(super) seen: UserConfig,
    /// By dotted key, as typed; `None` for one that shall not be set any more. Only what differs from
    /// what was seen: what somebody has left alone is not theirs to change.
    pub(super) edits: BTreeMap<String, Option<String>>,
    /// What is looked for among the options to add.
    pub(super) find: String,
}

/// What a button asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The option of that key shall be set as well.
    Add(String),
    /// It shall not be set any more.
    Unset(String),
    /// It shall stay as it is.
    Undo(String),
    /// Nothing but a look.
    Check,
}

impl Draft {
    /// Nothing is changed yet.
    pub(super) fn new(service: &Service) -> Self {
        let seen = service.user_config.clone();
        Self { generation: service.generation, seen, ..Self::default() }
    }

    /// What a form has in it. A form without what was seen is about the service as it is.
    pub(super) fn read(fields: Vec<(String, String)>, service: &Service) -> (Self, Act) {
        let (mut draft, mut act) = (Self::new(service), Act::Check);
        for (name, text) in fields {
            match name.as_str() {
                GENERATION => draft.generation = text.parse().unwrap_or_default(),
                SEEN => draft.seen = serde_json::from_str(&text).unwrap_or_default(),
                FORM => draft.form = Form::of_word(&text),
                FIND => draft.find = text,
                DO => act = Act::read(&text),
                _ => {
                    if let Some(key) = name.strip_prefix(SET) {
                        draft.edits.insert(key.to_owned(), Some(text));
                    } else if let Some(key) = name.strip_prefix(UNSET) {
                        draft.edits.insert(key.to_owned(), None);
                    } else if let Some(key) = name.strip_prefix(MAY) {
                        let text = text.trim();
                        let text = (!text.is_empty()).then(|| text.to_owned());
                        draft.edits.insert(key.to_owned(), text);
                    }
                }
            }
        }
        let seen = &draft.seen;
        draft.edits.retain(|key, text| *text != shown(&at(seen, key)));
        (draft, act)
    }

    /// Does what a button asks for.
    pub(super) fn act(&mut self, act: &Act, options: &[ConfigOption]) {
        match act {
            Act::Add(key) => {
                let option = options.iter().find(|it| it.key == *key);
                let value = option.and_then(|it| it.value.as_ref().or(it.default.as_ref()));
                let text = value.and_then(shown).unwrap_or_default();
                if option.is_some() {
                    self.edits.insert(key.clone(), Some(text));
                }
                self.find.clear();
            }
            Act::Unset(key) => {
                self.edits.insert(key.clone(), None);
            }
            Act::Undo(key) => {
                self.edits.remove(key);
            }
            Act::Check => {}
        }
    }

    /// The same edits on top of the service as it is now.
    pub(super) fn rebased(&self, service: &Service) -> Self {
        let (edits, find) = (self.edits.clone(), self.find.clone());
        Self { form: self.form, edits, find, ..Self::new(service) }
    }

    /// What was changed since by somebody else.
    pub(super) fn meanwhile(&self, service: &Service) -> Vec<Difference> {
        let (seen, now) = (&self.seen, &service.user_config);
        let mut keys = changed_keys(seen, now);
        keys.sort();
        let each = |key: String| Difference {
            before: shown(&at(seen, &key)),
            after: shown(&at(now, &key)),
            key,
        };
        keys.into_iter().map(each).collect()
    }

    /// What the API would be sent: `null` removes.
    pub(super) fn patch(&self, options: &[ConfigOption]) -> UserConfig {
        let mut patch = UserConfig::new();
        for (key, text) in &self.edits {
            let kind = options.iter().find(|it| it.key == *key).map_or("string", |it| it.kind);
            let value = text.as_ref().map_or(Value::Null, |it| value(it, kind));
            match key.split_once('.') {
                None => {
                    patch.insert(key.clone(), value);
                }
                Some((group, name)) => {
                    let group = patch.entry(group).or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(group) = group {
                        group.insert(name.to_owned(), value);
                    }
                }
            }
        }
        patch
    }

    /// The keys of all options that have a field: those that were set, and those that shall be.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        let seen = changed_keys(&UserConfig::new(), &self.seen);
        seen.into_iter().chain(self.edits.keys().cloned()).collect()
    }

    /// For the page.
    pub(super) fn carried(&self) -> Carried {
        Carried {
            form: self.form,
            generation: self.generation,
            seen: Value::Object(self.seen.clone()).to_string(),
            edits: self.edits.iter().map(|(key, text)| (key.clone(), text.clone())).collect(),
        }
    }
}

impl Act {
    fn read(text: &str) -> Self {
        match text.split_once(' ') {
            Some(("add", key)) => Self::Add(key.to_owned()),
            Some(("unset", key)) => Self::Unset(key.to_owned()),
            Some(("undo", key)) => Self::Undo(key.to_owned()),
            _ => Self::Check,
        }
    }
}

/// A value as a field has it; `None` if nothing is set.
pub(super) fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What is typed, as JSON. What is not of its type stays a text, which the rules then refuse.
fn value(text: &str, kind: &str) -> Value {
    let trimmed = text.trim();
    let parsed = match kind {
        "integer" => trimmed.parse::<i64>().ok().map(Value::from),
        "number" => serde_json::from_str(trimmed).ok().filter(Value::is_number),
        "boolean" => trimmed.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_typed_becomes_json_of_its_type_or_stays_text() {
        for (text, kind, wanted) in [
            ("12", "integer", json!(12)),
            (" 12 ", "integer", json!(12)),
            ("9223372036854775807", "integer", json!(i64::MAX)),
            ("1.5", "integer", json!("1.5")),
            ("", "integer", json!("")),
            ("0.5", "number", json!(0.5)),
            ("\"0.5\"", "number", json!("\"0.5\"")),
            ("true", "boolean", json!(true)),
            ("yes", "boolean", json!("yes")),
            ("12", "string", json!("12")),
            (" a ", "string", json!(" a ")),
        ] {
            assert_eq!(value(text, kind), wanted, "{text} {kind}");
        }
    }

    #[test]
    fn buttons_say_what_they_ask_for() {
        assert_eq!(Act::read("add kafka.x"), Act::Add("kafka.x".into()));
        assert_eq!(Act::read("unset kafka.x"), Act::Unset("kafka.x".into()));
        assert_eq!(Act::read("undo kafka.x"), Act::Undo("kafka.x".into()));
        assert_eq!(Act::read("check"), Act::Check);
        assert_eq!(Act::read("delete kafka.x"), Act::Check);
    }

    #[test]
    fn a_patch_has_groups_and_null_removes() {
        let edits = [("kafka.a", Some("x")), ("kafka.b", None), ("kafka_rest", Some("true"))];
        let edits = edits.map(|(key, it)| (key.to_owned(), it.map(str::to_owned)));
        let draft = Draft { edits: edits.into(), ..Draft::default() };
        let patch = Value::Object(draft.patch(&[]));
        // Without the schema nothing is known of types.
        assert_eq!(patch, json!({ "kafka": { "a": "x", "b": null }, "kafka_rest": "true" }));
    }
}
