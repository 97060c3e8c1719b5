//! How the proxy is seen from outside: its public address, and which web pages may ask it.

use clap::{ArgAction, Args};
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, FORWARDED, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How the proxy is seen from outside.
#[derive(Clone, Debug, Args)]
pub struct Edge {
    /// Public base URL in the `base_uri` of consumers and in the metadata for OAuth clients. Without
    /// it there is no such metadata, and the `base_uri` has what reverse proxies say
    /// (`--trust-forwarded`), or the request's `Host`.
    #[arg(long, env = "TIDEGATE_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Believe `Forwarded` and `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix`. All that comes of
    /// them is the `base_uri` in an answer to whoever sent them.
    #[arg(long, env = "TIDEGATE_TRUST_FORWARDED", default_value_t = true,
          action = ArgAction::Set, value_name = "BOOL")]
    pub trust_forwarded: bool,
    /// Origins whose web pages may use the proxy (CORS), such as `https://console.example.com`,
    /// separated by commas; `*` for any. None by default.
    #[arg(long, env = "TIDEGATE_CORS_ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub cors_origin: Vec<HeaderValue>,
}

impl Edge {
    /// The base URL under which the caller reaches this proxy, without a slash at its end; empty if
    /// nothing says it.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let seen = if self.trust_forwarded { Seen::forwarded(headers) } else { Seen::default() };
        let host = seen.host.or_else(|| first(headers, &HOST).filter(|it| is_authority(it)));
        let Some(host) = host else { return String::new() };
        let proto = seen.proto.unwrap_or_else(|| "http".to_owned());
        let port = seen.port.filter(|it| !has_port(&host) && !is_default(&proto, *it));
        let port = port.map(|it| format!(":{it}")).unwrap_or_default();
        format!("{proto}://{host}{port}{}", seen.prefix.unwrap_or_default())
    }

    /// The layer that answers browsers, if any origin is allowed.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        if self.cors_origin.is_empty() {
            return None;
        }
        let origins = if self.cors_origin.iter().any(|it| it == "*") {
            AllowOrigin::any()
        } else {
            AllowOrigin::list(self.cors_origin.iter().cloned())
        };
        let methods = [Method::DELETE, Method::GET, Method::OPTIONS, Method::POST, Method::PUT];
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods)
            .allow_headers([AUTHORIZATION, CONTENT_TYPE])
            .expose_headers([ETAG, HeaderName::from_static("x-request-id")]);
        Some(layer)
    }
}

/// What reverse proxies say of the address that the caller used. Of several proxies the first one
/// counts, which the caller reached. What does not look like part of a URL is left out.
#[derive(Default)]
struct Seen {
    proto: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    prefix: Option<String>,
}

impl Seen {
    fn forwarded(headers: &HeaderMap) -> Self {
        let of = |name: &'static str| first(headers, &HeaderName::from_static(name));
        // RFC 7239 where it is sent, the names that came before it otherwise.
        let (mut proto, mut host) = (None, None);
        let element = first(headers, &FORWARDED).unwrap_or_default();
        for (name, value) in element.split(';').filter_map(|it| it.split_once('=')) {
            let value = value.trim().trim_matches('"').to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "proto" => proto = Some(value),
                "host" => host = Some(value),
                _ => {}
            }
        }
        let proto = proto.or_else(|| of("x-forwarded-proto")).map(|it| it.to_ascii_lowercase());
        let host = host.or_else(|| of("x-forwarded-host"));
        let prefix = of("x-forwarded-prefix").map(|it| it.trim_end_matches('/').to_owned());
        Self {
            proto: proto.filter(|it| it == "http" || it == "https"),
            host: host.filter(|it| is_authority(it)),
            port: of("x-forwarded-port").and_then(|it| it.parse().ok()),
            prefix: prefix.filter(|it| is_path(it)),
        }
    }
}

/// The first of the comma-separated values of a header.
fn first(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.split(',').next().unwrap_or(value).trim().to_owned())
}

fn is_authority(text: &str) -> bool {
    let good = |it: u8| it.is_ascii_alphanumeric() || b"-._:[]".contains(&it);
    !text.is_empty() && text.bytes().all(good)
}

fn is_path(text: &str) -> bool {
    let good = |it: u8| it.is_ascii_alphanumeric() || b"-._~/%".contains(&it);
    text.starts_with('/') && !text.starts_with("//") && text.bytes().all(good)
}

fn has_port(host: &str) -> bool {
    // Colons in brackets belong to an IPv6 address.
    host.rsplit(']').next().is_some_and(|it| it.contains(':'))
}

fn is_default(proto: &str, port: u16) -> bool {
    matches!((proto, port), ("http", 80) | ("https", 443))
}

fn origin(text: &str) -> Result<HeaderValue, String> {
    let rule = || format!("`{text}` is neither `*` nor an origin such as https://host:port");
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if text != "*" && !authority.is_some_and(is_authority) {
        return Err(rule());
    }
    HeaderValue::from_str(text).map_err(|_| rule())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn url(edge: &Edge, headers: &[(&'static str, &str)]) -> String {
        let pairs = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        edge.base_url(&pairs.collect())
    }

    #[test]
    fn the_address_is_the_one_that_the_caller_used() {
        let edge = testing::limits().edge;
        let host = ("host", "proxy:8082");
        assert_eq!(url(&edge, &[]), "");
        assert_eq!(url(&edge, &[host]), "http://proxy:8082");
        let proto = ("x-forwarded-proto", "https");
        let other = ("x-forwarded-host", "api.example.com, inner");
        assert_eq!(url(&edge, &[host, proto, other]), "https://api.example.com");
        let port = ("x-forwarded-port", "8443");
        let prefix = ("x-forwarded-prefix", "/kafka/");
        let all = [host, proto, other, port, prefix];
        assert_eq!(url(&edge, &all), "https://api.example.com:8443/kafka");
        let usual = [host, proto, other, ("x-forwarded-port", "443")];
        assert_eq!(url(&edge, &usual), "https://api.example.com");
        let standard = ("forwarded", "for=192.0.2.1;proto=HTTPS;host=\"[::1]:4\", for=10.0.0.1");
        assert_eq!(url(&edge, &[host, standard, other, port]), "https://[::1]:4");
        assert_eq!(url(&edge, &[("host", "[::1]"), port]), "http://[::1]:8443");
    }

    #[test]
    fn what_is_no_address_and_what_is_not_trusted_is_left_out() {
        let edge = testing::limits().edge;
        let host = ("host", "proxy");
        let junk = [
            host,
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-host", "a b/<script>"),
            ("x-forwarded-port", "99999"),
            ("x-forwarded-prefix", "//evil"),
        ];
        assert_eq!(url(&edge, &junk), "http://proxy");
        let strict = Edge { trust_forwarded: false, ..edge.clone() };
        let other = ("x-forwarded-host", "other");
        assert_eq!(url(&strict, &[host, other]), "http://proxy");
        let public = Edge { public_url: Some("https://public/p/".to_owned()), ..edge };
        assert_eq!(url(&public, &[host, other]), "https://public/p");
    }

    #[test]
    fn an_origin_is_no_url() {
        for good in ["*", "https://a.example", "http://localhost:3000"] {
            assert!(origin(good).is_ok(), "{good}");
        }
        for bad in ["", "a.example", "https://a.example/", "https://", "null"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
