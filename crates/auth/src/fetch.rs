//! Where a key set comes from: one address, or the one that the issuer's metadata names.

use std::sync::Arc;

use futures::future::BoxFuture;
use model::{IdpPolicy, IdpUrl};
use reqwest::header::HeaderValue;

use crate::error::JwksError;
use crate::http::{Answer, Web};
use crate::key_set::{JwksReport, KeySet};

const ACCEPT: &str = "application/jwk-set+json, application/json";

/// An answer under way, and the address that it is from.
pub(crate) type Fetching<'a> = BoxFuture<'a, Result<(Answer, Arc<str>), JwksError>>;

/// Where keys come from. Tests have their own.
pub(crate) trait KeySource: Send + Sync + 'static {
    /// Gets what is published now, if it is not what is `known`. Ends on its own within seconds.
    fn fetch<'a>(&'a self, known: Option<&'a Known>) -> Fetching<'a>;

    /// For people: where that is.
    fn name(&self) -> &str;
}

/// What names the key set in use: an `ETag`, which means something at its own address only.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) address: Arc<str>,
    pub(crate) etag: HeaderValue,
}

/// Gets the keys at `url` once, under the same rules as a [`crate::Verifier`], and tells what each
/// is worth.
pub async fn probe_jwks(url: &IdpUrl, policy: &IdpPolicy) -> Result<JwksReport, JwksError> {
    fetch_key_set(url, policy).await.map(|(_, report)| report)
}

/// The same, with the keys.
pub(crate) async fn fetch_key_set(
    url: &IdpUrl,
    policy: &IdpPolicy,
) -> Result<(KeySet, JwksReport), JwksError> {
    let web = Web::new(Arc::new(policy.clone())).map_err(JwksError::Client)?;
    match web.get(url, ACCEPT, None).await? {
        Answer::Document(document) => KeySet::read(&document.body),
        Answer::Unchanged { .. } => Err(JwksError::NotModified),
    }
}

/// Asks `url` for keys.
pub(crate) async fn get_keys(
    web: &Web,
    url: &IdpUrl,
    known: Option<&Known>,
) -> Result<(Answer, Arc<str>), JwksError> {
    let etag = known.filter(|it| *it.address == *url.as_str()).map(|it| &it.etag);
    Ok((web.get(url, ACCEPT, etag).await?, url.as_str().into()))
}

/// A JWKS address.
pub(crate) struct JwksAddress {
    pub(crate) web: Web,
    pub(crate) url: IdpUrl,
}

impl KeySource for JwksAddress {
    fn fetch<'a>(&'a self, known: Option<&'a Known>) -> Fetching<'a> {
        Box::pin(get_keys(&self.web, &self.url, known))
    }

    fn name(&self) -> &str {
        self.url.url().host_str().unwrap_or_default()
    }
}
