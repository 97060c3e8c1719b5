//! One listener of one broker, asked what it makes of a login, on a connection of its own.

use std::time::Duration;

use kafka_protocol::messages::SaslHandshakeRequest;
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use super::{Credential, Login, LoginFailed};
use crate::connection::{Connection, Settings};
use crate::error::{ErrorCode, KafkaError};

/// What a listener makes of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginOutcome {
    /// It lets the credential in.
    Accepted,
    /// The broker looked at the credential and does not let it in. In the broker's words, which are
    /// few: `SASL_AUTHENTICATION_FAILED`, what `SaslServerAuthenticator` adds, or the status of
    /// RFC 7628. Never holds the secret.
    ///
    /// It may let the same credential in a moment later: a broker has to learn of a new password,
    /// and refuses a token whose key it has yet to fetch. It says the same where it failed itself,
    /// say to fetch keys, so one refusal is no proof that the credential is bad.
    Refused(String),
    /// The listener does not take the credential's mechanism at all, only these.
    NotOffered(Vec<String>),
}

/// Asks one listener whether it lets a credential in, and closes the connection again.
///
/// Every error, [`KafkaError::Authentication`] too, means that this is not known: nothing answered in
/// time, or what did said something else, or did not prove that it knows a SCRAM password itself.
pub async fn try_login(
    address: &str,
    credential: &Credential,
    patience: Duration,
) -> Result<LoginOutcome, KafkaError> {
    let deadline = Instant::now() + patience;
    let connection = open(address, patience, deadline).await?;
    let login = Login { connection: &connection, credential, deadline };
    match login.log_in().await {
        Ok(_) => Ok(LoginOutcome::Accepted),
        Err(LoginFailed::Refused(reason)) => Ok(LoginOutcome::Refused(reason)),
        Err(LoginFailed::NotOffered(offered)) => Ok(LoginOutcome::NotOffered(offered)),
        Err(LoginFailed::Broken(error)) => Err(error),
    }
}

/// Asks one listener which SASL mechanisms it offers, without logging in: whether it answers, and
/// whether it was started with what it should have been.
pub async fn sasl_mechanisms(address: &str, timeout: Duration) -> Result<Vec<String>, KafkaError> {
    let deadline = Instant::now() + timeout;
    let connection = open(address, timeout, deadline).await?;
    // Any mechanism does: the answer lists all, whether this one is among them or not.
    let handshake =
        SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("SCRAM-SHA-256"));
    let answer = connection.call(&handshake, 1, deadline).await?;
    match ErrorCode::try_from_code(answer.error_code) {
        None | Some(ErrorCode::UnsupportedSaslMechanism) => {
            Ok(answer.mechanisms.iter().map(ToString::to_string).collect())
        }
        Some(code) => Err(KafkaError::Broker { code, message: None }),
    }
}

async fn open(
    address: &str,
    timeout: Duration,
    deadline: Instant,
) -> Result<Connection, KafkaError> {
    let client_id = StrBytes::from_static_str("tidegate-probe");
    Connection::open(address, Settings { client_id, timeout }, deadline).await
}
