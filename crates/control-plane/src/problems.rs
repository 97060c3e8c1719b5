//! `/v1/project/{project}/service/{service}/problems`: what Kafka refuses of what was asked for.

use serde::Serialize;
use store::Refusal;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, ServicePath};
use crate::extract::Json;
use crate::time::rfc3339;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_problems))
}

#[derive(Serialize, ToSchema)]
struct Problems {
    problems: Vec<ProblemView>,
}

/// Something that the service shall have, and that Kafka refuses.
#[derive(Serialize, ToSchema)]
struct ProblemView {
    /// `user`, `topic`, `acl`, `quota` or `dynamic_config`.
    aggregate: &'static str,
    /// Which of them; `all` if Kafka says of none.
    name: String,
    /// Why, in Kafka's words.
    message: String,
    /// When it was refused first.
    since: String,
}

impl From<Refusal> for ProblemView {
    fn from(refusal: Refusal) -> Self {
        Self {
            aggregate: refusal.aggregate.as_str(),
            name: refusal.name,
            message: refusal.message,
            since: rfc3339(refusal.since),
        }
    }
}

/// List what Kafka refuses
///
/// Users, topics, ACLs, quotas and dynamic configuration that were accepted here, and that Kafka would
/// refuse again. Each is tried again every few seconds, and is gone from the list when Kafka takes it.
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/problems",
    params(ServicePath),
    responses((status = 200, body = Problems)),
    tag = "services"
)]
async fn list_problems(OfService { service, .. }: OfService) -> Json<Problems> {
    Json(Problems { problems: service.refusals.into_iter().map(Into::into).collect() })
}
