//! Whether a request that changes something comes from one of our own pages: by what browsers say
//! of it, and by a token that only our pages have.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, header};
use url::Url;

use super::cookie::CookieSecret;

/// What the token is derived for.
const LABEL: &[u8] = b"tidegate console csrf 1";
const SIZE: usize = 32;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser says that the request comes from a page of the same origin: by
/// `Sec-Fetch-Site`, which pages cannot set, or else by `Origin`, which has to be what the operator says
/// or the host that was asked. Who says neither is not believed.
pub(crate) fn is_ours(headers: &HeaderMap, public_url: Option<&Url>) -> bool {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    if let Some(site) = text(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN).and_then(|it| Url::parse(it).ok()) else {
        return false;
    };
    if public_url.is_some_and(|it| it.origin() == origin.origin()) {
        return true;
    }
    let Some(host) = text(header::HOST) else { return false };
    let asked = Url::parse(&format!("{}://{host}", origin.scheme()));
    origin.host().is_some() && asked.is_ok_and(|it| it.origin() == origin.origin())
}

/// The token of a session, under a mask: other text on each page, so that how well a page is compressed
/// tells nothing of it (BREACH).
pub(crate) fn token(session: &CookieSecret, mask: [u8; SIZE]) -> String {
    let mut text = mask.to_vec();
    text.extend(derived(session).iter().zip(mask).map(|(it, mask)| it ^ mask));
    URL_SAFE_NO_PAD.encode(text)
}

/// Whether `text` is a token of this session, under whatever mask.
pub(crate) fn is_token(session: &CookieSecret, text: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) else { return false };
    let Some((mask, masked)) = bytes.split_at_checked(SIZE) else { return false };
    let plain: Vec<u8> = masked.iter().zip(mask).map(|(it, mask)| it ^ mask).collect();
    masked.len() == SIZE && verify_slices_are_equal(&plain, &derived(session)).is_ok()
}

/// Whether `text` could be a token of some session. Whose it is is not known.
pub(crate) fn is_of_a_session(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|it| it.len() == 2 * SIZE)
}

fn derived(session: &CookieSecret) -> Vec<u8> {
    let key = Key::new(HMAC_SHA256, session.expose().as_bytes());
    sign(&key, LABEL).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_ours_with(pairs: &[(&'static str, &'static str)], public_url: Option<&str>) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let url = public_url.map(|it| it.parse().unwrap());
        is_ours(&pairs.iter().map(pair).collect(), url.as_ref())
    }

    #[test]
    fn only_what_comes_from_our_own_origin_is_ours() {
        let host = ("host", "a:8080");
        let public = Some("https://a.example");
        for (expected, headers, public_url) in [
            (true, vec![host, ("sec-fetch-site", "same-origin")], None),
            (false, vec![host, ("sec-fetch-site", "same-site"), ("origin", "http://a:8080")], None),
            (false, vec![host, ("sec-fetch-site", "cross-site")], None),
            (false, vec![host, ("sec-fetch-site", "none")], None),
            (true, vec![host, ("origin", "http://a:8080")], None),
            (true, vec![("host", "a"), ("origin", "http://a:80")], None),
            (false, vec![host, ("origin", "http://a:8081")], None),
            (false, vec![host, ("origin", "http://b:8080")], None),
            (false, vec![host, ("origin", "null")], None),
            (false, vec![host], None),
            (false, vec![("origin", "http://a:8080")], None),
            (true, vec![host, ("origin", "https://a.example")], public),
            (true, vec![host, ("origin", "http://a:8080")], public),
            (false, vec![host, ("origin", "http://a.example")], public),
        ] {
            assert_eq!(is_ours_with(&headers, public_url), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_token_is_of_one_session_under_any_mask() {
        let (one, other) = (CookieSecret::random().unwrap(), CookieSecret::random().unwrap());
        let (a, b) = (token(&one, [7; SIZE]), token(&one, [8; SIZE]));
        assert_ne!(a, b);
        assert!(is_token(&one, &a) && is_token(&one, &b));
        assert!(!is_token(&other, &a));
        for wrong in ["", "?", &a[..42], &format!("{a}AA")] {
            assert!(!is_token(&one, wrong), "{wrong}");
        }
    }
}
