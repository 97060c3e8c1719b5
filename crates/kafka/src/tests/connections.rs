//! Which broker is asked, in which version, and as whom.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use model::{NodeId, Secret};

use crate::tests::fake::{Asked, Fake, Reply, versions};
use crate::tests::{TIMEOUT, admin, admin_as, closed};
use crate::{Credential, ErrorCode, KafkaError, sasl_mechanisms};

#[tokio::test]
async fn the_next_call_reconnects() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::DescribeCluster, 0) => Reply::Close,
        _ => asked.healthy(),
    })
    .await;
    let admin = admin(&[&fake.address]);
    let error = admin.describe_cluster().await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");
    assert_eq!(admin.describe_cluster().await.unwrap().brokers[0].id, NodeId(1));
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn a_dead_and_a_hanging_bootstrap_address_are_skipped() {
    let hanging = Fake::start(|_| Reply::Silence).await;
    let fake = Fake::start(Asked::healthy).await;
    let admin = admin(&[&closed().await, &hanging.address, &fake.address]);
    admin.describe_cluster().await.unwrap();
    // Now the good one is known.
    let started = Instant::now();
    admin.describe_cluster().await.unwrap();
    assert!(started.elapsed() < TIMEOUT / 4);
    assert_eq!(hanging.connections(), 1);
}

#[tokio::test]
async fn a_broker_that_stops_answering_leaves_time_for_another() {
    let hanging = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::DescribeCluster, 1..) => Reply::Silence,
        _ => asked.healthy(),
    })
    .await;
    let fake = Fake::start(Asked::healthy).await;
    let admin = admin(&[&hanging.address, &fake.address]);
    admin.describe_cluster().await.unwrap();
    assert_eq!(fake.connections(), 0);
    admin.describe_cluster().await.unwrap();
    assert_eq!(fake.requests(ApiKey::DescribeCluster), 1);
}

#[tokio::test]
async fn a_cluster_that_is_down_is_told_at_once() {
    let address = closed().await;
    let started = Instant::now();
    let error = admin(&[&address]).describe_cluster().await.unwrap_err();
    assert!(matches!(error, KafkaError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot reach Kafka at {address}"));
    assert!(started.elapsed() < TIMEOUT / 2);
}

#[tokio::test]
async fn no_version_in_common_is_said_so() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::ApiVersions => {
            asked.answer::<ApiVersionsRequest>(&versions(&[(ApiKey::DescribeCluster, 0, 1)]))
        }
        _ => asked.healthy(),
    })
    .await;
    let error = admin(&[&fake.address]).describe_cluster().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no common version of DescribeCluster with Kafka at {}: this client has 2..2, the \
             broker 0..1",
            fake.address
        )
    );
    assert_eq!(fake.requests(ApiKey::DescribeCluster), 0);
}

#[tokio::test]
async fn an_older_broker_is_asked_again_for_its_versions_in_its_own() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::ApiVersions, 0) => {
            let refusal = versions(&[(ApiKey::ApiVersions, 0, 2)])
                .with_error_code(ErrorCode::UnsupportedVersion.code());
            asked.in_version::<ApiVersionsRequest>(&refusal, 0)
        }
        _ => asked.healthy(),
    })
    .await;
    admin(&[&fake.address]).describe_cluster().await.unwrap();
    assert_eq!(fake.requests(ApiKey::ApiVersions), 2);
}

#[tokio::test]
async fn a_refused_login_is_told_without_the_secret_and_not_repeated_elsewhere() {
    let refusing = |asked: &Asked| match asked.api {
        ApiKey::SaslAuthenticate => {
            let request: SaslAuthenticateRequest = asked.request();
            assert_eq!(request.auth_bytes, Bytes::from_static(b"\0 admin\0hunter2"));
            let code = ErrorCode::SaslAuthenticationFailed.code();
            let message = StrBytes::from_static_str("Invalid username or password");
            asked.answer::<SaslAuthenticateRequest>(
                &SaslAuthenticateResponse::default()
                    .with_error_code(code)
                    .with_error_message(Some(message)),
            )
        }
        _ => asked.healthy(),
    };
    let (first, second) = (Fake::start(refusing).await, Fake::start(refusing).await);
    let error = admin(&[&first.address, &second.address]).describe_cluster().await.unwrap_err();
    assert!(matches!(error, KafkaError::Authentication { mechanism: "PLAIN", .. }), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("hunter2"));
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn a_refused_token_is_acknowledged_as_rfc_7628_wants() {
    let fake = Fake::start(|asked| match (asked.api, asked.nth) {
        (ApiKey::SaslAuthenticate, 0) => asked.answer::<SaslAuthenticateRequest>(
            &SaslAuthenticateResponse::default()
                .with_auth_bytes(Bytes::from_static(b"{\"status\":\"invalid_token\"}")),
        ),
        (ApiKey::SaslAuthenticate, _) => {
            assert_eq!(asked.request::<SaslAuthenticateRequest>().auth_bytes, b"\x01"[..]);
            let code = ErrorCode::SaslAuthenticationFailed.code();
            let response = SaslAuthenticateResponse::default().with_error_code(code);
            asked.answer::<SaslAuthenticateRequest>(&response)
        }
        _ => asked.healthy(),
    })
    .await;
    let bearer = Credential::OauthBearer { token: Secret::new("a.b.c".to_owned()) };
    let error = admin_as(bearer, &[&fake.address]).describe_cluster().await.unwrap_err();
    let KafkaError::Authentication { mechanism: "OAUTHBEARER", reason, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(reason, "SASL_AUTHENTICATION_FAILED");
    assert_eq!(fake.requests(ApiKey::SaslAuthenticate), 2);
}

#[tokio::test]
async fn a_new_connection_is_made_before_the_login_runs_out() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::SaslAuthenticate => asked.answer::<SaslAuthenticateRequest>(
            &SaslAuthenticateResponse::default().with_session_lifetime_ms(100),
        ),
        _ => asked.healthy(),
    })
    .await;
    let admin = admin(&[&fake.address]);
    admin.describe_cluster().await.unwrap();
    admin.describe_cluster().await.unwrap();
    assert_eq!(fake.connections(), 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    admin.describe_cluster().await.unwrap();
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn a_probe_lists_mechanisms_and_never_logs_in() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::SaslHandshake => asked.answer::<SaslHandshakeRequest>(
            &SaslHandshakeResponse::default()
                .with_error_code(ErrorCode::UnsupportedSaslMechanism.code())
                .with_mechanisms(vec![StrBytes::from_static_str("PLAIN")]),
        ),
        _ => asked.healthy(),
    })
    .await;
    assert_eq!(sasl_mechanisms(&fake.address, TIMEOUT).await.unwrap(), ["PLAIN"]);
    assert_eq!(fake.requests(ApiKey::SaslAuthenticate), 0);
}
