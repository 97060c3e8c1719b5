//! Who may ask: API tokens and tokens of an identity provider, what they are allowed, and what
//! happens to those who guess.

mod caller;
mod failures;
mod oidc;

pub(crate) use self::caller::{
    Administer, Caller, Develop, InProject, Need, OfService, Operate, ProjectPath, Proof,
    RestProxyCaller, ServicePath, View, address, note_token_use, user_agent,
};
pub(crate) use self::failures::Failures;
pub(crate) use self::oidc::OidcRefusal;
pub use self::oidc::{OidcAccess, OidcAccessError, OidcOptions, RoleRule};
