//! Who gets in, and what the others are told.

use http::HeaderName;
use model::RestSettings;
use testkit::issuer::{DEFAULT_AUDIENCE, Defect, Issuer, Running, TokenRequest};

use super::*;
use crate::settings::Settings;
use crate::testing;

fn authorization(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
}

fn secured(idp: &Running) -> RestSettings {
    let mut settings = testing::settings("127.0.0.1:1");
    settings.authorization = true;
    let mut oidc = testing::oidc(&idp.url, DEFAULT_AUDIENCE);
    oidc.jwks_url = idp.issuer.jwks_url();
    settings.oidc = Some(oidc);
    settings
}

async fn identified(settings: &Settings, token: &str) -> Result<Caller, ApiError> {
    identify(settings.active().unwrap(), &authorization(&format!("bearer {token}"))).await
}

#[test]
fn only_one_bearer_header_is_a_credential() {
    assert_eq!(bearer(&authorization("BEARER  a.b.c")).unwrap(), "a.b.c");
    let refused = |headers: &HeaderMap| bearer(headers).unwrap_err().kind().0.as_u16();
    assert_eq!(refused(&HeaderMap::new()), 401);
    assert_eq!(refused(&authorization("Basic YWxpY2U6cHc=")), 401);
    assert_eq!(refused(&authorization("Bearer")), 400);
    assert_eq!(refused(&authorization("Bearer a b")), 400);
    let twice: Vec<(HeaderName, HeaderValue)> =
        ["Bearer a", "Bearer b"].map(|it| (AUTHORIZATION, it.parse().unwrap())).into();
    assert_eq!(refused(&HeaderMap::from_iter(twice)), 400);
}

#[tokio::test]
async fn with_authorization_off_no_header_matters() {
    let settings = Settings::new();
    settings.apply(testing::settings("127.0.0.1:1"));
    let caller = identified(&settings, "junk").await.unwrap();
    assert!(caller.owner == Owner::Proxy && caller.token.is_none());
}

#[tokio::test]
async fn a_good_token_proves_its_principal_and_every_defect_is_refused() {
    let idp = Issuer::serve().await.unwrap();
    let settings = Settings::new();
    settings.apply(secured(&idp));
    let good = idp.issuer.mint(&TokenRequest::of("alice")).unwrap();
    let caller = identified(&settings, &good).await.unwrap();
    let expected = Owner::Oidc { issuer: idp.url.as_str().into(), principal: "alice".into() };
    assert!(caller.owner == expected);
    for (defect, name) in Defect::ALL {
        let bad = idp.issuer.mint(&TokenRequest::of("alice").defect(defect)).unwrap();
        let refused = identified(&settings, &bad).await.err().unwrap();
        assert_eq!(refused.kind().0.as_u16(), 401, "{name}: {refused}");
    }
}

#[tokio::test]
async fn other_oidc_settings_hold_for_the_next_request() {
    let idp = Issuer::serve().await.unwrap();
    let settings = Settings::new();
    let mut wanted = secured(&idp);
    settings.apply(wanted.clone());
    let token = idp.issuer.mint(&TokenRequest::of("alice")).unwrap();
    assert!(identified(&settings, &token).await.is_ok());

    wanted.oidc.as_mut().unwrap().audiences = vec!["another".to_owned()];
    settings.apply(wanted.clone());
    let refused = identified(&settings, &token).await.err().unwrap();
    assert_eq!(refused.to_string(), "The access token is for another audience");

    wanted.oidc = None;
    settings.apply(wanted);
    assert_eq!(identified(&settings, &token).await.err().unwrap().kind().0.as_u16(), 401);
}
