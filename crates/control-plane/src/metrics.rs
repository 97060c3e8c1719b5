//! `/v1/project/{project}/service/{service}/metrics`, in the shape that Aiven's clients draw.
//!
//! What [`model::Metric`] says is measured, twice a minute while the service is powered on. Figures of
//! the platform itself are at each program's own `/metrics`.

mod chart;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use model::{Metric, Timestamp};
use serde::{Deserialize, Serialize};
use store::Store;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use chart::{Series, series};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(query_metrics))
}

/// Which metrics.
#[derive(Deserialize, ToSchema)]
struct MetricsQuery {
    /// How far back; an hour if not given.
    period: Option<Period>,
}

/// How far back, and in which steps: 60 minutes by 30 seconds, 24 hours by 5 minutes, 7 days by half
/// an hour, 31 days by 3 hours, 366 days by a day.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Period {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl From<Period> for store::Period {
    fn from(period: Period) -> Self {
        match period {
            Period::Hour => Self::Hour,
            Period::Day => Self::Day,
            Period::Week => Self::Week,
            Period::Month => Self::Month,
            Period::Year => Self::Year,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Metrics {
    /// By name of the series.
    metrics: BTreeMap<&'static str, Series>,
}

/// Read metrics of the nodes
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/metrics",
    params(ServicePath),
    request_body = MetricsQuery,
    responses((status = 200, body = Metrics)),
    tag = "logs"
)]
async fn query_metrics(
    State(store): State<Arc<Store>>,
    OfService { service, .. }: OfService,
    Json(query): Json<MetricsQuery>,
) -> Result<Json<Metrics>, ApiError> {
    let period = query.period.map(store::Period::from).unwrap_or_default();
    let points = store.metrics.of_service(service.id, period, Timestamp::now()).await?;
    let nodes: Vec<_> = service.nodes.iter().map(|it| it.id).collect();
    let of = |metric| series(&service.name, &nodes, &points, period.step_seconds(), metric);
    let metrics = Metric::ALL.into_iter().map(|it| (it.as_str(), of(it))).collect();
    Ok(Json(Metrics { metrics }))
}
