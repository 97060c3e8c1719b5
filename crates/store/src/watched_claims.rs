//! Claims that somebody thinks of making the subject: REST proxies tell what tokens say of them.

use std::collections::BTreeSet;

use model::{ServiceId, Timestamp};
use sqlx::{PgConnection, PgPool};

use crate::events::{By, Entry};
use crate::{StoreError, events, moment, timestamp};

/// The most that are watched of a service. Above them, the one asked for longest ago goes.
const MOST: usize = 10;

/// How long a claim is watched after somebody asked for it, in milliseconds: 30 days.
const WATCHED_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Claims that are watched.
#[derive(Clone, Debug)]
pub struct WatchedClaims {
    pub(crate) pool: PgPool,
}

/// A claim that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Since when, without a gap.
    pub since: Timestamp,
    /// Whether it was not watched before.
    pub is_new: bool,
}

/// One as it is stored.
struct Row {
    claim: String,
    since: Timestamp,
    until: Timestamp,
}

impl WatchedClaims {
    /// Watches a claim for 30 days from `now`, whether it was watched or not. A new one is an event, and
    /// listeners hear of it. The name is one that [`model::is_watchable`]. Of a service that is gone
    /// nothing is watched.
    pub async fn watch(
        &self,
        service: ServiceId,
        claim: &str,
        by: &By,
        now: Timestamp,
    ) -> Result<Watched, StoreError> {
        let mut tx = self.pool.begin().await?;
        // One after another, or there would be more than the most.
        let found = sqlx::query_scalar!(
            "select 1 as one from service where service_id = $1 for no key update",
            service.0
        );
        if found.fetch_optional(&mut *tx).await?.is_none() {
            return Ok(Watched { since: now, is_new: true });
        }
        let rows = live(&mut tx, service, now).await?;
        let known = rows.iter().find(|it| it.claim == claim);
        let watched = match known {
            Some(it) => Watched { since: it.since, is_new: false },
            None => Watched { since: now, is_new: true },
        };
        if watched.is_new {
            forget(&mut tx, service, &too_many(rows)).await?;
        }
        sqlx::query!(
            "insert into watched_claim (service_id, claim, since, until) values ($1, $2, $3, $4)
             on conflict (service_id, claim) do update set until = excluded.until",
            service.0,
            claim,
            moment(watched.since)?,
            moment(now.plus_ms(WATCHED_MS))?
        )
        .execute(&mut *tx)
        .await?;
        if watched.is_new {
            let text = format!(
                "what tokens say in the claim '{claim}' is kept for 30 days, to tell who would lose \
                 access if it became the subject"
            );
            let entry = Entry::new("claim_watched", &text);
            events::record_change(&mut tx, service, by, &entry).await?;
        }
        tx.commit().await?;
        Ok(watched)
    }

    /// Those of a service that are watched at `now`.
    pub async fn of_service(
        &self,
        service: ServiceId,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, StoreError> {
        let claims = sqlx::query_scalar!(
            "select claim from watched_claim where service_id = $1 and until > $2",
            service.0,
            moment(now)?
        );
        Ok(claims.fetch_all(&self.pool).await?.into_iter().collect())
    }
}

/// Those that go so that there is room for one more.
fn too_many(mut rows: Vec<Row>) -> Vec<String> {
    rows.sort_by_key(|it| std::cmp::Reverse(it.until));
    rows.into_iter().skip(MOST - 1).map(|it| it.claim).collect()
}

/// Names of those that are watched at `now`, and stay so until the transaction ends. The others are
/// forgotten, with their values.
pub(crate) async fn names(
    connection: &mut PgConnection,
    service: ServiceId,
    now: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let rows = live(connection, service, now).await?;
    Ok(rows.into_iter().map(|it| it.claim).collect())
}

async fn live(
    connection: &mut PgConnection,
    service: ServiceId,
    now: Timestamp,
) -> Result<Vec<Row>, StoreError> {
    // In the order of the key, so that two wait for each other and never both.
    let rows = sqlx::query!(
        "select claim, since, until from watched_claim where service_id = $1 order by claim
         for update",
        service.0
    );
    let rows = rows.fetch_all(&mut *connection).await?.into_iter();
    let rows = rows.map(|it| Row {
        claim: it.claim,
        since: timestamp(it.since),
        until: timestamp(it.until),
    });
    let (live, over): (Vec<Row>, Vec<Row>) = rows.partition(|it| it.until > now);
    let over: Vec<String> = over.into_iter().map(|it| it.claim).collect();
    forget(connection, service, &over).await?;
    Ok(live)
}

/// Watches these no longer. What tokens said in them goes.
async fn forget(
    connection: &mut PgConnection,
    service: ServiceId,
    claims: &[String],
) -> Result<(), StoreError> {
    if claims.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with gone as (delete from watched_claim where service_id = $1 and claim = any($2))
         update seen_claims set claims = claims - $2::text[], absent = absent - $2::text[]
         where service_id = $1 and (claims ?| $2 or absent ?| $2)",
        service.0,
        claims
    )
    .execute(connection)
    .await?;
    Ok(())
}
