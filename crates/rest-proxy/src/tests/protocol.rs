//! What HTTP says beside paths and bodies: tags, origins, methods, encodings, addresses.

use http::header::{CONTENT_ENCODING, ETAG, IF_NONE_MATCH, ORIGIN, SERVER};

use super::*;
use crate::{Edge, Limits};

fn app() -> App {
    testing::app(testing::settings("127.0.0.1:1"))
}

fn app_within(limits: Limits) -> App {
    let settings = Settings::new(testing::idp());
    settings.apply(testing::settings("127.0.0.1:1"));
    App::with_directories(settings, limits, CancellationToken::new(), testing::directories())
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let app = app();
    let first = get(&app, "/topics").await;
    let tag = first.headers[ETAG].to_str().unwrap().to_owned();
    assert_eq!(first.headers[SERVER], concat!("Tidegate/", env!("CARGO_PKG_VERSION")));
    let ask = async |known: String| {
        let request = Request::get("/topics").header(IF_NONE_MATCH, known);
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        (answer.status.as_u16(), answer.text.len(), answer.headers.get(ETAG).is_some())
    };
    assert_eq!(ask(tag.clone()).await, (304, 0, true));
    assert_eq!(ask(format!("\"other\", W/{tag}")).await, (304, 0, true));
    assert_eq!(ask("*".to_owned()).await, (304, 0, true));
    assert_eq!(ask("\"other\"".to_owned()).await, (200, first.text.len(), true));
    let created = post(&app, "/consumers/g", &json!({"name": "i"})).await;
    assert!(!created.headers.contains_key(ETAG), "only what can be asked for again");
    let records = get(&app, "/consumers/g/instances/i/records?timeout=0").await;
    assert_eq!((records.text.as_str(), records.headers.get(ETAG)), ("[]", None));
    let missing = get(&app, "/topics/nope").await;
    assert!(!missing.headers.contains_key(ETAG));
}

#[tokio::test]
async fn media_types_are_checked_before_credentials_and_bodies_after() {
    let mut settings = testing::settings("127.0.0.1:1");
    settings.authorization = true;
    settings.oidc = Some(testing::oidc("http://127.0.0.1:1", "a"));
    let app = testing::app(settings);
    let ask = async |method: Method, name: http::HeaderName, value: &str, body: &str| {
        let request = Request::builder().method(method).uri("/topics/orders").header(name, value);
        send(&app, request.body(Body::from(body.to_owned())).unwrap()).await.status.as_u16()
    };
    assert_eq!(ask(Method::POST, CONTENT_TYPE, "text/plain", "").await, 415);
    assert_eq!(ask(Method::GET, CONTENT_TYPE, "text/plain", "").await, 406);
    assert_eq!(ask(Method::GET, ACCEPT, "text/html", "").await, 406);
    assert_eq!(ask(Method::POST, CONTENT_TYPE, JSON, "{").await, 401);
    assert_eq!(ask(Method::GET, ACCEPT, "*/*", "{\"a\":1}").await, 401);
}

#[tokio::test]
async fn a_request_that_needs_no_body_may_have_an_empty_object() {
    let app = app();
    let ask = async |body: String| {
        let request = Request::get("/topics").header(CONTENT_TYPE, JSON);
        let answer = send(&app, request.body(Body::from(body)).unwrap()).await;
        (answer.status.as_u16(), answer.text)
    };
    assert_eq!(ask("{}".to_owned()).await.0, 200);
    let refused = (400, "No request body allowed for this operation".to_owned());
    assert_eq!(ask("{\"a\":1}".to_owned()).await, refused);
    assert_eq!(ask(" ".repeat(100_000)).await, refused, "not read to its end");
}

#[tokio::test]
async fn a_request_may_be_compressed_but_no_bomb() {
    let app = app();
    let ask = async |encoding: &str, body: &[u8]| {
        let request = Request::post("/topics/orders")
            .header(CONTENT_TYPE, JSON)
            .header(CONTENT_ENCODING, encoding);
        let answer = send(&app, request.body(Body::from(body.to_vec())).unwrap()).await;
        (answer.status.as_u16(), answer.text)
    };
    // `{"records":[]}`
    let good = GZIPPED_RECORDS;
    assert_eq!(ask("gzip", good).await.0, 422, "read, and found to hold no record");
    assert_eq!(ask("gzip", &good[..good.len() - 12]).await.0, 400);
    assert_eq!(ask("gzip", b"no gzip").await.0, 400);
    assert_eq!(ask("gzip", &bomb()).await.0, 413);
    let (status, text) = ask("br", good).await;
    assert_eq!(status, 415);
    assert!(text.contains("gzip or identity"), "{text}");
    assert_eq!(ask("identity", b"{\"records\":[]}").await.0, 422);
}

