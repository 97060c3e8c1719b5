//! Consumers over HTTP: routes, and the shapes of their bodies.

mod instance;
mod live;
mod records;
mod registry;
mod shelf;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use self::instance::InUse;
pub(crate) use self::registry::Consumers;
use self::shelf::Positions;
use crate::App;
use crate::answer;
use crate::error::{ApiError, topic_name};
use crate::identity::Caller;
use crate::media::{self, Accept};
use crate::request_body;
use crate::sessions::Session;

/// How long a `DELETE` waits for the consumer to leave its group.
const LEAVING: Duration = Duration::from_secs(2);

/// What an instance reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subscription {
    #[default]
    None,
    Topics(Vec<String>),
    /// A regular expression, beginning with `^`.
    Pattern(String),
}

#[derive(Serialize)]
struct Created {
    base_uri: String,
    instance_id: String,
}

#[derive(Serialize)]
struct Topics {
    topics: Vec<String>,
}

#[derive(Serialize)]
struct Committed {
    offsets: Vec<CommittedOffset>,
}

#[derive(Serialize)]
struct CommittedOffset {
    metadata: &'static str,
    offset: i64,
    partition: i32,
    topic: String,
}

/// The path of an instance.
type Named = Path<(String, String)>;

/// `POST /consumers/{group}`
pub(crate) async fn create_consumer(
    State(app): State<App>,
    caller: Caller,
    Path(group): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let wanted = object(&caller, &headers, body).await?;
    let (name, options) = wire::options(&wanted, &group, &caller.active.settings.consumer)?;
    let base_uri = base_uri(&app, &headers, &group, &name);
    app.consumers.create(caller.owner, group, name.clone(), options)?;
    Ok(answer::json(StatusCode::OK, &Created { base_uri, instance_id: name }))
}

/// `DELETE /consumers/{group}/instances/{instance}`
pub(crate) async fn delete_consumer(
    State(app): State<App>,
    caller: Caller,
    Path((group, name)): Named,
) -> Result<Response, ApiError> {
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    if let Some(gone) = app.consumers.delete(&instance) {
        drop(instance);
        // The answer is the same if it takes longer: the instance is gone for its owner.
        let _left = timeout(LEAVING, gone.cancelled()).await;
    }
    Ok(answer::no_content())
}

/// `POST .../subscription`
pub(crate) async fn subscribe(
    State(app): State<App>,
    caller: Caller,
    Path(named): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let wanted = object(&caller, &headers, body).await?;
    let (instance, session) = used(&app, &caller, &named)?;
    instance.subscribe(&session, wire::subscription(&wanted)?).await?;
    Ok(answer::no_content())
}

/// `GET .../subscription`
pub(crate) async fn show_subscription(
    State(app): State<App>,
    caller: Caller,
    Path((group, name)): Named,
) -> Result<Response, ApiError> {
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    Ok(answer::json(StatusCode::OK, &Topics { topics: instance.subscription() }))
}

/// `DELETE .../subscription`
pub(crate) async fn unsubscribe(
    State(app): State<App>,
    caller: Caller,
    Path(named): Named,
) -> Result<Response, ApiError> {
    let (instance, session) = used(&app, &caller, &named)?;
    instance.subscribe(&session, Subscription::None).await?;
    Ok(answer::no_content())
}

#[derive(Deserialize)]
pub(crate) struct Bounds {
    timeout: Option<String>,
    max_bytes: Option<String>,
}

/// `GET .../records`
pub(crate) async fn fetch_records(
    State(app): State<App>,
    caller: Caller,
    Path((group, name)): Named,
    Query(bounds): Query<Bounds>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accept = media::accept(&headers)?;
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    let options = instance.options();
    let format = options.format;
    if let Accept::Only(asked) = &accept
        && !asked.contains(&format.name())
    {
        let asked = asked.first().copied().unwrap_or("none");
        return Err(ApiError::FormatMismatch { consumer: format.name(), asked });
    }
    let wait = wire::bound(bounds.timeout.as_deref())?
        .map_or(options.request_timeout, |it| Duration::from_millis(it).min(wire::LONGEST_POLL));
    let max_bytes = wire::bound(bounds.max_bytes.as_deref())?
        .map_or(options.max_bytes, |it| usize::try_from(it).unwrap_or(usize::MAX))
        .min(options.max_bytes);
    let session = app.sessions.session(&caller)?;
    let deadline = Instant::now() + wait;
    let fetched = instance.fetch(&session, max_bytes, deadline, &app.stopping).await?;
    records::answer(fetched, format)
}

/// `POST .../offsets`
pub(crate) async fn commit_offsets(
    State(app): State<App>,
    caller: Caller,
    Path(named): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let wanted = object(&caller, &headers, body).await?;
    let (instance, session) = used(&app, &caller, &named)?;
    let offsets = wire::offsets(&wanted)?;
    let deadline = Instant::now() + app.limits.request_timeout();
    if let Some(offsets) = &offsets {
        check_partitions(&session, offsets).await?;
    }
    instance.commit(&session, offsets, deadline).await?;
    Ok(answer::no_content())
}

/// `GET .../offsets`, which has a body.
pub(crate) async fn show_offsets(
    State(app): State<App>,
    caller: Caller,
    Path(named): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let wanted = object(&caller, &headers, body).await?;
    let (instance, session) = used(&app, &caller, &named)?;
    let places = wire::places(&wanted)?;
    let deadline = Instant::now() + app.limits.request_timeout();
    let committed = instance.committed(&session, places.clone(), deadline).await?;
    let offsets = places.into_iter().filter_map(|place| {
        let offset = *committed.get(&place)?;
        let (topic, partition) = (place.0.to_string(), place.1);
        Some(CommittedOffset { metadata: "", offset, partition, topic })
    });
    Ok(answer::json(StatusCode::OK, &Committed { offsets: offsets.collect() }))
}

/// The caller's instance and session.
fn used(
    app: &App,
    caller: &Caller,
    (group, name): &(String, String),
) -> Result<(InUse, Arc<Session>), ApiError> {
    let instance = app.consumers.find(&caller.owner, group, name)?;
    Ok((instance, app.sessions.session(caller)?))
}

async fn object(
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<Map<String, Value>, ApiError> {
    media::json_content(headers)?;
    media::accept(headers)?;
    let limit = caller.active.settings.producer.max_request_size;
    let body = request_body::read(headers, body, limit).await?;
    request_body::object(&body)
}

/// Offsets are committed for partitions that exist.
async fn check_partitions(session: &Session, offsets: &Positions) -> Result<(), ApiError> {
    for (topic, partition) in offsets.keys() {
        let topic = topic_name(topic)?;
        if !(0..session.partitions(&topic, Some(*partition)).await?).contains(partition) {
            return Err(ApiError::PartitionNotFound(*partition));
        }
    }
    Ok(())
}

/// Where the new instance is to be found.
fn base_uri(app: &App, headers: &HeaderMap, group: &str, name: &str) -> String {
    let host = headers.get(http::header::HOST).and_then(|it| it.to_str().ok());
    let base = match (&app.limits.public_url, host) {
        (Some(url), _) => url.trim_end_matches('/').to_owned(),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => String::new(),
    };
    let mut path = String::new();
    for segment in ["consumers", group, "instances", name] {
        path.push('/');
        path.extend(wire::escaped(segment));
    }
    base + &path
}
