//! Rolling restarts that never come to an end: each service that is through begins anew.

use std::time::Duration;

use model::ServiceId;
use store::{By, StartRollout, StartRolloutError, Store};

/// How often it is seen whether one is through.
const EVERY: Duration = Duration::from_secs(1);
/// How long the first node is watched. Short, so that there are many restarts.
const BAKE_MS: i64 = 5_000;
/// How long the others are.
const SOAK_MS: i64 = 2_000;

/// Restarts every node of these services, again and again. Ends with an error only.
pub(crate) async fn keep_rolling(store: &Store, services: &[ServiceId]) -> anyhow::Result<()> {
    let asked = StartRollout {
        by: By::from("bench"),
        canary_bake_ms: Some(BAKE_MS),
        soak_ms: Some(SOAK_MS),
        all_nodes: true,
        ..StartRollout::default()
    };
    loop {
        for service in services {
            match store.rollouts.start(*service, &asked).await {
                Ok(_) | Err(StartRolloutError::UnderWay) => {}
                Err(error) => return Err(error.into()),
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
