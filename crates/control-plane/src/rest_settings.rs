//! `/v1/rest-proxy/settings`: what a REST proxy runs with, as soon as it changes.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use model::{RestSettings, ServiceId, Timestamp};
use service_config::{effective, rest_settings};
use store::{Service, StoreError};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::access::RestProxyCaller;
use crate::error::ApiError;
use crate::extract::Json;

/// Nobody waits longer, whatever they prefer.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How often is looked although nobody was woken.
const POLL: Duration = Duration::from_secs(5);

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_rest_settings))
}

/// What a proxy knows already, and how long it is willing to wait for something else.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    etag: Option<String>,
    wait: Duration,
}

/// How long whoever sent these headers is willing to wait for a change: a minute at most.
pub(crate) fn preferred_wait(headers: &HeaderMap) -> Duration {
    Known::read(headers).wait
}

impl Known {
    fn read(headers: &HeaderMap) -> Self {
        let text = |it: Option<&HeaderValue>| it.and_then(|it| it.to_str().ok().map(str::to_owned));
        let wait = text(headers.get("prefer")).and_then(|it| {
            let mut preferences = it.split([',', ';']);
            preferences.find_map(|it| it.trim().strip_prefix("wait=")?.parse().ok())
        });
        Self {
            etag: text(headers.get(IF_NONE_MATCH)),
            wait: wait.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_WAIT),
        }
    }

    fn is(&self, current: &Current) -> bool {
        self.etag.as_ref() == Some(&current.etag())
    }
}

/// What all the settings follow from.
struct Current {
    service: Service,
    /// Claims that are watched.
    watched: BTreeSet<String>,
}

impl Current {
    /// `None`: the service is gone.
    async fn look(app: &App, id: ServiceId) -> Result<Option<Self>, StoreError> {
        let Some(service) = app.store.services.by_id(id).await? else { return Ok(None) };
        let watched = app.store.watched_claims.of_service(id, Timestamp::now()).await?;
        Ok(Some(Self { service, watched }))
    }

    /// The generation counts everything but the claims that are watched.
    fn etag(&self) -> String {
        etag(self.service.generation, &self.watched)
    }
}

fn etag(generation: i64, watched: &BTreeSet<String>) -> String {
    if watched.is_empty() {
        return format!("\"{generation}\"");
    }
    let mut names = Context::new(&SHA256);
    for name in watched {
        names.update(name.as_bytes());
        // Which no name has in it.
        names.update(b"\0");
    }
    format!("\"{generation}-{}\"", URL_SAFE_NO_PAD.encode(names.finish()))
}

/// Get the settings of the REST proxy that the token belongs to
///
/// With `If-None-Match` and `Prefer: wait=SECONDS`, the answer comes as soon as there are other
/// settings, or is 304 after that time.
#[utoipa::path(
    get,
    path = "/v1/rest-proxy/settings",
    params(
        ("if-none-match" = Option<String>, Header, description = "The `ETag` of the settings that are known"),
        ("prefer" = Option<String>, Header, description = "`wait=SECONDS`, at most 60"),
    ),
    responses(
        (status = 200, description = "The settings", body = Object),
        (status = 304, description = "There are no other settings"),
        (status = 404, description = "The service is gone", body = crate::error::ErrorBody),
    ),
    tag = "rest proxy"
)]
async fn get_rest_settings(
    State(app): State<App>,
    RestProxyCaller(service): RestProxyCaller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    match other_than(&app, service, &Known::read(&headers)).await? {
        Some(current) => answer(&app, current).await,
        None => Ok(StatusCode::NOT_MODIFIED.into_response()),
    }
}

/// What there is as soon as it is not as `known`; `None` if it stayed so. A database that is away
/// in between is waited for as well.
async fn other_than(app: &App, id: ServiceId, known: &Known) -> Result<Option<Current>, ApiError> {
    let deadline = Instant::now() + known.wait;
    let mut wake = app.wake.clone();
    loop {
        wake.hear();
        let looked = match Current::look(app, id).await {
            Ok(None) => return Err(ApiError::NotFound("Service")),
            Ok(Some(current)) if !known.is(&current) => return Ok(Some(current)),
            looked => looked,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || wake.stopped() {
            looked?;
            return Ok(None);
        }
        wake.wait(left.min(POLL)).await;
    }
}

async fn answer(app: &App, current: Current) -> Result<Response, ApiError> {
    let etag = current.etag();
    let settings = settings(app, current).await?;
    let mut response = Json(settings).into_response();
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    // It holds a password.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn settings(app: &App, current: Current) -> Result<RestSettings, ApiError> {
    let Current { service, watched } = current;
    let secrets = app.store.services.secrets(service.id).await?;
    let secrets = secrets.ok_or(ApiError::NotFound("Service"))?;
    let effective = effective(&service.user_config, &app.settings.rules())
        .map_err(|errors| ApiError::Internal(ApiError::from(errors).to_string().into()))?;
    let watched_claims = watched.into_iter().collect();
    let settings = rest_settings(&effective, &service.nodes, &secrets.rest_proxy);
    Ok(RestSettings { watched_claims, ..settings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_wait_is_found_among_others_and_bounded() {
        let wait = |prefer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(prefer));
            Known::read(&headers).wait.as_secs()
        };
        assert_eq!(wait("wait=20"), 20);
        assert_eq!(wait("respond-async, wait=10"), 10);
        assert_eq!(wait("wait=86400"), 60);
        assert_eq!(wait("wait=soon"), 0);
    }

    #[test]
    fn the_etag_tells_generations_and_sets_of_claims_apart() {
        let of = |names: &[&str]| etag(7, &names.iter().map(|&it| it.to_owned()).collect());
        assert_eq!(of(&[]), "\"7\"");
        let all =
            [of(&[]), of(&["a"]), of(&["b"]), of(&["ab"]), of(&["a", "b"]), etag(8, &[].into())];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(of(&["b", "a"]), of(&["a", "b"]));
        HeaderValue::from_str(&of(&["https://example.com/\u{e9}"])).unwrap();
    }
}
