//! Keeps the REST proxy of a service running while the service has one.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use model::{Secret, Timestamp};
use store::{Service, Store, StoreError};
use tracing::info;

use crate::driver::{Driver, DriverError, ProxyStart, ServiceRef};
use crate::random::random_secret;

/// A proxy that ended sooner than this after its start waits for the rest of it.
const START_AGAIN_MS: i64 = 10_000;

/// Why the proxy could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The place where it runs failed.
    #[error("the driver failed")]
    Driver(#[from] DriverError),
    /// It exited soon after its start; the next start waits.
    #[error("it exits soon after each start: see its log")]
    KeepsExiting,
    /// The system has no random numbers.
    #[error("no random numbers")]
    Random,
}

/// Starts the proxy if it is wanted and does not run, and stops it if it runs and is not wanted.
/// Each start gives it a new token; a proxy that runs keeps the one it has.
pub async fn look_after<D: Driver>(
    store: &Store,
    driver: &Arc<D>,
    named: &ServiceRef,
    service: &Service,
    wanted: bool,
) -> Result<(), ProxyError> {
    let seen = driver.proxy(named).await?;
    match (wanted, seen.is_running) {
        (false, true) => {
            info!("stopping the REST proxy");
            Ok(driver.stop_proxy(named).await?)
        }
        (true, false) => {
            let now = Timestamp::now();
            if seen.last_start.is_some_and(|it| now.ms_since(it) < START_AGAIN_MS) {
                return Err(ProxyError::KeepsExiting);
            }
            let token = random_secret().map_err(|_| ProxyError::Random)?;
            let hash = sha256(&token);
            store.tokens.replace_rest_proxy(&hash, service.id).await?;
            info!(address = service.rest_address, "starting the REST proxy");
            let start = ProxyStart { address: service.rest_address.clone(), token };
            Ok(driver.start_proxy(named, &start).await?)
        }
        (true, true) | (false, false) => Ok(()),
    }
}

fn sha256(token: &Secret) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.expose().as_bytes()).as_ref());
    hash
}
