//! `/console/.../events`: what happened in a service, and in a project. What was there before and
//! after, and in which request, is for admins, as in the API.

mod changes;

use axum::extract::{Query, State};
use console::pages::events::{Details, Filter, OLDEST_FIRST, Row, View, page};
use console::{ROOT, nav};
use model::{ProjectName, Role, Timestamp};
use serde::Deserialize;
use store::{Event, EventFilter};
use url::form_urlencoded::Serializer;

use self::changes::changes;
use super::live::{Of, latest, since_project};
use super::losing::moment;
use super::on_page::{InPath, OnPage, Signed};
use super::show::{Failed, Show};
use crate::App;
use crate::error::ApiError;
use crate::extract::Path;

/// How many on a page.
const PAGE: usize = 50;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// In the year 8307: the day after it can still be written.
const LATEST: Timestamp = Timestamp(200_000_000_000_000);

/// What is looked for, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    actor: String,
    kind: String,
    text: String,
    since: String,
    until: String,
    /// [`OLDEST_FIRST`], or anything else for the newest first.
    sort: String,
    /// Those behind this one, in that order.
    beyond: String,
}

fn given(text: &str) -> Option<String> {
    let text = text.trim();
    // No text in the database has a NUL, and it could not be asked for one.
    (!text.is_empty()).then(|| text.replace('\0', "\u{1}"))
}

/// When a day begins in UTC; nothing in it is `None`.
fn day(what: &str, text: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = given(text) else { return Ok(None) };
    let at = moment(&format!("{text}T00:00:00Z")).filter(|it| *it < LATEST);
    at.map(Some).ok_or_else(|| {
        let shown: String = text.escape_debug().take(64).collect();
        format!("{what} '{shown}' is no day: it must be like 2026-11-28")
    })
}

impl Asked {
    fn is_oldest_first(&self) -> bool {
        self.sort == OLDEST_FIRST
    }

    /// The one behind which the page begins. Nonsense is none.
    fn beyond(&self) -> Option<i64> {
        self.beyond.parse().ok()
    }

    /// What to ask the database for, and what is wrong with what was given. That is left out then.
    fn filter(
        &self,
        project: &ProjectName,
        service: Option<&str>,
    ) -> (EventFilter, Option<String>) {
        let (since, until) = (day("From", &self.since), day("To", &self.until));
        let error = since.as_ref().err().or(until.as_ref().err()).cloned();
        let end = until.ok().flatten().map(|it| it.plus_ms(DAY_MS));
        let filter = EventFilter {
            project: Some(project.clone()),
            service_name: service.map(str::to_owned),
            actor: given(&self.actor),
            event_type: given(&self.kind),
            before_id: self.beyond().filter(|_| !self.is_oldest_first()),
            after_id: self.beyond().filter(|_| self.is_oldest_first()),
            text: given(&self.text),
            since: since.ok().flatten(),
            until: end,
        };
        (filter, error)
    }

    /// The address of those behind that one, or of the first.
    fn href(&self, path: &str, sort: &str, beyond: Option<i64>) -> String {
        let mut parameters = Serializer::new(String::new());
        let given = [
            ("actor", &self.actor),
            ("kind", &self.kind),
            ("text", &self.text),
            ("since", &self.since),
            ("until", &self.until),
        ];
        parameters.extend_pairs(given.iter().filter(|(_, it)| !it.is_empty()));
        if !sort.is_empty() {
            parameters.append_pair("sort", sort);
        }
        if let Some(id) = beyond {
            parameters.append_pair("beyond", &id.to_string());
        }
        format!("{path}?{}", parameters.finish())
    }
}

/// The page of a service that an event is about.
fn page_of(kind: &str) -> &'static str {
    let pages = [
        ("service_topic_", "topics"),
        ("service_user_", "users"),
        ("service_acl_", "acls"),
        ("service_kafka_acl_", "acls"),
        ("service_quota_", "quotas"),
    ];
    pages.iter().find(|(start, _)| kind.starts_with(start)).map_or("", |(_, page)| page)
}

