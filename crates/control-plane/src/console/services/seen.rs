//! The services that somebody may see, with their state.

use console::pages::services::Row;
use model::Grants;
use store::ServiceBrief;

use crate::App;
use crate::error::ApiError;
use crate::services::state_of;

/// What somebody may see.
pub(in crate::console) struct Seen {
    /// Their projects, by name.
    pub(super) projects: Vec<String>,
    /// The services of the project that is asked for, or of all.
    pub(in crate::console) rows: Vec<Row>,
}

pub(in crate::console) async fn seen(
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
