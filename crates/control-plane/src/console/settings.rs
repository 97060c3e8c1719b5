//! `/console/.../settings`: what counts and where it comes from; and the way to change it: a draft that
//! the form carries, a review that is the API's dry run, and saving, which is the API's update.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use console::Page;
use console::draft::Form as Origin;
use console::list::ListQuery;
use console::pages::settings::{PATH, Setting, View, page};
use console::pages::{configure, review};
use http::StatusCode;
use service_config::{ConfigError, ConfigOption, UserConfig, effective, options};
use store::Service;

use super::consequences::consequences;
use super::done::{Done, said};
use super::draft::{Act, Draft, shown};
use super::live::{Of, of_look};
use super::oidc_setup;
use super::on_page::OnPage;
use super::overview::brief;
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::Operate;
use crate::error::ApiError;
use crate::losses::{Asked, Days};
use crate::services::{ServiceLook, at, change_options, look, rendered_as_stored, reread};

pub(super) async fn list(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let service = on.service();
    let look = look(&app, service).await?;
    let at = on.at(PATH);
    let live = Of::Service.since(&at, &of_look(service, &look));
    let ServiceLook { state, rollout, .. } = look;
    let (options, problem) = catalogue(&app, service)?;
    let view = View {
        done,
        rollout: rollout.map(|it| brief(&at, it)),
        at,
        state: state.as_str(),
        problem,
        may_change: on.role() >= model::Role::Operator,
        settings: options.into_iter().map(setting).collect(),
        query,
    };
    Ok(page(on.frame(), &view).following(live).into())
}

/// Every option with what counts. What is stored was accepted once; if this version of the platform
/// would not accept it, the second is why.
pub(super) fn catalogue(
    app: &App,
    service: &Service,
) -> Result<(Vec<ConfigOption>, Option<String>), ApiError> {
    let rules = app.settings.rules();
    match effective(&service.user_config, &rules) {
        Ok(effective) => {
            let (_, rendered) = rendered_as_stored(service, &effective);
            Ok((options(&effective, &rendered), None))
        }
        Err(errors) => {
            let effective = effective(&UserConfig::new(), &rules)?;
            let (_, rendered) = rendered_as_stored(service, &effective);
            let mut options = options(&effective, &rendered);
            for it in &mut options {
                let set = at(&service.user_config, &it.key);
                if !set.is_null() {
                    (it.value, it.origin) = (Some(set), service_config::Origin::User);
                }
            }
            Ok((options, Some(ApiError::from(errors).to_string())))
        }
    }
}

fn setting(it: ConfigOption) -> Setting {
    let text = |it: Option<serde_json::Value>| it.as_ref().and_then(shown);
    Setting {
        value: text(it.value),
        origin: it.origin.as_str(),
        default: text(it.default),
        kafka_property: it.kafka_property,
        update: it.update.as_str(),
        description: it.description.unwrap_or_default(),
        kind: it.kind,
        minimum: text(it.minimum),
        maximum: text(it.maximum),
        choices: it.choices.iter().flatten().filter_map(shown).collect(),
        key: it.key,
    }
}

pub(super) async fn configure(State(app): State<App>, on: OnPage<Operate>) -> Result<Show, Failed> {
    let draft = Draft::new(on.service());
    Ok(form(&app, &on, &draft, Vec::new(), None)?.into())
}

