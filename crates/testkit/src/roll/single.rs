//! Each broker alone, nothing saved and nothing in between: what three restarts cost.

use std::time::Duration;

use model::NodeId;
use rustix::process::Signal;

use super::site::Site;

/// So long the cluster is left in peace between two restarts.
const PEACE: Duration = Duration::from_secs(5);

/// Restarts each as soon as the cluster is whole, led as preferred and at rest.
pub(super) async fn roll(site: &mut Site, ids: &[NodeId]) -> anyhow::Result<()> {
    for id in ids {
        site.restart(*id, Signal::TERM).await?;
        site.until_open(*id).await?;
        site.until_whole().await?;
        site.restore_leaders(PEACE).await;
    }
    Ok(())
}
