//! `/v1/project/{project}/service/{service}/logs`
//!
//! The nodes' own logs stay on their hosts; what is shown here is what the platform did.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Event, EventFilter, Store};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use crate::time::rfc3339;

/// How far back is looked: this many events of the service.
const WINDOW: u32 = 1000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(query_logs))
}

/// Which lines.
#[derive(Deserialize, ToSchema)]
struct LogsQuery {
    /// How many at most, 100 if not given.
    limit: Option<usize>,
    /// `asc` or `desc`; by time.
    sort_order: Option<SortOrder>,
    /// The `offset` of an earlier answer: lines after it, or before it with `desc`.
    offset: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SortOrder {
    #[default]
    Asc,
    Desc,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct LogsAnswer {
    logs: Vec<LogLine>,
    offset: String,
    first_log_offset: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct LogLine {
    time: String,
    hostname: String,
    unit: String,
    msg: String,
}

impl From<Event> for LogLine {
    fn from(event: Event) -> Self {
        Self {
            time: rfc3339(event.at),
            hostname: event.service_name.unwrap_or_default(),
            unit: format!("tidegate-{}", event.actor),
            msg: format!("{}: {}", event.event_type, event.description),
        }
    }
}

/// The lines that `query` asks for, of `events`, which are newest first.
fn select(mut events: Vec<Event>, query: &LogsQuery) -> LogsAnswer {
    let limit = query.limit.unwrap_or(100).min(WINDOW as usize);
    let order = query.sort_order.unwrap_or_default();
    let offset = query.offset.as_ref().and_then(|it| it.parse::<i64>().ok());
    let first = events.last().map_or(0, |it| it.id);
    match (order, offset) {
        (SortOrder::Asc, Some(offset)) => {
            // The oldest of those that have not been seen, so that following misses none.
            events.retain(|it| it.id > offset);
            events.reverse();
            events.truncate(limit);
        }
        (SortOrder::Asc, None) => {
            events.truncate(limit);
            events.reverse();
        }
        (SortOrder::Desc, offset) => {
            events.retain(|it| offset.is_none_or(|offset| it.id < offset));
            events.truncate(limit);
        }
    }
    let last = events.last().map(|it| it.id).or(offset).unwrap_or(0);
    LogsAnswer {
        logs: events.into_iter().map(Into::into).collect(),
        offset: last.to_string(),
        first_log_offset: first.to_string(),
    }
}

/// Read what the platform did to a service
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/logs",
    params(ServicePath),
    request_body = LogsQuery,
    responses((status = 200, body = LogsAnswer)),
    tag = "logs"
)]
async fn query_logs(
    State(store): State<Store>,
    OfService { service, .. }: OfService,
    Json(query): Json<LogsQuery>,
) -> Result<Json<LogsAnswer>, ApiError> {
    let filter = EventFilter {
        project: Some(service.project),
        service_name: Some(service.name.into()),
        ..EventFilter::default()
    };
    let events = store.events.latest(&filter, WINDOW).await?;
    Ok(Json(select(events, &query)))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn ids(query: &LogsQuery) -> (Vec<String>, String) {
        let event = |id: i64| Event {
            id,
            at: Timestamp(id),
            actor: "api".into(),
            request_id: None,
            event_type: "t".into(),
            project: None,
            service_name: None,
            description: id.to_string(),
            before: None,
            after: None,
        };
        let logs = select((1..=5).rev().map(event).collect(), query);
        (logs.logs.into_iter().map(|it| it.msg).collect(), logs.offset)
    }

    #[test]
    fn following_misses_no_line_and_repeats_none() {
        let follow = |offset: Option<&str>| LogsQuery {
            limit: Some(2),
            sort_order: None,
            offset: offset.map(str::to_owned),
        };
        assert_eq!(ids(&follow(None)), (vec!["t: 4".into(), "t: 5".into()], "5".into()));
        assert_eq!(ids(&follow(Some("1"))), (vec!["t: 2".into(), "t: 3".into()], "3".into()));
        assert_eq!(ids(&follow(Some("5"))), (vec![], "5".into()));
    }

    #[test]
    fn backwards_starts_at_the_newest() {
        let back = |offset: Option<&str>| LogsQuery {
            limit: Some(2),
            sort_order: Some(SortOrder::Desc),
            offset: offset.map(str::to_owned),
        };
        assert_eq!(ids(&back(None)), (vec!["t: 5".into(), "t: 4".into()], "4".into()));
        assert_eq!(ids(&back(Some("2"))), (vec!["t: 1".into()], "1".into()));
    }
}
