//! `/console/.../acls`: the ACL entries of both kinds.

mod add;

use std::collections::BTreeSet;

use axum::extract::{Query, State};
use axum::response::Response;
use console::list::{ListQuery, Place};
use console::nav::ServiceAt;
use console::pages::acls::{AIVEN_LIST, Aiven, KAFKA, KAFKA_LIST, Kafka, View, page};
use console::pages::confirm;
use model::{AclEntry, AclPattern, Role, Username};
use serde::Deserialize;
use service_config::access::bindings;
use store::{AclColumn, KafkaAclColumn};

pub(super) use self::add::{add_aiven, add_kafka, new_aiven, new_kafka};
use super::done::{Done, said};
use super::live::Of;
use super::losing::lost;
use super::on_page::OnPage;
use super::paging::{picked, wanted};
use super::show::{Failed, Show, go};
use crate::access::Develop;
use crate::acls::AclKind;
use crate::error::ApiError;
use crate::extract::Path;
use crate::kafka_acls::{KafkaAclView, native};
use crate::losses::{Asked, Losses};
use crate::{App, acls};

const HERE: &str = "acls";

/// Which table the address is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Table {
    of: String,
}

/// The entry in the path.
#[derive(Debug, Deserialize)]
pub(super) struct EntryPath {
    /// `acl` or `kafka-acl`.
    kind: String,
    id: String,
}

pub(super) async fn list(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
    Query(of): Query<Table>,
    Query(others): Query<Vec<(String, String)>>,
    Done(done): Done,
) -> Result<Show, Failed> {
    let (at, id) = (on.at(HERE), on.service().id);
    let is_of_kafka = of.of == KAFKA;
    // A page that follows changes says by these names what else is asked of it.
    let other = |id| ListQuery::posted(&others, id);
    let (aiven_query, kafka_query) =
        if is_of_kafka { (other(AIVEN_LIST), query) } else { (query, other(KAFKA_LIST)) };
    let live = Of::Events.now_on(&app, on.service(), &at).await?;
    let acl = app.store.acls.page(id, &wanted(&aiven_query, aiven_column)).await?;
    let users = app.store.users.names(id).await?;
    let topics = app.store.topics.list(id).await?.into_iter().filter(|it| !it.deleting);
    let topics = topics.map(|it| it.name.to_string()).collect();
    let kafka_acl = app.store.kafka_acls.page(id, &wanted(&kafka_query, kafka_column)).await?;
    let view = View {
        aiven: picked(acl, |it| aiven(&at, &it, expanded(&it, &users, &topics))),
        kafka: picked(kafka_acl, |it| kafka(&at, it.into())),
        aiven_query,
        kafka_query,
        done,
        at,
    };
    Ok(page(on.frame(), &view).following(live).into())
}

fn aiven_column(key: &str) -> Option<AclColumn> {
    Some(match key {
        "username" => AclColumn::Username,
        "permission" => AclColumn::Permission,
        "topic" => AclColumn::Topic,
        _ => return None,
    })
}

fn kafka_column(key: &str) -> Option<KafkaAclColumn> {
    Some(match key {
        "principal" => KafkaAclColumn::Principal,
        "permission" => KafkaAclColumn::PermissionType,
        "operation" => KafkaAclColumn::Operation,
        "resource" => KafkaAclColumn::Resource,
        "host" => KafkaAclColumn::Host,
        _ => return None,
    })
}

fn delete_href(at: &ServiceAt, kind: &str, id: &str) -> Option<String> {
    (at.role >= Role::Developer).then(|| at.href(&format!("acls/{kind}/{id}/delete")))
}

fn aiven(at: &ServiceAt, it: &AclEntry, (users, in_kafka): (usize, Vec<String>)) -> Aiven {
    Aiven {
        id: it.id.0.clone(),
        permission: it.permission.as_str(),
        topic: it.topic.to_string(),
        username: it.username.to_string(),
        users,
        in_kafka,
        delete: delete_href(at, "acl", &it.id.0),
    }
}

fn kafka(at: &ServiceAt, it: KafkaAclView) -> Kafka {
    Kafka {
        delete: delete_href(at, "kafka-acl", &it.id),
        id: it.id,
        permission_type: it.permission_type,
        principal: it.principal,
        operation: it.operation,
        resource_type: it.resource_type,
        pattern_type: it.pattern_type,
        resource_name: it.resource_name,
        host: it.host,
    }
}

/// How many users an entry matches, and what Kafka is told for each of them.
fn expanded(
    entry: &AclEntry,
    users: &BTreeSet<Username>,
    topics: &BTreeSet<String>,
) -> (usize, Vec<String>) {
    let (first, count) = matching(&entry.username, users);
    let Some(first) = first else { return (0, Vec::new()) };
    let one = BTreeSet::from([first.clone()]);
    let always = bindings(&[], &[], &one, topics);
    let all = bindings(std::slice::from_ref(entry), &[], &one, topics);
    let line = |it: &model::AclBinding| {
        let (operation, resource) = (it.operation.as_str(), it.resource_type.as_str());
        format!("{operation} on {resource} {} {}", it.pattern_type.as_str(), it.resource_name)
    };
    (count, all.difference(&always).map(line).collect())
}

