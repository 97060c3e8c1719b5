//! Why a token, a key or an identity provider is refused. No text here contains anything of a
//! token: not in an answer, and not in a log.

use model::UrlRule;

/// Why there is no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AuthError {
    /// Longer than any access token should be.
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url with JSON in the first.
    #[error("the token is no signed JWT")]
    Malformed,
    /// `alg` is missing, `none`, symmetric, or unknown.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The header asks for what we do not do, such as `crit` or `b64`.
    #[error("the token's header asks for an extension")]
    Extension,
    /// A token for another purpose: an ID token, a refresh token, a logout token.
    #[error("the token is no access token")]
    NotAccessToken,
    /// A token for another purpose than to tell who has signed in.
    #[error("the token is no ID token")]
    NotIdToken,
    /// Its `nonce` is not the one that was asked for.
    #[error("the token is of another sign-in")]
    Nonce,
    /// No published key has the token's `kid`, or it has none and the key is not clear without.
    #[error("the token's key is not published")]
    UnknownKey,
    /// The named key is not for the token's algorithm.
    #[error("the token's key is not for its algorithm")]
    WrongKey,
    /// The signature does not verify.
    #[error("the token's signature is wrong")]
    Signature,
    /// The claims are no JSON object, name a claim twice, or one that matters has the wrong type.
    #[error("the token's claims are malformed")]
    Claims,
    /// No `exp`, or no `iat`.
    #[error("the token does not say when it was issued and when it expires")]
    NoTimes,
    /// `exp` is over. No clock skew is granted: Kafka would end the session at once.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is ahead by more than the clock skew.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is missing, or not exactly the configured one.
    #[error("the token is of another issuer")]
    Issuer,
    /// `aud` is missing, or names none of ours.
    #[error("the token is for another audience")]
    Audience,
    /// `scope` is blank, or has a blank or repeated element; Kafka refuses that.
    #[error("the token's scope is malformed")]
    Scope,
    /// It is bound to a key of its holder (`cnf`), which a bearer does not prove to have.
    #[error("the token is bound to a key and cannot be used as a bearer token")]
    Bound,
    /// The principal's claim is missing or no string.
    #[error("the token does not name a principal")]
    NoPrincipal,
    /// The principal's claim is blank, too long, or has spaces at its ends or control characters.
    #[error("the token's principal is not acceptable")]
    Principal,
    /// The identity provider's keys were never fetched, or too long ago.
    #[error("the identity provider's keys are not available")]
    KeysUnavailable,
}

/// What an answer has to say about an [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthErrorKind {
    /// 401 with `error="invalid_token"`.
    InvalidToken,
    /// 503 with `Retry-After`: the token may be good, we cannot tell.
    Unavailable,
}

impl AuthError {
    /// Whose fault it is.
    pub const fn kind(self) -> AuthErrorKind {
        match self {
            Self::KeysUnavailable => AuthErrorKind::Unavailable,
            _ => AuthErrorKind::InvalidToken,
        }
    }

    /// The `error_description` of RFC 6750: ASCII without quotes and backslashes, and always one of
    /// these texts. They say nothing about keys; the rest whoever has the token can read in it.
    pub const fn description(self) -> &'static str {
        match self {
            Self::TooLong
            | Self::Malformed
            | Self::Algorithm
            | Self::Extension
            | Self::UnknownKey
            | Self::WrongKey
            | Self::Signature => "The access token is invalid",
            Self::NotAccessToken => "The token is not an access token",
            Self::NotIdToken | Self::Nonce => "The token is not the ID token that was asked for",
            Self::Claims => "The access token has malformed claims",
            Self::NoTimes => "The access token lacks exp or iat",
            Self::Expired => "The access token expired",
            Self::NotYetValid => "The access token is not valid yet",
            Self::Issuer => "The access token is of another issuer",
            Self::Audience => "The access token is for another audience",
            Self::Scope => "The access token has a malformed scope",
            Self::Bound => "The access token is sender-constrained",
            Self::NoPrincipal => "The access token does not name a principal",
            Self::Principal => "The principal of the access token is not acceptable",
            Self::KeysUnavailable => "The keys of the identity provider are not available",
        }
    }
}

