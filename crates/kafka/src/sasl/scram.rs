//! The client's side of SCRAM (RFC 5802, RFC 7677), as Kafka speaks it: names and passwords are
//! taken as they are, without `SASLprep` (`ScramFormatter#normalize`), and without channel binding.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use kafka_protocol::messages::SaslAuthenticateResponse;
use model::Secret;

use super::{Login, LoginFailed};
use crate::codes::ScramMechanism;
use crate::error::KafkaError;

/// Random bytes of a nonce.
const NONCE: usize = 24;
/// How often the password may have to be hashed. Kafka itself stops at 16384.
const MOST_ITERATIONS: u32 = 100_000;

/// Logs in. Hashing the password takes some milliseconds, on a thread of its own.
pub(super) async fn log_in(
    login: &Login<'_>,
    mechanism: ScramMechanism,
    username: &str,
    password: &Secret,
) -> Result<SaslAuthenticateResponse, LoginFailed> {
    if username.is_empty() || username.contains('\0') {
        return Err(KafkaError::Invalid("a SCRAM login without a name or with a NUL in it").into());
    }
    let mut nonce = [0; NONCE];
    rand::fill(&mut nonce).map_err(|_| KafkaError::Invalid("no random numbers"))?;
    let start = Start::new(username, &BASE64.encode(nonce));
    let challenge = login.say(format!("n,,{}", start.bare).into()).await?.auth_bytes;
    let challenge = start.read(&challenge).map_err(|it| login.failed(it))?;
    let password = password.clone();
    let proving = tokio::task::spawn_blocking(move || challenge.prove(mechanism, &password));
    let proof = proving.await.map_err(|_| KafkaError::Invalid("the login was given up"))?;
    let answer = login.say(proof.message.clone()).await?;
    if let Some(error) = server_error(&answer.auth_bytes) {
        let error = login.quotable(error).unwrap_or("unknown");
        return Err(LoginFailed::Refused(format!("SCRAM error {error}")));
    }
    proof.check(&answer.auth_bytes).map_err(|it| login.failed(it))?;
    Ok(answer)
}

/// `server-error` of RFC 5802, in place of a proof. Kafka itself refuses by an error code instead.
fn server_error(message: &[u8]) -> Option<&str> {
    str::from_utf8(message).ok()?.strip_prefix("e=")?.split(',').next()
}

/// What we begin with.
struct Start {
    nonce: String,
    /// `client-first-message-bare`
    bare: String,
}

/// What the broker asks of us.
struct Challenge {
    salt: Vec<u8>,
    iterations: NonZeroU32,
    /// `client-final-message-without-proof`
    without_proof: String,
    /// `AuthMessage`
    message: String,
}

/// What shows both sides that the other knows the password.
struct Proof {
    message: Bytes,
    server_key: hmac::Key,
    signed: String,
}

impl Start {
    fn new(username: &str, nonce: &str) -> Self {
        let name = username.replace('=', "=3D").replace(',', "=2C");
        Self { nonce: nonce.to_owned(), bare: format!("n={name},r={nonce}") }
    }

    /// Reads `server-first-message`.
    fn read(self, message: &[u8]) -> Result<Challenge, &'static str> {
        let broken = "it sent what is no SCRAM challenge";
        let message = str::from_utf8(message).map_err(|_| broken)?;
        let mut fields = message.split(',');
        let mut next = |name: &str| fields.next()?.strip_prefix(name)?.strip_prefix('=');
        let nonce = next("r").ok_or(broken)?;
        let salt = next("s").and_then(|it| BASE64.decode(it).ok()).ok_or(broken)?;
        let iterations: NonZeroU32 = next("i").and_then(|it| it.parse().ok()).ok_or(broken)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("it sent another nonce than ours");
        }
        if iterations.get() > MOST_ITERATIONS {
            return Err("it wants the password hashed too often");
        }
        // "biws" is "n,,": no channel binding.
        let without_proof = format!("c=biws,r={nonce}");
        let message = format!("{},{message},{without_proof}", self.bare);
        Ok(Challenge { salt, iterations, without_proof, message })
    }
}

