//! What a login probe makes of what a listener says.

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiKey, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use model::Secret;

use crate::tests::fake::{Asked, Fake, Reply};
use crate::tests::{TIMEOUT, closed};
use crate::{Credential, ErrorCode, KafkaError, LoginOutcome, try_login};

const INVALID_TOKEN: &str = r#"{"status":"invalid_token"}"#;

fn plain() -> Credential {
    let password = Secret::new("hunter2".to_owned());
    Credential::Plain { username: model::Principal::ADMIN.to_owned(), password }
}

fn bearer() -> Credential {
    Credential::OauthBearer { token: Secret::new("a.b.c".to_owned()) }
}

/// A broker that answers the messages of a login with these, and then hangs up.
async fn saying(answers: Vec<SaslAuthenticateResponse>) -> Fake {
    Fake::start(move |asked| match asked.api {
        ApiKey::SaslAuthenticate => answers
            .get(asked.nth)
            .map_or(Reply::Close, |it| asked.answer::<SaslAuthenticateRequest>(it)),
        _ => asked.healthy(),
    })
    .await
}

fn good() -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
}

fn bad(code: ErrorCode, message: &str) -> SaslAuthenticateResponse {
    let message = StrBytes::from_string(message.to_owned());
    good().with_error_code(code.code()).with_error_message(Some(message))
}

fn challenge(text: &str) -> SaslAuthenticateResponse {
    good().with_auth_bytes(Bytes::copy_from_slice(text.as_bytes()))
}

async fn tried(fake: &Fake, credential: &Credential) -> Result<LoginOutcome, KafkaError> {
    try_login(&fake.address, credential, TIMEOUT).await
}

fn refused(reason: &str) -> LoginOutcome {
    LoginOutcome::Refused(reason.to_owned())
}

#[tokio::test]
async fn a_credential_that_is_let_in_is_accepted_and_its_connection_closed() {
    for credential in [plain(), bearer()] {
        let fake = saying(vec![good()]).await;
        assert_eq!(tried(&fake, &credential).await.unwrap(), LoginOutcome::Accepted);
        fake.left_alone().await;
        assert_eq!((fake.connections(), fake.requests(ApiKey::SaslAuthenticate)), (1, 1));
    }
}

#[tokio::test]
async fn a_refused_password_is_told_in_the_brokers_words_and_its_connection_closed() {
    let words = "Authentication failed: Invalid username or password";
    let fake = saying(vec![bad(ErrorCode::SaslAuthenticationFailed, words)]).await;
    let outcome = tried(&fake, &plain()).await.unwrap();
    assert_eq!(outcome, refused(&format!("SASL_AUTHENTICATION_FAILED: {words}")));
    fake.left_alone().await;
}

#[tokio::test]
async fn a_refused_token_is_refused_whatever_becomes_of_its_acknowledgement() {
    let coded = bad(ErrorCode::SaslAuthenticationFailed, INVALID_TOKEN);
    let in_full = format!("SASL_AUTHENTICATION_FAILED: {INVALID_TOKEN}");
    for (answers, reason) in [
        (vec![challenge(INVALID_TOKEN), coded], in_full.as_str()),
        (vec![challenge(INVALID_TOKEN)], INVALID_TOKEN),
        (vec![challenge(INVALID_TOKEN), good()], INVALID_TOKEN),
        (vec![challenge(INVALID_TOKEN), bad(ErrorCode::IllegalSaslState, "")], INVALID_TOKEN),
    ] {
        let fake = saying(answers).await;
        assert_eq!(tried(&fake, &bearer()).await.unwrap(), refused(reason));
        assert_eq!(fake.requests(ApiKey::SaslAuthenticate), 2);
    }
}

#[tokio::test]
async fn words_that_hold_the_secret_are_not_repeated() {
    let failed = ErrorCode::SaslAuthenticationFailed;
    let fake = saying(vec![bad(failed, "who has a password like hunter2?")]).await;
    assert_eq!(tried(&fake, &plain()).await.unwrap(), refused("SASL_AUTHENTICATION_FAILED"));
    let fake = saying(vec![challenge("no such token: a.b.c")]).await;
    assert_eq!(tried(&fake, &bearer()).await.unwrap(), refused("it sent a challenge"));
    let fake = saying(vec![bad(ErrorCode::UnknownServerError, "hunter2")]).await;
    let error = tried(&fake, &plain()).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

fn handshake(asked: &Asked, code: ErrorCode) -> Reply {
    let mechanisms = ["SCRAM-SHA-512", "PLAIN"].map(StrBytes::from_static_str).to_vec();
    let answer = SaslHandshakeResponse::default().with_error_code(code.code());
    asked.answer::<SaslHandshakeRequest>(&answer.with_mechanisms(mechanisms))
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_no_refusal_and_no_secret_is_sent() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::SaslHandshake => handshake(asked, ErrorCode::UnsupportedSaslMechanism),
        _ => asked.healthy(),
    })
    .await;
    let offered = vec!["SCRAM-SHA-512".to_owned(), "PLAIN".to_owned()];
    assert_eq!(tried(&fake, &bearer()).await.unwrap(), LoginOutcome::NotOffered(offered));
    assert_eq!(fake.requests(ApiKey::SaslAuthenticate), 0);
}

#[tokio::test]
async fn what_is_no_word_on_the_credential_is_an_error() {
    let address = closed().await;
    let error = try_login(&address, &plain(), TIMEOUT).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");

    for silent in [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate] {
        let fake = Fake::start(
            move |asked| {
                if asked.api == silent { Reply::Silence } else { asked.healthy() }
            },
        )
        .await;
        let error = try_login(&fake.address, &bearer(), TIMEOUT / 4).await.unwrap_err();
        assert!(matches!(error, KafkaError::Timeout { .. }), "{error:?}");
        fake.left_alone().await;
    }

    let error = tried(&saying(vec![]).await, &plain()).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");

    for odd in [bad(ErrorCode::IllegalSaslState, "not now"), challenge("and then?")] {
        let error = tried(&saying(vec![odd]).await, &plain()).await.unwrap_err();
        assert!(matches!(error, KafkaError::Authentication { .. }), "{error:?}");
    }

    let fake = Fake::start(|asked| match asked.api {
        ApiKey::SaslHandshake => handshake(asked, ErrorCode::IllegalSaslState),
        _ => asked.healthy(),
    })
    .await;
    let error = tried(&fake, &plain()).await.unwrap_err();
    assert!(matches!(error, KafkaError::Authentication { .. }), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_said_is_not_tried() {
    let fake = saying(vec![]).await;
    let broken = Credential::OauthBearer { token: Secret::new("two\nlines".to_owned()) };
    let error = tried(&fake, &broken).await.unwrap_err();
    assert!(matches!(error, KafkaError::Invalid(_)), "{error:?}");
    assert_eq!(fake.requests(ApiKey::SaslHandshake), 0);
}
