//! What is remembered of requests that Kafka let through, and of whose.

use model::{RestSettings, SeenUse};
use testkit::issuer::{Defect, Issuer, TokenRequest};

use super::on_mock::{consumer, instance, on_mock, produce, read};
use super::*;

/// Everything that was seen, in words.
fn seen(app: &App) -> Vec<String> {
    let mut seen: Vec<String> = app.seen.due(true).uses.iter().map(words).collect();
    seen.sort();
    seen
}

fn words(it: &SeenUse) -> String {
    let name = it.principal.as_ref().map_or("nobody", |it| it.0.as_str());
    let proof = if it.proven { "proven" } else { "said" };
    let (operation, kind) = (it.operation.as_str(), it.resource_type.as_str());
    format!("{name} ({proof}): {operation} {kind} {}", it.resource_name)
}

async fn get_as(app: &App, path: &str, authorization: &str) -> u16 {
    let request = Request::get(path).header(AUTHORIZATION, authorization);
    send(app, request.body(Body::empty()).unwrap()).await.status.as_u16()
}

#[tokio::test]
async fn with_authorization_off_callers_are_remembered_as_who_they_would_be_and_all_get_in() {
    let idp = Issuer::serve().await.unwrap();
    let wanted = RestSettings { authorization: false, ..testing::secured("127.0.0.1:1", &idp) };
    let app = testing::app(wanted);
    let active = app.settings.active().unwrap();
    let good = idp.issuer.mint(&TokenRequest::of("alice")).unwrap();
    // Now the keys are at hand.
    active.verifier.as_ref().unwrap().verify(&good).await.unwrap();
    let mut callers = vec![
        format!("Bearer {good}"),
        "Basic Ym9iOnB3".to_owned(),     // bob:pw
        "Basic IGFkbWluOnB3".to_owned(), // ' admin', who cannot be a service user
        "Basic ?".to_owned(),
        "Digest x".to_owned(),
    ];
    for (defect, _) in Defect::ALL {
        let bad = idp.issuer.mint(&TokenRequest::of("mallory").defect(defect)).unwrap();
        callers.push(format!("Bearer {bad}"));
    }
    for caller in callers.iter().chain(&callers) {
        assert_eq!(get_as(&app, "/topics/orders", caller).await, 200, "{caller}");
        assert_eq!(get_as(&app, "/topics/nope", caller).await, 404, "{caller}");
    }
    assert_eq!(
        seen(&app),
        [
            "alice (proven): Describe Topic orders",
            "bob (said): Describe Topic orders",
            "nobody (said): Describe Topic orders"
        ]
    );
    let claims = app.seen.due(true).claims;
    assert_eq!(claims.len(), 1, "{claims:?}");
    assert_eq!(claims[0].principal.0, "alice");
    assert_eq!(claims[0].claims["client_id"], "alice");
}

#[tokio::test]
async fn with_authorization_on_whoever_got_in_is_remembered_and_nobody_else() {
    let idp = Issuer::serve().await.unwrap();
    let app = testing::app(testing::secured("127.0.0.1:1", &idp));
    let good = idp.issuer.mint(&TokenRequest::of("alice")).unwrap();
    let bad = TokenRequest::of("mallory").defect(Defect::ALL[0].0);
    let bad = idp.issuer.mint(&bad).unwrap();
    assert_eq!(get_as(&app, "/topics/orders/partitions/1", &format!("Bearer {bad}")).await, 401);
    assert_eq!(get(&app, "/topics/orders/partitions").await.status.as_u16(), 401);
    assert_eq!(get_as(&app, "/topics/orders/partitions", &format!("Bearer {good}")).await, 200);
    assert_eq!(seen(&app), ["alice (proven): Describe Topic orders"]);
    assert_eq!(app.seen.due(true).claims[0].principal.0, "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_asks_for_is_what_is_remembered() {
    let (app, _cluster) = on_mock();
    post(&app, "/topics/nope", &json!({"records": [{"value": 1}]})).await;
    post(&app, "/topics/orders", &json!({"records": [{"value": 1, "partition": 7}]})).await;
    let base = consumer(&app, json!({"auto.offset.reset": "earliest"})).await;
    assert_eq!(seen(&app), [""; 0], "nothing was let through yet");
    produce(&app, json!([{"value": 1, "partition": 0}])).await;
    assert_eq!(seen(&app), ["nobody (said): Write Topic orders"]);
    read(&app, base, 1, "").await;
    assert_eq!(
        seen(&app),
        [
            "nobody (said): Read Group g",
            "nobody (said): Read Topic orders",
            "nobody (said): Write Topic orders"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_group_and_partitions_that_the_owner_took_are_remembered() {
    let (app, _cluster) = on_mock();
    let base = instance(&app, json!({"auto.commit.enable": "false"})).await;
    let places = json!({"partitions": [{"topic": "orders", "partition": 0}]});
    post(&app, &format!("{base}/assignments"), &places).await;
    assert_eq!(get(&app, &format!("{base}/records?timeout=100")).await.status.as_u16(), 200);
    assert_eq!(seen(&app), ["nobody (said): Describe Group g", "nobody (said): Read Topic orders"]);
    let offsets = json!({"offsets": [{"topic": "orders", "partition": 0, "offset": 0}]});
    let committed = post(&app, &format!("{base}/offsets"), &offsets).await;
    assert_eq!(committed.status.as_u16(), 204, "{}", committed.text);
    assert_eq!(
        seen(&app),
        [
            "nobody (said): Describe Group g",
            "nobody (said): Read Group g",
            "nobody (said): Read Topic orders"
        ]
    );
}
