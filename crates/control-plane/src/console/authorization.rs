//! `/console/.../authorization`: `kafka_rest_authorization`, with what switching it would do first.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use console::Page;
use console::list::ListQuery;
use console::pages::authorization::{PATH, View, page};
use model::Role;
use serde::Deserialize;

use super::done::Done;
use super::draft::Draft;
use super::losing;
use super::on_page::OnPage;
use super::settings::catalogue;
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::Develop;
use crate::acls::{self, AddAcl};
use crate::error::ApiError;
use crate::kafka_acls::{self, AddKafkaAcl};
use crate::losses::{Asked, Days};
use crate::services::{at, change_options};

const OPTION: &str = "kafka_rest_authorization";
/// Where a button sends the entry that it adds.
const ADD: &str = "authorization/acl";

/// An entry that a button adds.
#[derive(Debug, Deserialize)]
pub(super) struct Add {
    /// `acl` or `kafka/acl`.
    path: String,
    /// What the API takes, as JSON.
    entry: String,
}

pub(super) async fn show(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
    Done(done): Done,
) -> Result<Show, Failed> {
    Ok(shown(&app, &on, query, done, None).await?.into())
}

async fn shown<N>(
    app: &App,
    on: &OnPage<N>,
    query: ListQuery,
    done: Option<&'static str>,
    refused: Option<String>,
) -> Result<Page, ApiError> {
    let service = on.service();
    let set = |key: &str| at(&service.user_config, key).as_bool().unwrap_or_default();
    let is_on = set(OPTION);
    let edit = (OPTION.to_owned(), Some((!is_on).to_string()));
    let draft = Draft { edits: [edit].into(), ..Draft::new(service) };
    let days = Days::parse(None)?;
    let asked = Asked { dry_run: true, days, generation: None };
    let patch = draft.patch(&catalogue(app, service)?.0);
    let (lost, warnings) = match change_options(app, service.clone(), patch, on.by(), asked).await {
        Ok((_, then)) => {
            // The table says more than the sentence.
            let sentence = then.losses.sentence().map(str::to_owned);
            let mut warnings = then.warnings;
            warnings.retain(|it| Some(it) != sentence.as_ref());
            let may_add = on.role() >= Role::Developer;
            let add_at = query.href(&on.at(PATH).href(ADD), &[]);
            let add_at = may_add.then_some(add_at.as_str());
            (Ok(losing::shown(&then.losses, service, add_at)), warnings)
        }
        Err(error @ ApiError::InvalidConfig(_)) => (Err(error.to_string()), Vec::new()),
        Err(error) => return Err(error),
    };
    let view = View {
        at: on.at(PATH),
        has_proxy: set("kafka_rest"),
        is_on,
        done,
        refused,
        losses: lost,
        query,
        warnings,
        days: days.count(),
        draft: draft.carried(),
    };
    Ok(page(on.frame(), &view))
}

/// Adds an entry as the API does.
pub(super) async fn add(
    State(app): State<App>,
    on: OnPage<Develop>,
    Query(query): Query<ListQuery>,
    Form(form): Form<Add>,
) -> Result<Response, Failed> {
    match added(&app, &on, &form).await {
        Ok(()) => Ok(go(&query.href(&on.at(PATH).href(PATH), &[("done", "acl-added")]))),
        Err(error) if error.status().is_client_error() => {
            let page = shown(&app, &on, query, None, Some(error.to_string())).await?;
            Ok(Show::refused(page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn added(app: &App, on: &OnPage<Develop>, form: &Add) -> Result<(), ApiError> {
    let no_entry = |error| ApiError::Invalid(format!("Invalid 'entry': {error}"));
    match form.path.as_str() {
        "acl" => {
            let body: AddAcl = serde_json::from_str(&form.entry).map_err(no_entry)?;
            acls::add(&app.store, on.service().id, &body, on.by()).await
        }
        "kafka/acl" => {
            let body: AddKafkaAcl = serde_json::from_str(&form.entry).map_err(no_entry)?;
            let asked = Asked { dry_run: false, days: Days::parse(None)?, generation: None };
            kafka_acls::add(app, on.service(), body, on.by(), asked).await.map(|_| ())
        }
        _ => Err(ApiError::invalid("Invalid 'path': it is acl or kafka/acl")),
    }
}
