//! From the text of an access token to a principal, or to the reason why not.
//!
//! [`Verifier`] is the entry: signature by the identity provider's published keys, then issuer,
//! audience, times and the claim that names the principal.
//!
//! **Invariant:** what is accepted here, Kafka's `BrokerJwtValidator` with the same four settings
//! and the same keys accepts too, as the same principal. The other way round does not hold: we
//! refuse more (algorithms, kinds of token, names that are easily confused). This is the only crate
//! that knows JWT and JWKS.

mod accepted;
mod address;
mod claims;
mod client_credentials;
mod config;
mod discovery;
mod error;
mod examine;
mod fetch;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod http;
mod json;
mod jwk;
mod jwks_cache;
mod key_set;
mod memory;
mod missing;
mod roles;
mod sign_in;
mod status;
mod times;
mod verifier;

pub use crate::client_credentials::{TokenError, client_token};
pub use crate::config::{IssuerConfig, KeysAt, VerifierConfig};
pub use crate::discovery::probe_issuer;
pub use crate::error::{AuthError, AuthErrorKind, ConfigError, JwksError, KeyRefusal};
pub use crate::examine::{Examined, Outcome, TokenRule, examine};
pub use crate::fetch::probe_jwks;
pub use crate::key_set::{JwksKey, JwksReport};
pub use crate::sign_in::{Begun, Returned, SignIn, SignInConfig, SignInError};
pub use crate::status::{KeysState, KeysStatus};
pub use crate::times::KeyTimes;
pub use crate::verifier::{Verified, Verifier};
