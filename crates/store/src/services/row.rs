//! What a row of services is, and how each query of them asks for it.

use std::collections::BTreeMap;

use model::{ProjectName, RevisionId, ServiceId, ServiceName};
use serde_json::{Map, Value};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Service, service_state};
use crate::{StoreError, decode, nodes, refusals, timestamp};

pub(super) type Options = Json<Map<String, Value>>;
pub(super) type Texts = Json<BTreeMap<String, String>>;
pub(super) type Nodes = Json<Vec<NodeRow>>;
pub(super) type Refusals = Json<Vec<refusals::Row>>;

#[expect(clippy::struct_excessive_bools, reason = "a row has what its table has")]
pub(super) struct Row {
    pub(super) service_id: Uuid,
    pub(super) project_name: String,
    pub(super) service_name: String,
    pub(super) plan: String,
    pub(super) cluster_id: String,
    pub(super) user_config: Options,
    pub(super) target_revision: String,
    pub(super) dynamic_config: Texts,
    pub(super) previous_jwks_url: Option<String>,
    pub(super) termination_protection: bool,
    pub(super) maintenance_dow: Option<String>,
    pub(super) maintenance_time: Option<String>,
    pub(super) apply_in_window: bool,
    pub(super) rest_host: String,
    pub(super) rest_port: i32,
    pub(super) generation: i64,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    pub(super) powered: bool,
    pub(super) terminating: bool,
    pub(super) tags: Texts,
    pub(super) rolling: bool,
    pub(super) nodes: Option<Nodes>,
    pub(super) refusals: Option<Refusals>,
}

/// Its number, host, ports of controller, internal and client listener, and rack.
type NodeRow = (i32, String, i32, i32, i32, String);

/// A query of services. What makes a service is one list for all of them; sqlx wants it as text in
/// the call. `$from` is what comes behind it, from `from service` on.
macro_rules! query_services {
    ($from:tt, $($argument:expr),*) => {
        sqlx::query_as!(
            $crate::services::row::Row,
            r#"select service.service_id, project_name, service_name, plan, cluster_id,
                user_config as "user_config: crate::services::row::Options", target_revision,
                dynamic_config as "dynamic_config: crate::services::row::Texts",
                previous_jwks_url, termination_protection, maintenance_dow, maintenance_time,
                apply_in_window, rest_host, rest_port, generation, created_at, updated_at, powered,
                terminating, tags as "tags: crate::services::row::Texts",
                exists (select from rollout
                        where rollout.service_id = service.service_id
                          and ended_at is null) as "rolling!",
                (select jsonb_agg(jsonb_build_array(node_id, host, controller_port, internal_port,
                                                    client_port, rack)
                                  order by node_id)
                 from node where node.service_id = service.service_id)
                    as "nodes: crate::services::row::Nodes",
                (select jsonb_agg(jsonb_build_array(aggregate, name, message,
                                                    (extract(epoch from since) * 1000)::bigint)
                                  order by since, aggregate, name)
                 from desired_refusal refusal
                 where refusal.service_id = service.service_id)
                    as "refusals: crate::services::row::Refusals" "# + $from,
            $($argument),*
        )
    };
}

pub(super) use query_services;

impl Row {
    pub(super) fn into_service(self) -> Result<Service, StoreError> {
        let nodes = self.nodes.map(|it| it.0).unwrap_or_default();
        let nodes = nodes.into_iter().map(|(id, host, controller, internal, client, rack)| {
            nodes::node(id, host, [controller, internal, client], rack)
        });
        Ok(Service {
            id: ServiceId(self.service_id),
            project: ProjectName::try_from(self.project_name).map_err(decode)?,
            name: ServiceName::try_from(self.service_name).map_err(decode)?,
            plan: self.plan,
            cluster_id: self.cluster_id,
            user_config: self.user_config.0,
            target: RevisionId::try_from(self.target_revision).map_err(decode)?,
            dynamic_config: self.dynamic_config.0,
            previous_jwks_url: self.previous_jwks_url,
            termination_protection: self.termination_protection,
            maintenance_dow: self.maintenance_dow,
            maintenance_time: self.maintenance_time,
            apply_in_window: self.apply_in_window,
            rest_address: format!("{}:{}", self.rest_host, self.rest_port),
            state: service_state(self.powered, self.rolling),
            powered: self.powered,
            terminating: self.terminating,
            tags: self.tags.0,
            generation: self.generation,
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
            nodes: nodes.collect::<Result<_, _>>()?,
            refusals: self.refusals.map(|it| refusals::read(it.0)).unwrap_or_default(),
        })
    }
}
