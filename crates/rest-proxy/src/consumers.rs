//! Consumers over HTTP: routes, and the shapes of their bodies.

mod assignments;
mod instance;
mod keeper;
mod live;
mod offsets;
mod positions;
mod records;
mod registry;
mod shelf;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use model::AclOperation;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

pub(crate) use self::assignments::{assign, show_assignments};
use self::instance::InUse;
pub(crate) use self::offsets::{commit_offsets, show_offsets};
pub(crate) use self::positions::{seek, seek_to_beginning, seek_to_end};
pub(crate) use self::registry::Consumers;
use self::shelf::Place;
use crate::App;
use crate::answer;
use crate::error::{ApiError, topic_name};
use crate::identity::Caller;
use crate::media::Accept;
use crate::request_body::{NoBody, Object};
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
    /// Partitions that the owner takes without the group; at least one.
    Assigned(Vec<Place>),
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

/// The path of an instance.
type Named = Path<(String, String)>;

/// `POST /consumers/{group}`
pub(crate) async fn create_consumer(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(group): Path<String>,
    headers: HeaderMap,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    let (name, options) = wire::options(&wanted, &group, &caller.active.settings.consumer)?;
    let base_uri = base_uri(&app, &headers, &group, &name);
    app.consumers.create(caller.owner, group, name.clone(), options)?;
    Ok(answer::json(StatusCode::OK, &Created { base_uri, instance_id: name }))
}

/// `DELETE /consumers/{group}/instances/{instance}`
pub(crate) async fn delete_consumer(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((group, name)): Named,
    _: NoBody,
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
    _: Accept,
    caller: Caller,
    Path(named): Named,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    let (instance, session) = used(&app, &caller, &named)?;
    instance.subscribe(&session, wire::subscription(&wanted)?).await?;
    Ok(answer::no_content())
}

/// `GET .../subscription`
pub(crate) async fn show_subscription(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((group, name)): Named,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, ApiError> {
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    Ok(answer::tagged(&headers, &Topics { topics: instance.subscription() }))
}

/// `DELETE .../subscription`
pub(crate) async fn unsubscribe(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path((group, name)): Named,
    _: NoBody,
) -> Result<Response, ApiError> {
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    to_its_end(&app, async move { instance.unsubscribe().await }).await
}

/// The query of a fetch.
#[derive(Deserialize)]
pub(crate) struct Bounds {
    headers: Option<String>,
    timeout: Option<String>,
    max_bytes: Option<String>,
}

/// `GET .../records`
pub(crate) async fn fetch_records(
    State(app): State<App>,
    accept: Accept,
    caller: Caller,
    Path((group, name)): Named,
    bounds: Result<Query<Bounds>, QueryRejection>,
    _: NoBody,
) -> Result<Response, ApiError> {
    let Query(bounds) = bounds.map_err(|it| wire::bad_parameter(&it.body_text()))?;
    let instance = app.consumers.find(&caller.owner, &group, &name)?;
    let options = instance.options();
    accept.admit(options.format)?;
    let with_headers =
        wire::answer_to(bounds.headers.as_deref())?.unwrap_or(options.include_headers);
    let wait = wire::bound(bounds.timeout.as_deref())?
        .map_or(options.request_timeout, |it| Duration::from_millis(it).min(wire::LONGEST_POLL));
    let max_bytes = wire::bound(bounds.max_bytes.as_deref())?
        .map_or(options.max_bytes, |it| usize::try_from(it).unwrap_or(usize::MAX))
        .min(options.max_bytes);
    let session = app.sessions.session(&caller)?;
    let deadline = caller.until(Instant::now() + wait);
    assignments::check(&session, &instance).await?;
    let fetched = instance.fetch(&session, max_bytes, deadline, &app.stopping).await?;
    let (read, of_group) = instance.reads();
    for topic in by_topic(&read).into_keys() {
        app.seen.topic(&caller.asker, topic, AclOperation::Read);
    }
    if let Some(operation) = of_group {
        app.seen.group(&caller.asker, &group, operation);
    }
    records::answer(fetched, options.format, with_headers, &app.metrics)
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

/// The address of a new instance.
fn base_uri(app: &App, headers: &HeaderMap, group: &str, name: &str) -> String {
    let mut uri = app.limits.edge.base_url(headers);
    for segment in ["consumers", group, "instances", name] {
        uri.push('/');
        uri.extend(wire::escaped(segment));
    }
    uri
}

/// Carries a change through when the caller hangs up in the middle of it.
async fn to_its_end(
    app: &App,
    change: impl Future<Output = Result<(), ApiError>> + Send + 'static,
) -> Result<Response, ApiError> {
    app.tracker.spawn(change).await.map_err(ApiError::internal)??;
    Ok(answer::no_content())
}

/// The partitions of each topic.
fn by_topic(places: &[Place]) -> BTreeMap<&str, Vec<i32>> {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in places {
        topics.entry(topic).or_default().push(*partition);
    }
    topics
}

/// Checks that partitions exist, by what was heard within the last seconds. The error names the
/// first that does not.
async fn check_partitions(session: &Session, places: &[Place]) -> Result<(), ApiError> {
    for (topic, partitions) in by_topic(places) {
        let topic = topic_name(topic)?;
        let known = session.partitions(&topic, partitions.iter().copied().max()).await?;
        if let Some(none) = partitions.into_iter().find(|it| !(0..known).contains(it)) {
            return Err(ApiError::PartitionNotFound(none.into()));
        }
    }
    Ok(())
}
