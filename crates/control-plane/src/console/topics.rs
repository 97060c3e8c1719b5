//! `/console/.../topics`: the topics of a service, and `/topics/{topic}`: one of them.

mod detail;
mod fields;

use axum::extract::{Query, State};
use axum::response::Response;
use console::list::ListQuery;
use console::pages::confirm;
use console::pages::form::{Form as Asked, Question, View as FormView, page as form_page};
use console::pages::topics::{Row, View, page};

pub(super) use self::detail::{change, show};
use self::fields::TopicForm;
use super::done::{Done, said};
use super::live::{Of, of_topics};
use super::on_page::OnPage;
use super::refused::again;
use super::show::{Failed, Form, Show, go};
use crate::App;
use crate::access::Develop;
use crate::error::ApiError;
use crate::extract::Path;
use crate::topics::{TopicPath, TopicSummary, create, delete, list as all};

const HERE: &str = "topics";

pub(super) async fn list(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let at = on.at(HERE);
    let found = all(&app, on.service()).await;
    let live = Of::Topics.since(&at, &of_topics(&found));
    let row = |it: TopicSummary| Row {
        href: at.href(&format!("topics/{}", it.topic_name)),
        name: it.topic_name,
        partitions: it.partitions,
        replication: it.replication,
        retention_hours: it.retention_hours,
        retention_bytes: it.retention_bytes,
        cleanup: it.cleanup_policy,
        state: it.state,
        problem: it.tidegate.problem,
    };
    let topics = match found {
        Ok(topics) => Ok(topics.into_iter().map(row).collect()),
        Err(error @ ApiError::Unavailable(..)) => {
            error.log();
            Err(error.to_string())
        }
        Err(error) => return Err(error.into()),
    };
    Ok(page(on.frame(), &View { at: at.clone(), topics, query, done }).following(live).into())
}

/// The form for a new topic, with that in it.
fn creating(on: &OnPage<Develop>, form: &TopicForm) -> FormView {
    let at = on.at(HERE);
    let nodes = on.service().nodes.len();
    let name = Question::line(
        "topic_name",
        "Name",
        "A-Z, a-z, 0-9, '-', '.' and '_'. It cannot be changed later.",
    );
    let replication = format!("2 to {nodes}, the nodes of the service. Empty: {}.", nodes.min(3));
    let mut questions = vec![
        name.with(form.topic_name.as_str()).required(),
        Question::line("partitions", "Partitions", "Can be raised later, not lowered. Empty: 1.")
            .with(form.partitions.as_str()),
        Question::line("replication", "Replication", replication).with(form.replication.as_str()),
    ];
    questions.extend(form.options("Empty: as the service has it."));
    let form = Asked {
        action: at.href("new-topic"),
        back: at.href(HERE),
        questions,
        kept: Vec::new(),
        button: "Create topic",
        refusal: None,
    };
    FormView { at, title: "New topic".to_owned(), intro: "", form }
}

pub(super) async fn new(on: OnPage<Develop>) -> Show {
    form_page(on.frame(), &creating(&on, &TopicForm::default())).into()
}

pub(super) async fn make(
    State(app): State<App>,
    on: OnPage<Develop>,
    Form(form): Form<TopicForm>,
) -> Result<Response, Failed> {
    let made = async {
        let topic = form.create()?;
        create(&app, on.service(), &topic, on.by()).await
    };
    match made.await {
        Ok(()) => Ok(go(&said(&on.at(HERE), HERE, "topic-created"))),
        Err(error) => again(on.frame(), creating(&on, &form), error, Some("topic_name")),
    }
}

/// Asks whether a topic shall be gone.
pub(super) async fn ask(on: OnPage<Develop>, Path(path): Path<TopicPath>) -> Show {
    let (at, topic) = (on.at(HERE), path.topic);
    let view = confirm::View {
        title: format!("Delete topic {topic}"),
        means: vec![
            format!("The topic '{topic}' is deleted with all of its records, for good."),
            "Clients that read or write it fail, and offsets of consumer groups in it are lost."
                .to_owned(),
        ],
        losses: None,
        action: at.href(&format!("topics/{topic}/delete")),
        kept: Vec::new(),
        button: "Delete the topic and its records",
        back: at.href(&format!("topics/{topic}")),
        at,
    };
    confirm::page(on.frame(), &view).into()
}

pub(super) async fn remove(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<TopicPath>,
) -> Result<Response, Failed> {
    delete(&app, on.service(), &path.topic, on.by()).await?;
    Ok(go(&said(&on.at(HERE), HERE, "topic-deleted")))
}
