//! `.../offsets`: what the group has committed.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use model::AclOperation;
use serde::Serialize;
use tokio::time::Instant;

use super::{Named, Place, by_topic, check_partitions, used, wire};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::media::Accept;
use crate::request_body::Object;
use crate::{App, answer};

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

/// `POST .../offsets`. Without a body everything that was handed out is committed.
pub(crate) async fn commit_offsets(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(named): Named,
    body: Result<Object, ApiError>,
) -> Result<Response, ApiError> {
    let Object(wanted) = Object::or_nothing(body)?;
    let (instance, session) = used(&app, &caller, &named)?;
    let offsets = wire::offsets(&wanted)?;
    let deadline = Instant::now() + app.limits.request_timeout();
    if let Some(offsets) = &offsets {
        let places: Vec<Place> = offsets.keys().cloned().collect();
        check_partitions(&session, &places).await?;
    }
    let topics: Vec<Place> = offsets.iter().flat_map(|it| it.keys().cloned()).collect();
    instance.commit(&session, offsets, deadline).await?;
    note(&app, &caller, &named.0, &topics, AclOperation::Read);
    Ok(answer::no_content())
}

/// `GET .../offsets`, which has a body.
pub(crate) async fn show_offsets(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(named): Named,
    headers: HeaderMap,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    let (instance, session) = used(&app, &caller, &named)?;
    let places = wire::places(&wanted)?;
    let deadline = Instant::now() + app.limits.request_timeout();
    let committed = instance.committed(&session, places.clone(), deadline).await?;
    note(&app, &caller, &named.0, &places, AclOperation::Describe);
    let offsets = places.into_iter().filter_map(|place| {
        let offset = *committed.get(&place)?;
        let (topic, partition) = (place.0.to_string(), place.1);
        Some(CommittedOffset { metadata: "", offset, partition, topic })
    });
    Ok(answer::tagged(&headers, &Committed { offsets: offsets.collect() }))
}

/// What Kafka asks for offsets of a group: the same of the group and of each topic.
fn note(app: &App, caller: &Caller, group: &str, places: &[Place], operation: AclOperation) {
    app.seen.group(&caller.asker, group, operation);
    for topic in by_topic(places).into_keys() {
        app.seen.topic(&caller.asker, topic, operation);
    }
}
