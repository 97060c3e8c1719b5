//! Tokens good and bad, against keys served over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

mod corpus;
mod flips;
mod forge;
mod providers;
mod stage;

use std::collections::BTreeSet;

pub(crate) use auth::AuthError;
use testkit::issuer::{Alg, Defect, TokenRequest};

use crate::forge::Forge;
use crate::stage::{Stage, forged, verifier};

#[tokio::test]
async fn every_row_of_the_corpus() {
    let forge = Forge::new();
    let rows = corpus::rows(&forge);
    let names: BTreeSet<&str> = rows.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "each has a name of its own");
    assert!(rows.iter().filter(|row| row.expected.is_err()).count() >= 150);
    assert!(rows.iter().filter(|row| row.expected.is_ok()).count() >= 40);
    let stage = Stage::serve(forge.jwks()).await;
    // Nothing is remembered, and then everything that is good.
    for remembered_tokens in [0, 1000] {
        let verifier = verifier(vec![forged(&forge, &stage)], remembered_tokens);
        let mut wrong = Vec::new();
        for _ in 0..2 {
            for row in &rows {
                let actual = verifier.verify(&row.token).await;
                // By now the keys are at hand.
                for actual in [actual, verifier.verify_at_hand(&row.token)] {
                    let actual = actual.map(|it| it.principal.to_string());
                    if actual != row.expected {
                        let (name, expected) = (&row.name, &row.expected);
                        wrong.push(format!("{name}: {actual:?} instead of {expected:?}"));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[tokio::test]
async fn what_is_verified_is_what_the_token_says() {
    let forge = Forge::new();
    let stage = Stage::serve(forge.jwks()).await;
    let token = forge.issuer.mint(&TokenRequest::of("alice").ttl_secs(60)).unwrap();
    let verifier = verifier(vec![forged(&forge, &stage)], 10);
    let first = verifier.verify(&token).await.unwrap();
    assert_eq!(&*first.principal, "alice");
    assert_eq!(&*first.issuer, forge.issuer.url());
    assert_eq!(first.expires_at.ms_since(first.issued_at), 60_000);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    assert_eq!(first.token_sha256.as_slice(), digest.as_ref());
    let again = verifier.verify(&token).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &again), "it was remembered");
    let claims = first.claims(&token, &["client_id", "custom-sub", "exp", "nope"]);
    let claims: Vec<_> = claims.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
    assert_eq!(claims, [("client_id", "alice"), ("custom-sub", "alice")], "only texts");
    let other = forge.issuer.mint(&TokenRequest::of("bob").ttl_secs(60)).unwrap();
    assert!(first.claims(&other, &["client_id"]).is_empty(), "of another token nothing is proven");
}

#[tokio::test]
async fn every_defect_that_the_development_issuer_knows_is_refused() {
    let forge = Forge::new();
    let stage = Stage::serve(forge.jwks()).await;
    let verifier = verifier(vec![forged(&forge, &stage)], 10);
    for (defect, name) in Defect::ALL {
        for alg in Alg::ALL {
            let request = TokenRequest::of("alice").alg(alg).defect(defect);
            let token = forge.issuer.mint(&request).unwrap();
            assert!(verifier.verify(&token).await.is_err(), "{name} {alg:?}");
        }
    }
}

#[test]
fn no_answer_says_more_than_a_fixed_text() {
    let forge = Forge::new();
    let errors: BTreeSet<_> = corpus::rows(&forge)
        .into_iter()
        .filter_map(|it| it.expected.err())
        .map(|it| format!("{it:?} {}", it.description()))
        .collect();
    assert!(errors.len() >= 15, "{errors:?}");
    for text in errors {
        assert!(text.is_ascii() && !text.contains(['"', '\\']), "{text}");
    }
}
