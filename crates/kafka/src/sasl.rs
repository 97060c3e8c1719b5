//! Who we are to a broker, and how it is told: SASL PLAIN and OAUTHBEARER, one message each, and
//! SCRAM, two.

pub(crate) mod probe;
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
use crate::connection::{Connection, Failed};
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

    const fn secret(&self) -> &Secret {
        match self {
            Self::Plain { password, .. } | Self::Scram { password, .. } => password,
            Self::OauthBearer { token } => token,
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

/// How a login failed, by what that says of the credential.
#[derive(Debug)]
pub(crate) enum LoginFailed {
    /// Nothing: the listener does not take its mechanism, only these.
    NotOffered(Vec<String>),
    /// The broker looked at it and refuses it, in these words.
    Refused(String),
    /// Nothing.
    Broken(KafkaError),
}

impl From<KafkaError> for LoginFailed {
    fn from(error: KafkaError) -> Self {
        Self::Broken(error)
    }
}

impl From<Failed> for LoginFailed {
    fn from(failed: Failed) -> Self {
        Self::Broken(failed.error)
    }
}

/// Logs in, and says how long that is good for; without end if `None`.
pub(crate) async fn login(
    connection: &Connection,
    credential: &Credential,
    deadline: Instant,
) -> Result<Option<Duration>, KafkaError> {
    let login = Login { connection, credential, deadline };
    login.log_in().await.map_err(|failed| match failed {
        LoginFailed::NotOffered(offered) => {
            login.failed(not_offered(ErrorCode::UnsupportedSaslMechanism, &offered))
        }
        LoginFailed::Refused(reason) => login.failed(reason),
        LoginFailed::Broken(error) => error,
    })
}

fn not_offered(code: ErrorCode, offered: &[String]) -> String {
    format!("{}, the listener offers [{}]", Refusal(code, None), offered.join(", "))
}

/// A login on a connection that had none.
struct Login<'a> {
    connection: &'a Connection,
    credential: &'a Credential,
    deadline: Instant,
}

impl Login<'_> {
    async fn log_in(&self) -> Result<Option<Duration>, LoginFailed> {
        let only = self.credential.only_message()?;
        self.handshake().await?;
        let answer = match (self.credential, only) {
            (Credential::Scram { mechanism, username, password }, _) => {
                scram::log_in(self, *mechanism, username, password).await?
            }
            (_, only) => self.say_once(only.unwrap_or_default()).await?,
        };
        let lifetime = u64::try_from(answer.session_lifetime_ms).unwrap_or(0);
        Ok((lifetime > 0).then(|| Duration::from_millis(lifetime)))
    }

    async fn handshake(&self) -> Result<(), LoginFailed> {
        let mechanism = StrBytes::from_static_str(self.credential.mechanism());
        let request = SaslHandshakeRequest::default().with_mechanism(mechanism);
        let answer = self.connection.call(&request, 1, self.deadline).await?;
        let offered: Vec<String> = answer.mechanisms.iter().map(ToString::to_string).collect();
        match ErrorCode::try_from_code(answer.error_code) {
            None => Ok(()),
            Some(ErrorCode::UnsupportedSaslMechanism) => Err(LoginFailed::NotOffered(offered)),
            Some(code) => Err(self.failed(not_offered(code, &offered)).into()),
        }
    }

    fn failed(&self, reason: impl Into<String>) -> KafkaError {
        KafkaError::Authentication {
            address: self.connection.address().to_owned(),
            mechanism: self.credential.mechanism(),
            reason: reason.into(),
        }
    }

    /// Says the next message of the mechanism. A refusal is an error.
    async fn say(&self, message: Bytes) -> Result<SaslAuthenticateResponse, LoginFailed> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message);
        let answer = self.connection.call(&request, 0, self.deadline).await?;
        let Some(code) = ErrorCode::try_from_code(answer.error_code) else { return Ok(answer) };
        let message = answer.error_message.as_deref().and_then(|it| self.quotable(it));
        let reason = Refusal(code, message).to_string();
        // `SaslServerAuthenticator#handleSaslToken` says this, and nothing else, when it has looked
        // at the credential; also when it could not finish, which it does not tell apart.
        if code == ErrorCode::SaslAuthenticationFailed {
            return Err(LoginFailed::Refused(reason));
        }
        Err(self.failed(reason).into())
    }

    async fn say_once(&self, message: Bytes) -> Result<SaslAuthenticateResponse, LoginFailed> {
        let answer = self.say(message).await?;
        if answer.auth_bytes.is_empty() {
            return Ok(answer);
        }
        if !matches!(self.credential, Credential::OauthBearer { .. }) {
            return Err(self.failed("it asked for more than one message").into());
        }
        // RFC 7628, 3.2.2 and 3.2.3: a refusal is told first in a challenge, without an error code,
        // and the client has to acknowledge it. Kafka then repeats it with the code. The token is
        // refused whether or not it comes to that.
        match self.say(Bytes::from_static(b"\x01")).await {
            Err(LoginFailed::Refused(reason)) => Err(LoginFailed::Refused(reason)),
            Ok(_) | Err(_) => {
                let told = String::from_utf8_lossy(&answer.auth_bytes);
                let told = self.quotable(&told).unwrap_or("it sent a challenge");
                Err(LoginFailed::Refused(told.to_owned()))
            }
        }
    }

    /// The broker's words, if there are some and the secret is not among them.
    fn quotable<'a>(&self, said: &'a str) -> Option<&'a str> {
        let secret = self.credential.secret().expose();
        let quotes = !secret.is_empty() && said.contains(secret);
        (!said.is_empty() && !quotes).then_some(said)
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
