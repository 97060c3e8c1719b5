//! What one verification costs, beside the bare arithmetic of the same message.
//!
//! Prints one JSON object a line: `{"measure": .., "value": .., "unit": "us", "baseline": ..}`.
//! Both sides take turns in small rounds, of which the median counts, in CPU time of this thread: a
//! busy machine disturbs both alike, and waiting for a core is not counted. `cargo xtask bench auth` reads it.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that panics says where")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use auth::{IssuerConfig, KeyTimes, Verifier, VerifierConfig};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use model::{IdpPolicy, IdpUrl, UrlPolicy};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use testkit::issuer::{Alg, Issuer, TokenRequest};

const ROUNDS: usize = 201;
const CALLS: u32 = 50;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let running = runtime.block_on(Issuer::serve()).unwrap();
    let _inside = runtime.enter();
    let (cold, warm) = (verifier(&running.issuer, 0), verifier(&running.issuer, 1000));
    let block_on = |verifier: &Verifier, token: &str| {
        // Nothing waits here, so one poll is all.
        futures::executor::block_on(verifier.verify(black_box(token))).unwrap()
    };
    for alg in Alg::ALL {
        let token = running.issuer.mint(&TokenRequest::of("alice").alg(alg)).unwrap();
        runtime.block_on(async { cold.verify(&token).await.unwrap() });
        let bare = bare(&running.issuer, alg, &token);
        let (ours, arithmetic) = beside(|| drop(black_box(block_on(&cold, &token))), &bare);
        row(&format!("{} verify", alg.as_str()), ours, Some(arithmetic));
        if alg == Alg::Rs256 {
            let library = library(&running.issuer, &token);
            let (library, arithmetic) = beside(library, &bare);
            row("RS256 jsonwebtoken alone", library, Some(arithmetic));
        }
    }
    let token = running.issuer.mint(&TokenRequest::of("alice")).unwrap();
    runtime.block_on(async { warm.verify(&token).await.unwrap() });
    let (known, _) = beside(|| drop(black_box(block_on(&warm, &token))), || ());
    row("RS256 remembered", known, None);
    let bad = format!("{}AAAA", &token[..token.len() - 4]);
    let refused = || {
        let refused = futures::executor::block_on(cold.verify(black_box(&bad)));
        assert!(black_box(refused).is_err());
    };
    let (refused, _) = beside(refused, || ());
    row("RS256 bad signature", refused, None);
    let (junk, _) = beside(
        || drop(black_box(futures::executor::block_on(cold.verify(black_box("junk"))))),
        || (),
    );
    row("junk", junk, None);
}

fn verifier(issuer: &Issuer, remembered_tokens: usize) -> Arc<Verifier> {
    let rules = IssuerConfig {
        issuer: issuer.url().to_owned(),
        audiences: vec!["my-audience".to_owned()],
        principal_claim: "custom-sub".to_owned(),
        keys: IdpUrl::parse(&issuer.jwks_url(), UrlPolicy::HttpOnLoopback).unwrap().into(),
    };
    let config = VerifierConfig {
        issuers: vec![rules],
        policy: IdpPolicy::new(true, Vec::new()),
        times: KeyTimes::default(),
        remembered_tokens,
    };
    Arc::new(Verifier::new(config).unwrap())
}

/// The signature's arithmetic and nothing else: no base64, no JSON, no claims.
fn bare(issuer: &Issuer, alg: Alg, token: &str) -> impl Fn() + use<> {
    let jwk = issuer.key(alg).jwk().clone();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let key = match alg {
        Alg::Rs256 => RsaPublicKeyComponents { n: number("n"), e: number("e") }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .unwrap(),
        Alg::Es256 => {
            let point = [vec![4], number("x"), number("y")].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).unwrap()
        }
        Alg::EdDsa => ParsedPublicKey::new(&ED25519, number("x")).unwrap(),
    };
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (message, signature) =
        (message.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature).unwrap());
    move || key.verify_sig(black_box(&message), &signature).unwrap()
}

/// What the usual crate does for the same token, its key made before.
fn library(issuer: &Issuer, token: &str) -> impl Fn() + use<> {
    let jwk = issuer.key(Alg::Rs256).jwk().clone();
    let text = |name: &str| jwk[name].as_str().unwrap().to_owned();
    let key = DecodingKey::from_rsa_components(&text("n"), &text("e")).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&[issuer.url()]);
    rules.set_audience(&["my-audience"]);
    let token = token.to_owned();
    move || {
        let decoded = jsonwebtoken::decode::<Value>(black_box(&token), &key, &rules);
        black_box(decoded.unwrap());
    }
}

/// Medians of microseconds a call.
fn beside(ours: impl Fn(), theirs: impl Fn()) -> (f64, f64) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        first.push(round(&ours));
        second.push(round(&theirs));
    }
    (median(first), median(second))
}

fn round(call: &impl Fn()) -> f64 {
    let started = cpu_us();
    for _ in 0..CALLS {
        call();
    }
    (cpu_us() - started) / f64::from(CALLS)
}

/// The CPU time of this thread, in microseconds.
fn cpu_us() -> f64 {
    let now = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    now.as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(measure: &str, value: f64, baseline: Option<f64>) {
    println!(
        "{}",
        json!({ "measure": measure, "value": value, "unit": "us", "baseline": baseline })
    );
}
