//! Tokens good and bad, against keys that need no HTTP.

mod corpus;
mod forge;

use std::future::Future;

use futures::future::BoxFuture;
use model::UrlPolicy;
use testkit::issuer::{Alg, Defect, Issuer, TokenRequest};

use self::forge::Forge;
use super::*;
use crate::error::JwksError;
use crate::fetch::Fetched;

/// Publishes the same bytes for ever.
struct Fixed(Vec<u8>);

impl KeySource for Fixed {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, JwksError>> {
        let body = self.0.clone();
        Box::pin(async move { Ok(Fetched { body, max_age: None }) })
    }

    fn name(&self) -> &'static str {
        "fixed"
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn verifier(forge: &Forge) -> Verifier {
    let rules = Rules {
        issuer: forge.issuer.url().to_owned(),
        audiences: vec!["my-audience".to_owned(), "another-audience".to_owned()],
        principal_claim: "custom-sub".to_owned(),
    };
    Verifier::with_source(rules, Box::new(Fixed(forge.jwks().to_string().into_bytes())))
}

#[test]
fn every_row_of_the_corpus() {
    let forge = Forge::new();
    let rows = corpus::rows(&forge);
    assert!(rows.iter().filter(|row| row.expected.is_err()).count() >= 80);
    run(async {
        let verifier = verifier(&forge);
        let mut wrong = Vec::new();
        for row in rows {
            let actual = verifier.verify(&row.token).await.map(|it| it.principal);
            if actual != row.expected.map(str::to_owned) {
                wrong.push(format!("{}: {actual:?} instead of {:?}", row.name, row.expected));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn a_token_with_any_bit_flipped_is_refused() {
    let forge = Forge::new();
    run(async {
        let verifier = verifier(&forge);
        for alg in Alg::ALL {
            let token = forge.issuer.mint(&TokenRequest::of("alice").alg(alg)).unwrap();
            assert!(verifier.verify(&token).await.is_ok());
            for (at, bit) in (0..token.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                // What is no UTF-8 is no header value for us, either.
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(verifier.verify(&changed).await.is_err(), "{alg:?}: bit {bit} of {at}");
            }
        }
    });
}

#[test]
fn what_is_verified_is_what_the_token_says() {
    let forge = Forge::new();
    let token = forge.issuer.mint(&TokenRequest::of("alice").ttl_secs(60)).unwrap();
    let verified = run(async { verifier(&forge).verify(&token).await.unwrap() });
    assert_eq!(verified.principal, "alice");
    assert_eq!(verified.issuer, forge.issuer.url());
    assert_eq!(verified.expires_at.ms_since(verified.issued_at), 60_000);
    assert_eq!(verified.token_sha256.as_slice(), digest(&SHA256, token.as_bytes()).as_ref());
}

#[test]
fn every_defect_that_the_development_issuer_knows_is_refused() {
    let forge = Forge::new();
    run(async {
        let verifier = verifier(&forge);
        for (defect, name) in Defect::ALL {
            for alg in Alg::ALL {
                let request = TokenRequest::of("alice").alg(alg).defect(defect);
                let token = forge.issuer.mint(&request).unwrap();
                assert!(verifier.verify(&token).await.is_err(), "{name} {alg:?}");
            }
        }
    });
}

#[test]
fn settings_that_kafka_would_read_differently_are_refused() {
    let sound = Rules {
        issuer: "https://idp/".to_owned(),
        audiences: vec!["a".to_owned()],
        principal_claim: "sub".to_owned(),
    };
    assert!(checked(sound.clone()).is_ok());
    let with = |audiences: &[&str]| Rules {
        audiences: audiences.iter().map(|&it| it.to_owned()).collect(),
        ..sound.clone()
    };
    assert!(checked(with(&[])).is_err());
    assert!(checked(with(&["a,b"])).is_err());
    assert!(checked(with(&[" a"])).is_err());
    assert!(checked(Rules { issuer: String::new(), ..sound.clone() }).is_err());
    assert!(checked(Rules { principal_claim: "sub ".to_owned(), ..sound.clone() }).is_err());
}

#[tokio::test]
async fn a_verifier_does_not_wait_for_its_keys() {
    let config = VerifierConfig {
        issuer: "http://127.0.0.1:1".to_owned(),
        audiences: vec!["a".to_owned()],
        principal_claim: "sub".to_owned(),
        jwks_url: IdpUrl::parse("http://127.0.0.1:1/jwks", UrlPolicy::HttpOnLoopback).unwrap(),
    };
    let verifier = Verifier::new(config).unwrap();
    let token = Issuer::new("http://127.0.0.1:1").unwrap().mint(&TokenRequest::of("a")).unwrap();
    assert_eq!(verifier.verify(&token).await, Err(AuthError::KeysUnavailable));
}
