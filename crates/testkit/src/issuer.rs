//! The development identity provider: real keys, real tokens, and deliberately broken ones.
//!
//! [`Issuer::serve`] runs one inside a test on a port of its own, and [`Issuer::mint`] makes tokens
//! without HTTP. The program `tidegate-idp` is the same behind an address that stays.
//!
//! People sign in at `/authorize` (authorization code with PKCE) without a password: it is enough to
//! say who one is.

mod codes;
mod endpoints;
mod keys;
mod mint;
mod people;
mod request;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::codes::Codes;
use self::keys::Keyring;
pub use self::keys::{Alg, KeyError, SigningKey, thumbprint};
pub use self::people::{PEOPLE, Person};
pub use self::request::{Defect, TokenRequest, UnknownWord};

/// The audience of a token that asks for none.
pub const DEFAULT_AUDIENCE: &str = "my-audience";

/// Who may ask for tokens: client id and secret.
pub(crate) const CLIENTS: [(&str, &str); 3] =
    [("alice", "alice-secret"), ("bob", "bob-secret"), ("admin", "admin-secret")];

/// The public client (no secret) by which people sign in: the console.
pub const CONSOLE_CLIENT: &str = "console";

/// How `/jwks` misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JwksFault {
    /// Not at all.
    #[default]
    None,
    /// It answers 500.
    Unreachable500,
    /// It has no keys.
    Empty,
    /// Its keys are for encryption.
    EncOnly,
    /// It is a page of HTML, with status 200.
    NotJson,
}

impl JwksFault {
    /// Every fault, with its name in `POST /jwks-fault?kind=`.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::None, "none"),
        (Self::Unreachable500, "unreachable_500"),
        (Self::Empty, "empty"),
        (Self::EncOnly, "enc_only"),
        (Self::NotJson, "not_json"),
    ];
}

/// An identity provider. Clones share keys and faults.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: Arc<str>,
    keyring: Arc<Mutex<Keyring>>,
    fault: Arc<Mutex<JwksFault>>,
    jwks_requests: Arc<AtomicUsize>,
    codes: Arc<Mutex<Codes>>,
}

impl Issuer {
    /// An issuer with fresh keys whose `iss` is `url`, to be served by the caller or not at all.
    pub fn new(url: &str) -> Result<Self, KeyError> {
        Ok(Self {
            url: url.into(),
            keyring: Arc::new(Mutex::new(Keyring::generate()?)),
            fault: Arc::default(),
            jwks_requests: Arc::default(),
            codes: Arc::default(),
        })
    }

    /// Serves a new issuer on a free port of the loopback interface, until the answer is dropped.
    pub async fn serve() -> io::Result<Running> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let issuer = Self::new(&url).map_err(io::Error::other)?;
        let router = issuer.router();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await });
        Ok(Running { url, issuer, _server: server })
    }

    /// Its HTTP interface.
    pub fn router(&self) -> Router {
        endpoints::router(self.clone())
    }

    /// Its `iss`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its keys are published.
    pub fn jwks_url(&self) -> String {
        format!("{}/jwks", self.url)
    }

    /// A signed token, with the defect that `request` asks for.
    pub fn mint(&self, request: &TokenRequest) -> Result<String, KeyError> {
        mint::mint(self, request)
    }

    /// The header that a sound token for `alg` has.
    pub fn header(&self, alg: Alg) -> Map<String, Value> {
        mint::header(alg.as_str(), self.key(alg).kid())
    }

    /// The claims that a sound token for `request` has.
    pub fn claims(&self, request: &TokenRequest) -> Map<String, Value> {
        mint::claims(self, request)
    }

    /// A token of exactly these bytes, signed with the current key for `alg`. For tests that need
    /// a header or claims that nobody should ever write.
    pub fn sign(&self, alg: Alg, header: &[u8], claims: &[u8]) -> Result<String, KeyError> {
        self.key(alg).token(header, claims)
    }

    /// The key that signs for `alg` now.
    pub fn key(&self, alg: Alg) -> Arc<SigningKey> {
        locked(&self.keyring).current(alg)
    }

    /// New keys from now on. With `overlap` the old ones stay published.
    pub fn rotate(&self, overlap: bool) -> Result<(), KeyError> {
        let fresh = Keyring::generate()?;
        locked(&self.keyring).replace(fresh, overlap);
        Ok(())
    }

    /// Makes `/jwks` misbehave, or behave again.
    pub fn set_jwks_fault(&self, fault: JwksFault) {
        *locked(&self.fault) = fault;
    }

    /// How often `/jwks` was asked for.
    pub fn jwks_requests(&self) -> usize {
        self.jwks_requests.load(Ordering::Relaxed)
    }

    /// The published keys.
    pub fn jwks(&self) -> Value {
        json!({ "keys": locked(&self.keyring).published() })
    }
}

/// An issuer that is being served. Dropping it closes the port.
#[derive(Debug)]
pub struct Running {
    /// Its `iss`, and the base of its addresses.
    pub url: String,
    /// The issuer itself.
    pub issuer: Issuer,
    _server: JoinSet<io::Result<()>>,
}

/// Locks `mutex`. A panic elsewhere has left a whole value behind: every change is one assignment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
