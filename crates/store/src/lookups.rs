//! What each request begins with, on one connection.

use model::{ProjectName, ServiceName};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use crate::{Service, Store, StoreError, TokenScope, services, tokens};

/// Looks up who asks, and about which service. Each connection that is taken costs a trip to Postgres
/// when it is given back, so the first look-up takes one and the next ones use it.
///
/// **Invariant:** nobody who has one waits for anything else, another connection least of all.
#[derive(Debug)]
pub struct Lookups<'a> {
    store: &'a Store,
    connection: Option<PoolConnection<Postgres>>,
}

impl Store {
    /// Begins to look up, without a connection yet.
    pub const fn lookups(&self) -> Lookups<'_> {
        Lookups { store: self, connection: None }
    }
}

impl Lookups<'_> {
    async fn connection(&mut self) -> Result<&mut PgConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.store.pool.acquire().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// What the token with this SHA-256 opens; `None` if it opens nothing, or not any more.
    pub async fn token_scope(&mut self, hash: &[u8; 32]) -> Result<Option<TokenScope>, StoreError> {
        tokens::scope(self.connection().await?, hash).await
    }

    /// Notes the use of a token, which also moves its end if that is how it was made.
    pub async fn note_token_use(
        &mut self,
        hash: &[u8; 32],
        ip: Option<&str>,
        user_agent: Option<&str>,
    ) -> Result<(), StoreError> {
        tokens::note_use(self.connection().await?, hash, ip, user_agent).await
    }

    /// The service of that name.
    pub async fn service(
        &mut self,
        project: &ProjectName,
        name: &ServiceName,
    ) -> Result<Option<Service>, StoreError> {
        services::get(self.connection().await?, project, name).await
    }
}
