//! Who we are to a broker, and how it is told: SASL PLAIN and OAUTHBEARER, one message each.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;
use model::Secret;
use tokio::time::Instant;

use crate::connection::{Connection, Settings};
use crate::error::{ErrorCode, KafkaError, Refusal};

/// Who an admin client is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A name and a password that the broker has in its configuration.
    Plain {
        /// The name, which is also the principal.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token of an identity provider.
    OauthBearer {
        /// The token, compact serialisation.
        token: Secret,
    },
}

impl Credential {
    const fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::OauthBearer { .. } => "OAUTHBEARER",
        }
    }

    /// The client's first message (RFC 4616, RFC 7628). The separators of the formats cannot be part
    /// of a value: they would let one value become two.
    fn initial_response(&self) -> Result<Bytes, KafkaError> {
        match self {
            Self::Plain { username, password } => {
                let password = password.expose();
                if username.is_empty() || [username, password].iter().any(|it| it.contains('\0')) {
                    return Err(KafkaError::Invalid("a PLAIN login without a name or with a NUL"));
                }
                Ok(format!("\0{username}\0{password}").into())
            }
            Self::OauthBearer { token } => {
                let token = token.expose();
                if token.is_empty() || !token.bytes().all(|it| it.is_ascii_graphic()) {
                    return Err(KafkaError::Invalid("a token that is empty or not plain ASCII"));
                }
                Ok(format!("n,,\x01auth=Bearer {token}\x01\x01").into())
            }
        }
    }
}

/// Logs in, and says how long that is good for; without end if `None`.
pub(crate) async fn login(
    connection: &Connection,
    credential: &Credential,
    deadline: Instant,
) -> Result<Option<Duration>, KafkaError> {
    let refused = |reason: String| KafkaError::Authentication {
        address: connection.address().to_owned(),
        mechanism: credential.mechanism(),
        reason,
    };
    let first = credential.initial_response()?;
    let handshake = SaslHandshakeRequest::default()
        .with_mechanism(StrBytes::from_static_str(credential.mechanism()));
    let answer = connection.call(&handshake, 1, deadline).await?;
    if let Some(code) = ErrorCode::try_from_code(answer.error_code) {
        let offered: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
        return Err(refused(format!(
            "{}, the listener offers [{}]",
            Refusal(code, None),
            offered.join(", ")
        )));
    }
    let mut answer = authenticate(connection, first, deadline).await?;
    if answer.error_code == 0 && !answer.auth_bytes.is_empty() {
        // RFC 7628: a failure is told first in a challenge, which the client has to acknowledge.
        answer = authenticate(connection, Bytes::from_static(b"\x01"), deadline).await?;
        if answer.error_code == 0 {
            return Err(refused("it asked for more than one message".to_owned()));
        }
    }
    if let Some(code) = ErrorCode::try_from_code(answer.error_code) {
        let message = answer.error_message.as_deref().filter(|it| !it.is_empty());
        return Err(refused(Refusal(code, message).to_string()));
    }
    let lifetime = u64::try_from(answer.session_lifetime_ms).unwrap_or(0);
    Ok((lifetime > 0).then(|| Duration::from_millis(lifetime)))
}

async fn authenticate(
    connection: &Connection,
    auth_bytes: Bytes,
    deadline: Instant,
) -> Result<SaslAuthenticateResponse, KafkaError> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(auth_bytes);
    Ok(connection.call(&request, 0, deadline).await?)
}

/// Asks one listener which SASL mechanisms it offers, without logging in: whether it answers, and
/// whether it was started with what it should have been.
pub async fn sasl_mechanisms(address: &str, timeout: Duration) -> Result<Vec<String>, KafkaError> {
    let deadline = Instant::now() + timeout;
    let client_id = StrBytes::from_static_str("tidegate-probe");
    let connection = Connection::open(address, Settings { client_id, timeout }, deadline).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_is_what_the_mechanism_says() {
        let plain = Credential::Plain {
            username: model::Principal::ADMIN.to_owned(),
            password: Secret::new("pw".to_owned()),
        };
        assert_eq!(plain.initial_response().unwrap(), "\0 admin\0pw");
        let bearer = Credential::OauthBearer { token: Secret::new("a.b.c".to_owned()) };
        assert_eq!(bearer.initial_response().unwrap(), "n,,\x01auth=Bearer a.b.c\x01\x01");
    }

    #[test]
    fn no_value_can_add_a_field() {
        let plain = |username: &str, password: &str| Credential::Plain {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        };
        for credential in [
            plain("a\0b", "c"),
            plain("a", "b\0c"),
            plain("", "c"),
            Credential::OauthBearer { token: Secret::new("a\x01auth=x".to_owned()) },
            Credential::OauthBearer { token: Secret::new(String::new()) },
        ] {
            assert!(credential.initial_response().is_err(), "{credential:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let plain =
            Credential::Plain { username: "u".to_owned(), password: Secret::new("hunter2".into()) };
        assert!(!format!("{plain:?}").contains("hunter2"));
    }
}
