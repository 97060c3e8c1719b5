//! `/v1/project/{project}/service/{service}/connection_info`: what to give to the usual clients.

mod access;
mod snippets;

use axum::extract::State;
use serde::Serialize;
use service_config::effective;
use store::Service;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::access::{Access, Login};
use self::snippets::{Placeholder, Snippets, placeholders, snippets};
use crate::App;
use crate::access::{OfService, ServicePath};
use crate::error::ApiError;
use crate::extract::Json;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_connection_info))
}

#[derive(Serialize, ToSchema)]
struct ConnectionInfoAnswer {
    connection_info: ConnectionInfoView,
}

/// How clients connect. No secrets are in it: what only a client knows is a placeholder.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionInfoView {
    /// `host:port` of each node, comma-separated.
    pub(crate) bootstrap_servers: String,
    /// Kafka's `security.protocol`.
    pub(crate) security_protocol: &'static str,
    /// Kafka's `sasl.mechanism`: `OAUTHBEARER` if OIDC is on, else one of SCRAM.
    pub(crate) sasl_mechanism: &'static str,
    /// Who has to have issued a token; null if OIDC is off.
    pub(crate) issuer: Option<String>,
    /// Of which a token has to be for one; empty if OIDC is off.
    pub(crate) audiences: Vec<String>,
    /// What to put in before the snippets are used.
    pub(crate) placeholders: Vec<Placeholder>,
    pub(crate) snippets: Snippets,
}

/// Get what the usual clients need to connect
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/connection_info",
    params(ServicePath),
    responses((status = 200, body = ConnectionInfoAnswer), (status = 400, body = crate::error::ErrorBody)),
    tag = "services"
)]
async fn get_connection_info(
    State(app): State<App>,
    OfService { service, .. }: OfService,
) -> Result<Json<ConnectionInfoAnswer>, ApiError> {
    Ok(Json(ConnectionInfoAnswer { connection_info: of(&app, &service)? }))
}

/// How clients connect to a service. Refused if its configuration breaks rules that came after it.
pub(crate) fn of(app: &App, service: &Service) -> Result<ConnectionInfoView, ApiError> {
    let effective = effective(&service.user_config, &app.settings.rules())?;
    let access = Access::of(service, &effective);
    let oidc = match &access.login {
        Login::Oidc(it) => Some(it.clone()),
        Login::Scram(_) => None,
    };
    Ok(ConnectionInfoView {
        bootstrap_servers: access.bootstrap.clone(),
        security_protocol: access.protocol,
        sasl_mechanism: access.mechanism(),
        issuer: oidc.as_ref().map(|it| it.issuer.clone()),
        audiences: oidc.map(|it| it.audiences).unwrap_or_default(),
        placeholders: placeholders(&access),
        snippets: snippets(&access),
    })
}
