//! SIGTERM, seen from connections that are open.

use std::time::Duration;

use http::header::CONNECTION;
use tokio_util::task::TaskTracker;

use super::*;

#[tokio::test]
async fn who_is_connected_is_answered_and_told_to_go() {
    let app = testing::app(testing::settings("127.0.0.1:1"));
    let listener = web::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (closing, tracker) = (CancellationToken::new(), TaskTracker::new());
    let serving = web::serve(listener, app.router(), closing.clone(), Duration::from_secs(20));
    let serving = tracker.spawn(serving);

    let client = || reqwest::Client::builder().no_proxy().build().unwrap();
    let (waiting, kept) = (client(), client());
    let made = kept.post(format!("{url}/consumers/g")).header(CONTENT_TYPE, JSON);
    let made = made.body(r#"{"name":"i","format":"json"}"#).send().await.unwrap();
    assert_eq!((made.status().as_u16(), made.headers().get(CONNECTION)), (200, None));
    made.bytes().await.unwrap();

    let poll = waiting.get(format!("{url}/consumers/g/instances/i/records?timeout=60000"));
    let poll = tracker.spawn(poll.send());
    let used = || app.consumers.find(&crate::owner::Owner::Proxy, "g", "i").unwrap();
    while std::sync::Arc::strong_count(&used()) < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.stopping.cancel();
    let polled = poll.await.unwrap().unwrap();
    assert_eq!(polled.headers()[CONNECTION], "close");
    assert_eq!(polled.text().await.unwrap(), "[]");

    // On its old connection, and on a new one.
    for _ in 0..2 {
        let late = kept.get(format!("{url}/topics")).send().await.unwrap();
        assert_eq!(
            (late.status().as_u16(), &late.headers()[CONNECTION]),
            (200, &"close".parse().unwrap())
        );
        late.bytes().await.unwrap();
    }
    closing.cancel();
    serving.await.unwrap().unwrap();
    assert!(kept.get(format!("{url}/topics")).send().await.unwrap_err().is_connect());
}
