//! Who was seen to use what.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AclOperation, Principal, ResourceType, SeenAt, SeenClaims, SeenReport, SeenUse, ServiceId,
    Timestamp,
};
use sqlx::PgPool;
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::{StoreError, constraint, decode, moment, timestamp, watched_claims};

/// The most rows of a service, of uses and of claims each. New ones above are not taken: a service
/// that is used in more ways than these is told about in part, and says so.
const MOST: i64 = 20_000;

/// What was not seen for so long is forgotten, in milliseconds: 30 days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

type Claims = BTreeMap<String, String>;

/// Who was seen to use what.
#[derive(Clone, Debug)]
pub struct SeenUses {
    pub(crate) pool: PgPool,
}

/// What was seen of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Uses and where they were seen, the latest first.
    pub uses: Vec<(SeenAt, SeenUse)>,
    /// What else those are called who came with a token, by principal.
    pub claims: Vec<SeenClaims>,
    /// Whether there may have been more than is kept of a service.
    pub truncated: bool,
}

/// Text in the database that breaks a rule of `model`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

/// The columns of many uses.
#[derive(Default)]
struct Columns {
    principal: Vec<String>,
    proven: Vec<bool>,
    resource_type: Vec<String>,
    resource_name: Vec<String>,
    operation: Vec<String>,
    last_seen: Vec<OffsetDateTime>,
}

