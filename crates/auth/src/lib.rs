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
mod claims;
mod error;
mod fetch;
mod header;
mod json;
mod jwk;
mod jwks_cache;
mod key_set;
mod missing;
mod verifier;

pub use crate::error::{AuthError, AuthErrorKind, ConfigError, JwksError, KeyRefusal};
pub use crate::fetch::probe_jwks;
pub use crate::key_set::{JwksKey, JwksReport};
pub use crate::verifier::{Verified, Verifier, VerifierConfig};
