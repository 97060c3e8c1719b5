//! What a token should be like.

use std::str::FromStr;

use super::{Alg, JwksFault};

/// What a token should be like. `TokenRequest::of("alice")` is a sound one; the rest is by struct
/// update or by the setters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The client that asks: `client_id`, and `sub` and `custom-sub` unless `subject` is set.
    pub client: String,
    /// What it is signed with.
    pub alg: Alg,
    /// `aud`: a string if there is one, a list if there are more.
    pub audiences: Vec<String>,
    /// Seconds until it expires.
    pub ttl_secs: u32,
    /// Another `sub` and `custom-sub` than the client's id.
    pub subject: Option<String>,
    /// Another `custom-sub` than `sub`.
    pub custom_sub: Option<String>,
    /// `scope`. Kafka refuses a blank one.
    pub scope: String,
    /// What is wrong with it.
    pub defect: Option<Defect>,
}

impl TokenRequest {
    /// A sound token for `client`: RS256, the default audience, ten minutes.
    pub fn of(client: &str) -> Self {
        Self {
            client: client.to_owned(),
            alg: Alg::default(),
            audiences: vec![super::DEFAULT_AUDIENCE.to_owned()],
            ttl_secs: 600,
            subject: None,
            custom_sub: None,
            scope: "kafka".to_owned(),
            defect: None,
        }
    }

    /// Signed with `alg`.
    #[must_use]
    pub fn alg(self, alg: Alg) -> Self {
        Self { alg, ..self }
    }

    /// For these audiences.
    #[must_use]
    pub fn audiences(self, audiences: &[&str]) -> Self {
        Self { audiences: audiences.iter().map(|&it| it.to_owned()).collect(), ..self }
    }

    /// Expires in `ttl_secs` seconds.
    #[must_use]
    pub fn ttl_secs(self, ttl_secs: u32) -> Self {
        Self { ttl_secs, ..self }
    }

    /// Broken like this.
    #[must_use]
    pub fn defect(self, defect: Defect) -> Self {
        Self { defect: Some(defect), ..self }
    }
}

/// What is wrong with a token. Each makes it one that nobody may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It expired two minutes ago, which is beyond Kafka's clock skew of 30 s.
    Expired,
    /// `nbf` is five minutes ahead.
    NotYetValid,
    /// `iss` is another, longer one.
    WrongIssuer,
    /// `aud` is another.
    WrongAudience,
    /// No `aud`.
    NoAudience,
    /// Neither `sub` nor `custom-sub`.
    NoSubject,
    /// `alg` is `none` and there is no signature.
    AlgNone,
    /// HS256, with the PEM of the public RSA key as the secret.
    HmacPublicKey,
    /// Rightly signed, with a `kid` that was never published.
    UnknownKid,
    /// Signed by a stranger who writes the published `kid`.
    SelfSignedKnownKid,
}

impl Defect {
    /// Every defect, with its name in `POST /token`.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Expired, "expired"),
        (Self::NotYetValid, "not_yet_valid"),
        (Self::WrongIssuer, "wrong_issuer"),
        (Self::WrongAudience, "wrong_audience"),
        (Self::NoAudience, "no_audience"),
        (Self::NoSubject, "no_subject"),
        (Self::AlgNone, "alg_none"),
        (Self::HmacPublicKey, "hmac_public_key"),
        (Self::UnknownKid, "unknown_kid"),
        (Self::SelfSignedKnownKid, "self_signed_known_kid"),
    ];
}

/// A word that is not one of those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one of {}", .known.join(", "))]
pub struct UnknownWord {
    known: Vec<&'static str>,
}

fn word<T: Copy>(
    text: &str,
    known: impl IntoIterator<Item = (T, &'static str)>,
) -> Result<T, UnknownWord> {
    let known: Vec<(T, &'static str)> = known.into_iter().collect();
    let found = known.iter().find(|(_, name)| *name == text).map(|(value, _)| *value);
    found.ok_or_else(|| UnknownWord { known: known.iter().map(|(_, name)| *name).collect() })
}

impl FromStr for Defect {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(text, Self::ALL)
    }
}

impl FromStr for JwksFault {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(text, Self::ALL)
    }
}

impl FromStr for Alg {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(text, Self::ALL.map(|alg| (alg, alg.as_str())))
    }
}
