//! A SCRAM login from its handshake to the first answer, with a broker that checks the proof.

use std::num::NonZeroU32;
use std::sync::Mutex;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};
use model::Secret;

use super::fake::{Asked, Fake, Reply};
use super::{TIMEOUT, admin_as};
use crate::sasl::scram::salted;
use crate::{Credential, ErrorCode, KafkaError, LoginOutcome, ScramMechanism, try_login};

const SALT: &[u8] = b"salt";

/// The broker's side, for the user `a,b` with the password `right`.
#[derive(Default)]
struct Server {
    /// `client-first-message-bare` and `server-first-message`.
    said: Mutex<(String, String)>,
}

impl Server {
    fn answer(&self, asked: &Asked) -> Reply {
        let message = asked.request::<SaslAuthenticateRequest>().auth_bytes;
        let message = String::from_utf8(message.to_vec()).unwrap();
        let mut said = self.said.lock().unwrap();
        let answer = if let Some(bare) = message.strip_prefix("n,,") {
            let nonce = bare.strip_prefix("n=a=2Cb,r=").unwrap();
            let first = format!("r={nonce}server,s={},i=4096", BASE64.encode(SALT));
            *said = (bare.to_owned(), first.clone());
            Some(first)
        } else {
            prove(&said.0, &said.1, &message)
        };
        let response = SaslAuthenticateResponse::default();
        asked.answer::<SaslAuthenticateRequest>(&match answer {
            Some(answer) => response.with_auth_bytes(answer.into()),
            None => response.with_error_code(ErrorCode::SaslAuthenticationFailed.code()),
        })
    }
}

/// `server-final-message`, if the client's proof is good.
fn prove(bare: &str, first: &str, last: &str) -> Option<String> {
    let (without_proof, proof) = last.split_once(",p=").unwrap();
    let iterations = NonZeroU32::new(4096).unwrap();
    let right = Secret::new("right".to_owned());
    let salted = salted(ScramMechanism::Sha512, &right, SALT, iterations);
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), text);
    let signed = format!("{bare},{first},{without_proof}");
    let stored_key = digest::digest(&digest::SHA512, sign(&salted, b"Client Key").as_ref());
    let signature = sign(stored_key.as_ref(), signed.as_bytes());
    let proof = BASE64.decode(proof).unwrap();
    let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    let good = digest::digest(&digest::SHA512, &key).as_ref() == stored_key.as_ref();
    let server_key = sign(&salted, b"Server Key");
    let signature = sign(server_key.as_ref(), signed.as_bytes());
    good.then(|| format!("v={}", BASE64.encode(signature)))
}

async fn broker() -> Fake {
    let server = Server::default();
    Fake::start(move |asked| match asked.api {
        ApiKey::SaslHandshake => {
            assert_eq!(asked.request::<SaslHandshakeRequest>().mechanism.as_str(), "SCRAM-SHA-512");
            asked.healthy()
        }
        ApiKey::SaslAuthenticate => server.answer(asked),
        _ => asked.healthy(),
    })
    .await
}

fn credential(password: &str) -> Credential {
    Credential::Scram {
        mechanism: ScramMechanism::Sha512,
        username: "a,b".to_owned(),
        password: Secret::new(password.to_owned()),
    }
}

#[tokio::test]
async fn the_right_password_gets_in_with_two_messages() {
    let fake = broker().await;
    admin_as(credential("right"), &[&fake.address]).describe_cluster().await.unwrap();
    assert_eq!(fake.requests(ApiKey::SaslAuthenticate), 2);
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_name_it() {
    let fake = broker().await;
    let admin = admin_as(credential("wrong-one"), &[&fake.address]);
    let error = admin.describe_cluster().await.unwrap_err();
    let KafkaError::Authentication { mechanism: "SCRAM-SHA-512", .. } = error else {
        panic!("{error:?}");
    };
    assert!(!format!("{error:?} {error}").contains("wrong-one"));
}

#[tokio::test]
async fn a_probe_tells_a_wrong_password_from_the_right_one() {
    let tried = async |password| {
        let fake = broker().await;
        try_login(&fake.address, &credential(password), TIMEOUT).await.unwrap()
    };
    assert_eq!(tried("right").await, LoginOutcome::Accepted);
    let refused = "SASL_AUTHENTICATION_FAILED".to_owned();
    assert_eq!(tried("wrong-one").await, LoginOutcome::Refused(refused));
}

#[tokio::test]
async fn an_error_in_place_of_the_proof_is_a_refusal_and_no_proof_is_none() {
    let tried = async |last: &'static str| {
        let server = Server::default();
        let fake = Fake::start(move |asked| match (asked.api, asked.nth) {
            (ApiKey::SaslAuthenticate, 0) => server.answer(asked),
            (ApiKey::SaslAuthenticate, _) => asked.answer::<SaslAuthenticateRequest>(
                &SaslAuthenticateResponse::default().with_auth_bytes(last.into()),
            ),
            _ => asked.healthy(),
        })
        .await;
        try_login(&fake.address, &credential("right"), TIMEOUT).await
    };
    let refused = LoginOutcome::Refused("SCRAM error invalid-proof".to_owned());
    assert_eq!(tried("e=invalid-proof").await.unwrap(), refused);
    // Whoever answers does not know the password either.
    let error = tried("v=AAAA").await.unwrap_err();
    assert!(matches!(error, KafkaError::Authentication { .. }), "{error:?}");
}
