//! One topic, and its change.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use console::list::ListQuery;
use console::nav::ServiceAt;
use console::pages::form::{Form as Asked, Question};
use console::pages::topic::{ConfigOption, Group, Partition, View, page};
use kafka::Topic;
use model::{Role, TopicName};
use serde::Deserialize;
use serde_json::Value;
use store::{DesiredTopic, Service};

use super::super::done::{Done, said};
use super::super::on_page::OnPage;
use super::super::refused::refusal;
use super::super::show::{Failed, Form, Show, go};
use super::HERE;
use super::fields::TopicForm;
use crate::App;
use crate::access::Develop;
use crate::extract::Path;
use crate::topics::{Found, OptionView, RealTopic, TopicDetails, TopicPath, get, update};

/// Which list the address is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Of {
    of: String,
}

/// The options that a topic sets itself say so by this.
const OWN: &str = "topic_config";

pub(in crate::console) async fn show(
    State(app): State<App>,
    on: OnPage,
    Path(path): Path<TopicPath>,
    Query(query): Query<ListQuery>,
    Query(of): Query<Of>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let mut view = view(&app, on.service(), on.at(HERE), &path.topic, query).await?;
    (view.done, view.of) = (done, of.of);
    Ok(page(on.frame(), &view).into())
}

pub(in crate::console) async fn change(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<TopicPath>,
    Form(form): Form<TopicForm>,
) -> Result<Response, Failed> {
    let (name, at) = (path.topic, on.at(HERE));
    let changed = async {
        let fields = form.update()?;
        update(&app, on.service(), name.clone(), &fields, on.by()).await
    };
    let error = match changed.await {
        Ok(()) => return Ok(go(&said(&at, &format!("topics/{name}"), "topic-updated"))),
        Err(error) => error,
    };
    let form = changing(&at, &name, &form);
    let refused = refusal(error, &form.questions, None)?;
    let mut view = view(&app, on.service(), at, &name, ListQuery::default()).await?;
    view.form = Some(Asked { refusal: Some(refused), ..form });
    Ok(Show::refused(page(on.frame(), &view)).into_response())
}

/// The form to change a topic, with that in it.
fn changing(at: &ServiceAt, name: &TopicName, form: &TopicForm) -> Asked {
    let address = at.href(&format!("topics/{name}"));
    let more = "More than there are; none can be taken away.";
    let mut questions =
        vec![Question::line("partitions", "Partitions", more).with(form.partitions.as_str())];
    questions.extend(form.options("Empty: as the service has it."));
    Asked {
        action: address.clone(),
        back: address,
        questions,
        kept: vec![("was", form.was.clone())],
        button: "Save changes",
        refusal: None,
    }
}

async fn view(
    app: &App,
    service: &Service,
    at: ServiceAt,
    name: &TopicName,
    query: ListQuery,
) -> Result<View, Failed> {
    Ok(match get(app, service, name).await? {
        Found::Real(found) => real(at, name, *found, query),
        Found::NotYet(topic) => not_yet(at, topic, query),
    })
}

fn not_yet(at: ServiceAt, topic: DesiredTopic, query: ListQuery) -> View {
    let number = |name: &str| topic.config.get(name).and_then(|it| it.parse().ok());
    View {
        at,
        name: topic.name.to_string(),
        state: "CONFIGURING",
        replication: usize::try_from(topic.replication).unwrap_or_default(),
        retention_hours: None,
        retention_bytes: number("retention.bytes"),
        min_in_sync: number("min.insync.replicas"),
        cleanup: topic.config.get("cleanup.policy").cloned(),
        problem: topic.problem,
        tags: topic.tags,
        partitions: Vec::new(),
        of: String::new(),
        query,
        groups: Vec::new(),
        groups_complete: true,
        options: Vec::new(),
        form: None,
        done: None,
    }
}

fn real(at: ServiceAt, name: &TopicName, found: RealTopic, query: ListQuery) -> View {
    let RealTopic { topic, details, desired } = found;
    // Kafka may be some seconds behind.
    let own = desired.map_or_else(|| own(&details), |it| it.config);
    let form = TopicForm::of(details.partitions.len(), &own);
    let may = at.role >= Role::Developer && details.state == "ACTIVE";
    let tags = details.tags.iter().map(|it| (it.key.clone(), it.value.clone()));
    View {
        form: may.then(|| changing(&at, name, &form)),
        at,
        name: name.to_string(),
        state: details.state,
        replication: details.replication,
        retention_hours: details.retention_hours,
        retention_bytes: details.retention_bytes,
        min_in_sync: details.min_insync_replicas,
        tags: tags.collect(),
        partitions: partitions(&topic, &details),
        of: String::new(),
        query,
        groups: groups(&details),
        groups_complete: details.tidegate.consumer_groups_complete,
        options: details.config.iter().map(|(name, it)| option(name, it)).collect(),
        problem: details.tidegate.problem,
        cleanup: details.cleanup_policy,
        done: None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a topic that was not made here has set itself.
fn own(details: &TopicDetails) -> BTreeMap<String, String> {
    let own = details.config.iter().filter(|(_, it)| it.source == OWN);
    own.map(|(name, it)| (name.replace('_', "."), text(&it.value))).collect()
}

fn option(name: &str, it: &OptionView) -> ConfigOption {
    ConfigOption {
        name: name.replace('_', "."),
        value: text(&it.value),
        is_own: it.source == OWN,
        source: it.source,
    }
}

fn partitions(topic: &Topic, details: &TopicDetails) -> Vec<Partition> {
    let ids = |nodes: &[model::NodeId]| nodes.iter().map(|it| it.0).collect();
    let both = topic.partitions.iter().zip(&details.partitions);
    let row = |(it, api): (&kafka::Partition, &crate::topics::PartitionView)| Partition {
        index: it.index,
        leader: it.leader.map(|it| it.0),
        replicas: ids(&it.replicas),
        in_sync: ids(&it.in_sync),
        earliest: api.earliest_offset,
        latest: api.latest_offset,
    };
    both.map(row).collect()
}

/// By name, over all partitions.
fn groups(details: &TopicDetails) -> Vec<Group> {
    let mut found: BTreeMap<&str, Group> = BTreeMap::new();
    for partition in &details.partitions {
        for it in &partition.consumer_groups {
            let name = it.group_name.as_str();
            let empty = || Group { name: name.to_owned(), partitions: 0, lag: 0 };
            let group = found.entry(name).or_insert_with(empty);
            group.partitions += 1;
            let behind = partition.latest_offset.unwrap_or(it.offset).saturating_sub(it.offset);
            group.lag = group.lag.saturating_add(behind.max(0));
        }
    }
    found.into_values().collect()
}
