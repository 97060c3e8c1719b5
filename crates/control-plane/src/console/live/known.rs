//! What pages show, as a name of it: another name says that it is shown otherwise by now.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use console::nav::ServiceAt;
use console::{ROOT, live};
use model::{Grants, ProjectName};
use serde::Deserialize;
use store::Service;

use crate::App;
use crate::console::services;
use crate::error::ApiError;
use crate::rollouts::under_way;
use crate::services::{ServiceLook, look, users_of};
use crate::topics::{self, TopicSummary};

/// What of a service a page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::console) enum Of {
    /// Its state, its nodes and its options.
    #[default]
    Service,
    /// Its rollouts, with what clients noticed of the one under way.
    Rollouts,
    /// Its topics, as Kafka has them.
    Topics,
    /// Its users, with whether Kafka knows their passwords.
    Users,
    /// What changes by what people do and is written down as an event: ACL entries, quotas, events.
    Events,
}

impl Of {
    const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Rollouts => "rollouts",
            Self::Topics => "topics",
            Self::Users => "users",
            Self::Events => "events",
        }
    }

    /// The address that tells of changes of it since it was `known` so.
    pub(in crate::console) fn since(self, at: &ServiceAt, known: &str) -> String {
        format!("{}?of={}&known={known}", at.href(live::PATH), self.word())
    }

    /// The same since now. To be asked for before what is shown is: what changes in between is told.
    pub(in crate::console) async fn now_on(
        self,
        app: &App,
        service: &Service,
        at: &ServiceAt,
    ) -> Result<String, ApiError> {
        Ok(self.since(at, &self.known(app, service).await?))
    }

    /// Names what pages show of it now.
    pub(super) async fn known(self, app: &App, service: &Service) -> Result<String, ApiError> {
        Ok(match self {
            Self::Service => of_look(service, &look(app, service).await?),
            Self::Rollouts => {
                let status = under_way(&app.store, service).await?.and_then(|it| it.status);
                let probe = status.and_then(|it| it.probe);
                let look = look(app, service).await?;
                name(&(of_look(service, &look), probe))
            }
            // While Kafka is away the page says so.
            Self::Topics => of_topics(&topics::list(app, service).await),
            Self::Users => {
                let users = users_of(app, service.id).await?;
                let seen = |it: &store::ServiceUser| {
                    (it.username.to_string(), it.password_version, it.applied_version)
                };
                name(&users.iter().map(seen).collect::<Vec<_>>())
            }
            Self::Events => latest(app, &service.project, Some(service.name.as_str())).await?,
        })
    }
}

/// Of the page of all services that somebody may see, or of those of a project.
pub(in crate::console) fn since_all(project: Option<&str>, known: &str) -> String {
    let project = project.map(|it| format!("project={it}&")).unwrap_or_default();
    format!("{ROOT}/{}?{project}known={known}", live::PATH)
}

/// Of the page of a project's events.
pub(in crate::console) fn since_project(project: &ProjectName, known: &str) -> String {
    format!("{ROOT}/project/{project}/{}?known={known}", live::PATH)
}

/// Names what the list of services shows.
pub(super) async fn of_all(
    app: &App,
    grants: &Grants,
    project: Option<&str>,
) -> Result<String, ApiError> {
    Ok(name(&services::seen(app, grants, project).await?.rows))
}

/// Names what the list of topics shows, or why it cannot.
pub(in crate::console) fn of_topics(found: &Result<Vec<TopicSummary>, ApiError>) -> String {
    match found {
        Ok(topics) => name(topics),
        Err(error) => name(&error.to_string()),
    }
}

/// Names what pages show of a service's state.
pub(in crate::console) fn of_look(service: &Service, look: &ServiceLook) -> String {
    name(&(service.generation, service.updated_at, look))
}

/// Names the last event of a service, or of a project.
pub(in crate::console) async fn latest(
    app: &App,
    project: &ProjectName,
    service: Option<&str>,
) -> Result<String, ApiError> {
    Ok(name(&app.store.events.last(project, service).await?))
}

/// A short name of what is shown. It is the same for the same within a run of this program, and that
/// is enough: after another, each page asks again once.
pub(in crate::console) fn name(shown: &impl Debug) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{shown:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_is_about() {
        let read = |text: &str| serde_json::from_value::<Of>(text.into());
        for of in [Of::Service, Of::Rollouts, Of::Topics, Of::Users, Of::Events] {
            assert_eq!(read(of.word()).unwrap(), of);
        }
        assert!(read("nonsense").is_err());
        assert_eq!(since_all(None, "1"), "/console/live?known=1");
        assert_eq!(since_all(Some("dev"), "1"), "/console/live?project=dev&known=1");
    }
}