fn row(event: Event, project: &ProjectName, role: Role) -> Row {
    let about = event.service_name.map(|it| {
        let page = page_of(&event.event_type);
        let href = nav::service_href(project.as_str(), &it, page);
        (if page.is_empty() { it } else { format!("{it}: {page}") }, href)
    });
    let details = || Details {
        request_id: event.request_id,
        changes: changes(event.before.as_ref(), event.after.as_ref()),
    };
    Row {
        id: event.id,
        at: event.at,
        actor: event.actor,
        text: event.description,
        about,
        details: (role >= Role::Admin).then(details),
        kind: event.event_type,
    }
}

async fn found(
    app: &App,
    asked: &Asked,
    path: String,
    (project, service, role): (&ProjectName, Option<&str>, Role),
) -> Result<View, ApiError> {
    let (filter, error) = asked.filter(project, service);
    let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
    let mut events = if asked.is_oldest_first() {
        app.store.events.earliest(&filter, limit).await?
    } else {
        app.store.events.latest(&filter, limit).await?
    };
    let more = events.len() > PAGE;
    events.truncate(PAGE);
    let last = events.last().map(|it| it.id).filter(|_| more);
    let (sort, other) =
        if asked.is_oldest_first() { (OLDEST_FIRST, "") } else { ("", OLDEST_FIRST) };
    Ok(View {
        at: None,
        project: project.to_string(),
        filter: Filter {
            actor: asked.actor.clone(),
            kind: asked.kind.clone(),
            text: asked.text.clone(),
            since: asked.since.clone(),
            until: asked.until.clone(),
            error,
        },
        events: events.into_iter().map(|it| row(it, project, role)).collect(),
        next: last.map(|it| asked.href(&path, sort, Some(it))),
        first: asked.beyond().map(|_| asked.href(&path, sort, None)),
        oldest_first: asked.is_oldest_first(),
        turned: asked.href(&path, other, None),
        of_project: None,
        path,
    })
}

pub(super) async fn of_service(
    State(app): State<App>,
    on: OnPage,
    Query(asked): Query<Asked>,
) -> Result<Show, Failed> {
    let (at, service) = (on.at("events"), on.service());
    let of = (&service.project, Some(service.name.as_str()), on.role());
    let live = Of::Events.now_on(&app, service, &at).await?;
    let view = found(&app, &asked, at.href("events"), of).await?;
    let of_project = (on.role() >= Role::Admin).then(|| project_href(&service.project));
    Ok(page(on.frame(), &View { at: Some(at), of_project, ..view }).following(live).into())
}

fn project_href(project: &ProjectName) -> String {
    format!("{ROOT}/project/{project}/events")
}

pub(super) async fn of_project(
    State(app): State<App>,
    who: Signed,
    Path(path): Path<InPath>,
    Query(asked): Query<Asked>,
) -> Result<Show, Failed> {
    let project = path.name()?;
    let role = who.caller.role_in(&project, Role::Admin)?;
    let live = since_project(&project, &latest(&app, &project, None).await?);
    let view = found(&app, &asked, project_href(&project), (&project, None, role)).await?;
    Ok(page(&who.frame, &view).following(live).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_all_of_it_and_what_is_none_is_said() {
        let asked =
            Asked { since: "2026-11-21".into(), until: "2026-11-21".into(), ..Asked::default() };
        let (filter, error) = asked.filter(&"dev".parse().unwrap(), None);
        let begin = Timestamp(1_795_219_200_000);
        assert_eq!((filter.since, filter.until), (Some(begin), Some(begin.plus_ms(DAY_MS))));
        assert_eq!(error, None);
        let asked = Asked { until: "tomorrow".into(), ..Asked::default() };
        let (filter, error) = asked.filter(&"dev".parse().unwrap(), None);
        assert_eq!(filter.until, None);
        assert_eq!(error.unwrap(), "To 'tomorrow' is no day: it must be like 2026-11-28");
    }
}
