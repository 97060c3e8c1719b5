//! A checked configuration, with every default filled in.

use model::{IdpUrl, RestConsumer, RestProducer, UrlPolicy};
use serde_json::{Map, Value};

use crate::schema::{Kind, catalogue};
use crate::{ConfigError, UserConfig, rules, validate};

/// What an installation decides about the configurations of all its services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which addresses of identity providers are acceptable.
    pub url_policy: UrlPolicy,
}

/// A configuration that keeps every rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    stored: UserConfig,
    oidc: Option<Oidc>,
}

/// What a token has to be. Present exactly if the brokers offer `OAUTHBEARER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oidc {
    /// Where the keys are.
    pub jwks_url: IdpUrl,
    /// The issuer, byte for byte.
    pub issuer: String,
    /// One of these has to be in the token's `aud`. Never empty.
    pub audiences: Vec<String>,
    /// The top-level claim that becomes the principal.
    pub sub_claim_name: String,
}

/// Checks a configuration and gives it meaning. On failure every problem is reported, not only the
/// first.
pub fn effective(merged: &UserConfig, rules: &Rules) -> Result<Effective, Vec<ConfigError>> {
    let mut errors = validate::validate(merged);
    let oidc = rules::oidc(merged, *rules, &mut errors);
    rules::authentication(merged, &mut errors);
    rules::broker(merged, &mut errors);
    if errors.is_empty() { Ok(Effective { stored: merged.clone(), oidc }) } else { Err(errors) }
}

impl Effective {
    /// The rules for tokens, if OIDC is on.
    pub const fn oidc(&self) -> Option<&Oidc> {
        self.oidc.as_ref()
    }

    /// Whether the service has a REST proxy.
    pub fn kafka_rest(&self) -> bool {
        boolean(&self.stored, "kafka_rest")
    }

    /// Whether requests to the REST proxy need a token. See [`model::RestSettings`].
    pub fn rest_authorization(&self) -> bool {
        boolean(&self.stored, "kafka_rest_authorization")
    }

    /// How the REST proxy produces.
    pub fn rest_producer(&self) -> RestProducer {
        RestProducer {
            acks: self.rest_text("producer_acks"),
            compression_type: self.rest_text("producer_compression_type"),
            linger_ms: self.rest_number("producer_linger_ms"),
            max_request_size: self.rest_number("producer_max_request_size"),
        }
    }

    /// How the REST proxy consumes.
    pub fn rest_consumer(&self) -> RestConsumer {
        RestConsumer {
            enable_auto_commit: boolean(
                &self.stored,
                "kafka_rest_config.consumer_enable_auto_commit",
            ),
            request_max_bytes: self.rest_number("consumer_request_max_bytes"),
            request_timeout_ms: self.rest_number("consumer_request_timeout_ms"),
            idle_disconnect_timeout: self.rest_number("consumer_idle_disconnect_timeout"),
        }
    }

    /// What is stored, and the top-level options that are not, with their defaults: tools index
    /// `user_config["kafka_connect"]` without asking whether it is there.
    pub fn user_config(&self) -> UserConfig {
        let mut shown: Map<String, Value> = catalogue()
            .properties
            .iter()
            .filter_map(|(name, property)| Some((name.clone(), property.default.clone()?)))
            .collect();
        shown.extend(self.stored.clone());
        shown
    }

    /// Checks what depends on how many nodes the service has: a default that no topic could meet
    /// is an error.
    pub fn fits(&self, node_count: usize) -> Result<(), Vec<ConfigError>> {
        let errors = rules::nodes(&self.stored, node_count);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The SASL mechanisms of the listener for clients, by Kafka's names.
    pub fn sasl_mechanisms(&self) -> Vec<&'static str> {
        rules::MECHANISMS
            .into_iter()
            .filter(|(option, _)| boolean(&self.stored, option))
            .map(|(_, mechanism)| mechanism)
            .chain(self.oidc.as_ref().map(|_| "OAUTHBEARER"))
            .collect()
    }

    /// What users set, and nothing else.
    pub(crate) const fn stored(&self) -> &UserConfig {
        &self.stored
    }

    /// The options below `kafka` that are set, by name.
    pub(crate) fn broker_options(&self) -> impl Iterator<Item = (&str, &Value)> {
        let set = self.stored.get("kafka").and_then(Value::as_object);
        set.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of an option below `kafka` that is a number and is set.
    pub(crate) fn broker_number(&self, name: &str) -> Option<i64> {
        self.stored.get("kafka")?.get(name)?.as_i64()
    }

    fn rest_text(&self, name: &str) -> String {
        text(&self.stored, &format!("kafka_rest_config.{name}")).unwrap_or_default().to_owned()
    }

    /// The schema keeps each of these within an `u32`; a test holds it to that.
    fn rest_number(&self, name: &str) -> u32 {
        let number = integer(&self.stored, &format!("kafka_rest_config.{name}"));
        number.and_then(|it| u32::try_from(it).ok()).unwrap_or_default()
    }
}

/// The value of an option: what is set, if it is of the right type, or the default.
pub(crate) fn value<'a>(config: &'a UserConfig, dotted: &str) -> Option<&'a Value> {
    let property = catalogue().find(dotted)?;
    set(config, dotted)
        .filter(|value| match property.kind {
            Kind::Object => value.is_object(),
            Kind::String => value.is_string(),
            Kind::Integer => value.is_i64(),
            Kind::Number => value.is_number(),
            Kind::Boolean => value.is_boolean(),
        })
        .or(property.default.as_ref())
}

/// What is set for an option, right or wrong.
pub(crate) fn set<'a>(config: &'a UserConfig, dotted: &str) -> Option<&'a Value> {
    match dotted.split_once('.') {
        None => config.get(dotted),
        Some((group, name)) => config.get(group)?.get(name),
    }
}

pub(crate) fn boolean(config: &UserConfig, dotted: &str) -> bool {
    value(config, dotted).and_then(Value::as_bool).unwrap_or_default()
}

pub(crate) fn integer(config: &UserConfig, dotted: &str) -> Option<i64> {
    value(config, dotted).and_then(Value::as_i64)
}

/// The text of an option without the blanks around it, which Kafka cuts too. Blank is the same as
/// not set: `-c kafka.sasl_oauthbearer_expected_issuer=` is the documented way to unset it.
pub(crate) fn text<'a>(config: &'a UserConfig, dotted: &str) -> Option<&'a str> {
    let text = value(config, dotted)?.as_str()?.trim_matches(' ');
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
