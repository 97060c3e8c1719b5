//! `/console/.../oidc`: an issuer is looked up as brokers and the preflight would, and a token is tried.
//! What is to be saved goes through the review of the settings.

use auth::{Examined, Outcome, examine, probe_issuer, probe_jwks};
use axum::extract::State;
use console::Page;
use console::draft::{Draft as Carried, Form as FormOf};
use console::list::ListQuery;
use console::pages::oidc::{
    ANSWERS, AUDIENCE, Answer, CLAIM, ISSUER, JWKS_URL, KEYS, Key, May, PATH, Tried, View, page,
};
use model::{AclBinding, AclOperation, IdpUrl, Principal, Role, Secret};
use serde::Deserialize;
use service_config::access::{self, answers, bindings};
use service_config::{ConfigError, Oidc, effective};
use store::Service;

use super::draft::{Draft, shown};
use super::on_page::OnPage;
use super::show::{Failed, Form, Show};
use crate::App;
use crate::access::Operate;
use crate::error::ApiError;
use crate::losses::access_of;
use crate::services::at;

const OPTIONS: [&str; 4] = [ISSUER, JWKS_URL, AUDIENCE, CLAIM];

/// A token to be tried.
#[derive(Deserialize)]
pub(super) struct Try {
    token: Secret,
}

pub(super) async fn show(State(app): State<App>, on: OnPage) -> Result<Show, Failed> {
    let view = view(&app, &on, &Draft::new(on.service()));
    Ok(page(on.frame(), &view).into())
}

