//! New entries. One that denies says who would lose access first.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use console::list::{ListQuery, Place};
use console::losses::LOSSES;
use console::pages::confirm;
use console::pages::form::{Form as Asked, Question, View as FormView, page as form_page};
use model::{AclOperation, PatternType, ResourceType};
use serde::Deserialize;

use super::super::done::said;
use super::super::losing::lost;
use super::super::on_page::OnPage;
use super::super::refused::again;
use super::super::show::{Failed, Form, Show, go};
use super::HERE;
use crate::App;
use crate::access::Develop;
use crate::acls::{AddAcl, add};
use crate::error::ApiError;
use crate::kafka_acls::{AddKafkaAcl, add as add_native};
use crate::losses::Asked as Consequences;

const DENY: &str = "DENY";
const CONFIRMED: &str = "confirmed";

/// An entry of Aiven's kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct AivenForm {
    username: String,
    permission: String,
    topic: String,
}

/// A Kafka-native entry.
#[derive(Clone, Debug, Default)]
struct KafkaForm {
    permission_type: String,
    principal: String,
    operation: String,
    resource_type: String,
    pattern_type: String,
    resource_name: String,
    host: String,
    /// Not empty: the losses were seen.
    confirmed: String,
    /// What is asked of the list of losses.
    list: ListQuery,
}

