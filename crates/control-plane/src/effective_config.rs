//! `/v1/project/{project}/service/{service}/config`: what counts, and where it comes from.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use service_config::{ConfigOption, ConfigProperty, effective, options, properties};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;
use crate::services::rendered_as_stored;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_effective_config))
}

/// The whole configuration of a service.
#[derive(Serialize, ToSchema)]
struct EffectiveConfig {
    /// The revision that every node shall run.
    revision: String,
    /// Whether this version of the platform would render the same revision. If not, the next change
    /// of an option that needs a restart brings the rest as well.
    is_current: bool,
    /// Every option that there is, by key.
    options: Vec<OptionView>,
    /// Every line that follows from them, as a node is started with it now.
    properties: Vec<PropertyView>,
}

/// An option, with the value that counts.
#[derive(Serialize, ToSchema)]
struct OptionView {
    /// Dotted, as in `-c KEY=VALUE`.
    key: String,
    /// What counts; null where nothing is set and Kafka's own default is not known here.
    #[schema(value_type = Value)]
    value: Option<Value>,
    /// `default`, `platform`, `plan`, `user` or `derived` (from other options).
    origin: &'static str,
    /// What counts if nothing is set.
    #[schema(value_type = Value)]
    default: Option<Value>,
    /// The property of Kafka that it sets, if it sets one by itself.
    kafka_property: Option<String>,
    /// What a change costs: `rolling_restart`, `dynamic` or `proxy_reload`.
    update: &'static str,
    description: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = Option<f64>)]
    minimum: Option<Value>,
    #[schema(value_type = Option<f64>)]
    maximum: Option<Value>,
    #[schema(value_type = Option<Vec<Value>>)]
    choices: Option<Vec<Value>>,
}

/// A line of what a node is started with, or of the dynamic configuration.
#[derive(Serialize, ToSchema)]
struct PropertyView {
    name: String,
    /// Passwords are references to the node's own file.
    value: String,
    /// As for options.
    origin: &'static str,
    /// `server.properties`, `dynamic` or `jvm`.
    place: &'static str,
}

impl From<ConfigOption> for OptionView {
    fn from(option: ConfigOption) -> Self {
        Self {
            key: option.key,
            value: option.value,
            origin: option.origin.as_str(),
            default: option.default,
            kafka_property: option.kafka_property,
            update: option.update.as_str(),
            description: option.description,
            kind: option.kind,
            minimum: option.minimum,
            maximum: option.maximum,
            choices: option.choices,
        }
    }
}

impl From<ConfigProperty> for PropertyView {
    fn from(line: ConfigProperty) -> Self {
        let origin = line.origin.as_str();
        Self { name: line.name, value: line.value, origin, place: line.place }
    }
}

/// Get the configuration of a service as it counts, with the origin of each value
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/config",
    params(ServicePath),
    responses((status = 200, body = EffectiveConfig)),
    tag = "services"
)]
async fn get_effective_config(
    State(app): State<App>,
    OfService { service, .. }: OfService,
) -> Result<Json<EffectiveConfig>, ApiError> {
    let effective = effective(&service.user_config, &app.settings.rules())?;
    let (topology, rendered) = rendered_as_stored(&service, &effective);
    Ok(Json(EffectiveConfig {
        revision: service.target.short().to_owned(),
        is_current: rendered.revision.id == service.target,
        options: options(&effective, &rendered).into_iter().map(Into::into).collect(),
        properties: properties(&effective, &topology, &rendered)
            .into_iter()
            .map(Into::into)
            .collect(),
    }))
}
