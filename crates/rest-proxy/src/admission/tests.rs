//! Room for bodies, and how many requests a principal has.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use http::header::CONTENT_LENGTH;

use super::*;
use crate::request_body::Content;
use crate::{App, request_body, testing};

/// An app with this much room, in KiB.
fn app(kib: usize) -> App {
    let limits = Limits {
        max_in_flight_bytes: kib * 1024,
        in_flight_wait_ms: 100,
        max_requests_per_principal: 2,
        ..testing::limits()
    };
    let mut app = testing::app(testing::settings("127.0.0.1:1"));
    Arc::make_mut(&mut app.0).admission = Arc::new(Admission::new(&limits));
    app
}

/// A body of chunks of 1 KiB, whose length is not announced.
fn chunks(count: usize) -> Body {
    let chunks = (0..count).map(|_| Ok::<_, Infallible>(Bytes::from(vec![b' '; 1024])));
    Body::from_stream(stream::iter(chunks))
}

async fn read(app: &App, body: Body, announced: usize) -> Result<Content, ApiError> {
    let request = Request::post("/");
    let request = if announced > 0 { request.header(CONTENT_LENGTH, announced) } else { request };
    request_body::read(app, request.body(body).unwrap(), 1_000_000).await
}

#[tokio::test(start_paused = true)]
async fn a_body_takes_room_as_announced_or_as_it_grows_until_the_answer() {
    for announced in [0, 3 * 1024] {
        let app = app(4);
        let held = read(&app, chunks(3), announced).await.unwrap();
        assert_eq!(held.bytes.len(), 3 * 1024);
        assert_eq!(app.admission.room.available_permits(), 1, "announced: {announced}");
        drop(held);
        assert_eq!(app.admission.room.available_permits(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn without_room_a_body_waits_and_then_gets_503() {
    let app = app(4);
    let first = read(&app, chunks(3), 0).await.unwrap();
    let refused = read(&app, chunks(2), 0).await.err().unwrap();
    assert_eq!((refused.kind().0.as_u16(), refused.to_string().as_str()), (503, NO_ROOM));

    let waiting = read(&app, chunks(2), 2048);
    let answered = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(first);
    };
    let (read, ()) = tokio::join!(waiting, answered);
    assert_eq!(read.unwrap().bytes.len(), 2048, "an answer made room in time");
}

#[tokio::test(start_paused = true)]
async fn a_body_larger_than_all_room_has_it_alone() {
    let app = app(4);
    let alone = read(&app, chunks(9), 9 * 1024).await.unwrap();
    assert_eq!(alone.bytes.len(), 9 * 1024);
    assert_eq!(app.admission.room.available_permits(), 0);
}

#[tokio::test]
async fn a_packed_body_has_room_for_all_that_it_may_be_until_that_is_known() {
    let app = app(4);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &[b' '; 1500]).unwrap();
    let bytes = gzip.finish().unwrap();
    let packed = |limit| {
        let body = Body::from(bytes.clone());
        let request = Request::post("/").header("content-encoding", "gzip").body(body).unwrap();
        request_body::read(&app, request, limit)
    };
    let held = packed(1_000_000).await.unwrap();
    assert_eq!((held.bytes.len(), app.admission.room.available_permits()), (1500, 2));
    assert!(packed(3 * 1024).await.is_err(), "no room for what it may be");
    drop(held);
    assert_eq!(app.admission.room.available_permits(), 4);
    assert!(packed(1_000).await.is_err_and(|it| it.kind().0 == StatusCode::PAYLOAD_TOO_LARGE));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up() {
    let app = app(4);
    let endless = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let refused = read(&app, endless, 1024).await.err().unwrap();
    assert_eq!(refused.kind().0, StatusCode::REQUEST_TIMEOUT);
}

#[test]
fn requests_of_a_principal_are_bounded_and_others_go_on() {
    let app = app(4);
    let (alice, bob) = (testing::owner("alice"), testing::owner("bob"));
    let enter = |owner| app.admission.enter(owner);
    let (one, _two) = (enter(&alice).unwrap(), enter(&alice).unwrap());
    let refused = enter(&alice).err().unwrap();
    assert_eq!(refused.kind().0, StatusCode::TOO_MANY_REQUESTS);
    assert!(enter(&bob).is_ok());
    drop(one);
    assert!(enter(&alice).is_ok(), "a refused one was not counted");
    let everybody: Vec<_> = (0..9).map(|_| enter(&Owner::Proxy).unwrap()).collect();
    assert_eq!(everybody.len(), 9);
}

#[test]
fn principals_without_requests_are_forgotten() {
    let app = app(4);
    let most = app.admission.most_owners;
    let busy = app.admission.enter(&testing::owner("busy")).unwrap();
    for number in 0..=most {
        app.admission.enter(&testing::owner(&number.to_string())).unwrap();
    }
    assert!(app.admission.requests.values().len() <= 3);
    assert!(app.admission.requests.get(&testing::owner("busy")).is_some());
    drop(busy);
}