/// The first user that a pattern matches, and how many it does. Most patterns are a name, which is
/// found without looking at all of them: there may be ten thousand, and fifty entries on a page.
fn matching<'a>(
    pattern: &AclPattern,
    users: &'a BTreeSet<Username>,
) -> (Option<&'a Username>, usize) {
    if !pattern.as_str().contains(['*', '?']) {
        let name: Option<Username> = pattern.as_str().parse().ok();
        let found = name.and_then(|it| users.get(&it));
        return (found, usize::from(found.is_some()));
    }
    let mut matching = users.iter().filter(|it| pattern.matches(it.as_str()));
    let first = matching.next();
    (first, usize::from(first.is_some()) + matching.count())
}

async fn delete(
    app: &App,
    on: &OnPage<Develop>,
    path: &EntryPath,
    asked: Asked,
) -> Result<Losses, ApiError> {
    let kind = match path.kind.as_str() {
        "acl" => AclKind::Aiven,
        "kafka-acl" => AclKind::Kafka,
        _ => return Err(ApiError::NoRoute),
    };
    acls::delete(app, on.service(), (kind, &path.id), on.by(), asked).await
}

/// What an entry says, in one sentence.
async fn sentence(app: &App, on: &OnPage<Develop>, path: &EntryPath) -> Result<String, ApiError> {
    let id = on.service().id;
    let aiven = app.store.acls.list(id).await?;
    if let Some(it) = aiven.into_iter().find(|it| path.kind == "acl" && it.id.0 == path.id) {
        let (users, what, topics) = (it.username, it.permission.as_str(), it.topic);
        return Ok(format!("It gives the service users '{users}' {what} on topics '{topics}'."));
    }
    let it = native(&app.store, id).await?.into_iter().find(|it| it.id == path.id);
    let it = it.ok_or(ApiError::NotFound("ACL"))?;
    Ok(format!(
        "It says: {} {} for {} on {} {} '{}', from {}.",
        it.permission_type,
        it.operation,
        it.principal,
        it.resource_type,
        it.pattern_type,
        it.resource_name,
        it.host
    ))
}

/// Says who would lose access, and asks whether the entry shall be gone.
pub(super) async fn ask(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<EntryPath>,
    Query(query): Query<ListQuery>,
) -> Result<Show, Failed> {
    let losses = delete(&app, &on, &path, Asked::what_if()?).await?;
    let means = vec![sentence(&app, &on, &path).await?];
    let at = on.at(HERE);
    let here = at.href(&format!("acls/{}/{}/delete", path.kind, path.id));
    let place = Place::at(here.clone(), Vec::new());
    let view = confirm::View {
        title: format!("Delete ACL entry {}", path.id),
        means,
        losses: Some(lost(&losses, on.service(), query, place)),
        action: here,
        kept: Vec::new(),
        button: "Delete the entry",
        back: at.href(HERE),
        at,
    };
    Ok(confirm::page(on.frame(), &view).into())
}

pub(super) async fn remove(
    State(app): State<App>,
    on: OnPage<Develop>,
    Path(path): Path<EntryPath>,
) -> Result<Response, Failed> {
    delete(&app, &on, &path, Asked::for_real()?).await?;
    Ok(go(&said(&on.at(HERE), HERE, "acl-deleted")))
}

#[cfg(test)]
mod tests {
    use model::{AclId, AclPermission};

    use super::*;

    #[test]
    fn an_entry_is_what_kafka_is_told_for_one_user() {
        let entry = AclEntry {
            id: AclId("default".into()),
            permission: AclPermission::Read,
            topic: AclPattern::topic("logs-*").unwrap(),
            username: AclPattern::username("a*").unwrap(),
        };
        let users = ["ann", "abe", "bob"].map(|it| it.parse().unwrap()).into();
        let (count, lines) = expanded(&entry, &users, &BTreeSet::new());
        assert_eq!(count, 2);
        assert!(lines.contains(&"Read on Topic PREFIXED logs-".to_owned()), "{lines:?}");
        assert!(lines.contains(&"Read on Group LITERAL *".to_owned()), "{lines:?}");
        let nobody = AclEntry { username: AclPattern::username("x").unwrap(), ..entry };
        assert_eq!(expanded(&nobody, &users, &BTreeSet::new()), (0, Vec::new()));
        for (pattern, count) in [("ann", 1), ("a*", 2), ("?*", 3), ("ANN", 0)] {
            let pattern = AclPattern::username(pattern).unwrap();
            assert_eq!(matching(&pattern, &users).1, count, "{pattern}");
        }
    }
}
