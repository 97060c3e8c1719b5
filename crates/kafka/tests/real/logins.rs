//! What a login probe is told by a real listener.

use std::time::Duration;

use kafka::{Credential, KafkaError, LoginOutcome, ScramMechanism, sasl_mechanisms, try_login};
use model::Secret;

use crate::stage::Stage;

const PATIENCE: Duration = Duration::from_secs(10);

fn plain(username: &str) -> Credential {
    let password = Secret::new("wrong-password".to_owned());
    Credential::Plain { username: username.to_owned(), password }
}

fn scram(username: &str, password: &str) -> Credential {
    let password = Secret::new(password.to_owned());
    let mechanism = ScramMechanism::Sha512;
    Credential::Scram { mechanism, username: username.to_owned(), password }
}

fn bearer(token: &str) -> Credential {
    Credential::OauthBearer { token: Secret::new(token.to_owned()) }
}

#[tokio::test]
async fn the_internal_listener_accepts_refuses_and_does_not_offer() {
    let stage = Stage::new("probe");
    for address in stage.bootstrap.split(',') {
        let outcome = try_login(address, &stage.credential, PATIENCE).await.unwrap();
        assert_eq!(outcome, LoginOutcome::Accepted);
        for username in [model::Principal::ADMIN, " nobody"] {
            let outcome = try_login(address, &plain(username), PATIENCE).await.unwrap();
            let LoginOutcome::Refused(reason) = outcome else { panic!("{outcome:?}") };
            assert!(reason.starts_with("SASL_AUTHENTICATION_FAILED"), "{reason}");
            assert!(!reason.contains("wrong-password"), "{reason}");
        }
        let outcome = try_login(address, &bearer("a.b.c"), PATIENCE).await.unwrap();
        assert_eq!(outcome, LoginOutcome::NotOffered(vec!["PLAIN".to_owned()]));
    }
}

#[tokio::test]
async fn a_scram_password_is_told_from_a_wrong_one() {
    let stage = Stage::new("probe-scram");
    let listener = stage.client_listener().await;
    let (user, password) = (stage.prefix.as_str(), Secret::new("geheim-2".to_owned()));
    stage.admin.upsert_scram(user, ScramMechanism::Sha512, &password).await.unwrap();
    let right = scram(user, password.expose());
    // A broker refuses a password until it has learnt of it.
    let accepted =
        async || try_login(&listener, &right, PATIENCE).await.unwrap() == LoginOutcome::Accepted;
    stage.until("the password is known", accepted).await;
    for wrong in [scram(user, "geheim-3"), scram("real-nobody", "geheim-2")] {
        let outcome = try_login(&listener, &wrong, PATIENCE).await.unwrap();
        assert!(matches!(outcome, LoginOutcome::Refused(_)), "{outcome:?}");
    }
    // The user stays, since a removal can cost others theirs (`Admin::delete_scram`). It may nothing.
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_where_tokens_are_taken() {
    let stage = Stage::new("probe-token");
    let listener = stage.client_listener().await;
    let offered = sasl_mechanisms(&listener, PATIENCE).await.unwrap();
    let outcome = try_login(&listener, &bearer("e30.e30.e30"), PATIENCE).await.unwrap();
    if offered.iter().any(|it| it == "OAUTHBEARER") {
        let reason = r#"SASL_AUTHENTICATION_FAILED: {"status":"invalid_token"}"#;
        assert_eq!(outcome, LoginOutcome::Refused(reason.to_owned()));
    } else {
        assert_eq!(outcome, LoginOutcome::NotOffered(offered));
    }
}

#[tokio::test]
async fn nobody_there_is_no_outcome() {
    let stage = Stage::new("probe-away");
    let address = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let error = try_login(&address, &stage.credential, PATIENCE).await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");
}
