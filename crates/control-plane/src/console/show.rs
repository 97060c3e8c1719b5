//! What handlers return, and how it is sent.

use axum::extract::{FromRequest, Request};
use axum::response::{Html, IntoResponse, Response};
use console::nav::ServiceAt;
use console::pages::failure;
use console::pages::rollout::Banner;
use console::{Frame, Page};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use super::session::stranger;
use crate::App;
use crate::error::ApiError;

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Show {
    page: Page,
    status: StatusCode,
    into: Option<&'static str>,
}

/// What could not be done, in the API's words.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
}

/// The fields of a form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form<T>(pub(crate) T);

/// To another page, after something was done.
pub(crate) fn go(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => Failed::from(ApiError::Internal("an address with odd characters".into()))
            .into_response(),
    }
}

impl From<Page> for Show {
    fn from(page: Page) -> Self {
        Self { page, status: StatusCode::OK, into: None }
    }
}

impl Show {
    /// A page with a form again, which says what is wrong with it.
    pub(crate) fn refused(page: Page) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, ..page.into() }
    }

    /// With that status.
    pub(crate) fn with(page: Page, status: StatusCode) -> Self {
        Self { status, ..page.into() }
    }

    /// Whatever htmx wanted to swap, it is the page's main part, for that in `selector`.
    pub(crate) fn instead(self, selector: &'static str) -> Self {
        Self { into: Some(selector), ..self }
    }

    /// The service whose rollout is to be shown above the page, unless the page shows it itself.
    pub(crate) fn wants_banner(&self) -> Option<&ServiceAt> {
        self.page.service.as_ref().filter(|it| !["", "rollouts", "settings"].contains(&it.here))
    }

    /// Shows a rollout above the page.
    pub(crate) fn put_banner(&mut self, banner: Option<Banner>) {
        self.page.banner = banner;
    }

    fn send(self, frame: &Frame, wants_part: bool) -> Response {
        if !wants_part {
            return (self.status, Html(self.page.whole(frame))).into_response();
        }
        let mut response = (self.status, Html(self.page.fragment())).into_response();
        if let Some(selector) = self.into {
            retarget(&mut response, "#main", selector);
        }
        response
    }
}

impl Failed {
    fn send(self, frame: &Frame, wants_part: bool) -> Response {
        let Self { status, message, retry_after } = self;
        let mut response = if wants_part {
            let html = failure::fragment(&message).into_string();
            let mut response = (status, Html(html)).into_response();
            retarget(&mut response, "#notices", "#notice");
            response
        } else {
            let title = status.canonical_reason().unwrap_or("Not done");
            (status, Html(failure::page(title, &message).whole(frame))).into_response()
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// For htmx: puts what is `selector` in the answer into `target`, whatever was asked for.
pub(crate) fn retarget(response: &mut Response, target: &'static str, selector: &'static str) {
    let headers = response.headers_mut();
    headers.insert("hx-retarget", HeaderValue::from_static(target));
    headers.insert("hx-reselect", HeaderValue::from_static(selector));
    headers.insert("hx-reswap", HeaderValue::from_static("innerHTML"));
    headers.insert("hx-push-url", HeaderValue::from_static("false"));
}

/// Turns what a handler has left into HTML, if it has left something.
pub(crate) fn finish(mut response: Response, frame: Option<Frame>, wants_part: bool) -> Response {
    let frame = frame.unwrap_or_else(stranger);
    let mut html = if let Some(show) = response.extensions_mut().remove::<Show>() {
        show.send(&frame, wants_part)
    } else if let Some(failed) = response.extensions_mut().remove::<Failed>() {
        failed.send(&frame, wants_part)
    } else {
        return response;
    };
    // Cookies that came with it.
    let headers = response.headers().iter().filter(|(name, _)| *name == header::SET_COOKIE);
    html.headers_mut().extend(headers.map(|(name, value)| (name.clone(), value.clone())));
    html
}

impl<E: Into<ApiError>> From<E> for Failed {
    fn from(error: E) -> Self {
        let error: ApiError = error.into();
        error.log();
        Self {
            status: error.status(),
            message: error.to_string(),
            retry_after: error.retry_after(),
        }
    }
}

/// `around` makes HTML of it.
impl IntoResponse for Show {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// `around` makes HTML of it.
impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Failed;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failed> {
        let form = axum::Form::<T>::from_request(request, app).await;
        form.map(|it| Self(it.0)).map_err(|error| ApiError::Invalid(error.body_text()).into())
    }
}
