//! What every answer gets on its way out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::Response;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::HeaderValue;
use http::header::{CONNECTION, SERVER};
use pin_project_lite::pin_project;
use tower::Service;

use crate::App;
use crate::identity::challenge;

/// What answers say of who gives them.
const NAME: HeaderValue = HeaderValue::from_static(concat!("Tidegate/", env!("CARGO_PKG_VERSION")));
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Finishes the answers of a route: the server's name, the challenge of those that refuse
/// credentials, and when the process stops that the client is to go. Written out, and not as a
/// middleware function: those allocate several times for each request.
#[derive(Clone)]
pub(crate) struct Finish<R> {
    inner: R,
    app: App,
}

impl<R> Finish<R> {
    pub(crate) const fn new(inner: R, app: App) -> Self {
        Self { inner, app }
    }
}

impl<R: Service<Request, Response = Response>> Service<Request> for Finish<R> {
    type Response = Response;
    type Error = R::Error;
    type Future = Finishing<R::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), R::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Finishing { answer: self.inner.call(request), app: self.app.clone(), refusal: None }
    }
}

pin_project! {
    /// The finished answer to come.
    pub(crate) struct Finishing<F> {
        #[pin]
        answer: F,
        app: App,
        // An answer that refuses credentials, which may be held back a while.
        refusal: Option<BoxFuture<'static, Response>>,
    }
}

impl<F, E> Future for Finishing<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = if let Some(refusal) = this.refusal {
            ready!(refusal.poll_unpin(context))
        } else {
            let answer = ready!(this.answer.poll(context))?;
            if challenge::is_due(&answer) {
                let refusal = challenge::refuse(this.app.clone(), answer).boxed();
                ready!(this.refusal.insert(refusal).poll_unpin(context))
            } else {
                answer
            }
        };
        answer.headers_mut().insert(SERVER, NAME);
        if this.app.stopping.is_cancelled() {
            answer.headers_mut().insert(CONNECTION, CLOSE);
        }
        Poll::Ready(Ok(answer))
    }
}
