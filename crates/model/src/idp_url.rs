//! Addresses of identity providers, and which of them are acceptable.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// What an address of an identity provider may be, beyond `https`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlPolicy {
    /// `https` only.
    #[default]
    HttpsOnly,
    /// `https`, and `http` to a loopback host: for development.
    HttpOnLoopback,
}

/// The rule that an address breaks, as a sentence that fits behind a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the text is the document")]
pub enum UrlRule {
    #[error("must be an absolute URL such as https://idp.example.com/jwks")]
    Malformed,
    #[error("must use https")]
    NotHttps,
    #[error("must use https; http is accepted for a loopback host only")]
    HttpBeyondLoopback,
    #[error("must not carry a user name, a password or a fragment")]
    Credentials,
    #[error("must not contain quotes, commas, backslashes, spaces or control characters")]
    Characters,
}

/// A checked address of an identity provider, kept exactly as it was written: Kafka compares it
/// byte for byte with `org.apache.kafka.sasl.oauthbearer.allowed.urls`, a list split at commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpUrl {
    text: String,
    url: Url,
}

impl IdpUrl {
    /// Checks `text` against `policy`.
    pub fn parse(text: &str, policy: UrlPolicy) -> Result<Self, UrlRule> {
        let forbidden =
            |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '\\');
        if text.chars().any(forbidden) {
            return Err(UrlRule::Characters);
        }
        let url = Url::parse(text).map_err(|_| UrlRule::Malformed)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(UrlRule::Credentials);
        }
        match (url.scheme(), policy) {
            ("https", _) => {}
            ("http", UrlPolicy::HttpOnLoopback) if is_loopback(&url) => {}
            ("http", UrlPolicy::HttpOnLoopback) => return Err(UrlRule::HttpBeyondLoopback),
            ("http", UrlPolicy::HttpsOnly) => return Err(UrlRule::NotHttps),
            _ => return Err(UrlRule::Malformed),
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Parsed, for a client.
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for IdpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_everywhere_and_http_on_loopback_in_development() {
        let parse = |text, policy| IdpUrl::parse(text, policy).map(|_| ());
        assert_eq!(parse("https://idp.example.com/jwks", UrlPolicy::HttpsOnly), Ok(()));
        assert_eq!(parse("http://127.0.0.1:80/jwks", UrlPolicy::HttpsOnly), Err(UrlRule::NotHttps));
        assert_eq!(parse("http://127.0.0.1:80/jwks", UrlPolicy::HttpOnLoopback), Ok(()));
        assert_eq!(parse("http://[::1]/jwks", UrlPolicy::HttpOnLoopback), Ok(()));
        assert_eq!(
            parse("http://10.0.0.1/jwks", UrlPolicy::HttpOnLoopback),
            Err(UrlRule::HttpBeyondLoopback)
        );
        assert_eq!(parse("file:///etc/passwd", UrlPolicy::HttpOnLoopback), Err(UrlRule::Malformed));
    }

    #[test]
    fn nothing_that_could_end_a_property_or_a_list() {
        for text in ["https://a/\nx=y", "https://a/\"", "https://a/,https://b/", "https://a/ b"] {
            assert_eq!(
                IdpUrl::parse(text, UrlPolicy::HttpsOnly),
                Err(UrlRule::Characters),
                "{text}"
            );
        }
        assert_eq!(
            IdpUrl::parse("https://user:pw@a/", UrlPolicy::HttpsOnly),
            Err(UrlRule::Credentials)
        );
    }
}
