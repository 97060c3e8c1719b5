//! A token for a client of our own (RFC 6749, 4.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{IdpPolicy, IdpUrl, Secret};

use crate::error::JwksError;
use crate::http::Web;
use crate::json;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint could not be asked, or refused: 400 and 401 say that the credentials or
    /// the parameters are wrong.
    #[error("the token endpoint cannot be used")]
    Endpoint(#[source] JwksError),
    /// The answer has no `access_token`.
    #[error("the answer of the token endpoint has no access_token")]
    NoToken,
}

/// Gets a token for a client, which authenticates by HTTP Basic (RFC 6749, 2.3.1). `parameters` are
/// further fields of the form, such as `audience` and `scope`. No redirect is followed, and the
/// address has to be one where an identity provider may be.
pub async fn client_token(
    url: &IdpUrl,
    client_id: &str,
    client_secret: &Secret,
    parameters: &BTreeMap<String, String>,
    policy: &IdpPolicy,
) -> Result<Secret, TokenError> {
    let web = Web::new(Arc::new(policy.clone()))
        .map_err(|error| TokenError::Endpoint(JwksError::Client(error)))?;
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .extend_pairs(parameters)
        .finish();
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let (id, secret): (String, String) = (encode(client_id), encode(client_secret.expose()));
    let body = web.post_form(url, &id, &secret, form).await.map_err(TokenError::Endpoint)?;
    let answer = json::object(&body).ok_or(TokenError::NoToken)?;
    let token = answer.get("access_token").and_then(json::Json::as_str);
    let token = token.filter(|it| !it.is_empty()).ok_or(TokenError::NoToken)?;
    Ok(Secret::new(token.to_owned()))
}