impl KafkaForm {
    fn read(fields: &[(String, String)]) -> Self {
        let field = |name: &str| {
            let found = fields.iter().find(|(it, _)| it == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Self {
            permission_type: field("permission_type"),
            principal: field("principal"),
            operation: field("operation"),
            resource_type: field("resource_type"),
            pattern_type: field("pattern_type"),
            resource_name: field("resource_name"),
            host: field("host"),
            confirmed: field(CONFIRMED),
            list: ListQuery::posted(fields, LOSSES),
        }
    }

    fn entry(&self) -> AddKafkaAcl {
        let text = |it: &str| it.trim().to_owned();
        let host = text(&self.host);
        AddKafkaAcl {
            principal: text(&self.principal),
            host: if host.is_empty() { "*".to_owned() } else { host },
            resource_name: text(&self.resource_name),
            resource_type: text(&self.resource_type),
            pattern_type: text(&self.pattern_type),
            operation: text(&self.operation),
            permission_type: text(&self.permission_type),
        }
    }

    /// To be sent again.
    fn kept(&self) -> Vec<(&'static str, String)> {
        vec![
            ("permission_type", self.permission_type.clone()),
            ("principal", self.principal.clone()),
            ("operation", self.operation.clone()),
            ("resource_type", self.resource_type.clone()),
            ("pattern_type", self.pattern_type.clone()),
            ("resource_name", self.resource_name.clone()),
            ("host", self.host.clone()),
        ]
    }
}

fn aiven(on: &OnPage<Develop>, form: &AivenForm) -> FormView {
    let at = on.at(HERE);
    let pattern = "'*' is any run of characters, '?' exactly one.";
    let users = format!("A service user, or a pattern over them: {pattern}");
    let topics = format!("A topic, or a pattern over them: {pattern}");
    let words = ["read", "write", "readwrite", "admin"];
    let questions = vec![
        Question::line("username", "Service users", users).with(form.username.as_str()).required(),
        Question::line("permission", "Permission", "'admin' may also create and delete.")
            .with(form.permission.as_str())
            .of(words),
        Question::line("topic", "Topics", topics).with(form.topic.as_str()).required(),
    ];
    let form = Asked {
        action: at.href("new-acl"),
        back: at.href(HERE),
        questions,
        kept: Vec::new(),
        button: "Add entry",
        refusal: None,
    };
    let intro = "It applies to service users that match, and to OIDC principals that are \
        called like one of them.";
    FormView { at, title: "New Aiven ACL entry".to_owned(), intro, form }
}

fn kafka(on: &OnPage<Develop>, form: &KafkaForm) -> FormView {
    let at = on.at(HERE);
    let principal = "User: and a name, such as User:alice. User:* is everybody.";
    let host = "An IP address. Empty or *: anywhere.";
    let name = "A name, a common beginning (PREFIXED), or * (LITERAL) for all.";
    let choice =
        |name, label, help: &str, value: &str| Question::line(name, label, help).with(value);
    let questions = vec![
        choice(
            "permission_type",
            "Permission",
            "DENY wins over all that allows.",
            &form.permission_type,
        )
        .of(["ALLOW", DENY]),
        choice("principal", "Principal", principal, &form.principal).required(),
        choice("operation", "Operation", "", &form.operation)
            .of(AclOperation::ALL.iter().map(|it| it.as_str())),
        choice("resource_type", "Type of resource", "", &form.resource_type)
            .of(ResourceType::ALL.iter().map(|it| it.as_str())),
        choice(
            "pattern_type",
            "Pattern",
            "LITERAL: one name. PREFIXED: a beginning.",
            &form.pattern_type,
        )
        .of(PatternType::ALL.iter().map(|it| it.as_str())),
        choice("resource_name", "Name of the resource", name, &form.resource_name).required(),
        choice("host", "From", host, &form.host),
    ];
    let form = Asked {
        action: at.href("new-kafka-acl"),
        back: at.href(HERE),
        questions,
        kept: Vec::new(),
        button: "Add entry",
        refusal: None,
    };
    let intro = "It applies to whoever is called so, service user or not. If it denies \
        something, you are told who would lose access before it is added.";
    FormView { at, title: "New Kafka-native ACL entry".to_owned(), intro, form }
}

pub(in crate::console) async fn new_aiven(on: OnPage<Develop>) -> Show {
    form_page(on.frame(), &aiven(&on, &AivenForm::default())).into()
}

pub(in crate::console) async fn new_kafka(on: OnPage<Develop>) -> Show {
    form_page(on.frame(), &kafka(&on, &KafkaForm::default())).into()
}

pub(in crate::console) async fn add_aiven(
    State(app): State<App>,
    on: OnPage<Develop>,
    Form(form): Form<AivenForm>,
) -> Result<Response, Failed> {
    let entry = AddAcl {
        permission: form.permission.trim().to_owned(),
        topic: form.topic.trim().to_owned(),
        username: form.username.trim().to_owned(),
    };
    match add(&app.store, on.service().id, &entry, on.by()).await {
        Ok(()) => Ok(go(&said(&on.at(HERE), HERE, "acl-added"))),
        Err(error) => again(on.frame(), aiven(&on, &form), error, Some("username")),
    }
}

pub(in crate::console) async fn add_kafka(
    State(app): State<App>,
    on: OnPage<Develop>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failed> {
    let form = KafkaForm::read(&fields);
    match added(&app, &on, &form).await {
        Ok(None) => Ok(go(&said(&on.at(HERE), HERE, "acl-added"))),
        Ok(Some(first)) => Ok(Show::from(confirm::page(on.frame(), &first)).into_response()),
        Err(error) => again(on.frame(), kafka(&on, &form), error, Some("principal")),
    }
}

/// Adds the entry, unless it denies something to somebody and nobody has seen that yet: then the
/// page that says so.
async fn added(
    app: &App,
    on: &OnPage<Develop>,
    form: &KafkaForm,
) -> Result<Option<confirm::View>, ApiError> {
    let (service, by) = (on.service(), on.by());
    if form.permission_type.trim() == DENY && form.confirmed.is_empty() {
        let what_if = Consequences::what_if()?;
        let added = add_native(app, service, form.entry(), by, what_if).await?;
        let at = on.at(HERE);
        let (who, what, name) = (&form.principal, &form.operation, &form.resource_name);
        let sentence = format!(
            "{who} is denied {what} on {} '{name}', whatever allows it.",
            form.resource_type
        );
        let (action, mut kept) = (at.href("new-kafka-acl"), form.kept());
        let fields = kept.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let place = Place::behind(action.clone(), fields.collect());
        kept.push((CONFIRMED, "yes".to_owned()));
        return Ok(Some(confirm::View {
            title: "Deny access".to_owned(),
            means: vec![sentence],
            losses: Some(lost(&added.losses, service, form.list.clone(), place)),
            action,
            kept,
            button: "Add the entry",
            back: at.href(HERE),
            at,
        }));
    }
    add_native(app, service, form.entry(), by, Consequences::for_real()?).await?;
    Ok(None)
}
