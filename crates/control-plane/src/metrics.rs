//! `/v1/project/{project}/service/{service}/metrics`, in the shape that Aiven's clients draw.
//!
//! The platform keeps no series over time: those of Aiven's names are there, empty, and say so.
//! Figures of the moment are at each program's own `/metrics`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::Service;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, ServicePath};
use crate::extract::Json;

/// Aiven's series of a service, and what they are called where they are drawn.
const SERIES: [(&str, &str); 8] = [
    ("cpu_usage", "CPU usage %"),
    ("disk_usage", "Disk space usage %"),
    ("diskio_read", "Disk iops (reads)"),
    ("diskio_writes", "Disk iops (writes)"),
    ("load_average", "Load average"),
    ("mem_usage", "Memory usage %"),
    ("net_receive", "Network received (bytes/s)"),
    ("net_send", "Network transmitted (bytes/s)"),
];

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(query_metrics))
}

/// Which metrics.
#[derive(Deserialize, ToSchema)]
struct MetricsQuery {
    /// How far back.
    #[expect(dead_code, reason = "nothing is kept, however far back")]
    period: Option<Period>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Period {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

#[derive(Serialize, ToSchema)]
struct Metrics {
    /// By name of the series.
    metrics: BTreeMap<&'static str, Series>,
}

/// A table as Google Charts takes it.
#[derive(Debug, Serialize, ToSchema)]
struct Series {
    data: Table,
    hints: Hints,
}

#[derive(Debug, Serialize, ToSchema)]
struct Table {
    cols: Vec<Column>,
    /// Empty: nothing is kept.
    rows: [String; 0],
}

/// The time, or a node.
#[derive(Debug, Serialize, ToSchema)]
struct Column {
    label: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct Hints {
    /// What to write above it.
    title: String,
}

fn series(service: &Service) -> BTreeMap<&'static str, Series> {
    let node = |name: String| Column { label: name, kind: "number" };
    let empty = |title: &str| {
        let time = Column { label: "time".to_owned(), kind: "date" };
        let nodes = service.nodes.iter().map(|it| node(format!("{}-{}", service.name, it.id)));
        Series {
            data: Table { cols: std::iter::once(time).chain(nodes).collect(), rows: [] },
            hints: Hints { title: format!("{title}: not collected by this platform") },
        }
    };
    SERIES.iter().map(|(name, title)| (*name, empty(title))).collect()
}

/// Read metrics: series without values, since none are kept
#[utoipa::path(
    post,
    path = "/v1/project/{project}/service/{service}/metrics",
    params(ServicePath),
    request_body = MetricsQuery,
    responses((status = 200, body = Metrics)),
    tag = "logs"
)]
async fn query_metrics(
    OfService { service, .. }: OfService,
    _: Json<MetricsQuery>,
) -> Json<Metrics> {
    Json(Metrics { metrics: series(&service) })
}
