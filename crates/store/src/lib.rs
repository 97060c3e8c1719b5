//! Keeps the platform's state in Postgres. The only crate that knows SQL.
//!
//! One module for each aggregate; rows are turned into [`model`] types here and nowhere else. A
//! rule of the data is a named constraint, and the code translates its name: nothing is read only
//! to decide what to write, except under the row lock of its service. Every change of a service
//! notifies [`Changes`] in the same transaction, but for the commonest, which does so right after
//! (`changes::Announcer`).

mod acls;
mod changes;
mod contents;
mod denials;
mod events;
mod kafka_acls;
mod keys;
mod leases;
mod lookups;
mod metrics;
mod nodes;
mod paging;
mod pool;
mod projects;
mod quotas;
mod refusals;
mod rollouts;
mod seen;
mod services;
mod sessions;
mod tokens;
mod topics;
mod users;
mod vault;
mod watched_claims;

use sqlx::PgPool;
pub use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;

pub use crate::acls::{AclColumn, Acls, AddAclError};
use crate::changes::Announcer;
pub use crate::changes::Changes;
pub use crate::contents::Contents;
use crate::contents::ContentsReader;
pub use crate::denials::{DenialRecord, Denials};
pub use crate::events::{By, Event, EventFilter, Events};
pub use crate::kafka_acls::{KafkaAclColumn, KafkaAcls};
pub use crate::keys::{DataKeyStatus, KeyStatus, Keys, Progress, Rotated};
pub use crate::leases::{Lease, Leases};
pub use crate::lookups::Lookups;
pub use crate::metrics::{MetricPoint, NodeMetrics, Period};
pub use crate::nodes::{AddNodeError, NodePin, Nodes, NodesSeen};
pub use crate::paging::{Paged, Sort, Wanted};
pub use crate::pool::{CONNECTIONS, TRUSTED, pool_options};
pub use crate::projects::{Project, Projects};
pub use crate::quotas::Quotas;
pub use crate::refusals::{Aggregate, Refusal, Refusals};
pub use crate::rollouts::{
    ActiveRollout, Consent, RecordError, RolloutCommand, RolloutEvent, RolloutRecord, Rollouts,
    StartRollout, StartRolloutError,
};
pub use crate::seen::{Seen, SeenUses};
pub use crate::services::{
    Applied, ApplyError, CreateServiceError, NewService, ProbeCredentials, Service, ServiceBrief,
    ServiceChange, ServiceSecrets, Services, TerminateError,
};
pub use crate::sessions::{
    NewSession, PendingSignIn, Session, SessionLimits, SessionListed, Sessions, SignedInBy,
};
pub use crate::tokens::{ApiToken, NewToken, TokenScope, Tokens};
pub use crate::topics::{CreateTopicError, DesiredTopic, Topics};
pub use crate::users::{
    CreateUserError, Said, ServiceUser, UserBrief, UserColumn, UserType, Users,
};
use crate::vault::Vault;
pub use crate::vault::{CipherFailed, DataKeyId, KeyError, MasterKeyId, MasterKeys, VaultError};
pub use crate::watched_claims::{Watched, WatchedClaims};

/// The schema, embedded in the binary.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// How long Postgres lets us hold things up, as its own settings.
///
/// No statement of ours takes a second on a database that is well, so one that takes ten waits for a
/// lock or for the disk: whoever asked hears of it while they still listen, and the connection is free.
/// Between two statements of a transaction we do nothing that waits, so one that is idle for half a
/// minute is of a program whose machine is gone: its locks would stay until TCP gives up, in hours.
pub const LIMITS: [(&str, &str); 2] =
    [("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s")];

/// The database could not be asked, or answered with something that makes no sense; or a secret in
/// it could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be asked, or answered with something that makes no sense.
    #[error("cannot use the database")]
    Database(#[from] sqlx::Error),
    /// A secret could not be sealed, so that nothing was written, or not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl StoreError {
    /// Whether the database is away, full or overloaded, rather than at odds with this program: the
    /// same call may work later.
    pub fn is_away(&self) -> bool {
        let Self::Database(error) = self else { return false };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // Connection exception, transaction rolled back, insufficient resources, operator
            // intervention, system error, a database that is read-only for now, a lock that was
            // not to be had, and a transaction that was idle for too long (`LIMITS`).
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                ["25006", "25P03", "55P03"].contains(&code.as_ref())
                    || ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
            }),
            _ => false,
        }
    }
}

