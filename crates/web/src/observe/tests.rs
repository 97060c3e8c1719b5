//! What is seen of a request.

use std::sync::Mutex;

use axum::body::Body;
use axum::routing::get;
use http::StatusCode;
use tower::ServiceExt;

use super::*;

/// Remembers method, route and status.
#[derive(Default)]
struct Seen {
    began: Mutex<u32>,
    ended: Mutex<Vec<String>>,
}

impl Meter for Seen {
    fn began(&self) {
        *self.began.lock().unwrap() += 1;
    }

    fn ended(&self, exchange: &Exchange<'_>) {
        let route = exchange.route.unwrap_or("-");
        let text = format!("{} {route} {}", exchange.method, exchange.status);
        self.ended.lock().unwrap().push(text);
    }
}

fn router(seen: &Arc<Seen>) -> Router {
    let routes = Router::new()
        .route("/topics/{topic}", get(async || "ok"))
        .route("/ever", get(async || std::future::pending::<()>().await))
        .fallback(async || StatusCode::NOT_FOUND);
    let meter: Arc<dyn Meter> = seen.clone();
    observe_with(routes, Observer { access_log: Arc::default(), meter: Some(meter) })
}

fn request(path: &str) -> Request {
    Request::get(path).header("x-request-id", "mine").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn the_template_of_the_route_is_seen_and_never_the_path() {
    let seen = Arc::default();
    let router = router(&seen);
    let answer = router.clone().oneshot(request("/topics/secret")).await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "mine");
    router.oneshot(request("/secret")).await.unwrap();
    assert_eq!(*seen.ended.lock().unwrap(), ["GET /topics/{topic} 200", "GET - 404"]);
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_seen_too() {
    let seen = Arc::default();
    let mut waiting = Box::pin(router(&seen).oneshot(request("/ever")));
    assert!(at_once(&mut waiting).await.is_none());
    assert_eq!((*seen.began.lock().unwrap(), seen.ended.lock().unwrap().len()), (1, 0));
    drop(waiting);
    assert_eq!(*seen.ended.lock().unwrap(), ["GET /ever 499"]);
}

/// The result of `future` if it is there at once.
async fn at_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = std::future::ready(()) => None,
    }
}

#[test]
fn eight_digits_of_the_credentials_hash_are_shown_and_the_first_counts() {
    let trace = Trace {
        request_id: RequestId::of(&HeaderMap::new()),
        context: None,
        session: OnceLock::new(),
    };
    assert_eq!(trace.session(), None);
    trace.set_session([0xab; 32]);
    trace.set_session([1; 32]);
    assert_eq!(trace.session().as_deref(), Some("abababab"));
}
