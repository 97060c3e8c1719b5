//! Tokens of an identity provider: who it says is asking, and which roles follow from its claims.

use std::path::PathBuf;
use std::str::FromStr;

use auth::{
    AuthErrorKind, IssuerConfig, KeysAt, Returned, SignIn, SignInConfig, SignInError, Verifier,
    VerifierConfig,
};
use clap::Args;
use model::{Grants, IdpPolicy, IdpUrl, Role, Scope, Secret};
use url::Url;

use crate::console::CALLBACK;
use crate::error::ApiError;

/// In front of every name that an identity provider gives, so that none of them is taken for the
/// owner of a token that an operator made.
pub(crate) const PREFIX: &str = "oidc:";

/// How people sign in by an identity provider. Without an issuer they do not.
#[derive(Clone, Debug, Default, Args)]
pub struct OidcOptions {
    /// Accepts tokens of this issuer (`iss`) as those of people. Their keys are found by `OpenID`
    /// Connect discovery, or at --oidc-jwks-url.
    #[arg(long, env = "TIDEGATE_OIDC_ISSUER", requires = "oidc_audience")]
    pub oidc_issuer: Option<String>,
    /// What has to be in a token's `aud`: one of these.
    #[arg(long, env = "TIDEGATE_OIDC_AUDIENCE", value_delimiter = ',')]
    pub oidc_audience: Vec<String>,
    /// Where the issuer's keys are, if not where its discovery document says.
    #[arg(long, env = "TIDEGATE_OIDC_JWKS_URL")]
    pub oidc_jwks_url: Option<String>,
    /// The claim that names the person.
    #[arg(long, env = "TIDEGATE_OIDC_NAME_CLAIM", default_value = "sub")]
    pub oidc_name_claim: String,
    /// The claim that roles follow from: a text or a list of texts, nested ones with dots
    /// (`realm_access.roles`).
    #[arg(long, env = "TIDEGATE_OIDC_ROLES_CLAIM", default_value = "groups")]
    pub oidc_roles_claim: String,
    /// Which role a text in that claim gives where: `TEXT=PROJECT:ROLE`, with `*` for every
    /// project; ROLE is `admin`, `operator`, `developer` or `read_only`.
    #[arg(long = "oidc-role", env = "TIDEGATE_OIDC_ROLES", value_delimiter = ',')]
    pub oidc_roles: Vec<RoleRule>,
    /// Who this installation is at the issuer. With it, and with --public-url, people sign in to the
    /// console there: by authorization code with PKCE. Their roles follow from their ID token.
    #[arg(long, env = "TIDEGATE_OIDC_CLIENT_ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// A file with that client's secret; a public client has none.
    #[arg(long, env = "TIDEGATE_OIDC_CLIENT_SECRET_FILE", requires = "oidc_client_id")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// What the console asks for beside `openid`, if the issuer gives names and groups for it only.
    #[arg(long, env = "TIDEGATE_OIDC_SCOPES", value_delimiter = ',')]
    pub oidc_scopes: Vec<String>,
}

/// `TEXT=PROJECT:ROLE`: whoever has this text in the roles claim has that role there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    text: String,
    scope: Scope,
    role: Role,
}

impl FromStr for RoleRule {
    type Err = String;

    fn from_str(whole: &str) -> Result<Self, String> {
        let shape = || format!("'{whole}' is not TEXT=PROJECT:ROLE");
        let (text, given) = whole.rsplit_once('=').ok_or_else(shape)?;
        let (scope, role) = given.split_once(':').ok_or_else(shape)?;
        if text.is_empty() {
            return Err(shape());
        }
        Ok(Self { text: text.to_owned(), scope: scope.parse()?, role: role.parse()? })
    }
}

/// Why the options for an identity provider make no sense.
#[derive(Debug, thiserror::Error)]
pub enum OidcAccessError {
    /// The address of the keys breaks a rule.
    #[error("--oidc-jwks-url is not accepted: it {0}")]
    JwksUrl(model::UrlRule),
    /// The rest does.
    #[error("the options --oidc-... are not accepted")]
    Config(#[from] auth::ConfigError),
    /// People could not come back.
    #[error("--oidc-client-id needs --public-url, to which people come back")]
    NoPublicUrl,
    /// The secret of the client cannot be read.
    #[error("cannot read --oidc-client-secret-file")]
    ClientSecret(#[source] std::io::Error),
}

/// Why nobody has signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcRefusal {
    /// They are not let in, in words for them.
    #[error("{0}")]
    Refused(String),
    /// It is not known whether they are.
    #[error(transparent)]
    Failed(ApiError),
}

/// Knows people by the tokens of an identity provider.
#[derive(Debug)]
pub struct OidcAccess {
    verifier: Verifier,
    roles_claim: Vec<String>,
    rules: Vec<RoleRule>,
    sign_in: Option<SignIn>,
}

impl OidcAccess {
    /// Starts to fetch the issuer's keys; `None` without an issuer. People sign in to the console at
    /// `public_url`. Needs a Tokio runtime.
    pub fn new(
        options: &OidcOptions,
        policy: &IdpPolicy,
        public_url: Option<&Url>,
    ) -> Result<Option<Self>, OidcAccessError> {
        let Some(issuer) = &options.oidc_issuer else { return Ok(None) };
        let sign_in = sign_in(issuer, options, policy, public_url)?;
        let keys = match &options.oidc_jwks_url {
            None => KeysAt::Discovery,
            Some(url) => {
                let url = IdpUrl::parse(url, policy.urls).map_err(OidcAccessError::JwksUrl)?;
                KeysAt::Jwks(url)
            }
        };
        let issuer = IssuerConfig {
            issuer: issuer.clone(),
            audiences: options.oidc_audience.clone(),
            principal_claim: options.oidc_name_claim.clone(),
            keys,
        };
        let verifier = Verifier::new(VerifierConfig::of(issuer, policy.clone()))?;
        Ok(Some(Self {
            verifier,
            roles_claim: options.oidc_roles_claim.split('.').map(str::to_owned).collect(),
            rules: options.oidc_roles.clone(),
            sign_in,
        }))
    }

