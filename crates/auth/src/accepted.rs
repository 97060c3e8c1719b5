//! What is accepted of a token's header and of a published key alike.

use jsonwebtoken::Algorithm;

/// The longest `kid` that is looked for, in bytes.
pub(crate) const MAX_KID: usize = 256;

/// The algorithm of this name, if a token may be signed with it. Never a symmetric one: whoever
/// can read the published keys could sign.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}
