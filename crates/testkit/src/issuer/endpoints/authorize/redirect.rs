//! Where somebody goes after they signed in, and with what.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

/// The path of the console's callback.
const CALLBACK: &str = "/console/sign-in/callback";

/// A redirect URI that is allowed, with what is added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    uri: String,
    state: Option<String>,
    target: Url,
}

impl Redirect {
    /// A redirect URI of the console: any port of a loopback host (RFC 8252, 7.3), one path. `None`
    /// for every other.
    pub(super) fn allowed(uri: &str) -> Option<Self> {
        let target = Url::parse(uri).ok()?;
        let loopback = match target.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let plain = target.username().is_empty()
            && target.password().is_none()
            && target.query().is_none()
            && target.fragment().is_none();
        let http = ["http", "https"].contains(&target.scheme());
        // What is compared later is the text: so it has to be what a browser would make of it.
        let exact = target.as_str() == uri && target.path() == CALLBACK;
        (loopback && plain && http && exact).then(|| Self {
            uri: uri.to_owned(),
            state: None,
            target,
        })
    }

    /// Exactly as it was asked for.
    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        self.target.origin().ascii_serialization()
    }

    /// With one more parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.target.query_pairs_mut().append_pair(name, value);
        self
    }

    /// With `state`, if the request had one.
    #[must_use]
    pub(super) fn with_state(self, state: Option<&str>) -> Self {
        let Some(state) = state else { return self };
        Self { state: Some(state.to_owned()), ..self.with("state", state) }
    }

    /// `state`, if the request had one.
    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// With the code of an error (RFC 6749, 4.1.2.1) and words for developers.
    #[must_use]
    pub(super) fn refuse(self, error: &str, description: &str) -> Self {
        self.with("error", error).with("error_description", description)
    }

    /// Says in `iss` who answers (RFC 9207), and goes there by GET.
    pub(super) fn response(self, issuer: &str) -> Response {
        let target = self.with("iss", issuer).target;
        let headers = [
            (header::LOCATION, target.as_str()),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_consoles_callback_on_a_loopback_host() {
        for good in [
            "http://127.0.0.1:20102/console/sign-in/callback",
            "http://localhost:8080/console/sign-in/callback",
            "https://[::1]:8443/console/sign-in/callback",
            "http://localhost/console/sign-in/callback",
        ] {
            assert_eq!(Redirect::allowed(good).map(|it| it.uri), Some(good.to_owned()));
        }
        for bad in [
            "",
            "/console/sign-in/callback",
            "http://example.com/console/sign-in/callback",
            "http://localhost.example.com/console/sign-in/callback",
            "http://10.0.0.1/console/sign-in/callback",
            "http://localhost:1@example.com/console/sign-in/callback",
            "http://me@localhost/console/sign-in/callback",
            "http://localhost/console/sign-in/callback?next=x",
            "http://localhost/console/sign-in/callback#x",
            "http://localhost/console/sign-in/callback/",
            "http://localhost/console/../console/sign-in/callback",
            "http://LOCALHOST/console/sign-in/callback",
            "http://localhost/",
            "custom://localhost/console/sign-in/callback",
            "javascript:alert(1)",
        ] {
            assert_eq!(Redirect::allowed(bad), None, "{bad}");
        }
    }
}
