//! What the brokers of services refused.

use std::collections::BTreeMap;

use model::{Denial, DenialRule, Denied, NodeId, ServiceId, ShownText, Timestamp};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::{StoreError, constraint, decode, moment, timestamp};

/// The most rows of a service: the newest.
const MOST: i64 = 10_000;

/// What is older is deleted, in milliseconds: 30 days, as what was seen.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What the brokers of services refused.
#[derive(Clone, Debug)]
pub struct Denials {
    pub(crate) pool: PgPool,
}

/// A denial that is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenialRecord {
    /// Grows with each that is written down: one that is read is followed by none with a lower one, as
    /// long as one orchestrator at a time looks after a service.
    pub id: i64,
    /// What was refused.
    pub denial: Denial,
}

/// A rule that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("no rule of a denial is called '{0}'")]
struct UnknownRule(String);

/// A denial as it is kept.
struct Row {
    denial_id: i64,
    node_id: i32,
    principal: Option<String>,
    host: Option<String>,
    operation: Option<String>,
    resource_type: Option<String>,
    resource_name: Option<String>,
    request: Option<String>,
    rule: Option<String>,
    times: i64,
    last_at: OffsetDateTime,
}

impl TryFrom<Row> for DenialRecord {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let text = |it: Option<String>| Some(ShownText::of(&it?));
        let rule = |it: String| {
            let known = DenialRule::ALL.into_iter().find(|rule| rule.as_str() == it);
            known.ok_or_else(|| decode(UnknownRule(it)))
        };
        let rule = row.rule.map(rule).transpose()?;
        let denied = || {
            Some(Denied {
                principal: text(row.principal)?,
                host: text(row.host)?,
                operation: text(row.operation)?,
                resource_type: text(row.resource_type)?,
                resource_name: text(row.resource_name)?,
                request: text(row.request)?,
                rule,
            })
        };
        let denial = Denial {
            node: NodeId(row.node_id),
            denied: denied(),
            times: row.times.unsigned_abs(),
            last: timestamp(row.last_at),
        };
        Ok(Self { id: row.denial_id, denial })
    }
}

/// The columns of many denials.
#[derive(Default)]
struct Columns {
    node: Vec<i32>,
    principal: Vec<Option<String>>,
    host: Vec<Option<String>>,
    operation: Vec<Option<String>>,
    resource_type: Vec<Option<String>>,
    resource_name: Vec<Option<String>>,
    request: Vec<Option<String>>,
    rule: Vec<Option<String>>,
    times: Vec<i64>,
    last: Vec<OffsetDateTime>,
}

/// A service's denials beside a place, in that order: sqlx wants the statement as text in the call.
macro_rules! denials {
    ($beside:literal, $order:literal, $service:expr, $place:expr, $limit:expr) => {
        sqlx::query_as!(
            Row,
            "select denial_id, node_id, principal, host, operation, resource_type, resource_name,
                    request, rule, times, last_at
             from denial where service_id = $1 and "
                + $beside
                + " order by denial_id "
                + $order
                + " limit $3",
            $service.0,
            $place,
            i64::from($limit)
        )
    };
}

impl Denials {
    /// Writes denials down in their order, and deletes what is older than 30 days and all but the
    /// newest of the service. What is said to be of after `now` is of then. Of a service that is gone
    /// nothing is written.
    pub async fn record(
        &self,
        service: ServiceId,
        denials: &[Denial],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.try_record(service, denials, now).await {
            Err(StoreError::Database(error))
                if constraint(&error) == Some("denial_service_fkey") =>
            {
                Ok(())
            }
            done => done,
        }
    }

    async fn try_record(
        &self,
        service: ServiceId,
        denials: &[Denial],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let columns = columns(denials, now)?;
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "insert into denial (service_id, node_id, principal, host, operation, resource_type,
                                 resource_name, request, rule, times, last_at)
             select $1, node_id, principal, host, operation, resource_type, resource_name, request,
                    rule, times, last_at
             from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::bigint[], $11::timestamptz[])
                  with ordinality
                  as one (node_id, principal, host, operation, resource_type, resource_name,
                          request, rule, times, last_at, place)
             order by place",
            service.0,
            &columns.node,
            &columns.principal as _,
            &columns.host as _,
            &columns.operation as _,
            &columns.resource_type as _,
            &columns.resource_name as _,
            &columns.request as _,
            &columns.rule as _,
            &columns.times,
            &columns.last
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "delete from denial
             where service_id = $1
               and (last_at < $2
                    or denial_id <= (select denial_id from denial where service_id = $1
                                     order by denial_id desc offset $3 limit 1))",
            service.0,
            moment(now.plus_ms(-KEPT_MS))?,
            MOST
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// When the last one was that is written down of each node.
    pub async fn last(
        &self,
        service: ServiceId,
    ) -> Result<BTreeMap<NodeId, Timestamp>, StoreError> {
        let rows = sqlx::query!(
            r#"select node_id, max(last_at) as "last_at!" from denial
               where service_id = $1 group by node_id"#,
            service.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|it| (NodeId(it.node_id), timestamp(it.last_at))).collect())
    }

    /// The latest `limit`, or of those with an id below `before`, newest first.
    pub async fn latest(
        &self,
        service: ServiceId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DenialRecord>, StoreError> {
        let rows =
            denials!("($2::bigint is null or denial_id < $2)", "desc", service, before, limit);
        rows.fetch_all(&self.pool).await?.into_iter().map(DenialRecord::try_from).collect()
    }

    /// The first `limit` with an id above `after`, oldest first.
    pub async fn earliest(
        &self,
        service: ServiceId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<DenialRecord>, StoreError> {
        let rows = denials!("denial_id > $2", "asc", service, after, limit);
        rows.fetch_all(&self.pool).await?.into_iter().map(DenialRecord::try_from).collect()
    }
}

fn columns(denials: &[Denial], now: Timestamp) -> Result<Columns, StoreError> {
    let mut columns = Columns::default();
    for it in denials {
        let text =
            |of: fn(&Denied) -> &ShownText| it.denied.as_ref().map(|it| of(it).as_str().to_owned());
        let rule = it.denied.as_ref().and_then(|it| it.rule);
        columns.node.push(it.node.0);
        columns.principal.push(text(|it| &it.principal));
        columns.host.push(text(|it| &it.host));
        columns.operation.push(text(|it| &it.operation));
        columns.resource_type.push(text(|it| &it.resource_type));
        columns.resource_name.push(text(|it| &it.resource_name));
        columns.request.push(text(|it| &it.request));
        columns.rule.push(rule.map(|it| it.as_str().to_owned()));
        columns.times.push(i64::try_from(it.times).unwrap_or(i64::MAX));
        columns.last.push(moment(it.last.min(now))?);
    }
    Ok(columns)
}
