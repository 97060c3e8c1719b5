//! `.../positions`: where the instance goes on.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::response::Response;
use kafka::OffsetSpec;
use tokio::time::Instant;

use super::instance::Instance;
use super::shelf::{Place, Positions};
use super::wire::Target;
use super::{Named, by_topic, to_its_end, used, wire};
use crate::App;
use crate::error::{ApiError, topic_name};
use crate::identity::Caller;
use crate::media::Accept;
use crate::partitions;
use crate::request_body::Object;
use crate::sessions::Session;

/// `POST .../positions`
pub(crate) async fn seek(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(named): Named,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    let (instance, session) = used(&app, &caller, &named)?;
    let targets = wire::targets(&wanted)?;
    if let Some(other) = unassigned(&instance, targets.iter().map(|(place, _)| place)) {
        let offset = targets.iter().find_map(|(place, target)| match target {
            Target::Offset(offset) if *place == other => Some(*offset),
            _ => None,
        });
        let (topic, partition) = other;
        let offset = offset.map_or_else(|| "None".to_owned(), |it| it.to_string());
        return Err(ApiError::IllegalState(format!(
            "Partition TopicPartition{{topic={topic},partition={partition},offset={offset},\
             leader_epoch=None,error=None}} is unassigned"
        )));
    }
    let deadline = Instant::now() + app.limits.request_timeout();
    let targets = resolve(&session, targets, end(&instance)).await?;
    to_its_end(&app, async move { instance.seek(&session, targets, deadline).await }).await
}

/// `POST .../positions/beginning`
pub(crate) async fn seek_to_beginning(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(named): Named,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    seek_to(&app, &caller, &named, wire::places(&wanted)?, true).await
}

/// `POST .../positions/end`
pub(crate) async fn seek_to_end(
    State(app): State<App>,
    _: Accept,
    caller: Caller,
    Path(named): Named,
    Object(wanted): Object,
) -> Result<Response, ApiError> {
    seek_to(&app, &caller, &named, wire::places(&wanted)?, false).await
}

async fn seek_to(
    app: &App,
    caller: &Caller,
    named: &(String, String),
    places: Vec<Place>,
    beginning: bool,
) -> Result<Response, ApiError> {
    let (instance, session) = used(app, caller, named)?;
    if unassigned(&instance, &places).is_some() {
        let whither = if beginning { "beginning" } else { "end" };
        return Err(ApiError::IllegalState(format!(
            "Trying to reset unassigned partitions to {whither}"
        )));
    }
    let deadline = Instant::now() + app.limits.request_timeout();
    let spec = if beginning { OffsetSpec::Earliest } else { end(&instance) };
    let targets = offsets(&session, &places, spec).await?;
    to_its_end(app, async move { instance.seek(&session, targets, deadline).await }).await
}

/// The first partition that the instance does not read.
fn unassigned<'a>(
    instance: &Instance,
    places: impl IntoIterator<Item = &'a Place>,
) -> Option<Place> {
    let assigned: HashSet<Place> = instance.assignment().into_iter().collect();
    places.into_iter().find(|it| !assigned.contains(*it)).cloned()
}

/// The end, as the instance will see it.
fn end(instance: &Instance) -> OffsetSpec {
    if instance.options().wishes.read_committed {
        OffsetSpec::LatestStable
    } else {
        OffsetSpec::Latest
    }
}

/// The offset of each target. A time later than every record is the `end`.
async fn resolve(
    session: &Session,
    targets: Vec<(Place, Target)>,
    end: OffsetSpec,
) -> Result<Positions, ApiError> {
    let mut positions = Positions::new();
    for (place, target) in targets {
        let at = match target {
            Target::Offset(offset) => offset,
            Target::Time(time) => {
                let asked = std::slice::from_ref(&place);
                let mut found = offsets(session, asked, OffsetSpec::AtOrAfter(time)).await?;
                if found.is_empty() {
                    found = offsets(session, asked, end).await?;
                }
                found.remove(&place).ok_or(ApiError::UnknownTopicOrPartition)?
            }
        };
        positions.insert(place, at);
    }
    Ok(positions)
}

/// The offsets of partitions, as the session's owner may see them.
async fn offsets(
    session: &Session,
    places: &[Place],
    spec: OffsetSpec,
) -> Result<Positions, ApiError> {
    let mut positions = Positions::new();
    for (name, indexes) in by_topic(places) {
        let topic = topic_name(name).map_err(|_| ApiError::UnknownTopicOrPartition)?;
        let found = partitions::offsets(session, &topic, indexes, spec).await?;
        positions.extend(found.into_iter().map(|(index, at)| ((name.into(), index), at)));
    }
    Ok(positions)
}
