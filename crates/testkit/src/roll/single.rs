//! Each broker alone, nothing saved and nothing in between: what three restarts cost. With its leaders
//! moved away before the stop, a few at a time, as Cruise Control's demotion does: what that is worth
//! beside a controlled shutdown, which moves all of them at once.

use std::time::Duration;

use model::NodeId;
use rustix::process::Signal;

use super::site::Site;

/// So long the cluster is left in peace between two restarts.
const PEACE: Duration = Duration::from_secs(5);

/// Restarts each as soon as the cluster is whole, led as preferred and at rest; if `drains`, when it
/// leads nothing any more.
pub(super) async fn roll(site: &mut Site, ids: &[NodeId], drains: bool) -> anyhow::Result<()> {
    for id in ids {
        let as_it_was = if drains { site.drain(*id).await? } else { Vec::new() };
        site.restart(*id, Signal::TERM).await?;
        site.until_open(*id).await?;
        site.until_whole().await?;
        if drains {
            site.reorder(&as_it_was).await?;
        }
        site.restore_leaders(PEACE).await;
    }
    Ok(())
}
