//! The loop that everybody writes first.

use model::NodeId;
use rustix::process::Signal;

use super::site::Site;

/// One after another: end it, wait for its end, start it, wait until its port is open.
pub(super) async fn roll(site: &mut Site, ids: &[NodeId], signal: Signal) -> anyhow::Result<()> {
    for id in ids {
        site.restart(*id, signal).await?;
        site.until_open(*id).await?;
    }
    Ok(())
}
