//! `/v1/rest-proxy/seen`: what a REST proxy has seen.

use axum::extract::State;
use model::{SeenAt, SeenReport, Timestamp};
use store::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::RestProxyCaller;
use crate::error::ApiError;
use crate::extract::Json;
use crate::services::Message;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(report_seen))
}

/// Tell what a REST proxy has allowed since it last told
///
/// At most 1000 uses and 1000 principals with claims. What is told is used to say who would lose
/// access by a change.
#[utoipa::path(
    post,
    path = "/v1/rest-proxy/seen",
    request_body = Object,
    responses((status = 200, description = "Noted", body = Message)),
    tag = "rest proxy"
)]
async fn report_seen(
    State(store): State<Store>,
    RestProxyCaller(service): RestProxyCaller,
    Json(report): Json<SeenReport>,
) -> Result<Json<Message>, ApiError> {
    store.seen.record(service, SeenAt::RestProxy, &report, Timestamp::now()).await?;
    Ok(Json(Message { message: "noted" }))
}
