//! What a request presents: `Authorization: Bearer` (RFC 6750) or `Basic` (RFC 7617), in the header
//! and nowhere else.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use model::Secret;

use crate::error::ApiError;

/// With or without padding: clients differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const MALFORMED: ApiError = ApiError::BadCredentials("Malformed Authorization header");

/// A credential that nobody has looked into yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    Bearer(&'a str),
    /// Name and password.
    Basic(String, Secret),
}

/// The only credential of a request.
pub(super) fn presented<'a>(
    headers: &'a HeaderMap,
    query: Option<&str>,
) -> Result<Presented<'a>, ApiError> {
    if query.is_some_and(has_token) {
        // RFC 9700, section 4.3.2: such tokens end up in logs. Said also when a header is there.
        return Err(ApiError::BadCredentials("An access token in the query is not accepted"));
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(ApiError::NoCredentials) };
    if values.next().is_some() {
        return Err(ApiError::BadCredentials("More than one Authorization header"));
    }
    let value = HeaderValue::to_str(value).map_err(|_| MALFORMED)?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim_matches(' ');
    let is_one_word = !rest.is_empty() && rest.bytes().all(|it| it.is_ascii_graphic());
    if scheme.eq_ignore_ascii_case("bearer") {
        return if is_one_word { Ok(Presented::Bearer(rest)) } else { Err(MALFORMED) };
    }
    if scheme.eq_ignore_ascii_case("basic") {
        return basic(rest).ok_or(MALFORMED);
    }
    Err(ApiError::NoCredentials)
}

fn has_token(query: &str) -> bool {
    query.split('&').any(|it| it.split('=').next() == Some("access_token"))
}

fn basic(text: &str) -> Option<Presented<'static>> {
    let text = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    let whole = !text.contains(|it: char| it.is_control()) && !password.is_empty();
    whole.then(|| Presented::Basic(username.to_owned(), Secret::new(password.to_owned())))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn authorization(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    fn refused(headers: &HeaderMap, query: Option<&str>) -> u16 {
        presented(headers, query).unwrap_err().kind().0.as_u16()
    }

    #[test]
    fn only_one_header_of_a_known_scheme_is_a_credential() {
        let bearer = authorization("BEARER  a.b.c");
        assert_eq!(presented(&bearer, Some("timeout=1")).unwrap(), Presented::Bearer("a.b.c"));
        assert_eq!(refused(&HeaderMap::new(), None), 401);
        assert_eq!(refused(&authorization("Digest a"), None), 401);
        assert_eq!(refused(&authorization("Bearer"), None), 400);
        assert_eq!(refused(&authorization("Bearer a b"), None), 400);
        let twice: Vec<(HeaderName, HeaderValue)> =
            ["Bearer a", "Basic YTpi"].map(|it| (AUTHORIZATION, it.parse().unwrap())).into();
        assert_eq!(refused(&HeaderMap::from_iter(twice), None), 400);
    }

    #[test]
    fn a_token_in_the_query_is_never_taken() {
        assert_eq!(refused(&HeaderMap::new(), Some("x=1&access_token=a.b.c")), 400);
        assert_eq!(refused(&authorization("Bearer a.b.c"), Some("access_token=a.b.c")), 400);
    }

    #[test]
    fn a_password_is_any_utf8_behind_the_first_colon() {
        let expect = |value: &str, username: &str, password: &str| {
            let expected = Presented::Basic(username.to_owned(), Secret::new(password.to_owned()));
            assert_eq!(presented(&authorization(value), None).unwrap(), expected, "{value}");
        };
        expect("Basic YWxpY2U6cHc=", "alice", "pw");
        expect("bAsIc YWxpY2U6cHc", "alice", "pw");
        expect("Basic YWxpY2U6cDp3", "alice", "p:w");
        expect("Basic YWxpY2U6IHDDpA==", "alice", " pä");
        // No base64, no UTF-8, no colon, no password, a control character.
        for bad in ["?", "/w==", "YWxpY2U=", "YWxpY2U6", "YWxpY2U6AA=="] {
            assert_eq!(refused(&authorization(&format!("Basic {bad}")), None), 400, "{bad}");
        }
    }
}