const GZIPPED_RECORDS: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0x4a, 0x4d, 0xce,
    0x2f, 0x4a, 0x29, 0x56, 0xb2, 0x8a, 0x8e, 0xad, 0x05, 0x00, 0xda, 0xd1, 0xd3, 0x8e, 0x0e, 0x00,
    0x00, 0x00,
];

/// 32 KiB of spaces, as a block of DEFLATE.
const SPACES: &[u8] = &[
    0xec, 0xc1, 0x81, 0x00, 0x00, 0x00, 0x00, 0x80, 0x20, 0x95, 0xfd, 0x29, 0x17, 0xa9, 0x0a, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x18, 0x00,
    0x00, 0xff, 0xff,
];

/// 32 MiB of spaces in 52 KB of gzip.
fn bomb() -> Vec<u8> {
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bomb.extend(SPACES.repeat(1024));
    bomb
}

#[tokio::test]
async fn other_methods_are_answered_without_side_effects() {
    let app = app();
    post(&app, "/consumers/g", &json!({"name": "i"})).await;
    let ask = async |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).body(Body::empty());
        let answer = send(&app, request.unwrap()).await;
        (answer.status.as_u16(), answer.text)
    };
    assert_eq!(ask(Method::HEAD, "/topics").await, (200, String::new()));
    assert_eq!(ask(Method::HEAD, "/consumers/g/instances/i/records").await.0, 405);
    for (method, path) in [
        (Method::PUT, "/brokers"),
        (Method::OPTIONS, "/topics"),
        (Method::DELETE, "/topics/orders/partitions/0"),
        (Method::GET, "/consumers/g/instances/i/positions"),
    ] {
        let answer = ask(method, path).await;
        assert_eq!(answer, (405, "405: Method Not Allowed".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn web_pages_get_in_from_listed_origins_only() {
    let ask = async |origins: &[&'static str], method: Method, origin: &str| {
        let mut limits = testing::limits();
        limits.edge.cors_origin = origins.iter().map(|it| it.parse().unwrap()).collect();
        let app = app_within(limits);
        let request = Request::builder().method(method).uri("/topics").header(ORIGIN, origin);
        let request = request.header("access-control-request-method", "GET");
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        let allowed = answer.headers.get("access-control-allow-origin");
        (answer.status.as_u16(), allowed.map(|it| it.to_str().unwrap().to_owned()))
    };
    let page = "https://console.example.com";
    let yes = |text: &str| Some(text.to_owned());
    assert_eq!(ask(&[], Method::OPTIONS, page).await, (405, None));
    assert_eq!(ask(&[], Method::GET, page).await, (200, None));
    assert_eq!(ask(&[page], Method::OPTIONS, page).await, (200, yes(page)));
    assert_eq!(ask(&[page], Method::GET, page).await, (200, yes(page)));
    assert_eq!(ask(&[page], Method::GET, "https://other").await, (200, None));
    assert_eq!(ask(&["*"], Method::GET, page).await, (200, yes("*")));
}

#[tokio::test]
async fn an_instance_has_the_address_that_its_caller_used() {
    let app = app();
    let ask = async |app: &App, name: &str| {
        let request = Request::post("/consumers/g")
            .header("host", "inner:8082")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "kafka.example.com")
            .body(Body::from(json!({ "name": name }).to_string()));
        send(app, request.unwrap()).await.json()["base_uri"].clone()
    };
    assert_eq!(ask(&app, "i").await, "https://kafka.example.com/consumers/g/instances/i");
    let mut limits = testing::limits();
    limits.edge = Edge { public_url: Some("https://p/kafka/".to_owned()), ..limits.edge };
    let app = app_within(limits);
    assert_eq!(ask(&app, "i").await, "https://p/kafka/consumers/g/instances/i");
}
