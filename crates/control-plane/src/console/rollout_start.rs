//! `/console/.../rollouts/start`: a rollout by hand, forecast first.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use console::Page;
use console::list::ListQuery;
use console::nav::{self, ROLLOUTS};
use console::pages::rollout_start::{Asked, View, page};
use serde::Deserialize;

use super::consequences::forecast_of;
use super::done::said;
use super::on_page::OnPage;
use super::rollout::{consent, field, forecast_now};
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::Operate;
use crate::error::ApiError;
use crate::random::bytes;
use crate::rollouts::{StartRollout, start as start_rollout, under_way, window};

/// What the form has in it. A box that is not ticked is not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    all_nodes: Option<String>,
    max_unavailable: String,
    canary_bake_seconds: String,
    soak_seconds: String,
    in_window: Option<String>,
    name: String,
    reason: String,
    remedy: Option<String>,
    generation: String,
    key: String,
    /// What is asked of the list of the forecast.
    #[serde(skip)]
    list: ListQuery,
}

pub(super) async fn ask(
    State(app): State<App>,
    on: OnPage<Operate>,
    Query(fields): Query<Fields>,
    Query(list): Query<ListQuery>,
) -> Result<Response, Failed> {
    if let Some(rollout) = under_way(&app.store, on.service()).await? {
        return Ok(go(&on.at(ROLLOUTS).href(&nav::rollout(&rollout.id.to_string()))));
    }
    let fields = Fields {
        generation: on.service().generation.to_string(),
        key: URL_SAFE_NO_PAD.encode(bytes::<16>()?),
        name: on.by().actor.clone(),
        list,
        ..fields
    };
    let checked = body(&fields).and_then(|it| it.check(on.service()));
    let error = match checked {
        Ok(()) => None,
        Err(ApiError::Invalid(message)) => Some((field(&message), message)),
        Err(error) => return Err(error.into()),
    };
    let is_refused = error.is_some();
    let page = asking(&app, &on, fields, error).await?;
    Ok(if is_refused { Show::refused(page) } else { page.into() }.into_response())
}

pub(super) async fn start(
    State(app): State<App>,
    on: OnPage<Operate>,
    Form(fields): Form<Fields>,
) -> Result<Response, Failed> {
    let service = on.service();
    let key = Some(fields.key.clone()).filter(|it| !it.is_empty() && it.len() <= 200);
    let generation = fields.generation.parse().ok();
    let begun = match body(&fields) {
        Ok(body) => start_rollout(&app, service, key, generation, body, on.by()).await,
        Err(error) => Err(error),
    };
    let (error, fields) = match begun {
        Ok((rollout, _)) => {
            let page = nav::rollout(&rollout.id.to_string());
            return Ok(go(&said(&on.at(ROLLOUTS), &page, "rollout-start")));
        }
        Err(ApiError::Invalid(message)) => ((field(&message), message), fields),
        // It has come to need consent since it was forecast: the page asks for it.
        Err(error @ ApiError::NeedsConsent(_)) => ((String::new(), error.to_string()), fields),
        Err(error @ ApiError::Precondition(_)) => {
            let generation = service.generation.to_string();
            ((String::new(), error.to_string()), Fields { generation, ..fields })
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Show::refused(asking(&app, &on, fields, Some(error)).await?).into_response())
}

async fn asking(
    app: &App,
    on: &OnPage<Operate>,
    fields: Fields,
    error: Option<(String, String)>,
) -> Result<Page, ApiError> {
    let service = on.service();
    let asked = StartRollout { consent: None, ..body(&fields).unwrap_or_default() };
    let is_sound = asked.check(service).is_ok();
    let asked = if is_sound { asked } else { StartRollout::default() };
    let forecast = forecast_now(app, service, &asked).await?;
    let view = View {
        at: on.at(ROLLOUTS),
        needs_consent: forecast.as_ref().is_some_and(|it| it.needs_consent),
        forecast: forecast.map(forecast_of),
        query: fields.list,
        asked: Asked {
            all_nodes: fields.all_nodes.is_some(),
            max_unavailable: fields.max_unavailable,
            canary_bake_seconds: fields.canary_bake_seconds,
            soak_seconds: fields.soak_seconds,
            in_window: fields.in_window.is_some(),
            name: fields.name,
            reason: fields.reason,
            remedy: fields.remedy.unwrap_or_default(),
        },
        generation: fields.generation,
        key: fields.key,
        has_window: window(service).is_some(),
        error,
    };
    Ok(page(on.frame(), &view))
}

/// What the API would be sent.
fn body(fields: &Fields) -> Result<StartRollout, ApiError> {
    let is_agreed = !fields.reason.is_empty() || fields.remedy.is_some();
    let consent = is_agreed
        .then(|| consent(&fields.name, &fields.reason, fields.remedy.as_deref().unwrap_or("")));
    Ok(StartRollout {
        all_nodes: fields.all_nodes.is_some(),
        max_unavailable: number("max_unavailable", &fields.max_unavailable)?,
        canary_bake_seconds: number("canary_bake_seconds", &fields.canary_bake_seconds)?,
        soak_seconds: number("soak_seconds", &fields.soak_seconds)?,
        in_maintenance_window: fields.in_window.is_some(),
        consent: consent.transpose()?,
    })
}

fn number(key: &str, text: &str) -> Result<Option<u32>, ApiError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let shown: String = text.escape_debug().take(64).collect();
    let wrong = |_| ApiError::Invalid(format!("Invalid '{key}': {shown}: it is no whole number"));
    text.parse().map(Some).map_err(wrong)
}
