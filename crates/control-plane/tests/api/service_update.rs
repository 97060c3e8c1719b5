//! Changing services.

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::issuer::{Issuer, JwksFault};
use tokio::task::JoinSet;

use crate::harness::{Api, SERVICE};

fn oidc(jwks_url: &str) -> Value {
    json!({ "kafka": {
        "sasl_oauthbearer_jwks_endpoint_url": jwks_url,
        "sasl_oauthbearer_expected_issuer": "http://127.0.0.1:8090",
        "sasl_oauthbearer_expected_audience": "my-audience, another-audience",
        "sasl_oauthbearer_sub_claim_name": "custom-sub",
    }})
}

async fn revision(api: &Api) -> String {
    let service = api.service().await;
    let revision = api.store.nodes.revision(&service.target).await.unwrap().unwrap();
    revision.server_properties + &revision.jvm_options.join("\n")
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn oidc_starts_a_rolling_restart_at_once(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    let url = issuer.issuer.jwks_url();
    let mut answer = api.update(oidc(&url)).await.ok();
    assert_eq!(answer["service"]["state"], "REBUILDING");
    let id = answer["tidegate"]["rollout"]["id"].take();
    assert_eq!(id, api.active().await.id.to_string());
    assert_eq!(answer["message"], "updated");
    let diff = answer["tidegate"]["diff"].take();
    let option = "user_config.kafka.sasl_oauthbearer_jwks_endpoint_url";
    let told = diff.as_array().unwrap().iter().find(|it| it["key"] == option).unwrap();
    assert_eq!((&told["before"], &told["after"]), (&Value::Null, &json!(url)));
    insta::assert_json_snapshot!(answer["tidegate"]);
    assert!(revision(&api).await.contains(&url));
    api.finish_rollout().await;
    assert_eq!(api.get(SERVICE).await.ok()["service"]["state"], "RUNNING");

    // Off again: the URL stays allowed, so that nodes of either revision may be started.
    let off = json!({ "kafka": { "sasl_oauthbearer_jwks_endpoint_url": null } });
    let answer = api.update(off).await.ok();
    assert_eq!(answer["service"]["state"], "REBUILDING");
    assert!(!revision(&api).await.contains("oauthbearer.jwks"));
    assert_eq!(api.service().await.previous_jwks_url, Some(url));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn the_previous_jwks_url_stays_allowed_until_the_next_one(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuers = (Issuer::serve().await.unwrap(), Issuer::serve().await.unwrap());
    let (one, two) = (issuers.0.issuer.jwks_url(), issuers.1.issuer.jwks_url());
    api.update(oidc(&one)).await.ok();
    assert_eq!(api.service().await.previous_jwks_url, None);
    api.update(oidc(&two)).await.ok();
    assert_eq!(api.service().await.previous_jwks_url, Some(one.clone()));
    assert!(revision(&api).await.contains(&format!("{two},{one}")));
    // Something else changes: both stay.
    api.update(json!({ "kafka": { "log_roll_ms": 3_600_000 } })).await.ok();
    assert_eq!(api.service().await.previous_jwks_url, Some(one));
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_partial_update_is_merged_and_null_removes(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    api.update(json!({ "kafka": { "message_max_bytes": 2_000_000, "log_roll_ms": 7_200_000 } }))
        .await
        .ok();
    let answer = api
        .update(json!({ "kafka": { "log_roll_ms": null }, "kafka_rest_authorization": true }))
        .await
        .ok();
    assert_eq!(
        Value::Object(api.service().await.user_config),
        json!({
            "kafka": { "message_max_bytes": 2_000_000 },
            "kafka_authentication_methods": { "sasl": true },
            "kafka_rest": true,
            "kafka_rest_authorization": true,
        })
    );
    assert_eq!(answer["service"]["user_config"]["schema_registry"], false);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_update_that_changes_nothing_writes_nothing(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    api.put(SERVICE, json!({ "maintenance": { "dow": "sunday", "time": "03:00:00" } })).await.ok();
    let before = api.service().await;
    let events = api.get("/v1/project/dev/events").await.ok();
    for body in [
        json!({ "plan": "business-4", "user_config": {} }),
        json!({ "user_config": { "kafka_rest": true, "kafka": { "log_roll_ms": null } } }),
        json!({ "powered": true, "cloud": null, "termination_protection": false }),
        json!({ "maintenance": { "dow": "sunday", "time": null }, "project_vpc_id": null }),
        json!({ "cloud": "self-hosted" }),
    ] {
        let answer = api.put(SERVICE, body.clone()).await.ok();
        assert_eq!(answer["service"]["state"], "RUNNING", "{body}");
        assert_eq!(answer["tidegate"]["impact"]["rolling_restart"], json!([]));
    }
    let after = api.service().await;
    assert_eq!((after.target, after.state), (before.target, before.state));
    assert_eq!(after.generation, before.generation);
    assert_eq!(api.get("/v1/project/dev/events").await.ok(), events);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn rest_authorization_restarts_nothing_and_warns_when_it_goes_off(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.update(json!({ "kafka_rest_authorization": true })).await.ok();
    assert_eq!(answer["service"]["state"], "RUNNING");
    assert_eq!(
        answer["tidegate"]["impact"],
        json!({ "rolling_restart": [], "dynamic": [], "proxy_reload": ["kafka_rest_authorization"] })
    );
    let types = async || {
        let events = api.get("/v1/project/dev/events?limit=1").await.ok();
        events["events"][0]["event_type"].as_str().unwrap().to_owned()
    };
    assert_eq!(types().await, "service_update");
    api.update(json!({ "kafka_rest_authorization": false })).await.ok();
    assert_eq!(types().await, "service_warning");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn a_dynamic_option_restarts_nothing(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.update(json!({ "kafka": { "message_max_bytes": 1_500_000 } })).await.ok();
    assert_eq!(answer["service"]["state"], "RUNNING");
    assert_eq!(answer["tidegate"]["impact"]["dynamic"], json!(["message.max.bytes"]));
    assert_eq!(api.service().await.dynamic_config["message.max.bytes"], "1500000");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_would_break_the_brokers_is_refused_with_key_value_and_rule(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let before = api.service().await;
    let mut answers = Vec::new();
    for config in [
        oidc("http://idp.example.com/jwks"),
        oidc("https://idp.example.com/\njwks"),
        json!({ "kafka_sasl_mechanisms": { "scram_sha_256": false, "scram_sha_512": false } }),
        json!({ "kafka": { "bogus": 1 } }),
        json!({ "kafka": { "message_max_bytes": -1 } }),
        json!({ "kafka": { "message_max_bytes": "big", "log_roll_ms": 0 } }),
        json!({ "kafka": { "default_replication_factor": 4 } }),
        json!({ "kafka": { "sasl_oauthbearer_jwks_endpoint_url": "https://idp.example.com/jwks" } }),
        json!({ "kafka_rest": "yes" }),
    ] {
        answers.push(api.update(config).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
    assert_eq!(api.service().await, before);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_address_that_gives_no_keys_is_refused(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let before = api.service().await;
    let issuer = Issuer::serve().await.unwrap();
    let url = issuer.issuer.jwks_url();
    let mut answers = Vec::new();
    for (fault, name) in JwksFault::ALL.into_iter().filter(|(it, _)| *it != JwksFault::None) {
        issuer.issuer.set_jwks_fault(fault);
        answers.push(format!("{name}: {}", api.update(oidc(&url)).await.brief()));
    }
    drop(issuer);
    // Nobody listens on port 1.
    let nobody = api.update(oidc("http://127.0.0.1:1/jwks")).await.brief();
    answers.push(nobody);
    let answers = answers.join("\n").replace(&url, "[url]");
    insta::assert_snapshot!(answers);
    assert_eq!(api.service().await, before);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn keys_are_only_asked_for_when_oidc_changes(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let issuer = Issuer::serve().await.unwrap();
    api.update(oidc(&issuer.issuer.jwks_url())).await.ok();
    issuer.issuer.set_jwks_fault(JwksFault::Unreachable500);
    let asked = issuer.issuer.jwks_requests();
    api.update(json!({ "kafka_rest_authorization": true })).await.ok();
    api.update(json!({ "kafka": { "message_max_bytes": 1_500_000 } })).await.ok();
    assert_eq!(issuer.issuer.jwks_requests(), asked);
    let other = json!({ "kafka": { "sasl_oauthbearer_sub_claim_name": "sub" } });
    assert_eq!(api.update(other).await.status, StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn every_problem_is_told_at_once(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let answer = api.update(json!({ "kafka": { "bogus": 1, "message_max_bytes": -1 } })).await;
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    for error in errors {
        assert_eq!(error["status"], 400);
        assert!(answer.brief().contains(error["message"].as_str().unwrap()));
    }
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn updates_at_the_same_time_all_take_effect(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let options = [
        ("log_roll_ms", 3_600_000),
        ("message_max_bytes", 1_500_000),
        ("log_segment_bytes", 20_000_000),
        ("log_retention_hours", 48),
        ("num_partitions", 3),
        ("log_index_interval_bytes", 5000),
    ];
    let mut updates = JoinSet::new();
    for (option, value) in options {
        let api = api.clone();
        updates.spawn(async move { api.update(json!({ "kafka": { option: value } })).await.ok() });
    }
    updates.join_all().await;
    let service = api.service().await;
    for (option, value) in options {
        assert_eq!(service.user_config["kafka"][option], value, "{option}");
    }
    let rendered = revision(&api).await;
    let takes = |line: &str| rendered.contains(line) || service.dynamic_config.contains_key(line);
    assert!(takes("log.segment.bytes") && takes("message.max.bytes"), "{rendered}");
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn what_is_not_offered_is_refused_clearly(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    let mut answers = Vec::new();
    for body in [
        json!({ "plan": "startup-9" }),
        json!({ "cloud": "aws-eu-west-1" }),
        json!({ "disk_space_mb": 1024 }),
        json!({ "maintenance": { "dow": "someday" } }),
        json!({ "maintenance": { "time": "3 o'clock" } }),
        json!({ "user_config": [] }),
    ] {
        answers.push(api.put(SERVICE, body).await.brief());
    }
    insta::assert_debug_snapshot!(answers);
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn settings_beside_the_configuration_are_kept(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    api.put(SERVICE, json!({ "maintenance": { "dow": "sunday", "time": "03:00:00" } })).await.ok();
    let answer = api
        .put(SERVICE, json!({ "maintenance": { "dow": "monday" }, "termination_protection": true }))
        .await
        .ok();
    let service = &answer["service"];
    assert_eq!(service["maintenance"]["dow"], "monday");
    assert_eq!(service["maintenance"]["time"], "03:00:00");
    assert_eq!(service["termination_protection"], true);
    assert_eq!(service["state"], "RUNNING");
}

/// The issuer of the development identity provider, which has metadata.
fn of_issuer(issuer: &Issuer, named: &str, keys: &str) -> Value {
    let mut config = oidc(keys);
    config["kafka"]["sasl_oauthbearer_expected_issuer"] = json!(named);
    assert!(named.starts_with(issuer.url()));
    config
}

#[sqlx::test(migrator = "store::MIGRATIONS")]
async fn an_issuer_is_compared_with_its_own_metadata(pool: PgPool) {
    let api = Api::with_service(&pool).await;
    // No warning of another kind.
    api.update(json!({ "kafka_rest": false })).await.ok();
    let (one, two) = (Issuer::serve().await.unwrap(), Issuer::serve().await.unwrap());
    let (url, keys) = (one.issuer.url().to_owned(), one.issuer.jwks_url());
    // What its tokens have in `iss` has no slash at the end.
    let refused = api.update(of_issuer(&one.issuer, &format!("{url}/"), &keys)).await;
    let key = "kafka.sasl_oauthbearer_expected_issuer";
    assert_eq!(
        refused.brief(),
        format!(
            "400 Invalid 'user_config': {key}: \"{url}/\" is not accepted: the metadata is of another \
             issuer; it must be the issuer of the metadata at its address, byte for byte"
        )
    );
    let others = api.update(of_issuer(&one.issuer, &url, &two.issuer.jwks_url())).await.ok();
    let warning = others["tidegate"]["warnings"][0].as_str().unwrap();
    assert!(warning.contains("the issuer's own metadata says that its keys are at"), "{warning}");
    let events = api.get("/v1/project/dev/events?limit=10").await.ok();
    assert!(events.to_string().contains("its keys are at"), "{events}");
    let own = api.update(of_issuer(&one.issuer, &url, &keys)).await.ok();
    assert_eq!(own["tidegate"]["warnings"], json!([]));
}
