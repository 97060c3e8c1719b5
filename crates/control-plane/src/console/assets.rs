//! `/console/assets/{file}`: what is embedded, for ever under the same name.

use axum::response::{IntoResponse, Response};
use console::assets::Asset;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};

use crate::extract::Path;

/// The content never changes under its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) async fn send(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = Asset::find(&file) else { return StatusCode::NOT_FOUND.into_response() };
    let fixed =
        [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, FOR_EVER), (VARY, "accept-encoding")];
    if takes_gzip(&headers) {
        return (fixed, [(CONTENT_ENCODING, "gzip")], asset.gzip).into_response();
    }
    (fixed, asset.plain).into_response()
}

/// Whether the client unpacks gzip (RFC 9110, 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|it| it.to_str().ok());
    all.flat_map(|it| it.split(',')).any(|it| {
        let (name, weight) = it.split_once(';').unwrap_or((it, ""));
        let weight = weight.replace(' ', "");
        let is_refused = weight.strip_prefix("q=").is_some_and(|it| it.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn gzip_goes_to_who_takes_it() {
        let takes = |text: &'static str| {
            takes_gzip(&[(ACCEPT_ENCODING, HeaderValue::from_static(text))].into_iter().collect())
        };
        assert!(takes("gzip") && takes("br, GZIP;q=0.5") && takes("deflate,gzip"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("gzip; q=0.0") && !takes("xgzip"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
