//! `/console/.../users`: service users. A password is shown by a POST only, never in a list.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use console::list::{ListQuery, Place};
use console::pages::confirm;
use console::pages::form::{Form as Asked, Question, View as FormView, page as form_page};
use console::pages::user::{View as UserPage, page as user_page};
use console::pages::users::{Row, View, applied, page};
use serde::Deserialize;
use store::{Said, ServiceUser, UserBrief, UserColumn};

use super::done::{Done, said};
use super::live::Of;
use super::losing::lost;
use super::on_page::OnPage;
use super::paging::{picked, wanted};
use super::refused::again;
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::Develop;
use crate::error::ApiError;
use crate::extract::Path;
use crate::losses::Asked as Consequences;
use crate::users::{UserPath, create, delete, find, reset};

const HERE: &str = "users";

/// A user to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewUser {
    username: String,
}

fn is_applied(user: &ServiceUser) -> bool {
    user.applied_version == Some(user.password_version)
}

pub(super) async fn list(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let at = on.at(HERE);
    let text = query.text().to_lowercase();
    let is_said = |is_applied: bool| applied(is_applied).1.contains(&text);
    let said = Said { of_applied: is_said(true), of_others: is_said(false) };
    let users = app.store.users.page(on.service().id, &wanted(&query, column), said).await?;
    let row = |it: UserBrief| Row {
        href: at.href(&format!("users/{}", it.username)),
        kind: it.kind.as_str(),
        is_applied: it.is_applied,
        created_at: it.created_at,
        name: it.username.into(),
    };
    let live = Of::Users.now_on(&app, on.service(), &at).await?;
    let users = picked(users, row);
    Ok(page(on.frame(), &View { at: at.clone(), users, query, done }).following(live).into())
}

fn column(key: &str) -> Option<UserColumn> {
    Some(match key {
        "name" => UserColumn::Username,
        "type" => UserColumn::Type,
        "password" => UserColumn::Applied,
        "created" => UserColumn::Created,
        _ => return None,
    })
}

fn creating(on: &OnPage<Develop>, form: &NewUser) -> FormView {
    let at = on.at(HERE);
    let help = "1-64 of A-Z, a-z, 0-9, '-', '.' and '_'. Its Kafka principal is called the same.";
    let name = Question::line("username", "Name", help).with(form.username.as_str()).required();
    let form = Asked {
        action: at.href("new-user"),
        back: at.href(HERE),
        questions: vec![name],
        kept: Vec::new(),
        button: "Create service user",
        refusal: None,
    };
    let intro = "The password is made at random, and shown on the user's page on demand.";
    FormView { at, title: "New service user".to_owned(), intro, form }
}

pub(super) async fn new(on: OnPage<Develop>) -> Show {
    form_page(on.frame(), &creating(&on, &NewUser::default())).into()
}

pub(super) async fn make(
    State(app): State<App>,
    on: OnPage<Develop>,
    Form(form): Form<NewUser>,
) -> Result<Response, Failed> {
    match create(&app, on.service(), form.username.trim(), on.by()).await {
        Ok(name) => Ok(go(&said(&on.at(HERE), &format!("users/{name}"), "user-created"))),
        Err(error) => again(on.frame(), creating(&on, &form), error, Some("username")),
    }
}

async fn view<N>(
    app: &App,
    on: &OnPage<N>,
    name: &str,
) -> Result<(UserPage, ServiceUser), ApiError> {
    let user = find(app, on.service(), name).await?;
    let mut acl = app.store.acls.list(on.service().id).await?;
    acl.retain(|it| it.username.matches(user.username.as_str()));
    let view = UserPage {
        at: on.at(HERE),
        name: user.username.to_string(),
        kind: user.kind.as_str(),
        is_applied: is_applied(&user),
        created_at: user.created_at,
        password: None,
        acl: acl.into_iter().map(|it| (it.permission.as_str(), it.topic.to_string())).collect(),
        done: None,
    };
    Ok((view, user))
}

pub(super) async fn show(
    State(app): State<App>,
    on: OnPage,
    Path(path): Path<UserPath>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let (view, _) = view(&app, &on, &path.user).await?;
    Ok(user_page(on.frame(), &UserPage { done, ..view }).into())
}

pub(super) async fn reveal(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<UserPath>,
) -> Result<Show, Failed> {
    let (view, user) = view(&app, &on, &path.user).await?;
    let password = Some(user.password.expose().to_owned());
    Ok(user_page(on.frame(), &UserPage { password, ..view }).into())
}

pub(super) async fn new_password(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<UserPath>,
) -> Result<Response, Failed> {
    let user = find(&app, on.service(), &path.user).await?;
    reset(&app, on.service(), &user.username, None, on.by()).await?;
    Ok(go(&said(&on.at(HERE), &format!("users/{}", user.username), "user-reset")))
}

/// Says who would lose access, and asks whether the user shall be gone.
pub(super) async fn ask(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<UserPath>,
    Query(query): Query<ListQuery>,
) -> Result<Show, Failed> {
    let what_if = Consequences::what_if()?;
    let losses = delete(&app, on.service(), &path.user, on.by(), what_if).await?;
    let (at, name) = (on.at(HERE), path.user);
    let here = at.href(&format!("users/{name}/delete"));
    let place = Place::at(here.clone(), Vec::new());
    let view = confirm::View {
        title: format!("Delete service user {name}"),
        means: vec![format!(
            "'{name}' cannot log in any more, and its password is lost. Whoever comes by a token of \
             that name keeps what Kafka-native entries allow."
        )],
        losses: Some(lost(&losses, on.service(), query, place)),
        action: here,
        kept: Vec::new(),
        button: "Delete the service user",
        back: at.href(&format!("users/{name}")),
        at,
    };
    Ok(confirm::page(on.frame(), &view).into())
}

pub(super) async fn remove(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<UserPath>,
) -> Result<Response, Failed> {
    delete(&app, on.service(), &path.user, on.by(), Consequences::for_real()?).await?;
    Ok(go(&said(&on.at(HERE), HERE, "user-deleted")).into_response())
}
