//! `/console`: every service that somebody may see.

use axum::extract::{Query, State};
use console::list::ListQuery;
use console::pages::services::{Row, View, page};
use model::Grants;
use serde::Deserialize;
use store::ServiceBrief;

use super::live::{name, since_all};
use super::on_page::Signed;
use super::show::{Failed, Show};
use crate::App;
use crate::error::ApiError;
use crate::services::state_of;

/// What the address says beside the list's own parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    project: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(query): Query<ListQuery>,
    Query(asked): Query<Asked>,
) -> Result<Show, Failed> {
    let project = asked.project.filter(|it| !it.is_empty());
    let Seen { projects, rows: services } =
        seen(&app, &who.caller.grants, project.as_deref()).await?;
    let live = since_all(project.as_deref(), &name(&services));
    Ok(page(&who.frame, &View { services, projects, project, query }).following(live).into())
}

/// What somebody may see.
pub(super) struct Seen {
    /// Their projects, by name.
    projects: Vec<String>,
    /// The services of the project that is asked for, or of all.
    pub(super) rows: Vec<Row>,
}

pub(super) async fn seen(
    app: &App,
    grants: &Grants,
    project: Option<&str>,
) -> Result<Seen, ApiError> {
    let projects = app.store.projects.list(grants).await?;
    let wanted = |it: &str| project.is_none_or(|wanted| wanted == it);
    let looked_at: Vec<_> = projects.iter().filter(|it| wanted(it.name.as_str())).collect();
    if project.is_some() && looked_at.is_empty() {
        return Err(ApiError::NotFound("Project"));
    }
    let names: Vec<_> = looked_at.into_iter().map(|it| it.name.clone()).collect();
    let rows = rows(app, app.store.services.briefs(&names).await?).await?;
    Ok(Seen { projects: projects.into_iter().map(|it| it.name.into()).collect(), rows })
}

async fn rows(app: &App, services: Vec<ServiceBrief>) -> Result<Vec<Row>, ApiError> {
    let ids: Vec<_> = services.iter().map(|it| it.id).collect();
    let seen = app.store.nodes.seen(&ids).await?;
    let row = |it: ServiceBrief| {
        let statuses = seen.get(&it.id).map(|it| &it.statuses);
        Row {
            state: state_of(it.state, statuses.into_iter().flat_map(|it| it.values())).as_str(),
            project: it.project.into(),
            name: it.name.into(),
            plan: it.plan,
            nodes: it.nodes,
            refusals: it.refusals,
            updated_at: it.updated_at,
        }
    };
    Ok(services.into_iter().map(row).collect())
}
