//! Client quotas: how much a user or a client id may take of each broker.

use std::fmt;

/// The largest byte rate: whole numbers up to here are exact in the floating point of Kafka's
/// protocol and of JSON.
const LARGEST_RATE: f64 = 9_007_199_254_740_992.0;

/// The longest name, in characters.
const LONGEST: usize = 256;

/// How the API calls Kafka's default entity.
const DEFAULT: &str = "default";

/// Which users, or which client ids, a quota is for: one by its name, or Kafka's default entity,
/// which is everyone that has no quota of its own.
///
/// The API writes the default entity as `default`, so one that is really called so cannot be named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaName(Option<String>);

impl QuotaName {
    /// Parses what people give for `key` (`user` or `client-id`).
    pub fn parse(key: &str, text: &str) -> Result<Self, String> {
        let invalid = |rule: &str| {
            let shown: String = text.escape_debug().take(64).collect();
            Err(format!("Invalid '{key}' '{shown}': {rule}"))
        };
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return invalid("it must have 1-256 characters, all printable");
        }
        if text.starts_with(' ') {
            return invalid("it must not start with a space, as the platform's own principals do");
        }
        Ok(Self((text != DEFAULT).then(|| text.to_owned())))
    }

    /// What Kafka's protocol has for it: null is the default entity. `None` for what cannot be
    /// said here.
    pub fn from_kafka(name: Option<&str>) -> Option<Self> {
        match name {
            Some("" | DEFAULT) => None,
            name => Some(Self(name.map(str::to_owned))),
        }
    }

    /// The name; `None` for the default entity, as in Kafka's protocol.
    pub fn to_kafka(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// As the API spells it.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(DEFAULT)
    }
}

/// Whom a quota is for: a user, a client id, or a client id of a user. At least one of the two.
///
/// Of several that apply, Kafka takes the most specific only
/// (`org.apache.kafka.server.quota.ClientQuotaManager`): user before client id, both before one,
/// a name before the default.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaEntity {
    user: Option<QuotaName>,
    client_id: Option<QuotaName>,
}

impl QuotaEntity {
    /// `None` if there is neither.
    pub fn new(user: Option<QuotaName>, client_id: Option<QuotaName>) -> Option<Self> {
        (user.is_some() || client_id.is_some()).then_some(Self { user, client_id })
    }

    /// One user, whatever its client id.
    pub fn of_user(name: &str) -> Self {
        Self { user: Some(QuotaName(Some(name.to_owned()))), client_id: None }
    }

    /// The user; `None` if it is for whoever has the client id.
    pub const fn user(&self) -> Option<&QuotaName> {
        self.user.as_ref()
    }

    /// The client id; `None` if it is for all of the user.
    pub const fn client_id(&self) -> Option<&QuotaName> {
        self.client_id.as_ref()
    }
}

impl fmt::Display for QuotaEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.user, &self.client_id) {
            (Some(user), Some(client)) => {
                write!(f, "user '{}', client-id '{}'", user.as_str(), client.as_str())
            }
            (Some(user), None) => write!(f, "user '{}'", user.as_str()),
            (None, client) => {
                write!(f, "client-id '{}'", client.as_ref().map_or(DEFAULT, QuotaName::as_str))
            }
        }
    }
}

/// What is limited, on each broker (`org.apache.kafka.server.config.QuotaConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaKey {
    /// Bytes a second that are fetched.
    ConsumerByteRate,
    /// Bytes a second that are produced.
    ProducerByteRate,
    /// Time of network and request threads: 100 is one thread, all of the time.
    RequestPercentage,
}

impl QuotaKey {
    /// Every one.
    pub const ALL: [Self; 3] =
        [Self::ConsumerByteRate, Self::ProducerByteRate, Self::RequestPercentage];

    /// As Kafka and the API spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsumerByteRate => "consumer_byte_rate",
            Self::ProducerByteRate => "producer_byte_rate",
            Self::RequestPercentage => "request_percentage",
        }
    }

    /// The one that is spelled so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// Checks a limit: more than zero; a byte rate is whole, or Kafka would refuse it
    /// (`ClientQuotaControlManager`).
    pub fn check(self, limit: f64) -> Result<f64, String> {
        let rule = match self {
            Self::RequestPercentage if limit > 0.0 && limit.is_finite() => return Ok(limit),
            Self::RequestPercentage => "it must be a number above 0",
            _ if (1.0..=LARGEST_RATE).contains(&limit) && limit.fract() == 0.0 => return Ok(limit),
            _ => "it must be a whole number of bytes a second, 1 to 2^53",
        };
        Err(format!("Invalid '{}' '{limit}': {rule}", self.as_str()))
    }
}

/// One limit of one entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientQuota {
    /// Whom it is for.
    pub entity: QuotaEntity,
    /// What is limited.
    pub key: QuotaKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_entity_has_no_name_in_kafka() {
        let parsed = QuotaName::parse("user", "default").unwrap();
        assert_eq!(parsed.to_kafka(), None);
        assert_eq!(QuotaName::from_kafka(None), Some(parsed));
        assert_eq!(QuotaName::from_kafka(Some("default")), None, "nobody could name it");
        assert_eq!(QuotaName::parse("user", "Default").unwrap().to_kafka(), Some("Default"));
    }

    #[test]
    fn a_name_is_printable_and_none_of_the_platforms_own() {
        for text in ["", " admin", "a\tb", &"x".repeat(257)] {
            let error = QuotaName::parse("client-id", text).unwrap_err();
            assert!(error.starts_with("Invalid 'client-id' '"), "{error}");
        }
        assert!(QuotaName::parse("user", "arn:aws:iam::1:user/x y").is_ok());
    }

    #[test]
    fn an_entity_is_a_user_a_client_or_both() {
        let name = |it: &str| Some(QuotaName::parse("user", it).unwrap());
        let shown = |user, client| QuotaEntity::new(user, client).map(|it| it.to_string());
        assert_eq!(shown(None, None), None);
        assert_eq!(shown(name("a"), None).unwrap(), "user 'a'");
        assert_eq!(shown(None, name("default")).unwrap(), "client-id 'default'");
        assert_eq!(shown(name("a"), name("c")).unwrap(), "user 'a', client-id 'c'");
    }

    #[test]
    fn a_limit_is_above_zero_and_a_byte_rate_whole() {
        for key in [QuotaKey::ConsumerByteRate, QuotaKey::ProducerByteRate] {
            assert_eq!(key.check(1_048_576.0), Ok(1_048_576.0));
            for limit in [0.0, -1.0, 0.5, 1.5, f64::NAN, f64::INFINITY, 1e17] {
                assert!(key.check(limit).is_err(), "{limit}");
            }
        }
        assert_eq!(QuotaKey::RequestPercentage.check(0.5), Ok(0.5));
        for limit in [0.0, -0.0, -5.0, f64::NAN, f64::INFINITY] {
            assert!(QuotaKey::RequestPercentage.check(limit).is_err(), "{limit}");
        }
        assert_eq!(
            QuotaKey::ConsumerByteRate.check(1.5).unwrap_err(),
            "Invalid 'consumer_byte_rate' '1.5': it must be a whole number of bytes a second, 1 to 2^53"
        );
    }
}
