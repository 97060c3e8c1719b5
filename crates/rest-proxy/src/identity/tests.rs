//! Who gets in, and what the others are told.

use model::RestSettings;
use testkit::issuer::{Defect, Issuer, Running, TokenRequest};

use super::*;
use crate::settings::Settings;
use crate::testing;

fn secured(idp: &Running) -> RestSettings {
    testing::secured("127.0.0.1:1", idp)
}

async fn identified(settings: &Settings, token: &str) -> Result<Caller, ApiError> {
    let app = testing::app_of(settings.clone());
    let request = http::Request::get("/").header("authorization", format!("bearer {token}"));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    identify(&app, settings.active().unwrap(), &parts).await
}

#[tokio::test]
async fn with_authorization_off_no_header_matters() {
    let settings = Settings::new(testing::idp());
    settings.apply(testing::settings("127.0.0.1:1"));
    let caller = identified(&settings, "junk").await.unwrap();
    assert!(caller.owner == Owner::Proxy && caller.credential.is(&Credential::Own));
}

#[tokio::test]
async fn a_good_token_proves_its_principal_and_every_defect_is_refused() {
    let idp = Issuer::serve().await.unwrap();
    let settings = Settings::new(testing::idp());
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
    let settings = Settings::new(testing::idp());
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
