//! Tokens from the identity provider, by client credentials.

use testkit::issuer::{Alg, Defect, TokenRequest};

use super::curl::Request;
use super::{Answer, Stack};

/// Every token that nobody may accept: what is wrong with it, and its name in the form.
pub(crate) const BAD_TOKENS: [(Defect, &str); 10] = Defect::ALL;

/// Tokens that everybody has to accept, each with its name.
pub(crate) fn good_tokens(client: &str) -> Vec<(&'static str, TokenRequest)> {
    let sound = || TokenRequest::of(client);
    vec![
        ("RS256, audience as a string", sound()),
        ("ES256", sound().alg(Alg::Es256)),
        ("EdDSA", sound().alg(Alg::EdDsa)),
        ("audience as a list", sound().audiences(&["somebody-else", "another-audience"])),
    ]
}

impl Stack {
    /// Asks for a token, as the client that is named in it.
    pub(crate) async fn token(&self, wish: &TokenRequest) -> String {
        self.try_token(wish).await.unwrap_or_else(|answer| panic!("no token: {answer:?}"))
    }

    /// The same. `Err` is what the identity provider says instead, if anything.
    pub(crate) async fn try_token(&self, wish: &TokenRequest) -> Result<String, Answer> {
        let mut form = Request::new("POST", &self.token_url)
            .form("grant_type", "client_credentials")
            .form("client_id", &wish.client)
            .form("client_secret", &format!("{}-secret", wish.client))
            .form("alg", wish.alg.as_str())
            .form("ttl", &wish.ttl_secs.to_string())
            .form("scope", &wish.scope);
        for audience in &wish.audiences {
            form = form.form("audience", audience);
        }
        if let Some(subject) = &wish.subject {
            form = form.form("sub", subject);
        }
        if let Some(custom_sub) = &wish.custom_sub {
            form = form.form("custom_sub", custom_sub);
        }
        if let Some(defect) = wish.defect {
            let (_, name) =
                BAD_TOKENS.into_iter().find(|(it, _)| *it == defect).expect("it is one");
            form = form.form("defect", name);
        }
        let answer = form.send().await;
        if answer.status != 200 {
            return Err(answer);
        }
        Ok(answer.json()["access_token"].as_str().expect("the answer has a token").to_owned())
    }

    /// A sound token for `client`.
    pub(crate) async fn token_of(&self, client: &str) -> String {
        self.token(&TokenRequest::of(client)).await
    }
}
