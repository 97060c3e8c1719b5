//! Who we are to a broker, and how it is told: SASL PLAIN and OAUTHBEARER, one message each, and
//! SCRAM, two.

pub(crate) mod scram;

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;
use model::Secret;
use tokio::time::Instant;

use crate::codes::ScramMechanism;
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
    /// A name and a password that the cluster keeps as a SCRAM credential. The password never
    /// leaves this process, and the broker proves that it knows it too.
    Scram {
        /// With which hash. A listener may offer one, both or none.
        mechanism: ScramMechanism,
        /// The name, which is also the principal.
        username: String,
        /// The password.
        password: Secret,
    },
}

impl Credential {
    const fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "PLAIN",
            Self::OauthBearer { .. } => "OAUTHBEARER",
            Self::Scram { mechanism, .. } => mechanism.as_str(),
        }
    }

    /// The message of a mechanism that has one only (RFC 4616, RFC 7628); `None` for the others. The
    /// separators of the formats cannot be part of a value: they would let one value become two.
    fn only_message(&self) -> Result<Option<Bytes>, KafkaError> {
        match self {
            Self::Plain { username, password } => {
                let password = password.expose();
                if username.is_empty() || [username, password].iter().any(|it| it.contains('\0')) {
                    return Err(KafkaError::Invalid("a PLAIN login without a name or with a NUL"));
                }
                Ok(Some(format!("\0{username}\0{password}").into()))
            }
            Self::OauthBearer { token } => {
                let token = token.expose();
                if token.is_empty() || !token.bytes().all(|it| it.is_ascii_graphic()) {
                    return Err(KafkaError::Invalid("a token that is empty or not plain ASCII"));
                }
                Ok(Some(format!("n,,\x01auth=Bearer {token}\x01\x01").into()))
            }
            Self::Scram { .. } => Ok(None),
        }
    }
}

/// Logs in, and says how long that is good for; without end if `None`.
pub(crate) async fn login(
    connection: &Connection,
    credential: &Credential,
    deadline: Instant,
) -> Result<Option<Duration>, KafkaError> {
    let only = credential.only_message()?;
    handshake(connection, credential.mechanism(), deadline).await?;
    let login = Login { connection, mechanism: credential.mechanism(), deadline };
    let answer = match (credential, only) {
        (Credential::Scram { mechanism, username, password }, _) => {
            scram::log_in(&login, *mechanism, username, password).await?
        }
        (_, only) => login.say_once(only.unwrap_or_default()).await?,
    };
    let lifetime = u64::try_from(answer.session_lifetime_ms).unwrap_or(0);
    Ok((lifetime > 0).then(|| Duration::from_millis(lifetime)))
}

async fn handshake(
    connection: &Connection,
    mechanism: &'static str,
    deadline: Instant,
) -> Result<(), KafkaError> {
    let request =
        SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism));
    let answer = connection.call(&request, 1, deadline).await?;
    let Some(code) = ErrorCode::try_from_code(answer.error_code) else { return Ok(()) };
    let offered: Vec<&str> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
    let reason = format!("{}, the listener offers [{}]", Refusal(code, None), offered.join(", "));
    let address = connection.address().to_owned();
    Err(KafkaError::Authentication { address, mechanism, reason })
}

/// A login that has begun.
struct Login<'a> {
    connection: &'a Connection,
    mechanism: &'static str,
    deadline: Instant,
}

impl Login<'_> {
    fn refused(&self, reason: impl Into<String>) -> KafkaError {
        KafkaError::Authentication {
            address: self.connection.address().to_owned(),
            mechanism: self.mechanism,
            reason: reason.into(),
        }
    }

    /// Says the next message of the mechanism. A refusal is an error.
    async fn say(&self, message: Bytes) -> Result<SaslAuthenticateResponse, KafkaError> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message);
        let answer = self.connection.call(&request, 0, self.deadline).await?;
        let Some(code) = ErrorCode::try_from_code(answer.error_code) else { return Ok(answer) };
        let message = answer.error_message.as_deref().filter(|it| !it.is_empty());
        Err(self.refused(Refusal(code, message).to_string()))
    }

    async fn say_once(&self, message: Bytes) -> Result<SaslAuthenticateResponse, KafkaError> {
        let answer = self.say(message).await?;
        if answer.auth_bytes.is_empty() {
            return Ok(answer);
        }
        // RFC 7628: a failure is told first in a challenge, which the client has to acknowledge.
        self.say(Bytes::from_static(b"\x01")).await?;
        Err(self.refused("it asked for more than one message"))
    }
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
        assert_eq!(plain.only_message().unwrap().unwrap(), "\0 admin\0pw");
        let bearer = Credential::OauthBearer { token: Secret::new("a.b.c".to_owned()) };
        let message = bearer.only_message().unwrap().unwrap();
        assert_eq!(message, "n,,\x01auth=Bearer a.b.c\x01\x01");
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
            assert!(credential.only_message().is_err(), "{credential:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let plain =
            Credential::Plain { username: "u".to_owned(), password: Secret::new("hunter2".into()) };
        assert!(!format!("{plain:?}").contains("hunter2"));
    }
}
