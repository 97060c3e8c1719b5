//! `/console`: the same services, for people with a browser.
//!
//! What pages look like is in the crate `console`; here is who may see them (`session`, `around`),
//! and what they are about: a handler takes the session by an extractor (`Signed`, `OnPage`),
//! calls what the API's handlers call, and returns a page as `Show`. `around` then sends the whole
//! page, or to htmx only what is in it; what fails becomes a page or a notice with the API's words.
//!
//! To add a page: its view and function in the crate `console`, its handler in a module here, and a
//! line in [`closed`]. A form is a POST to an address of its own, which on success answers
//! `go` to a page, and else the page again with what is wrong (`Show::refused`).

mod acls;
mod around;
mod assets;
mod authorization;
mod consequences;
mod cookie;
mod csp;
mod done;
mod draft;
mod events;
mod live;
mod losing;
mod oidc;
mod oidc_setup;
mod on_page;
mod options;
mod origin;
mod overview;
mod paging;
mod quotas;
mod refused;
mod return_to;
mod rollout;
mod rollout_start;
mod rollouts;
mod services;
mod session;
mod sessions;
mod settings;
mod show;
mod sign_in;
mod topics;
mod users;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use console::ROOT;
use http::{HeaderMap, StatusCode, header};
use tower_http::compression::CompressionLayer;

use self::around::{Door, around};
pub(crate) use self::oidc::CALLBACK;
pub use self::options::{ConsoleOptions, ConsoleSettings};
use self::show::Failed;
use crate::App;
use crate::error::ApiError;

/// What the console remembers. All of it may be lost.
#[derive(Debug, Default)]
pub(crate) struct ConsoleState {
    streams: live::Streams,
    reports: csp::Reports,
}

/// What only somebody sees who has signed in.
fn closed() -> Vec<(String, MethodRouter<App>)> {
    let of_service = |end: &str| format!("{ROOT}/project/{{project}}/service/{{service}}{end}");
    vec![
        (ROOT.to_owned(), get(services::list)),
        (format!("{ROOT}/live"), get(live::of_all)),
        (format!("{ROOT}/sessions"), get(sessions::list)),
        (format!("{ROOT}/sessions/end"), post(sessions::end)),
        (sign_in::SIGN_OUT.to_owned(), post(sign_in::sign_out)),
        (sign_in::SIGN_OUT_EVERYWHERE.to_owned(), post(sign_in::sign_out_everywhere)),
        (of_service(""), get(overview::show)),
        (of_service("/live"), get(live::of_service)),
        (of_service("/topics"), get(topics::list)),
        (of_service("/new-topic"), get(topics::new).post(topics::make)),
        (of_service("/topics/{topic}"), get(topics::show).post(topics::change)),
        (of_service("/topics/{topic}/delete"), get(topics::ask).post(topics::remove)),
        (of_service("/users"), get(users::list)),
        (of_service("/new-user"), get(users::new).post(users::make)),
        (of_service("/users/{user}"), get(users::show)),
        (of_service("/users/{user}/reveal"), post(users::reveal)),
        (of_service("/users/{user}/reset"), post(users::new_password)),
        (of_service("/users/{user}/delete"), get(users::ask).post(users::remove)),
        (of_service("/acls"), get(acls::list)),
        (of_service("/new-acl"), get(acls::new_aiven).post(acls::add_aiven)),
        (of_service("/new-kafka-acl"), get(acls::new_kafka).post(acls::add_kafka)),
        (of_service("/acls/{kind}/{id}/delete"), get(acls::ask).post(acls::remove)),
        (of_service("/quotas"), get(quotas::list)),
        (of_service("/set-quota"), get(quotas::new).post(quotas::set)),
        (of_service("/delete-quota"), get(quotas::ask).post(quotas::remove)),
        (of_service("/events"), get(events::of_service)),
        (format!("{ROOT}/project/{{project}}/events"), get(events::of_project)),
        (format!("{ROOT}/project/{{project}}/live"), get(live::of_project)),
        (of_service("/settings"), get(settings::list)),
        (of_service("/settings/configure"), get(settings::configure).post(settings::edit)),
        (of_service("/settings/review"), post(settings::review)),
        (of_service("/settings/save"), post(settings::save)),
        (of_service("/rollouts"), get(rollouts::list)),
        (of_service("/rollouts/start"), get(rollout_start::ask).post(rollout_start::start)),
        (of_service("/rollouts/{rollout}"), get(rollout::show)),
        (of_service("/rollouts/{rollout}/banner"), get(rollout::banner)),
        (of_service("/rollouts/{rollout}/{command}"), get(rollout::ask).post(rollout::tell)),
        (of_service("/oidc"), get(oidc_setup::show).post(oidc_setup::look_up)),
        (of_service("/oidc/edit"), post(oidc_setup::edit)),
        (of_service("/oidc/token"), post(oidc_setup::try_token)),
        (of_service("/oidc/principal"), post(oidc_setup::principal)),
        (of_service("/authorization"), get(authorization::show)),
        (of_service("/authorization/acl"), post(authorization::add)),
        (format!("{ROOT}/{{*rest}}"), any(async || Failed::from(ApiError::NoRoute))),
    ]
}

/// What everybody sees.
fn open() -> Vec<(String, MethodRouter<App>)> {
    vec![
        (sign_in::SIGN_IN.to_owned(), get(sign_in::page).post(sign_in::by_token)),
        (format!("{ROOT}/sign-in/again"), post(sign_in::again)),
        (oidc::AWAY.to_owned(), get(oidc::away)),
        (oidc::CALLBACK.to_owned(), get(oidc::back)),
    ]
}

/// What is no page.
fn files() -> Vec<(String, MethodRouter<App>)> {
    vec![
        (format!("{ROOT}/assets/{{file}}"), get(assets::send)),
        (csp::REPORT.to_owned(), get(csp::count).post(csp::report)),
    ]
}

/// The path of each of the console's routes, for tests that try them all.
pub fn console_routes() -> Vec<String> {
    [closed(), open(), files()].into_iter().flatten().map(|(path, _)| path).collect()
}

/// The console, and the way to it from `/`.
pub(crate) fn routes(app: &App) -> Router<App> {
    let router = |routes: Vec<(String, MethodRouter<App>)>| {
        routes.into_iter().fold(Router::new(), |router, (path, it)| router.route(&path, it))
    };
    let pages = |routes, door| {
        router(routes)
            .method_not_allowed_fallback(async || Failed::from(ApiError::Method))
            .layer(from_fn_with_state((app.clone(), door), around))
    };
    pages(closed(), Door::Closed)
        .merge(pages(open(), Door::Open))
        .layer(CompressionLayer::new())
        .merge(router(files()))
        .layer(map_response(csp::headers))
        .route("/", any(root))
}

/// A browser is sent to the console. To others there is nothing.
async fn root(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, ROOT)]).into_response();
    }
    ApiError::NoRoute.into_response()
}
