//! `/console/.../rollouts`: who restarted the nodes of a service when, why, and how it went.

use axum::extract::{Query, State};
use console::list::ListQuery;
use console::nav::{ROLLOUTS, ServiceAt, rollout as path};
use console::pages::rollout::Banner;
use console::pages::rollouts::{Row, View, page};
use model::{RolloutId, Timestamp};
use store::{RolloutRecord, Service};

use super::live::Of;
use super::on_page::OnPage;
use super::show::{Failed, Show};
use crate::App;
use crate::error::ApiError;
use crate::rollouts::{RolloutBrief, RolloutLook, look, short, under_way};

/// So many are listed; there are seldom more than a few a day.
const MOST: u32 = 500;

pub(super) async fn list(
    State(app): State<App>,
    on: OnPage,
    Query(query): Query<ListQuery>,
) -> Result<Show, Failed> {
    let at = on.at(ROLLOUTS);
    let live = Of::Rollouts.now_on(&app, on.service(), &at).await?;
    let records = app.store.rollouts.latest(on.service().id, MOST).await?;
    let looks = look(&app, on.service(), records, on.frame().now).await?;
    let rollouts = looks.into_iter().map(|it| row(&at, it)).collect();
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    Ok(page(on.frame(), &View { at, rollouts, most, query }).following(live).into())
}

fn row(at: &ServiceAt, look: RolloutLook) -> Row {
    Row {
        href: at.href(&path(&look.record.id.to_string())),
        what: what(&look.record),
        told: told(&look).unwrap_or_default(),
        state: look.state,
        by: look.record.started_by,
        started_at: look.record.started_at,
        ended_at: look.record.ended_at,
    }
}

/// What a rollout is about, in words.
pub(super) fn what(it: &RolloutRecord) -> String {
    let target = short(&it.target);
    match it.base.as_deref().map(short) {
        Some(base) if it.direction == "back" => format!("back from revision {target} to {base}"),
        _ if it.all_nodes => format!("every node restarts into revision {target}, as asked for"),
        Some(base) if base == target => format!("nodes that do not run revision {target}"),
        Some(base) => format!("the settings were changed: revision {base} to {target}"),
        None => format!("into revision {target}"),
    }
}

/// Why it stands, or how it went.
fn told(look: &RolloutLook) -> Option<String> {
    let failed = look.record.failure.as_ref();
    let failed = failed.map(|(it, _)| format!("node {} failed: {}", it.node, it.why));
    let paused = look.record.paused.as_ref().filter(|_| look.record.ended_at.is_none());
    let paused = paused.map(|(who, why)| format!("paused by {who}: {why}"));
    let waits = look.blocker.as_ref().map(|it| format!("waits: {}", it.text));
    failed.or(paused).or(waits).or_else(|| probe(&look.record))
}

fn probe(it: &RolloutRecord) -> Option<String> {
    let it = it.status.as_ref()?.probe?;
    let gap = it.longest_gap_ms;
    Some(format!("{} of {} requests failed, longest gap {gap} ms", it.failed, it.sent))
}

/// What every page of a service says of the rollout that is under way.
pub(super) async fn banner(app: &App, at: &ServiceAt) -> Result<Option<Banner>, ApiError> {
    let missing = |_| ApiError::NotFound("Service");
    let project = at.project.parse().map_err(missing)?;
    let name = at.service.parse().map_err(missing)?;
    let Some(service) = app.store.services.get(&project, &name).await? else { return Ok(None) };
    let rollout = under_way(&app.store, &service).await?;
    Ok(rollout.map(|it| banner_of(at, &it, &service)))
}

/// The same of a rollout that may have ended.
pub(super) fn banner_of(at: &ServiceAt, rollout: &RolloutRecord, service: &Service) -> Banner {
    let RolloutId(id) = rollout.id;
    let brief = RolloutBrief::of(rollout, service, Timestamp::now());
    Banner {
        href: at.href(&path(&id.to_string())),
        waits_for: brief.waits_for(),
        done: (brief.nodes_done, brief.nodes),
        state: brief.state,
        has_ended: rollout.ended_at.is_some(),
    }
}
