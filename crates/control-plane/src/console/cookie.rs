//! Cookies: HTTP-only, for this site only, and for `https` only where that is how browsers come.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::random::{NoRandomness, bytes, token_hash};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A cookie of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie {
    name: &'static str,
    max_age_secs: Option<u32>,
}

/// The session. It ends with the browser, if not before.
pub(crate) const SESSION: Cookie = Cookie { name: "tidegate-session", max_age_secs: None };
/// The browser that has begun to sign in at the identity provider.
pub(crate) const SIGN_IN: Cookie = Cookie { name: "tidegate-sign-in", max_age_secs: Some(600) };

/// What is in a cookie: 256 random bits in base64url. Never logged, never stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CookieSecret(String);

impl std::fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieSecret")
    }
}

impl CookieSecret {
    /// A new one.
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes::<32>()?)))
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        token_hash(&self.0)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl Cookie {
    /// `__Host-`: browsers take it by `https` only, from this very host, for all of its paths
    /// (RFC 6265bis, 4.1.3.2).
    fn full_name(self, https: bool) -> String {
        let prefix = if https { "__Host-" } else { "" };
        format!("{prefix}{}", self.name)
    }

    /// What the browser sends, if it looks like one of ours.
    pub(crate) fn read(self, headers: &HeaderMap, https: bool) -> Option<CookieSecret> {
        let name = self.full_name(https);
        let all = headers.get_all(COOKIE).into_iter().filter_map(|it| it.to_str().ok());
        let mut pairs = all.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
        let (_, value) = pairs.find(|(it, _)| *it == name)?;
        let is_plain = value.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it));
        (value.len() == 43 && is_plain).then(|| CookieSecret(value.to_owned()))
    }

    /// `Set-Cookie` that gives it to the browser.
    pub(crate) fn set(self, secret: &CookieSecret, https: bool) -> Option<HeaderValue> {
        self.header(secret.expose(), self.max_age_secs, https)
    }

    /// `Set-Cookie` that takes it away.
    pub(crate) fn clear(self, https: bool) -> Option<HeaderValue> {
        self.header("", Some(0), https)
    }

    fn header(self, value: &str, max_age: Option<u32>, https: bool) -> Option<HeaderValue> {
        let secure = if https { "; Secure" } else { "" };
        let age = max_age.map(|it| format!("; Max-Age={it}")).unwrap_or_default();
        let name = self.full_name(https);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{secure}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &'static str) -> HeaderMap {
        [(COOKIE, HeaderValue::from_static(cookies))].into_iter().collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_only_under_its_own_name() {
        const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let plain = "x=1; tidegate-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let found = SESSION.read(&headers(plain), false);
        assert_eq!(found.as_ref().map(CookieSecret::expose), Some(A));
        assert!(SESSION.read(&headers(plain), true).is_none(), "not for https");
        assert!(SIGN_IN.read(&headers(plain), false).is_none());
        assert!(SESSION.read(&headers("tidegate-session=short"), false).is_none());
        assert!(SESSION.read(&headers("my-tidegate-session=x"), false).is_none());
    }

    #[test]
    fn attributes_are_as_strict_as_can_be() {
        let secret = CookieSecret("S".into());
        let set = |https| SESSION.set(&secret, https).unwrap().to_str().unwrap().to_owned();
        assert_eq!(set(false), "tidegate-session=S; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(set(true), "__Host-tidegate-session=S; Path=/; HttpOnly; SameSite=Lax; Secure");
        let gone = SIGN_IN.clear(false).unwrap();
        assert_eq!(gone, "tidegate-sign-in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        assert_eq!(format!("{secret:?} {gone:?}"), "CookieSecret Sensitive");
    }
}
