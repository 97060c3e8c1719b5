//! `/v1/project/{project}/service/{service}/maintenance/start`

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::caller::{OfService, ServicePath};
use crate::extract::Json;
use crate::services::Message;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(start_maintenance))
}

/// Start pending maintenance: there is none, ever, yet
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/maintenance/start",
    params(ServicePath),
    responses((status = 200, body = Message)),
    tag = "services"
)]
async fn start_maintenance(_: OfService) -> Json<Message> {
    Json(Message { message: "service is up to date, maintenance not required" })
}
