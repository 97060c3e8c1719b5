//! `/console/sessions`: one's own sessions.

use axum::extract::{Query, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use console::list::ListQuery;
use console::pages::sessions::{Row, View, page};
use serde::Deserialize;
use store::SessionListed;

use super::on_page::Signed;
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::error::ApiError;

const HERE: &str = "/console/sessions";

/// Which session shall end.
#[derive(Debug, Deserialize)]
pub(super) struct End {
    session: String,
}

pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<ListQuery>,
) -> Result<Show, Failed> {
    let this = who.secret.hash();
    let limits = app.settings.console.limits;
    let sessions = app.store.sessions.list(&who.caller.name, limits).await?;
    let row = |it: SessionListed| Row {
        id: id(&it),
        is_this: it.hash == this,
        by_token: it.by_token,
        created_at: it.created_at,
        last_used_at: it.last_used_at,
        ip: it.ip,
        user_agent: it.user_agent,
    };
    let sessions = sessions.into_iter().map(row).collect();
    Ok(page(&who.frame, &View { sessions, query }).into())
}

pub(super) async fn end(
    State(app): State<App>,
    who: Signed,
    Form(form): Form<End>,
) -> Result<Response, Failed> {
    let caller = &who.caller;
    let sessions = app.store.sessions.list(&caller.name, app.settings.console.limits).await?;
    let wanted = sessions.iter().find(|it| id(it) == form.session);
    let wanted = wanted.ok_or(ApiError::NotFound("Session"))?;
    app.store.sessions.end(&caller.name, Some(&wanted.hash), &caller.by).await?;
    Ok(go(HERE))
}

/// Tells one's sessions from each other: 64 bits of the hash.
fn id(session: &SessionListed) -> String {
    let (first, _) = session.hash.split_at(8);
    URL_SAFE_NO_PAD.encode(first)
}
