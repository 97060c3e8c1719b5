//! `/v1/project/{project}/service/{service}/probe-credentials`: with what the platform gets a token
//! from the service's identity provider, to show after each restart that a node lets it in.

use std::collections::BTreeMap;

use axum::extract::State;
use model::{IdpPolicy, IdpUrl, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::ProbeCredentials;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::{OfService, Operate, ServicePath};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::services::Message;

/// The fields of a token request that are ours to fill in.
const OURS: [&str; 3] = ["client_id", "client_secret", "grant_type"];
const MOST_PARAMETERS: usize = 16;
const LONGEST: usize = 2048;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(
        get_probe_credentials,
        set_probe_credentials,
        delete_probe_credentials
    ))
}

/// Credentials for `grant_type=client_credentials`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetProbeCredentials {
    /// Where the identity provider gives tokens out. The same rules as for the JWKS URL.
    token_url: String,
    client_id: String,
    /// Never shown again.
    #[schema(value_type = String)]
    client_secret: Secret,
    /// Further fields of the request, such as `audience` and `scope`. They are shown.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
struct ProbeCredentialsAnswer {
    probe_credentials: ProbeCredentialsView,
}

/// Credentials without the secret.
#[derive(Serialize, ToSchema)]
struct ProbeCredentialsView {
    token_url: String,
    client_id: String,
    parameters: BTreeMap<String, String>,
}

impl From<ProbeCredentials> for ProbeCredentialsAnswer {
    fn from(credentials: ProbeCredentials) -> Self {
        let ProbeCredentials { token_url, client_id, parameters, client_secret: _ } = credentials;
        Self { probe_credentials: ProbeCredentialsView { token_url, client_id, parameters } }
    }
}

/// Get the credentials of the platform's client, without the secret
#[utoipa::path(
    get,
    path = "/v1/project/{project}/service/{service}/probe-credentials",
    params(ServicePath),
    responses((status = 200, body = ProbeCredentialsAnswer), (status = 404, body = ErrorBody)),
    tag = "services"
)]
async fn get_probe_credentials(
    State(app): State<App>,
    OfService { service, .. }: OfService,
) -> Result<Json<ProbeCredentialsAnswer>, ApiError> {
    let credentials = app.store.services.probe(service.id).await?;
    Ok(Json(credentials.ok_or(ApiError::NotFound("Probe credentials"))?.into()))
}

/// Set the credentials of the platform's client
///
/// It gets a token with them after each restart, and a node that refuses it counts as failed.
#[utoipa::path(
    put,
    path = "/v1/project/{project}/service/{service}/probe-credentials",
    params(ServicePath),
    request_body = SetProbeCredentials,
    responses((status = 200, body = ProbeCredentialsAnswer), (status = 400, body = ErrorBody)),
    tag = "services"
)]
async fn set_probe_credentials(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
    Json(body): Json<SetProbeCredentials>,
) -> Result<Json<ProbeCredentialsAnswer>, ApiError> {
    let credentials = check(body, &app.settings.idp_policy)?;
    app.store.services.set_probe(service.id, &credentials, &by).await?;
    Ok(Json(credentials.into()))
}

/// Delete the credentials of the platform's client
#[utoipa::path(
    delete,
    path = "/v1/project/{project}/service/{service}/probe-credentials",
    params(ServicePath),
    responses((status = 200, body = Message), (status = 404, body = ErrorBody)),
    tag = "services"
)]
async fn delete_probe_credentials(
    State(app): State<App>,
    OfService { service, by, .. }: OfService<Operate>,
) -> Result<Json<Message>, ApiError> {
    if app.store.services.remove_probe(service.id, &by).await? {
        return Ok(Json(Message { message: "deleted" }));
    }
    Err(ApiError::NotFound("Probe credentials"))
}

/// Every rule that is broken. The secret's value is never in it.
fn check(body: SetProbeCredentials, policy: &IdpPolicy) -> Result<ProbeCredentials, ApiError> {
    let SetProbeCredentials { token_url, client_id, client_secret, parameters } = body;
    let mut errors = Vec::new();
    if let Err(rule) = check_url(&token_url, policy) {
        errors.push(wrong("token_url", &token_url, &rule));
    }
    if !is_plain(&client_id) {
        errors.push(wrong("client_id", &client_id, PLAIN));
    }
    if !is_plain(client_secret.expose()) {
        errors.push(wrong("client_secret", "[hidden]", PLAIN));
    }
    if parameters.len() > MOST_PARAMETERS {
        let rule = format!("are more than {MOST_PARAMETERS}");
        errors.push(wrong("parameters", &parameters.len().to_string(), &rule));
    }
    for (name, value) in &parameters {
        let key = format!("parameters.{}", name.escape_debug().take(64).collect::<String>());
        if OURS.contains(&name.as_str()) {
            errors.push(wrong(&key, value, "is not accepted: the platform fills it in"));
        } else if !is_plain(name) || !is_plain(value) {
            errors.push(wrong(&key, value, PLAIN));
        }
    }
    if errors.is_empty() {
        return Ok(ProbeCredentials { token_url, client_id, client_secret, parameters });
    }
    Err(ApiError::Invalid(errors.join("; ")))
}

const PLAIN: &str = "is not 1-2048 characters without control characters";

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
}

/// What an address breaks. A name may lead elsewhere later, so who connects looks again.
fn check_url(text: &str, policy: &IdpPolicy) -> Result<(), String> {
    let url = IdpUrl::parse(text, policy.urls).map_err(|it| it.to_string())?;
    let host = url.url().host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse() {
        Ok(address) if !policy.admits(address) => {
            Err("must not lead to an address that the operator does not admit".into())
        }
        _ if text.len() > LONGEST => Err(format!("must not be longer than {LONGEST}")),
        _ => Ok(()),
    }
}

fn wrong(key: &str, value: &str, rule: &str) -> String {
    let shown: String = value.chars().take(200).collect();
    format!("Invalid '{key}': {} {rule}", Value::from(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(token_url: &str, secret: &str, parameters: &[(&str, &str)]) -> String {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let body = SetProbeCredentials {
            token_url: token_url.into(),
            client_id: "probe".into(),
            client_secret: Secret::new(secret.into()),
            parameters: parameters.iter().map(owned).collect(),
        };
        let checked = check(body, &IdpPolicy::default());
        checked.map_or_else(|it| it.to_string(), |_| "accepted".into())
    }

    #[test]
    fn an_address_obeys_the_rules_of_the_jwks_url() {
        let url = |it| rules(it, "s", &[]);
        assert_eq!(url("https://idp.example.com/token"), "accepted");
        assert!(url("http://idp.example.com/token").contains("must use https"));
        for inside in ["https://10.0.0.1/t", "https://[::1]/t", "https://169.254.169.254/t"] {
            assert!(url(inside).contains("does not admit"), "{inside}");
        }
    }

    #[test]
    fn the_request_is_ours_to_fill_in_and_the_secret_is_not_repeated() {
        let url = "https://idp.example.com/token";
        assert_eq!(rules(url, "s", &[("audience", "kafka")]), "accepted");
        assert!(rules(url, "s", &[("grant_type", "password")]).contains("parameters.grant_type"));
        let told = rules(url, "hunter2\n", &[]);
        assert!(told.contains("client_secret") && !told.contains("hunter2"), "{told}");
    }
}