pub(super) async fn edit(
    State(app): State<App>,
    on: OnPage<Operate>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Show, Failed> {
    let (mut draft, act) = Draft::read(fields, on.service());
    let (options, _) = catalogue(&app, on.service())?;
    draft.act(&act, &options);
    let added = if let Act::Add(key) = act { Some(key) } else { None };
    Ok(form(&app, &on, &draft, Vec::new(), added)?.into())
}

/// The form, with what is wrong at the field that it names.
fn form(
    app: &App,
    on: &OnPage<Operate>,
    draft: &Draft,
    mut errors: Vec<ConfigError>,
    added: Option<String>,
) -> Result<Page, ApiError> {
    let service = on.service();
    let (options, _) = catalogue(app, service)?;
    errors.extend(problems(app, service, &draft.patch(&options)));
    let keys = draft.keys();
    let (here, others): (Vec<_>, Vec<_>) =
        options.into_iter().partition(|it| keys.contains(&it.key));
    let entry = |it: ConfigOption| {
        let seen = shown(&at(&draft.seen, &it.key));
        let text = draft.edits.get(&it.key).cloned().unwrap_or_else(|| seen.clone());
        let mut wrong = errors.iter().filter(|error| error.key == it.key);
        let error = wrong.next().map(|it| format!("{} {}", it.value, it.rule));
        configure::Entry { setting: setting(it), text, seen, error }
    };
    let fields: Vec<_> = here.into_iter().map(entry).collect();
    let elsewhere = |it: &&ConfigError| !fields.iter().any(|field| field.setting.key == it.key);
    let mut problems: Vec<String> =
        errors.iter().filter(elsewhere).map(ToString::to_string).collect();
    problems.dedup();
    let view = configure::View {
        at: on.at(PATH),
        draft: draft.carried(),
        problems,
        fields,
        others: others.into_iter().map(setting).collect(),
        find: draft.find.clone(),
        added,
    };
    Ok(configure::page(on.frame(), &view))
}

/// The form that a draft comes from, with what is wrong with it.
fn refused(
    app: &App,
    on: &OnPage<Operate>,
    draft: &Draft,
    errors: Vec<ConfigError>,
) -> Result<Show, ApiError> {
    Ok(Show::refused(match draft.form {
        Origin::Advanced => form(app, on, draft, errors, None)?,
        Origin::Oidc => oidc_setup::refused(app, on, draft, errors),
    }))
}

/// What the rules say, without anything being asked for.
fn problems(app: &App, service: &Service, patch: &UserConfig) -> Vec<ConfigError> {
    let merged = service_config::merge(&service.user_config, patch);
    match effective(&merged, &app.settings.rules()) {
        Err(errors) => errors,
        Ok(effective) => effective.fits(service.nodes.len()).err().unwrap_or_default(),
    }
}

pub(super) async fn review(
    State(app): State<App>,
    on: OnPage<Operate>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Show, Failed> {
    let lists = review::Asked::posted(&fields);
    let (draft, _) = Draft::read(fields, on.service());
    reviewed(&app, &on, &draft, lists).await
}

/// What would follow; or the form again, if something is wrong with it.
async fn reviewed(
    app: &App,
    on: &OnPage<Operate>,
    draft: &Draft,
    asked: review::Asked,
) -> Result<Show, Failed> {
    let service = on.service();
    let is_stale = draft.generation != service.generation;
    let meanwhile = is_stale.then(|| draft.meanwhile(service));
    let sent = draft.carried();
    let draft = draft.rebased(service);
    match dry_run(app, on, &draft).await {
        Ok(then) => {
            let (at, draft) = (on.at(PATH), draft.carried());
            let view = review::View { at, draft, sent, asked, meanwhile, then };
            let page = review::page(on.frame(), &view);
            let status = if is_stale { StatusCode::CONFLICT } else { StatusCode::OK };
            Ok(Show::with(page, status))
        }
        Err(ApiError::InvalidConfig(errors)) => Ok(refused(app, on, &draft, errors)?),
        Err(error) => Err(error.into()),
    }
}

/// What the API's dry run says of a draft.
async fn dry_run(
    app: &App,
    on: &OnPage<Operate>,
    draft: &Draft,
) -> Result<review::Consequences, ApiError> {
    let service = on.service();
    let patch = draft.patch(&catalogue(app, service)?.0);
    let asked = Asked { dry_run: true, days: Days::parse(None)?, generation: None };
    let (service, then) = change_options(app, service.clone(), patch, on.by(), asked).await?;
    Ok(consequences(then, &service))
}

pub(super) async fn save(
    State(app): State<App>,
    on: OnPage<Operate>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failed> {
    let service = on.service();
    let (draft, _) = Draft::read(fields, service);
    let patch = draft.patch(&catalogue(&app, service)?.0);
    let generation = Some(draft.generation);
    let asked = Asked { dry_run: false, days: Days::parse(None)?, generation };
    match change_options(&app, service.clone(), patch, on.by(), asked).await {
        Ok(_) => Ok(go(&said(&on.at(PATH), PATH, "settings-saved"))),
        // Somebody was faster: they are told what, and asked again.
        Err(ApiError::Precondition(_)) => {
            let now = reread(&app, service.id).await?;
            let on = on.with(now);
            Ok(reviewed(&app, &on, &draft, review::Asked::default()).await?.into_response())
        }
        Err(ApiError::InvalidConfig(errors)) => {
            Ok(refused(&app, &on, &draft, errors)?.into_response())
        }
        Err(error) => Err(error.into()),
    }
}