/// A draft again, to change something in it.
pub(super) async fn edit(
    State(app): State<App>,
    on: OnPage<Operate>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Show, Failed> {
    let (draft, _) = Draft::read(fields, on.service());
    Ok(page(on.frame(), &view(&app, &on, &draft)).into())
}

/// A draft again that was refused, with what is wrong at the field that it names.
pub(super) fn refused(
    app: &App,
    on: &OnPage<Operate>,
    draft: &Draft,
    errors: Vec<ConfigError>,
) -> Page {
    let mut view = view(app, on, draft);
    for error in errors {
        match OPTIONS.iter().position(|it| *it == error.key) {
            Some(index) if view.errors[index].is_none() => {
                view.errors[index] = Some(format!("{} {}", error.value, error.rule));
            }
            _ => view.problems.push(error.to_string()),
        }
    }
    page(on.frame(), &view)
}

fn view<N>(app: &App, on: &OnPage<N>, draft: &Draft) -> View {
    let value = |key: &str| {
        let typed = draft.edits.get(key).cloned();
        typed.unwrap_or_else(|| shown(&at(&draft.seen, key))).unwrap_or_default()
    };
    let values = OPTIONS.map(value);
    View {
        at: on.at(PATH),
        draft: Carried { form: FormOf::Oidc, ..draft.carried() },
        may_change: on.role() >= Role::Operator,
        is_on: rules(app, on.service()).is_some(),
        values,
        errors: [const { None }; 4],
        problems: Vec::new(),
        found: None,
        keys: None,
        keys_query: ListQuery::default(),
        tried: None,
        may: None,
    }
}

/// What a token has to be now, if OIDC is on.
fn rules(app: &App, service: &Service) -> Option<Oidc> {
    let effective = effective(&service.user_config, &app.settings.rules());
    effective.ok().and_then(|it| it.oidc().cloned())
}

fn off() -> ApiError {
    ApiError::Conflict("OIDC is off: set it up first".to_owned())
}

/// Asks the issuer where its keys are, and for them.
pub(super) async fn look_up(
    State(app): State<App>,
    on: OnPage<Operate>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Show, Failed> {
    let keys_query = ListQuery::posted(&fields, KEYS);
    let (draft, _) = Draft::read(fields, on.service());
    let mut view = View { keys_query, ..view(&app, &on, &draft) };
    let policy = &app.settings.idp_policy;
    let [issuer, jwks, _, _] = &mut view.values;
    *issuer = issuer.trim().to_owned();
    if issuer.is_empty() {
        view.errors[0] = Some("Paste the issuer first".to_owned());
        return Ok(Show::refused(page(on.frame(), &view)));
    }
    match probe_issuer(issuer, policy).await {
        Ok(Some(url)) => {
            url.as_str().clone_into(jwks);
            view.found = Some((true, "Its metadata says where its keys are.".to_owned()));
        }
        Ok(None) => {
            let text = "It has no metadata that can be had from here: fill in the JWKS URL yourself, and look again.";
            view.found = Some((false, text.to_owned()));
        }
        Err(error) => view.errors[0] = Some(format!("It is not accepted: {error}")),
    }
    if !jwks.is_empty() {
        let report = match IdpUrl::parse(jwks.trim(), policy.urls) {
            Ok(url) => probe_jwks(&url, policy).await.map_err(|it| it.to_string()),
            Err(rule) => Err(rule.to_string()),
        };
        match report {
            Ok(report) => {
                let key = |it: auth::JwksKey| Key {
                    kid: it.kid,
                    alg: it.alg,
                    refused: it.refused.map(|it| it.to_string()),
                };
                view.keys = Some(report.keys.into_iter().map(key).collect());
            }
            Err(text) => view.errors[1] = Some(format!("It gives no keys: {text}")),
        }
    }
    let page = page(on.frame(), &view);
    let is_wrong = view.errors.iter().any(Option::is_some);
    Ok(if is_wrong { Show::refused(page) } else { page.into() })
}

/// Tries a token against the configuration as it is saved. It goes nowhere but to the rules.
pub(super) async fn try_token(
    State(app): State<App>,
    on: OnPage,
    Form(form): Form<Try>,
) -> Result<Show, Failed> {
    let service = on.service();
    let oidc = rules(&app, service).ok_or_else(off)?;
    let named = (oidc.issuer.as_str(), &oidc.audiences[..], oidc.sub_claim_name.as_str());
    let token = form.token.expose().trim();
    let (examined, error) = examine(token, named, &oidc.jwks_url, &app.settings.idp_policy).await;
    let may = match &examined.principal {
        Some(it) => Some(may(&app, service, it.clone(), ListQuery::default()).await?),
        None => None,
    };
    let tried = Some(tried(examined, error.map(|it| it.to_string())));
    let view = View { tried, may, ..view(&app, &on, &Draft::new(service)) };
    Ok(page(on.frame(), &view).into())
}

fn tried(examined: Examined, no_keys: Option<String>) -> Tried {
    let rule = |(rule, outcome): &(auth::TokenRule, Outcome)| {
        let outcome = match outcome {
            Outcome::Kept => Some(Ok(())),
            Outcome::Broken(error) => Some(Err(error.to_string())),
            Outcome::NotReached => None,
        };
        (rule.as_str(), outcome)
    };
    Tried {
        rules: examined.rules.iter().map(rule).collect(),
        no_keys,
        is_accepted: examined.is_accepted(),
        principal: examined.principal,
    }
}

/// What a principal may do, by name: so lists of it are sorted and filtered without its token.
pub(super) async fn principal(
    State(app): State<App>,
    on: OnPage,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Show, Failed> {
    let named = fields.iter().find(|(name, _)| name == "principal");
    let (_, name) =
        named.ok_or_else(|| ApiError::Invalid("The field 'principal' is missing".to_owned()))?;
    rules(&app, on.service()).ok_or_else(off)?;
    let query = ListQuery::posted(&fields, ANSWERS);
    let may = Some(may(&app, on.service(), name.clone(), query).await?);
    let view = View { may, ..view(&app, &on, &Draft::new(on.service())) };
    Ok(page(on.frame(), &view).into())
}

async fn may(
    app: &App,
    service: &Service,
    principal: String,
    query: ListQuery,
) -> Result<May, ApiError> {
    let access = access_of(app, service).await?;
    let topics = app.store.topics.list(service.id).await?;
    let topics = topics.into_iter().map(|it| it.name.to_string()).collect();
    let all = bindings(&access.acl, &access.kafka_acl, &access.users, &topics);
    let is_about =
        |it: &&AclBinding| [Principal::EVERYBODY, &principal].contains(&&*it.principal.0);
    Ok(May {
        is_user: access.users.iter().any(|it| it.as_str() == principal),
        answers: answers(&all, &principal).into_iter().map(answer).collect(),
        query,
        acls: all.iter().filter(is_about).map(acl).collect(),
        principal,
    })
}

fn answer(it: access::Answer) -> Answer {
    let (of, pattern) = (it.resource_type.as_str(), it.pattern_type.as_str());
    let words = |all: Vec<AclOperation>| all.into_iter().map(AclOperation::as_str).collect();
    Answer {
        resource: format!("{of} {pattern} {}", it.resource_name),
        from: it.host.map(|it| it.to_string()),
        denied: words(it.denied),
        allowed: words(it.allowed),
    }
}

/// A binding in Kafka's words.
fn acl(it: &AclBinding) -> String {
    let (pattern, name) = (it.pattern_type.as_str(), &it.resource_name);
    let (may, operation) = (it.permission_type.as_str(), it.operation.as_str());
    format!("{may} {operation} on {} {pattern} {name}", it.resource_type.as_str())
}