/// Everything that is stored, by aggregate. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    /// Projects.
    pub projects: Projects,
    /// API tokens.
    pub tokens: Tokens,
    /// Sessions of the console.
    pub sessions: Sessions,
    /// Kafka services.
    pub services: Services,
    /// Nodes of services.
    pub nodes: Nodes,
    /// Rollouts of services.
    pub rollouts: Rollouts,
    /// Service users.
    pub users: Users,
    /// ACL entries, and the bindings in Kafka that are ours.
    pub acls: Acls,
    /// Kafka-native ACL entries.
    pub kafka_acls: KafkaAcls,
    /// Client quotas that services shall have.
    pub quotas: Quotas,
    /// Topics that services shall have.
    pub topics: Topics,
    /// Who was seen to use what.
    pub seen: SeenUses,
    /// What brokers refused.
    pub denials: Denials,
    /// Claims that are watched.
    pub watched_claims: WatchedClaims,
    /// What nodes used of their machines.
    pub metrics: NodeMetrics,
    /// What Kafka refuses of all that.
    pub refusals: Refusals,
    /// What happened, for people.
    pub events: Events,
    /// Who looks after what.
    pub leases: Leases,
    /// What secrets are sealed with.
    pub keys: Keys,
    pool: PgPool,
}

impl Store {
    /// Opens a pool of at most so many connections (at least one) on `url`, without connecting yet: a
    /// database that is away shows in the first call, after 5 seconds at most, and one that is slow by [`LIMITS`], which `options` in `url` overrule.
    /// As [`Self::on`], it can neither seal nor open secrets until it has keys.
    pub fn connect(url: &str, connections: u32) -> Result<Self, StoreError> {
        let asked: PgConnectOptions = url.parse()?;
        let given = asked.get_options().unwrap_or_default().to_owned();
        let ours = LIMITS.into_iter().filter(|(name, _)| !given.contains(name));
        let pool = pool_options().max_connections(connections.max(1));
        Ok(Self::on(pool.connect_lazy_with(asked.options(ours))))
    }

    /// Opens the store on an existing pool. A call that has a secret to write fails, and one that
    /// finds a sealed secret, until it has keys ([`Self::with_keys`]).
    pub fn on(pool: PgPool) -> Self {
        let vault = Vault::locked(pool.clone());
        Self::with(pool, vault)
    }

    /// The same store, which seals secrets with the first of these keys and opens them with all.
    #[must_use]
    pub fn with_keys(self, keys: MasterKeys) -> Self {
        let vault = Vault::unlocked(self.pool.clone(), keys);
        Self::with(self.pool, vault)
    }

    fn with(pool: PgPool, vault: Vault) -> Self {
        let users = Users { pool: pool.clone(), vault: vault.clone() };
        Self {
            projects: Projects { pool: pool.clone() },
            tokens: Tokens { pool: pool.clone() },
            sessions: Sessions { pool: pool.clone() },
            services: Services {
                pool: pool.clone(),
                vault: vault.clone(),
                announcer: Announcer::new(pool.clone()),
                contents: ContentsReader { pool: pool.clone(), users: users.clone() },
            },
            nodes: Nodes { pool: pool.clone() },
            rollouts: Rollouts { pool: pool.clone() },
            users,
            acls: Acls { pool: pool.clone() },
            kafka_acls: KafkaAcls { pool: pool.clone() },
            quotas: Quotas { pool: pool.clone() },
            topics: Topics { pool: pool.clone() },
            seen: SeenUses { pool: pool.clone() },
            denials: Denials { pool: pool.clone() },
            watched_claims: WatchedClaims { pool: pool.clone() },
            metrics: NodeMetrics { pool: pool.clone() },
            refusals: Refusals { pool: pool.clone() },
            events: Events { pool: pool.clone() },
            leases: Leases { pool: pool.clone() },
            keys: Keys { pool: pool.clone(), vault },
            pool,
        }
    }

    /// Brings the schema up to what this program knows, which may take its time: no [`LIMITS`] here.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let mut connection = self.pool.acquire().await?;
        // It is not what it was, so it is not given back.
        connection.close_on_drop();
        for (name, _) in LIMITS {
            sqlx::query("select set_config($1, '0', false)")
                .bind(name)
                .execute(&mut *connection)
                .await?;
        }
        MIGRATIONS.run(&mut *connection).await
    }

    /// Completes if the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query_scalar!("select 1 as one").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Subscribes to changes of services.
    pub async fn changes(&self) -> Result<Changes, StoreError> {
        Changes::subscribe(&self.pool).await
    }
}

/// The name of the constraint that a statement broke, if it broke one.
fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// A row that holds what this version of the program does not understand.
fn decode(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Database(sqlx::Error::Decode(error.into()))
}

/// A moment as Postgres has it. Fails beyond the year 9999.
fn moment(at: model::Timestamp) -> Result<time::OffsetDateTime, StoreError> {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).map_err(decode)
}

/// Unix milliseconds of a moment in the database.
fn timestamp(at: time::OffsetDateTime) -> model::Timestamp {
    model::Timestamp(i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
}