/// Why a [`crate::Verifier`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A setting that Kafka would read differently.
    #[error("the {0} is blank, has spaces at its ends or control characters")]
    Setting(&'static str),
    /// Without one Kafka would refuse every token that has an audience.
    #[error("there is no audience")]
    NoAudience,
    /// Kafka splits its list of audiences at commas.
    #[error("an audience has a comma")]
    AudienceComma,
    /// No issuer is configured.
    #[error("there is no issuer")]
    NoIssuer,
    /// Which rules hold for its tokens could not be known.
    #[error("an issuer is configured twice")]
    DuplicateIssuer,
    /// Its metadata cannot be looked for.
    #[error("the issuer is no address to discover its keys from")]
    Undiscoverable(#[source] UrlRule),
    /// Its metadata cannot be looked for: its address has a query.
    #[error("an issuer with a query has no metadata to discover its keys from")]
    IssuerQuery,
    /// Times that contradict each other.
    #[error("the times for keys are not acceptable: {0}")]
    Times(&'static str),
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Why a JWKS address gave no keys. Fits behind a colon.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// No connection, or it broke.
    #[error("it cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It has no address where an identity provider may be.
    #[error(
        "its address is not one where an identity provider may be: it is neither public nor in a network that the operator allows (TIDEGATE_IDP_NETWORKS)"
    )]
    Address,
    /// It took longer than five seconds.
    #[error("it did not answer in time")]
    Timeout,
    /// It sent us elsewhere, and we do not go.
    #[error("it answers with a redirect ({0})")]
    Redirect(u16),
    /// Any other status than 200.
    #[error("it answers with status {0}")]
    Status(u16),
    /// The answer is larger than 256 KiB.
    #[error("its answer is too large")]
    TooLarge,
    /// The answer is no JSON object with a list `keys`.
    #[error("its answer is no JSON Web Key Set")]
    NotJwks,
    /// More than 64 keys.
    #[error("it has {0} keys, at most 64 are accepted")]
    TooManyKeys(usize),
    /// Every key was refused.
    #[error("none of its keys can verify a token")]
    NoUsableKey,
    /// It says that nothing has changed, and we have nothing.
    #[error("it answers 304 to a question that was not asked")]
    NotModified,
    /// The issuer's metadata could not be had.
    #[error("the issuer's metadata cannot be fetched")]
    Metadata(#[source] Box<JwksError>),
    /// The issuer's metadata is something else.
    #[error("the issuer's metadata is no JSON object with an issuer and a jwks_uri")]
    NotMetadata,
    /// Somebody else's metadata: the strings are compared byte for byte.
    #[error("the metadata is of another issuer")]
    OtherIssuer,
    /// The metadata names an address that we do not go to.
    #[error("the jwks_uri of the metadata is not acceptable")]
    JwksUri(#[source] UrlRule),
}

/// Why a published key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the text is the document")]
pub enum KeyRefusal {
    #[error("it is malformed")]
    Malformed,
    #[error("its kid is longer than 256 bytes")]
    LongKid,
    #[error("another key has the same kid")]
    DuplicateKid,
    #[error("it is not for signatures")]
    NotForSignatures,
    #[error("its type is not RSA, EC or OKP")]
    UnsupportedType,
    #[error("its curve is not P-256, P-384 or Ed25519")]
    UnsupportedCurve,
    #[error("its alg is not accepted for its type")]
    UnsupportedAlg,
    #[error("its private part is published")]
    Private,
    #[error("its modulus is not of 2048 to 8192 bits")]
    ModulusSize,
    #[error("its exponent is too small, too large or even")]
    Exponent,
    #[error("its point is not acceptable")]
    Point,
}
