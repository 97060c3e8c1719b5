//! As [`super::single`], but leaders are moved off each broker before it stops, a few at a time, as
//! Cruise Control's demotion does: to see what that is worth beside a controlled shutdown, which
//! moves all of them at once.

use std::time::Duration;

use model::NodeId;
use rustix::process::Signal;

use super::site::Site;

/// So long the cluster is left in peace between two restarts.
const PEACE: Duration = Duration::from_secs(5);

/// Restarts each broker when it leads nothing any more.
pub(super) async fn roll(site: &mut Site, ids: &[NodeId]) -> anyhow::Result<()> {
    for id in ids {
        let as_it_was = site.drain(*id).await?;
        site.restart(*id, Signal::TERM).await?;
        site.until_open(*id).await?;
        site.until_whole().await?;
        site.reorder(&as_it_was).await?;
        site.restore_leaders(PEACE).await;
    }
    Ok(())
}