impl SeenUses {
    /// Notes what was seen at `at`, and forgets what was not seen for 30 days. A use that is known is
    /// only younger afterwards, and one in the future was seen `now`. Claims that are neither common
    /// nor watched ([`crate::WatchedClaims`]) are left out. Of a service that is gone nothing is noted.
    pub async fn record(
        &self,
        service: ServiceId,
        at: SeenAt,
        report: &SeenReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self.try_record(service, at, report, now).await {
            Err(StoreError::Database(error))
                if matches!(
                    constraint(&error),
                    Some("seen_use_service_fkey" | "seen_claims_service_fkey")
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    async fn try_record(
        &self,
        service: ServiceId,
        at: SeenAt,
        report: &SeenReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let oldest = now.plus_ms(-KEPT_MS);
        let columns = columns(report.uses.iter().filter(|it| it.last >= oldest), now)?;
        let mut tx = self.pool.begin().await?;
        let watched = watched_claims::names(&mut tx, service, now).await?;
        let told: Vec<SeenClaims> = report.claims.iter().map(|it| it.only(&watched)).collect();
        let principals: Vec<&str> = told.iter().map(|it| it.principal.0.as_str()).collect();
        let claims: Vec<Json<&Claims>> = told.iter().map(|it| Json(&it.claims)).collect();
        let absent: Vec<Json<&BTreeSet<String>>> = told.iter().map(|it| Json(&it.absent)).collect();
        sqlx::query!(
            "with forgotten as (delete from seen_claims where service_id = $1 and last_seen < $2)
             delete from seen_use where service_id = $1 and last_seen < $2",
            service.0,
            moment(oldest)?
        )
        .execute(&mut *tx)
        .await?;
        // In the order of the key, so that two reports wait for each other and never both.
        sqlx::query!(
            "insert into seen_use (service_id, seen_at, principal, proven, resource_type,
                                   resource_name, operation, last_seen)
             select $1, $2, principal, proven, resource_type, resource_name, operation, last_seen
             from (
                 select *, row_number() over (partition by known order by last_seen desc) as place
                 from (
                     select principal, proven, resource_type, resource_name, operation,
                            max(last_seen) as last_seen,
                            exists (
                                select from seen_use as it
                                where it.service_id = $1 and it.seen_at = $2
                                  and it.principal = one.principal and it.proven = one.proven
                                  and it.resource_type = one.resource_type
                                  and it.resource_name = one.resource_name
                                  and it.operation = one.operation
                            ) as known
                     from unnest($3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[],
                                 $8::timestamptz[])
                          as one (principal, proven, resource_type, resource_name, operation,
                                  last_seen)
                     group by principal, proven, resource_type, resource_name, operation
                 ) as each
             ) as placed
             where known
                or place <= $9::bigint - (select count(*) from seen_use where service_id = $1)
             order by principal, proven, resource_type, resource_name, operation
             on conflict (service_id, seen_at, principal, proven, resource_type, resource_name,
                          operation) do update
             set last_seen = excluded.last_seen where seen_use.last_seen < excluded.last_seen",
            service.0,
            at.as_str(),
            &columns.principal,
            &columns.proven,
            &columns.resource_type,
            &columns.resource_name,
            &columns.operation,
            &columns.last_seen,
            MOST
        )
        .execute(&mut *tx)
        .await?;
        // The last one of a principal that comes twice.
        sqlx::query!(
            "insert into seen_claims (service_id, principal, claims, absent, last_seen)
             select $1, principal, claims, absent, $4
             from (
                 select distinct on (principal) principal, claims, absent,
                        exists (
                            select from seen_claims as it
                            where it.service_id = $1 and it.principal = one.principal
                        ) as known
                 from unnest($2::text[], $3::jsonb[], $6::jsonb[]) with ordinality
                      as one (principal, claims, absent, place)
                 order by principal, place desc
             ) as each
             where known or (select count(*) from seen_claims where service_id = $1) < $5::bigint
             order by principal
             on conflict (service_id, principal) do update
             set claims = excluded.claims, absent = excluded.absent, last_seen = excluded.last_seen
             where seen_claims.last_seen <= excluded.last_seen",
            service.0,
            &principals as _,
            &claims as _,
            moment(now)?,
            MOST,
            &absent as _
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What was seen at or after `since`, 30 days back at most.
    pub async fn of_service(
        &self,
        service: ServiceId,
        since: Timestamp,
    ) -> Result<Seen, StoreError> {
        let since = moment(since)?;
        let rows = sqlx::query!(
            r#"select seen_at, principal, proven, resource_type, resource_name, operation, last_seen,
                      (select count(*) from seen_use as it where it.service_id = $1) as "all!"
               from seen_use where service_id = $1 and last_seen >= $2
               order by last_seen desc, principal, resource_type, resource_name, operation, seen_at,
                        proven"#,
            service.0,
            since
        )
        .fetch_all(&self.pool)
        .await?;
        let claims = sqlx::query!(
            r#"select principal, claims as "claims: Json<Claims>",
                      absent as "absent: Json<BTreeSet<String>>"
               from seen_claims where service_id = $1 and last_seen >= $2 order by principal"#,
            service.0,
            since
        )
        .fetch_all(&self.pool)
        .await?;
        let truncated = rows.first().is_some_and(|it| it.all >= MOST);
        let unreadable = |error: String| decode(Unreadable(error));
        let uses = rows.into_iter().map(|row| {
            let seen_at = SeenAt::ALL.into_iter().find(|it| it.as_str() == row.seen_at);
            let seen_use = SeenUse {
                principal: Some(row.principal).filter(|it| !it.is_empty()).map(Principal),
                proven: row.proven,
                resource_type: row.resource_type.parse().map_err(unreadable)?,
                resource_name: row.resource_name,
                operation: row.operation.parse::<AclOperation>().map_err(unreadable)?,
                last: timestamp(row.last_seen),
            };
            Ok((seen_at.ok_or_else(|| unreadable(row.seen_at))?, seen_use))
        });
        let claims = claims.into_iter().map(|row| SeenClaims {
            principal: Principal(row.principal),
            claims: row.claims.0,
            absent: row.absent.0,
        });
        Ok(Seen {
            uses: uses.collect::<Result<_, StoreError>>()?,
            claims: claims.collect(),
            truncated,
        })
    }
}

/// Uses as columns. What is said to have been seen after `now` was seen then.
fn columns<'a>(
    uses: impl Iterator<Item = &'a SeenUse>,
    now: Timestamp,
) -> Result<Columns, StoreError> {
    let mut columns = Columns::default();
    for it in uses {
        let principal = it.principal.as_ref().map_or("", |it| it.0.as_str());
        columns.principal.push(principal.to_owned());
        columns.proven.push(it.proven);
        columns.resource_type.push(ResourceType::as_str(it.resource_type).to_owned());
        columns.resource_name.push(it.resource_name.clone());
        columns.operation.push(it.operation.as_str().to_owned());
        columns.last_seen.push(moment(it.last.min(now))?);
    }
    Ok(columns)
}
