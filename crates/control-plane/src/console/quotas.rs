//! `/console/.../quotas`: client quotas.

use axum::extract::{Query, State};
use axum::response::Response;
use console::list::ListQuery;
use console::pages::confirm;
use console::pages::form::{Form as Asked, Question, View as FormView, page as form_page};
use console::pages::quotas::{Row, View, page};
use model::Role;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::done::{Done, said};
use super::live::Of;
use super::on_page::OnPage;
use super::refused::{again, number};
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::Develop;
use crate::error::ApiError;
use crate::quotas::{CreateQuota, EntityQuery, QuotaView, delete, put, quotas};

const HERE: &str = "quotas";

/// A quota, as a form has it. An empty text is nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct QuotaForm {
    user: String,
    client_id: String,
    consumer_byte_rate: String,
    producer_byte_rate: String,
    request_percentage: String,
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl QuotaForm {
    fn entity(&self) -> EntityQuery {
        EntityQuery { client_id: filled(&self.client_id), user: filled(&self.user) }
    }

    fn quota(&self) -> Result<CreateQuota, ApiError> {
        let EntityQuery { client_id, user } = self.entity();
        Ok(CreateQuota {
            client_id,
            user,
            consumer_byte_rate: number("consumer_byte_rate", &self.consumer_byte_rate)?,
            producer_byte_rate: number("producer_byte_rate", &self.producer_byte_rate)?,
            request_percentage: number("request_percentage", &self.request_percentage)?,
        })
    }

    /// Whom it is for, in words.
    fn who(&self) -> String {
        let part = |what: &str, name: &str| (!name.is_empty()).then(|| format!("{what} '{name}'"));
        let parts = [part("user", &self.user), part("client id", &self.client_id)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

pub(super) async fn list(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let at = on.at(HERE);
    let may = at.role >= Role::Developer;
    let row = |it: QuotaView| {
        let mut address = Serializer::new(String::new());
        for (name, value) in [("user", &it.user), ("client_id", &it.client_id)] {
            if let Some(value) = value {
                address.append_pair(name, value);
            }
        }
        let address = address.finish();
        let href = |page: &str| format!("{}?{address}", at.href(page));
        Row {
            change: may.then(|| (href("set-quota"), href("delete-quota"))),
            user: it.user,
            client_id: it.client_id,
            consumer: it.consumer_byte_rate,
            producer: it.producer_byte_rate,
            request: it.request_percentage,
        }
    };
    let live = Of::Events.now_on(&app, on.service(), &at).await?;
    let quotas = quotas(&app.store, on.service().id).await?.into_values().map(row).collect();
    Ok(page(on.frame(), &View { at: at.clone(), quotas, query, done }).following(live).into())
}

fn setting(on: &OnPage<Develop>, form: &QuotaForm) -> FormView {
    let at = on.at(HERE);
    let line = |name, label, help: &str, value: &str| Question::line(name, label, help).with(value);
    let others = "'default': all that have no quota of their own. Empty: any.";
    let rate = "A whole number above 0, for each broker. Empty: as it is.";
    let threads = "Above 0; 100 is one thread of each broker. Empty: as it is.";
    let questions = vec![
        line("user", "User", &format!("The name of a principal. {others}"), &form.user),
        line("client_id", "Client id", others, &form.client_id),
        line("consumer_byte_rate", "Fetch, bytes a second", rate, &form.consumer_byte_rate),
        line("producer_byte_rate", "Produce, bytes a second", rate, &form.producer_byte_rate),
        line("request_percentage", "Time of threads, %", threads, &form.request_percentage),
    ];
    let form = Asked {
        action: at.href("set-quota"),
        back: at.href(HERE),
        questions,
        kept: Vec::new(),
        button: "Set quota",
        refusal: None,
    };
    let intro = "For a user, a client id, or a client id of a user. Limits that are there and \
        that you leave empty stay as they are; to lift one, delete the quota.";
    FormView { at, title: "Set quota".to_owned(), intro, form }
}

/// The form, with what the quota that the address names has.
pub(super) async fn new(
    State(app): State<App>,
    on: OnPage<Develop>,
    Query(form): Query<QuotaForm>,
) -> Result<Show, Failed> {
    let EntityQuery { client_id, user } = form.entity();
    let all = quotas(&app.store, on.service().id).await?;
    let found = all.into_values().find(|it| (&it.user, &it.client_id) == (&user, &client_id));
    let text = |it: Option<f64>| it.map(|it| it.to_string()).unwrap_or_default();
    let form = match found {
        None => form,
        Some(it) => QuotaForm {
            consumer_byte_rate: text(it.consumer_byte_rate),
            producer_byte_rate: text(it.producer_byte_rate),
            request_percentage: text(it.request_percentage),
            ..form
        },
    };
    Ok(form_page(on.frame(), &setting(&on, &form)).into())
}

pub(super) async fn set(
    State(app): State<App>,
    on: OnPage<Develop>,
    Form(form): Form<QuotaForm>,
) -> Result<Response, Failed> {
    let done = async { put(&app.store, on.service().id, &form.quota()?, on.by()).await };
    match done.await {
        Ok(()) => Ok(go(&said(&on.at(HERE), HERE, "quota-set"))),
        Err(error) => again(on.frame(), setting(&on, &form), error, None),
    }
}

/// Asks whether a quota shall be gone.
pub(super) async fn ask(on: OnPage<Develop>, Query(form): Query<QuotaForm>) -> Show {
    let at = on.at(HERE);
    let means =
        format!("All limits of {} are lifted. Other quotas may apply to it then.", form.who());
    let view = confirm::View {
        title: "Delete quota".to_owned(),
        means: vec![means],
        losses: None,
        action: at.href("delete-quota"),
        kept: vec![("user", form.user), ("client_id", form.client_id)],
        button: "Delete the quota",
        back: at.href(HERE),
        at,
    };
    confirm::page(on.frame(), &view).into()
}

pub(super) async fn remove(
    State(app): State<App>,
    on: OnPage<Develop>,
    Form(form): Form<QuotaForm>,
) -> Result<Response, Failed> {
    delete(&app.store, on.service().id, &form.entity(), on.by()).await?;
    Ok(go(&said(&on.at(HERE), HERE, "quota-deleted")))
}
