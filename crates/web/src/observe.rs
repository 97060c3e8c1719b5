//! One span, one line in the log and one measurement for each request.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::instrument::Instrumented;
use tracing::{Instrument, info_span};

use crate::access_log::{AccessLog, Exchange};
use crate::request_id::{self, RequestId};
use crate::trace_context::TraceContext;

/// nginx's word for a caller that hung up.
const HUNG_UP: u16 = 499;
/// Enough to tell clients apart.
const LONGEST_USER_AGENT: usize = 64;

/// Counts requests.
pub trait Meter: Send + Sync {
    /// A request has come.
    fn began(&self);
    /// It was answered, or its caller has hung up.
    fn ended(&self, exchange: &Exchange<'_>);
}

/// Who looks at requests.
#[derive(Clone, Default)]
pub struct Observer {
    /// Writes lines.
    pub access_log: Arc<AccessLog>,
    /// Counts.
    pub meter: Option<Arc<dyn Meter>>,
}

/// What is known of a request beside its content: an extension of the request, as `Arc<Trace>`.
#[derive(Debug)]
pub struct Trace {
    /// Names the request.
    pub request_id: RequestId,
    /// The trace that it is a part of, if its caller says so.
    pub context: Option<TraceContext>,
    session: OnceLock<[u8; 4]>,
}

impl Trace {
    /// Says whose requests this one belongs with, by the SHA-256 of the credentials, of which eight
    /// digits are logged.
    pub fn set_session(&self, sha256: [u8; 32]) {
        let [a, b, c, d, ..] = sha256;
        let _first = self.session.set([a, b, c, d]);
    }

    fn session(&self) -> Option<String> {
        self.session.get().map(|it| format!("{:08x}", u32::from_be_bytes(*it)))
    }
}

/// Wraps every route of `router`: gives the request an id, which is in its logs and in the answer's
/// `x-request-id`, and logs its end with status and duration.
/// The path and the query are never logged.
pub fn observe<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    observe_with(router, Observer::default())
}

/// As [`observe`], with a log and a meter of one's own.
pub fn observe_with<S>(router: Router<S>, observer: Observer) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router.layer(ObserveLayer::new(observer))
}

/// As [`observe_with`], for whoever combines it with other layers.
#[derive(Clone)]
pub struct ObserveLayer(Observer);

impl ObserveLayer {
    /// Looks at requests for `observer`.
    pub const fn new(observer: Observer) -> Self {
        Self(observer)
    }
}

impl<R> Layer<R> for ObserveLayer {
    type Service = Observed<R>;

    fn layer(&self, inner: R) -> Observed<R> {
        Observed { inner, observer: self.0.clone() }
    }
}

/// A route that is looked at. Written out, because a middleware function costs a microsecond more
/// for each request.
#[derive(Clone)]
pub struct Observed<R> {
    inner: R,
    observer: Observer,
}

impl<R> Service<Request> for Observed<R>
where
    R: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = R::Error;
    type Future = Answering<R::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), R::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let trace = Arc::new(Trace {
            request_id: RequestId::of(request.headers()),
            context: TraceContext::of(request.headers()),
            session: OnceLock::new(),
        });
        let watch = Watch::start(self.observer.clone(), &request, Arc::clone(&trace));
        // Few fields: they are written for each request, whether anything is logged in it or not.
        let span = info_span!(
            "request",
            request.id = %trace.request_id,
            http.route = watch.route().unwrap_or("-"),
            trace.id = trace.context.as_ref().map(TraceContext::trace_id),
        );
        request.extensions_mut().insert(trace);
        Answering { inner: self.inner.call(request).instrument(span), watch: Some(watch) }
    }
}

pin_project! {
    /// The answer to come.
    pub struct Answering<F> {
        #[pin]
        inner: Instrumented<F>,
        watch: Option<Watch>,
    }
}

impl<F, E> Future for Answering<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(context));
        if let (Ok(response), Some(watch)) = (&mut answer, this.watch.take()) {
            response.headers_mut().insert(request_id::HEADER, watch.trace.request_id.header());
            watch.answered(response);
        }
        Poll::Ready(answer)
    }
}

/// A request under way. Ends with its answer, or when it is dropped.
struct Watch {
    observer: Observer,
    trace: Arc<Trace>,
    started: Instant,
    method: Method,
    route: Option<MatchedPath>,
    request_bytes: Option<u64>,
    user_agent: Option<HeaderValue>,
    client: Option<SocketAddr>,
    ended: bool,
}

impl Watch {
    fn start(observer: Observer, request: &Request, trace: Arc<Trace>) -> Self {
        if let Some(meter) = &observer.meter {
            meter.began();
        }
        let extensions = request.extensions();
        Self {
            observer,
            trace,
            started: Instant::now(),
            method: request.method().clone(),
            route: extensions.get::<MatchedPath>().cloned(),
            request_bytes: content_length(request.headers()),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            client: extensions.get::<ConnectInfo<SocketAddr>>().map(|it| it.0),
            ended: false,
        }
    }

    fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }

    fn answered(mut self, response: &Response) {
        let length = content_length(response.headers());
        self.end(
            response.status().as_u16(),
            length.or_else(|| response.body().size_hint().exact()),
        );
    }

    fn end(&mut self, status: u16, response_bytes: Option<u64>) {
        self.ended = true;
        let mut exchange = Exchange {
            method: self.method.as_str(),
            route: self.route(),
            status,
            duration: self.started.elapsed(),
            request_id: self.trace.request_id.as_str(),
            request_bytes: self.request_bytes,
            response_bytes,
            user_agent: None,
            client: self.client,
            trace_id: self.trace.context.as_ref().map(TraceContext::trace_id),
            session: None,
        };
        if let Some(meter) = &self.observer.meter {
            meter.ended(&exchange);
        }
        if self.observer.access_log.wants(status) {
            exchange.user_agent = self.user_agent.as_ref().and_then(user_agent);
            exchange.session = self.trace.session();
            exchange.write();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended {
            self.end(HUNG_UP, None);
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn user_agent(header: &HeaderValue) -> Option<&str> {
    let text = header.to_str().ok()?;
    Some(text.get(..LONGEST_USER_AGENT).unwrap_or(text))
}

#[cfg(test)]
mod tests;