    /// How people sign in to the console, if they may.
    pub(crate) const fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_ref()
    }

    /// Who has come back from signing in, and what they may do.
    pub(crate) async fn finish(&self, returned: Returned) -> Result<(String, Grants), OidcRefusal> {
        let sign_in = self.sign_in.as_ref().ok_or(OidcRefusal::Failed(ApiError::NoRoute))?;
        let finished = sign_in.finish(returned, &self.verifier).await;
        let (verified, token) = finished.map_err(|error| {
            let is_away = match &error {
                SignInError::Unavailable(_) => true,
                SignInError::IdToken(error) => error.kind() == AuthErrorKind::Unavailable,
                _ => false,
            };
            if is_away {
                let error = ApiError::Unavailable("The identity provider", error.into());
                return OidcRefusal::Failed(error);
            }
            let text = error.to_string();
            OidcRefusal::Refused(text[..1].to_uppercase() + &text[1..])
        })?;
        let texts = verified.texts(token.expose(), &self.roles_claim);
        Ok((format!("{PREFIX}{}", verified.principal), grants(&self.rules, &texts)))
    }

    /// Who a token says is asking, and what they may do.
    pub(crate) async fn identify(&self, token: &str) -> Result<(String, Grants), ApiError> {
        let verified = self.verifier.verify(token).await.map_err(|error| match error.kind() {
            AuthErrorKind::InvalidToken => ApiError::Unauthenticated,
            AuthErrorKind::Unavailable => {
                ApiError::Unavailable("The identity provider", error.into())
            }
        })?;
        let texts = verified.texts(token, &self.roles_claim);
        Ok((format!("{PREFIX}{}", verified.principal), grants(&self.rules, &texts)))
    }
}

/// How people sign in to the console, if the operator says who we are at the issuer.
fn sign_in(
    issuer: &str,
    options: &OidcOptions,
    policy: &IdpPolicy,
    public_url: Option<&Url>,
) -> Result<Option<SignIn>, OidcAccessError> {
    let Some(client_id) = options.oidc_client_id.clone() else { return Ok(None) };
    let mut redirect_uri = public_url.ok_or(OidcAccessError::NoPublicUrl)?.clone();
    redirect_uri.set_path(CALLBACK);
    let read = |path| std::fs::read_to_string(path).map_err(OidcAccessError::ClientSecret);
    let secret = options.oidc_client_secret_file.as_ref().map(read).transpose()?;
    let config = SignInConfig {
        issuer: issuer.to_owned(),
        client_id,
        client_secret: secret.map(|it| Secret::new(it.trim().to_owned())),
        redirect_uri,
        scopes: options.oidc_scopes.clone(),
    };
    Ok(Some(SignIn::new(config, policy)?))
}

fn grants(rules: &[RoleRule], texts: &[String]) -> Grants {
    let held = rules.iter().filter(|rule| texts.contains(&rule.text));
    held.map(|rule| (rule.scope.clone(), rule.role)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<RoleRule> {
        texts.iter().map(|it| it.parse().unwrap()).collect()
    }

    #[test]
    fn a_rule_is_a_text_a_project_and_a_role() {
        assert_eq!(
            "cn=ops,dc=x=*:operator".parse(),
            Ok(RoleRule {
                text: "cn=ops,dc=x".into(),
                scope: Scope::Everywhere,
                role: Role::Operator
            })
        );
        for wrong in ["", "a", "a=b", "=*:admin", "a=*:root", "a=B:admin", "a:b=c"] {
            assert!(wrong.parse::<RoleRule>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn roles_follow_from_texts_exactly_as_they_are() {
        let rules = rules(&["ops=*:operator", "dev=shop:developer", "boss=shop:admin"]);
        let role = |texts: &[&str], project: &str| {
            let texts: Vec<String> = texts.iter().map(|&it| it.to_owned()).collect();
            grants(&rules, &texts).role_in(&project.parse().unwrap())
        };
        assert_eq!(role(&["dev"], "shop"), Some(Role::Developer));
        assert_eq!(role(&["dev"], "other"), None);
        assert_eq!(role(&["dev", "ops"], "shop"), Some(Role::Operator));
        assert_eq!(role(&["boss", "ops"], "shop"), Some(Role::Admin));
        assert_eq!(role(&["OPS", "op", "ops "], "shop"), None);
        assert_eq!(role(&[], "shop"), None);
    }
}
