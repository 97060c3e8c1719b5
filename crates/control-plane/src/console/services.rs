//! `/console`: every service that somebody may see.

mod seen;

use axum::extract::{Query, State};
use console::list::ListQuery;
use console::pages::services::{View, page};
use serde::Deserialize;

use self::seen::Seen;
pub(super) use self::seen::seen;
use super::live::{name, since_all};
use super::on_page::Signed;
use super::show::{Failed, Show};
use crate::App;

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
