//! Who was seen to use what: uses that Kafka or a REST proxy has allowed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{AclOperation, Principal, ResourceType, Timestamp};

/// The longest principal and the longest resource name, in characters.
const LONGEST: usize = 256;

/// The most claims of a principal: more than can be watched.
const MOST_CLAIMS: usize = 100;

/// The claims of a token that are commonly made its subject. Of others a value is kept only while
/// somebody thinks of making them the subject ([`is_watchable`]).
pub const SUBJECT_CLAIMS: [&str; 10] = [
    "sub",
    "azp",
    "client_id",
    "appid",
    "oid",
    "preferred_username",
    "upn",
    "email",
    "username",
    "name",
];

/// Where a use was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenAt {
    /// At a REST proxy.
    RestProxy,
    /// At a broker, from a client of Kafka's own protocol.
    Broker,
}

impl SeenAt {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::RestProxy, Self::Broker];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RestProxy => "rest_proxy",
            Self::Broker => "broker",
        }
    }
}

/// Somebody did something with a resource, and was allowed to. What is refused is in the logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeenUse {
    /// Who; `None` for a caller without credentials, at a proxy with authorization off. Never one of
    /// the platform's own principals, which start with a space, and never `*`.
    pub principal: Option<Principal>,
    /// Whether that is proven. A proxy with authorization off takes the user name of `Basic` as it is
    /// said. Without a principal nothing is proven.
    pub proven: bool,
    /// On what kind of resource.
    pub resource_type: ResourceType,
    /// Its name: 1-256 characters, none of them a control character.
    pub resource_name: String,
    /// What Kafka asks its ACLs for that; never `All`, and one that Kafka knows for the type of
    /// resource ([`ResourceType::operations`]).
    pub operation: AclOperation,
    /// When it was done last.
    pub last: Timestamp,
}

/// The claims of the latest token of a principal that was verified at a REST proxy, as far as they
/// could become the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenClaims {
    /// Who. The rule is that of [`SeenUse::principal`].
    pub principal: Principal,
    /// Texts of claims in [`SUBJECT_CLAIMS`] and of watched ones, of 1-256 characters each, as their
    /// names, none of them a control character.
    pub claims: BTreeMap<String, String>,
    /// Claims that were watched when the token was looked at, and of which it has no such text. A
    /// proxy of the version before says nothing of them.
    #[serde(default)]
    pub absent: BTreeSet<String>,
}

/// What a REST proxy or the orchestrator has seen since it last told: at most [`SeenReport::MOST`] of
/// each. Read from JSON it has been checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct SeenReport {
    /// What was used.
    pub uses: Vec<SeenUse>,
    /// What else those are called who came with a token.
    pub claims: Vec<SeenClaims>,
}

/// A report as it comes from outside.
#[derive(Deserialize)]
struct Unchecked {
    uses: Vec<SeenUse>,
    claims: Vec<SeenClaims>,
}

/// Something that nobody can have seen, or more than is taken. The text names the key, the value and
/// the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid '{key}' '{value}': {rule}")]
pub struct InvalidSeen {
    key: &'static str,
    /// Cut to 64 characters, control characters escaped: it may come from anywhere.
    value: String,
    rule: &'static str,
}

impl InvalidSeen {
    fn new(key: &'static str, value: &str, rule: &'static str) -> Self {
        Self { key, value: value.escape_debug().take(64).collect(), rule }
    }
}

impl SeenUse {
    /// Whether it keeps the rules of its fields.
    pub fn check(&self) -> Result<(), InvalidSeen> {
        match &self.principal {
            Some(principal) => check_principal(principal)?,
            None if self.proven => {
                return Err(InvalidSeen::new("proven", "true", "nobody has proven to be nobody"));
            }
            None => {}
        }
        if !is_text(&self.resource_name) {
            return Err(InvalidSeen::new("resource_name", &self.resource_name, TEXT));
        }
        if !self.resource_type.operations().contains(&self.operation) {
            let rule = "Kafka asks about no such operation for this resource_type";
            return Err(InvalidSeen::new("operation", self.operation.as_str(), rule));
        }
        Ok(())
    }
}

impl SeenClaims {
    /// Whether they keep the rules of their fields.
    pub fn check(&self) -> Result<(), InvalidSeen> {
        check_principal(&self.principal)?;
        let claims = self.claims.iter().flat_map(|(name, value)| [name, value]);
        let texts =
            claims.map(|it| ("claims", it)).chain(self.absent.iter().map(|it| ("absent", it)));
        for (key, text) in texts {
            if !is_text(text) {
                return Err(InvalidSeen::new(key, text, TEXT));
            }
        }
        for (key, len) in [("claims", self.claims.len()), ("absent", self.absent.len())] {
            if len > MOST_CLAIMS {
                return Err(InvalidSeen::new(key, &len.to_string(), "there may be at most 100"));
            }
        }
        Ok(())
    }

    /// The same without claims that are neither in [`SUBJECT_CLAIMS`] nor in `watched`: a proxy may
    /// not have heard yet that one is not watched any more.
    #[must_use]
    pub fn only(&self, watched: &BTreeSet<String>) -> Self {
        let is_wanted =
            |name: &String| SUBJECT_CLAIMS.contains(&name.as_str()) || watched.contains(name);
        let claims = self.claims.iter().filter(|(name, _)| is_wanted(name));
        Self {
            principal: self.principal.clone(),
            claims: claims.map(|(name, text)| (name.clone(), text.clone())).collect(),
            absent: self.absent.iter().filter(|it| watched.contains(*it)).cloned().collect(),
        }
    }
}

impl SeenReport {
    /// The most uses, and the most principals with claims, in one report.
    pub const MOST: usize = 1000;

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.claims.is_empty()
    }

    /// Whether it and all in it keep the rules.
    pub fn check(&self) -> Result<(), InvalidSeen> {
        for (key, len) in [("uses", self.uses.len()), ("claims", self.claims.len())] {
            if len > Self::MOST {
                return Err(InvalidSeen::new(key, &len.to_string(), "there may be at most 1000"));
            }
        }
        self.uses.iter().try_for_each(SeenUse::check)?;
        self.claims.iter().try_for_each(SeenClaims::check)
    }
}

impl TryFrom<Unchecked> for SeenReport {
    type Error = InvalidSeen;

    fn try_from(unchecked: Unchecked) -> Result<Self, InvalidSeen> {
        let report = Self { uses: unchecked.uses, claims: unchecked.claims };
        report.check()?;
        Ok(report)
    }
}

/// Whether a claim of this name can be watched and needs to be: it has 1-256 characters, none of them
/// a control character, and is none of [`SUBJECT_CLAIMS`].
pub fn is_watchable(claim: &str) -> bool {
    is_text(claim) && !SUBJECT_CLAIMS.contains(&claim)
}

const TEXT: &str = "it must have 1-256 characters, none of them a control character";

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control)
}

/// Kafka trims the subject of a token, so a space in front is the platform's own.
fn check_principal(principal: &Principal) -> Result<(), InvalidSeen> {
    let name = principal.0.as_str();
    if !is_text(name) {
        return Err(InvalidSeen::new("principal", name, TEXT));
    }
    if name.starts_with(' ') || name.ends_with(' ') || name == Principal::EVERYBODY {
        let rule = "nobody who is seen is called '*', nor with a space in front or behind";
        return Err(InvalidSeen::new("principal", name, rule));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
