//! Somebody signs in at an identity provider: authorization code with PKCE (RFC 6749, 4.1; RFC 7636;
//! `OpenID` Connect Core, 3.1).

mod endpoints;

use std::pin::Pin;
use std::sync::Arc;

use model::{IdpPolicy, Secret};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
    BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;

use self::endpoints::{Endpoints, Metadata};
use crate::error::{AuthError, ConfigError, JwksError};
use crate::http::Web;
use crate::verifier::{Verified, Verifier};

/// What a client of an identity provider is told.
#[derive(Clone, Debug)]
pub struct SignInConfig {
    /// `iss`, byte for byte. Its metadata says where to go.
    pub issuer: String,
    /// Who we are there: also the `aud` of ID tokens.
    pub client_id: String,
    /// How we prove it; a public client has none.
    pub client_secret: Option<Secret>,
    /// Where people come back to, exactly as it is registered there.
    pub redirect_uri: Url,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
}

/// Lets people sign in at one identity provider.
#[derive(Debug)]
pub struct SignIn {
    config: SignInConfig,
    web: Web,
    metadata: Metadata,
}

/// A sign-in that was begun. All of it is needed to finish it, and none of it is for others.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Where to send the browser.
    pub url: Url,
    /// `state`: comes back with the browser.
    pub state: Secret,
    /// `nonce`: comes back in the ID token.
    pub nonce: Secret,
    /// `code_verifier`: proves that who redeems the code is who asked for it.
    pub code_verifier: Secret,
}

/// What the browser brings back, and what was kept for it.
#[derive(Debug)]
pub struct Returned {
    /// `code`.
    pub code: Secret,
    /// `iss`, if it was sent (RFC 9207).
    pub iss: Option<String>,
    /// The `nonce` of [`Begun`].
    pub nonce: Secret,
    /// The `code_verifier` of [`Begun`].
    pub code_verifier: Secret,
}

/// Why nobody has signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The identity provider could not be asked, or its answer made no sense.
    #[error("the identity provider cannot be asked")]
    Unavailable(#[source] JwksError),
    /// It does not give a token for the code. The word is one of RFC 6749, 5.2.
    #[error("the identity provider gives no token: {0}")]
    Refused(String),
    /// The answer did not come from the identity provider that was asked (RFC 9207, 2.4).
    #[error("the answer is of another identity provider than the one that was asked")]
    OtherIssuer,
    /// There is no ID token in the answer: the scope `openid` is not allowed for this client.
    #[error("the identity provider gives no ID token")]
    NoIdToken,
    /// The ID token is not acceptable.
    #[error("the ID token is not acceptable: {0}")]
    IdToken(#[source] AuthError),
}

/// What `OpenID` Connect adds to an answer of the token endpoint.
#[derive(Clone, Deserialize, Serialize)]
struct IdTokenField {
    id_token: Option<String>,
}

impl std::fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdTokenField")
    }
}

impl ExtraTokenFields for IdTokenField {}

/// What `oauth2` sends goes where an identity provider may be, and nowhere else.
impl<'c> AsyncHttpClient<'c> for Web {
    type Error = JwksError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, JwksError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

type TokenResponse = StandardTokenResponse<IdTokenField, BasicTokenType>;
type OidcClient<HasAuthUrl, HasTokenUrl> = Client<
    BasicErrorResponse,
    TokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    HasAuthUrl,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    HasTokenUrl,
>;

impl SignIn {
    /// No I/O yet.
    pub fn new(config: SignInConfig, policy: &IdpPolicy) -> Result<Self, ConfigError> {
        let web = Web::new(Arc::new(policy.clone())).map_err(ConfigError::Client)?;
        let metadata = Metadata::of(&config.issuer, policy)?;
        Ok(Self { config, web, metadata })
    }

    /// The host of the identity provider, for people.
    pub fn provider(&self) -> &str {
        self.metadata.host()
    }

    /// Begins: everything in it is new, and cannot be guessed.
    pub async fn begin(&self) -> Result<Begun, SignInError> {
        let endpoints = self.endpoints().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random_len(32).into_secret();
        let client = self.client(&endpoints);
        let mut request = client.authorize_url(|| CsrfToken::new_random_len(32));
        for scope in ["openid"].into_iter().chain(self.config.scopes.iter().map(String::as_str)) {
            request = request.add_scope(Scope::new(scope.to_owned()));
        }
        let request = request.set_pkce_challenge(challenge).add_extra_param("nonce", &nonce);
        let (url, state) = request.url();
        Ok(Begun {
            url,
            state: Secret::new(state.into_secret()),
            nonce: Secret::new(nonce),
            code_verifier: Secret::new(verifier.into_secret()),
        })
    }

    /// Redeems the code for an ID token, and verifies it with `keys`, which have to be the issuer's. Gives what is verified, and the token for its further claims.
    pub async fn finish(
        &self,
        returned: Returned,
        keys: &Verifier,
    ) -> Result<(Verified, Secret), SignInError> {
        let endpoints = self.endpoints().await?;
        match &returned.iss {
            Some(iss) if *iss == self.config.issuer => {}
            None if !endpoints.names_issuer => {}
            _ => return Err(SignInError::OtherIssuer),
        }
        let client = self.client(&endpoints);
        let request = client
            .exchange_code(AuthorizationCode::new(returned.code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(returned.code_verifier.expose().to_owned()));
        let answer = request.request_async(&self.web).await.map_err(refusal)?;
        let token = answer.extra_fields().id_token.clone().ok_or(SignInError::NoIdToken)?;
        let client_id = &self.config.client_id;
        let verified = keys
            .verify_id_token(&token, client_id, returned.nonce.expose())
            .await
            .map_err(SignInError::IdToken)?;
        Ok((verified, Secret::new(token)))
    }

    async fn endpoints(&self) -> Result<Endpoints, SignInError> {
        self.metadata.get(&self.web).await.map_err(SignInError::Unavailable)
    }

    fn client(&self, at: &Endpoints) -> OidcClient<oauth2::EndpointSet, oauth2::EndpointSet> {
        let client = OidcClient::new(ClientId::new(self.config.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(at.authorization.url().clone()))
            .set_token_uri(TokenUrl::from_url(at.token.url().clone()))
            .set_redirect_uri(RedirectUrl::from_url(self.config.redirect_uri.clone()));
        match &self.config.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        }
    }
}

/// Nothing of an answer is in it but a word of RFC 6749.
fn refusal(error: RequestTokenError<JwksError, BasicErrorResponse>) -> SignInError {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            SignInError::Refused(word(answer.error()).to_owned())
        }
        RequestTokenError::Request(error) => SignInError::Unavailable(error),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            SignInError::Unavailable(JwksError::NotMetadata)
        }
    }
}

fn word(error: &BasicErrorResponseType) -> &str {
    match error {
        BasicErrorResponseType::Extension(_) => "an error of its own",
        known => known.as_ref(),
    }
}