impl Challenge {
    fn prove(self, mechanism: ScramMechanism, password: &Secret) -> Proof {
        let (hash, sign) = match mechanism {
            ScramMechanism::Sha256 => (&digest::SHA256, hmac::HMAC_SHA256),
            ScramMechanism::Sha512 => (&digest::SHA512, hmac::HMAC_SHA512),
        };
        let salted = salted(mechanism, password, &self.salt, self.iterations);
        let salted = hmac::Key::new(sign, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(hash, client_key.as_ref());
        let signature =
            hmac::sign(&hmac::Key::new(sign, stored_key.as_ref()), self.message.as_bytes());
        let both = client_key.as_ref().iter().zip(signature.as_ref());
        let proof: Vec<u8> = both.map(|(key, signature)| key ^ signature).collect();
        Proof {
            message: format!("{},p={}", self.without_proof, BASE64.encode(proof)).into(),
            server_key: hmac::Key::new(sign, hmac::sign(&salted, b"Server Key").as_ref()),
            signed: self.message,
        }
    }
}

impl Proof {
    /// Reads `server-final-message`: only who knows the password can have signed it.
    fn check(&self, message: &[u8]) -> Result<(), &'static str> {
        let signature =
            message.strip_prefix(b"v=").and_then(|it| it.split(|it| *it == b',').next());
        let signature = signature.and_then(|it| BASE64.decode(it).ok());
        let signature = signature.ok_or("it did not say that it knows the password")?;
        hmac::verify(&self.server_key, self.signed.as_bytes(), &signature)
            .map_err(|_| "it did not prove that it knows the password")
    }
}

/// `SaltedPassword` of RFC 5802, which is `ScramFormatter.hi` of Kafka: PBKDF2 of the password's
/// UTF-8.
pub(crate) fn salted(
    mechanism: ScramMechanism,
    password: &Secret,
    salt: &[u8],
    iterations: NonZeroU32,
) -> Vec<u8> {
    let (algorithm, length) = match mechanism {
        ScramMechanism::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        ScramMechanism::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
    };
    let mut salted = vec![0; length];
    pbkdf2::derive(algorithm, iterations, salt, password.expose().as_bytes(), &mut salted);
    salted
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[u8] = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const LAST: &[u8] = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn start() -> Start {
        Start::new("user", "rOprNGfwEbeRWgbNEkqO")
    }

    /// The example of RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn both_sides_of_rfc_7677() {
        assert_eq!(start().bare, "n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge = start().read(FIRST).unwrap();
        let proof = challenge.prove(ScramMechanism::Sha256, &Secret::new("pencil".to_owned()));
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(proof.check(LAST), Ok(()));
    }

    #[test]
    fn a_broker_that_does_not_know_the_password_is_found_out() {
        let challenge = start().read(FIRST).unwrap();
        let proof = challenge.prove(ScramMechanism::Sha256, &Secret::new("other".to_owned()));
        for bad in [LAST, b"", b"v=", b"e=other-error"] {
            assert!(proof.check(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn an_error_in_place_of_a_proof_is_read() {
        assert_eq!(server_error(b"e=invalid-proof,x=y"), Some("invalid-proof"));
        assert_eq!(server_error(LAST), None);
        assert_eq!(server_error(b"\xff"), None);
    }

    #[test]
    fn a_challenge_has_to_be_one_and_go_on_from_our_nonce() {
        for bad in [
            "",
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=?,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=100001",
            "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=rOprNGfwEbeRWgbNEkqOx,i=4096",
        ] {
            assert!(start().read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn separators_of_the_format_do_not_end_a_name() {
        assert_eq!(Start::new("a=b,c", "n").bare, "n=a=3Db=2Cc,r=n");
    }

    #[test]
    fn both_hashes_have_their_lengths() {
        for (mechanism, length) in [(ScramMechanism::Sha256, 44), (ScramMechanism::Sha512, 88)] {
            let proof =
                start().read(FIRST).unwrap().prove(mechanism, &Secret::new("pw".to_owned()));
            let message = String::from_utf8(proof.message.to_vec()).unwrap();
            assert_eq!(message.split_once(",p=").unwrap().1.len(), length);
        }
    }
}
