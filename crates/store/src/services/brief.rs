//! Services of many projects at once, in short: what a list of all of them shows.

use model::{ProjectName, ServiceId, ServiceName, ServiceState, Timestamp};

use super::{Services, service_state};
use crate::{StoreError, decode, timestamp};

/// A service, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceBrief {
    /// Its id.
    pub id: ServiceId,
    /// The project that it belongs to.
    pub project: ProjectName,
    /// Its name.
    pub name: ServiceName,
    /// Its plan.
    pub plan: String,
    /// Whether a rollout is under way, or the service is switched off.
    pub state: ServiceState,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many things Kafka refuses of what it shall have.
    pub refusals: usize,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Services {
    /// Every service of these projects, by project and name; those that are terminated are none of it.
    pub async fn briefs(&self, projects: &[ProjectName]) -> Result<Vec<ServiceBrief>, StoreError> {
        let projects: Vec<String> = projects.iter().map(ToString::to_string).collect();
        let rows = sqlx::query!(
            r#"select service_id, project_name, service_name, plan, updated_at, powered,
                      exists (select from rollout
                              where rollout.service_id = service.service_id
                                and ended_at is null) as "rolling!",
                      (select count(*) from node
                       where node.service_id = service.service_id) as "nodes!",
                      (select count(*) from desired_refusal refusal
                       where refusal.service_id = service.service_id) as "refusals!"
               from service
               where project_name = any($1) and not terminating
               order by project_name, service_name"#,
            &projects
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ServiceBrief {
                    id: ServiceId(row.service_id),
                    project: ProjectName::try_from(row.project_name).map_err(decode)?,
                    name: ServiceName::try_from(row.service_name).map_err(decode)?,
                    plan: row.plan,
                    state: service_state(row.powered, row.rolling),
                    nodes: usize::try_from(row.nodes).unwrap_or(0),
                    refusals: usize::try_from(row.refusals).unwrap_or(0),
                    updated_at: timestamp(row.updated_at),
                })
            })
            .collect()
    }
}
