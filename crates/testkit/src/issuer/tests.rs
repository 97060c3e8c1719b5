//! The identity provider as its clients see it.

use reqwest::header::CONTENT_TYPE;

use super::*;

async fn post(running: &Running, path: &str, client: Option<&str>, form: &str) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .post(format!("{}{path}", running.url))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.to_owned());
    if let Some(client) = client {
        request = request.basic_auth(client, Some(format!("{client}-secret")));
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

pub(super) fn claims_of(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_thumbprint_is_the_one_of_rfc_7638() {
    let jwk = json!({
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    });
    assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[tokio::test]
async fn a_client_gets_a_token_by_basic_or_by_form() {
    let running = Issuer::serve().await.unwrap();
    let (status, answer) =
        post(&running, "/token", Some("alice"), "grant_type=client_credentials").await;
    assert_eq!(
        (status, &answer["token_type"], &answer["expires_in"]),
        (200, &json!("Bearer"), &json!(600))
    );
    let claims = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["iss"], json!(running.url));
    assert_eq!((&claims["sub"], &claims["custom-sub"]), (&json!("alice"), &json!("alice")));
    assert_eq!(claims["aud"], json!("my-audience"));

    let form = "grant_type=client_credentials&client_id=bob&client_secret=bob-secret&ttl=5\
                &audience=a&audience=b&alg=ES256&sub=carol&custom_sub=dave";
    let (status, answer) = post(&running, "/token", None, form).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(5)));
    let claims = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(["a", "b"]), &json!("carol")));
    assert_eq!(claims["custom-sub"], json!("dave"));
    assert_eq!(claims["client_id"], json!("bob"));
}

#[tokio::test]
async fn a_refusal_has_the_code_of_rfc_6749() {
    let running = Issuer::serve().await.unwrap();
    let cases = [
        (None, "grant_type=client_credentials", 401, "invalid_client"),
        (Some("mallory"), "grant_type=client_credentials", 401, "invalid_client"),
        (Some("alice"), "grant_type=password", 400, "unsupported_grant_type"),
        (Some("alice"), "", 400, "invalid_request"),
        (Some("alice"), "grant_type=client_credentials&client_secret=x", 400, "invalid_request"),
        (Some("alice"), "grant_type=client_credentials&defect=x", 400, "invalid_request"),
        (Some("alice"), "grant_type=client_credentials&alg=none", 400, "invalid_request"),
    ];
    for (client, form, status, error) in cases {
        let (actual, answer) = post(&running, "/token", client, form).await;
        assert_eq!((actual, &answer["error"]), (status, &json!(error)), "{client:?} {form}");
    }
}

#[tokio::test]
async fn every_defect_is_served() {
    let running = Issuer::serve().await.unwrap();
    for (_, defect) in Defect::ALL {
        let form = format!("grant_type=client_credentials&defect={defect}");
        let (status, answer) = post(&running, "/token", Some("alice"), &form).await;
        assert_eq!(status, 200, "{defect}");
        assert_eq!(answer["access_token"].as_str().unwrap().split('.').count(), 3, "{defect}");
    }
}

#[tokio::test]
async fn rotation_keeps_the_old_keys_published_unless_told_otherwise() {
    let running = Issuer::serve().await.unwrap();
    let kids = |jwks: &Value| -> Vec<Value> {
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
    };
    let first = kids(&running.issuer.jwks());
    let (_, overlapping) = post(&running, "/rotate", None, "").await;
    assert_eq!(kids(&overlapping).len(), 6);
    assert!(first.iter().all(|kid| kids(&overlapping).contains(kid)));
    let (_, alone) = post(&running, "/rotate?overlap=false", None, "").await;
    assert_eq!(kids(&alone).len(), 3);
    assert!(kids(&overlapping).iter().all(|kid| !kids(&alone).contains(kid)));
}

#[tokio::test]
async fn the_keys_misbehave_on_request() {
    let running = Issuer::serve().await.unwrap();
    let fetch = || async { reqwest::get(running.issuer.jwks_url()).await.unwrap() };
    post(&running, "/jwks-fault?kind=unreachable_500", None, "").await;
    assert_eq!(fetch().await.status().as_u16(), 500);
    post(&running, "/jwks-fault?kind=enc_only", None, "").await;
    assert!(fetch().await.text().await.unwrap().contains(r#""use":"enc""#));
    let (status, _) = post(&running, "/jwks-fault?kind=gone", None, "").await;
    assert_eq!(status, 400);
    post(&running, "/jwks-fault?kind=none", None, "").await;
    assert!(fetch().await.text().await.unwrap().contains(r#""use":"sig""#));
    assert_eq!(running.issuer.jwks_requests(), 3);
}
