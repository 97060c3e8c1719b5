//! The property: whatever is changed in a good token makes it a bad one.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use testkit::issuer::{Alg, TokenRequest};

use crate::forge::Forge;
use crate::stage::{Stage, forged, verifier};

/// Good tokens of every algorithm.
fn good(forge: &Forge) -> Vec<(String, String)> {
    let mint = |alg: Alg| {
        let token = forge.issuer.mint(&TokenRequest::of("alice").alg(alg)).unwrap();
        (alg.as_str().to_owned(), token)
    };
    let others = ["RS384", "RS512", "PS256", "PS384", "PS512", "ES384"];
    let other = |alg: &str| (alg.to_owned(), forge.by_other_alg(alg));
    Alg::ALL.into_iter().map(mint).chain(others.into_iter().map(other)).collect()
}

/// Every bit of every position. The last character of each part carries bits that mean nothing:
/// flipping those gives the same bytes, and is refused as well.
#[tokio::test]
async fn a_token_with_any_bit_flipped_is_refused() {
    let forge = Forge::new();
    let stage = Stage::serve(forge.jwks()).await;
    let verifier = verifier(vec![forged(&forge, &stage)], 1000);
    // The others of RSA and P-384 differ in the arithmetic only: the next test has them.
    for (alg, token) in good(&forge).into_iter().take(Alg::ALL.len()) {
        assert!(verifier.verify(&token).await.is_ok(), "{alg}");
        for (at, bit) in (0..token.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            // What is no UTF-8 is no header value for us, either.
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(verifier.verify(&changed).await.is_err(), "{alg}: bit {bit} of {at}");
        }
    }
}

/// Any other character at any position, one taken out, one put in, two swapped.
#[test]
fn a_token_with_any_character_changed_is_refused() {
    let forge = Forge::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stage = runtime.block_on(Stage::serve(forge.jwks()));
    let verifier = runtime.block_on(async { verifier(vec![forged(&forge, &stage)], 1000) });
    let good = good(&forge);
    for (_, token) in &good {
        assert!(runtime.block_on(verifier.verify(token)).is_ok());
    }
    let base64 = prop::sample::select(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/".to_vec(),
    );
    let changes = (0..good.len(), any::<prop::sample::Index>(), base64, 0..4);
    let mut runner = TestRunner::new(ProptestConfig { cases: 2000, ..ProptestConfig::default() });
    runner
        .run(&changes, |(token, at, character, kind)| {
            let token = &good[token].1;
            let mut bytes = token.clone().into_bytes();
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = character,
                1 => bytes.insert(at, character),
                2 => {
                    bytes.remove(at);
                }
                _ => {
                    let last = bytes.len() - 1;
                    bytes.swap(at, (at + 1).min(last));
                }
            }
            let other = String::from_utf8(bytes).unwrap();
            prop_assume!(other != *token);
            prop_assert!(runtime.block_on(verifier.verify(&other)).is_err(), "{other}");
            Ok(())
        })
        .unwrap();
}
