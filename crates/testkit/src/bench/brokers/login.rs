//! Logins at a simulated broker: PLAIN as the platform, SCRAM as any user that has a credential.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use model::Principal;

use super::cluster::{Cluster, Credential};
use super::{Answer, Asked};

const PLAIN: &str = "PLAIN";
/// With their codes in SCRAM requests.
const SCRAM: [(&str, i8); 2] = [("SCRAM-SHA-256", 1), ("SCRAM-SHA-512", 2)];

/// How far a connection has come.
#[derive(Debug, Default)]
pub(super) struct Session {
    mechanism: String,
    challenge: Option<Challenge>,
    is_in: bool,
}

/// What was said in a SCRAM login so far.
#[derive(Debug)]
struct Challenge {
    credential: Credential,
    mechanism: i8,
    /// `client-first-message-bare`
    bare: String,
    /// `server-first-message`
    first: String,
}

/// What a broker makes of a message.
enum Verdict {
    /// It is the right one, and the last; this is said to it.
    In(String),
    /// This is asked.
    GoOn(String),
    /// It is a wrong one.
    Refused,
}

impl Session {
    pub(super) const fn is_logged_in(&self) -> bool {
        self.is_in
    }

    pub(super) fn handshake(&mut self, asked: &Asked) -> anyhow::Result<Answer> {
        let request: SaslHandshakeRequest = asked.request()?;
        let offered = [PLAIN, SCRAM[0].0, SCRAM[1].0];
        let is_offered = offered.contains(&request.mechanism.as_str());
        let code = if is_offered { 0 } else { kafka::ErrorCode::UnsupportedSaslMechanism.code() };
        *self = Self { mechanism: request.mechanism.to_string(), ..Self::default() };
        let response = SaslHandshakeResponse::default()
            .with_error_code(code)
            .with_mechanisms(offered.map(StrBytes::from_static_str).into());
        asked.answer::<SaslHandshakeRequest>(&response)
    }

    pub(super) fn authenticate(
        &mut self,
        asked: &Asked,
        cluster: &Cluster,
    ) -> anyhow::Result<Answer> {
        let request: SaslAuthenticateRequest = asked.request()?;
        let message = str::from_utf8(&request.auth_bytes).unwrap_or_default();
        let verdict = if self.mechanism == PLAIN {
            plain(message, cluster)
        } else {
            self.scram(message, cluster).unwrap_or(Verdict::Refused)
        };
        let response = SaslAuthenticateResponse::default();
        let response = match verdict {
            Verdict::In(last) => {
                self.is_in = true;
                response.with_auth_bytes(Bytes::from(last))
            }
            Verdict::GoOn(next) => response.with_auth_bytes(Bytes::from(next)),
            Verdict::Refused => {
                response.with_error_code(kafka::ErrorCode::SaslAuthenticationFailed.code())
            }
        };
        asked.answer::<SaslAuthenticateRequest>(&response)
    }

    /// The next message of RFC 5802; `None` for what is none.
    fn scram(&mut self, message: &str, cluster: &Cluster) -> Option<Verdict> {
        if let Some(challenge) = self.challenge.take() {
            return Some(challenge.prove(message).map_or(Verdict::Refused, Verdict::In));
        }
        let mechanism = SCRAM.iter().find(|it| it.0 == self.mechanism)?.1;
        let bare = message.strip_prefix("n,,")?;
        let (name, nonce) = bare.strip_prefix("n=")?.split_once(",r=")?;
        let user = name.replace("=2C", ",").replace("=3D", "=");
        let credential = cluster.state().credentials.get(&(user, mechanism))?.clone();
        let salt = BASE64.encode(&credential.salt);
        let first = format!("r={nonce}simulated,s={salt},i={}", credential.iterations);
        let bare = bare.to_owned();
        self.challenge = Some(Challenge { credential, mechanism, bare, first: first.clone() });
        Some(Verdict::GoOn(first))
    }
}

fn plain(message: &str, cluster: &Cluster) -> Verdict {
    let right = format!("\0{}\0{}", Principal::ADMIN, cluster.password);
    if message == right { Verdict::In(String::new()) } else { Verdict::Refused }
}

impl Challenge {
    /// `server-final-message`, if the client's proof is good.
    fn prove(&self, last: &str) -> Option<String> {
        let (hash, mac) = match self.mechanism {
            1 => (&digest::SHA256, hmac::HMAC_SHA256),
            _ => (&digest::SHA512, hmac::HMAC_SHA512),
        };
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(mac, key), text);
        let (without_proof, proof) = last.split_once(",p=")?;
        let signed = format!("{},{},{without_proof}", self.bare, self.first);
        let salted = &self.credential.salted;
        let stored_key = digest::digest(hash, sign(salted, b"Client Key").as_ref());
        let signature = sign(stored_key.as_ref(), signed.as_bytes());
        let proof = BASE64.decode(proof).ok()?;
        let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let is_good = digest::digest(hash, &key).as_ref() == stored_key.as_ref();
        let server_key = sign(salted, b"Server Key");
        let signature = sign(server_key.as_ref(), signed.as_bytes());
        is_good.then(|| format!("v={}", BASE64.encode(signature)))
    }
}
