//! What a refused request is told of the ways in: RFC 6750, section 3, RFC 7617 and RFC 9728. Fixed
//! texts, nothing of a token.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::brake::Verdict;
use super::takes_passwords;
use crate::{App, answer};

/// Where RFC 9728 puts the description of a resource.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const BASIC: HeaderValue =
    HeaderValue::from_static("Basic realm=\"kafka-rest\", charset=\"UTF-8\"");

/// What an answer says of the credentials that came; rides along in its extensions.
#[derive(Clone, Copy)]
pub(crate) enum Challenge {
    /// There were none of a kind that is known, or they were of a user with a password.
    Bare,
    InvalidRequest(&'static str),
    InvalidToken(&'static str),
}

/// Whether `response` refuses credentials.
pub(crate) fn is_due(response: &Response) -> bool {
    response.extensions().get::<Challenge>().is_some()
}

/// Finishes an answer that refuses credentials, late if there are many.
pub(crate) async fn refuse(app: App, mut response: Response) -> Response {
    if let Some(challenge) = response.extensions_mut().remove::<Challenge>() {
        write(&app, challenge, &mut response);
        if app.brake.hold().await == Verdict::Close {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

fn write(app: &App, challenge: Challenge, response: &mut Response) {
    let mut bearer = "Bearer realm=\"kafka-rest\"".to_owned();
    let error = match challenge {
        Challenge::Bare => None,
        Challenge::InvalidRequest(text) => Some(("invalid_request", text)),
        Challenge::InvalidToken(text) => Some(("invalid_token", text)),
    };
    if let Some((code, text)) = error {
        bearer.extend([", error=\"", code, "\", error_description=\"", text, "\""]);
    }
    if let Some(url) = app.limits.edge.public_url.as_deref().and_then(metadata_url) {
        bearer.extend([", resource_metadata=\"", url.as_str(), "\""]);
    }
    let refused = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    if let Ok(bearer) = HeaderValue::try_from(bearer) {
        headers.insert(WWW_AUTHENTICATE, bearer);
    }
    if refused && app.settings.active().is_some_and(|it| takes_passwords(app, &it)) {
        headers.append(WWW_AUTHENTICATE, BASIC);
    }
}

/// RFC 9728, section 3.1: the well-known path goes between the host and the resource's own path.
fn metadata_url(public_url: &str) -> Option<String> {
    let url = reqwest::Url::parse(public_url).ok()?;
    let path = url.path().trim_end_matches('/');
    Some(format!("{}{WELL_KNOWN}{path}", url.origin().ascii_serialization()))
}

#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_servers: Option<[&'a str; 1]>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'static str,
}

/// `GET /.well-known/oauth-protected-resource`, for everybody. There is none while authorization is
/// off, nor without a configured public URL: what a client believes to be the resource must not come
/// from the `Host` that it sent.
pub(crate) async fn show_metadata(State(app): State<App>) -> Response {
    let active = app.settings.active().filter(|it| it.settings.authorization);
    let (Some(active), Some(resource)) = (active, app.limits.edge.public_url.as_deref()) else {
        return (StatusCode::NOT_FOUND, "404: Not Found").into_response();
    };
    let metadata = Metadata {
        resource: resource.trim_end_matches('/'),
        authorization_servers: active.settings.oidc.as_ref().map(|it| [it.issuer.as_str()]),
        bearer_methods_supported: ["header"],
        resource_name: "Kafka REST",
    };
    let mut response = answer::json(StatusCode::OK, &metadata);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_goes_before_the_resources_own() {
        let url = |it| metadata_url(it).unwrap();
        assert_eq!(url("https://h:8443/"), format!("https://h:8443{WELL_KNOWN}"));
        assert_eq!(url("https://h/kafka/rest/"), format!("https://h{WELL_KNOWN}/kafka/rest"));
        assert_eq!(metadata_url("proxy"), None);
    }
}
