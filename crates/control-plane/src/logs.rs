//! `/v1/project/{project}/service/{service}/logs`
//!
//! The nodes' own logs stay on their hosts; what is shown here is what the platform did, and what the
//! brokers denied, as the orchestrator has summed it up.

mod denial;
mod page;
mod place;

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{DenialRecord, Event, EventFilter, Service, Store, StoreError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::page::{Direction, Entry, page};
use self::place::{NoPlace, Place};
use crate::App;
use crate::access::{OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use crate::time::rfc3339;

/// The most lines of one answer.
const MOST: u32 = 1000;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(query_logs))
}

/// Which lines.
#[derive(Deserialize, ToSchema)]
struct LogsQuery {
    /// How many at most, 100 if not given, 1000 at most.
    limit: Option<u32>,
    /// `asc` or `desc`; by time.
    sort_order: Option<SortOrder>,
    /// The `offset` of an earlier answer: lines after it, or before it with `desc`.
    #[schema(pattern = r"^[0-9]{1,18}(\+?\.[0-9]{1,18}\+?)?$")]
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

impl LogsQuery {
    /// Which way is read, and from where. Fails if the offset is none.
    fn direction(&self) -> Result<Direction, ApiError> {
        let place = |text: &String| {
            text.parse::<Place>().map_err(|NoPlace| {
                let shown: String = text.escape_debug().take(64).collect();
                let rule = "it has to be the 'offset' of an earlier answer";
                ApiError::invalid(format!("Invalid 'offset' '{shown}': {rule}"))
            })
        };
        let place = self.offset.as_ref().map(place).transpose()?;
        Ok(match (self.sort_order.unwrap_or_default(), place) {
            (SortOrder::Asc, Some(place)) => Direction::After(place),
            (SortOrder::Asc, None) => Direction::Newest,
            (SortOrder::Desc, place) => Direction::Before(place),
        })
    }
}

/// What of a service is read as its logs.
struct Logs<'a> {
    store: &'a Store,
    service: &'a Service,
}

impl Logs<'_> {
    /// A page of `limit` lines, and its place.
    async fn page(
        &self,
        direction: Direction,
        limit: u32,
    ) -> Result<(Vec<LogLine>, Place), ApiError> {
        // At least one, so that an empty page knows the end.
        let size = limit.clamp(1, MOST);
        let events = self.events(direction, size).await?.into_iter().map(|event| Entry {
            id: event.id,
            at: event.at,
            line: LogLine::from(event),
        });
        let denials = self.denials(direction, size).await?.into_iter().map(|it| Entry {
            id: it.id,
            at: it.denial.last,
            line: denial::line(&self.service.name, &it.denial),
        });
        Ok(page(events.collect(), denials.collect(), direction, limit.min(MOST) as usize))
    }

    async fn events(&self, direction: Direction, size: u32) -> Result<Vec<Event>, StoreError> {
        let filter = EventFilter {
            project: Some(self.service.project.clone()),
            service_name: Some(self.service.name.to_string()),
            ..EventFilter::default()
        };
        let events = &self.store.events;
        match direction {
            Direction::After(place) => {
                let after_id = Some(place.events.after());
                events.earliest(&EventFilter { after_id, ..filter }, size).await
            }
            Direction::Newest => events.latest(&filter, size).await,
            Direction::Before(place) => {
                let before_id = place.map(|it| it.events.before());
                events.latest(&EventFilter { before_id, ..filter }, size).await
            }
        }
    }

    async fn denials(
        &self,
        direction: Direction,
        size: u32,
    ) -> Result<Vec<DenialRecord>, StoreError> {
        let (denials, service) = (&self.store.denials, self.service.id);
        match direction {
            Direction::After(place) => denials.earliest(service, place.denials.after(), size).await,
            Direction::Newest => denials.latest(service, None, size).await,
            Direction::Before(place) => {
                let before = place.map(|it| it.denials.before());
                denials.latest(service, before, size).await
            }
        }
    }
}

/// Read what the platform did to a service, and what its brokers denied
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/logs",
    params(ServicePath),
    request_body = LogsQuery,
    responses((status = 200, body = LogsAnswer)),
    tag = "logs"
)]
async fn query_logs(
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
    Json(query): Json<LogsQuery>,
) -> Result<Json<LogsAnswer>, ApiError> {
    let direction = query.direction()?;
    let logs = Logs { store: &store, service: &service };
    let (lines, place) = logs.page(direction, query.limit.unwrap_or(100)).await?;
    let (_, first) = logs.page(Direction::After(Place::START), 1).await?;
    Ok(Json(LogsAnswer {
        logs: lines,
        offset: place.to_string(),
        first_log_offset: first.to_string(),
    }))
}
