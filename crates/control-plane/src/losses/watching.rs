//! Claims that somebody thinks of making the subject are watched: what tokens say in them is kept, so
//! that it can be said who would lose access.

use model::{Timestamp, is_watchable};
use service_config::access::{Access, Watching};
use store::{By, Service, Watched};

use crate::App;
use crate::error::ApiError;

/// Has the claim watched that would become the subject, and the one that would not be it any more: that
/// may be asked for again, and until now it said what the principal is called. Those that are common
/// need not be. Returns since when values of the first are kept.
///
/// This is written down in a dry run too, at once and whatever becomes of the change.
pub(crate) async fn watch(
    app: &App,
    service: &Service,
    (before, after): (&Access, &Access),
    by: &By,
) -> Result<Watching, ApiError> {
    let (old, new) = (before.principal_claim.as_deref(), after.principal_claim.as_deref());
    if old == new {
        return Ok(Watching::Never);
    }
    let now = Timestamp::now();
    let claims = &app.store.watched_claims;
    if let Some(old) = old.filter(|it| is_watchable(it)) {
        claims.watch(service.id, old, by, now).await?;
    }
    let Some(new) = new.filter(|it| is_watchable(it)) else { return Ok(Watching::Never) };
    let Watched { since, is_new } = claims.watch(service.id, new, by, now).await?;
    Ok(if is_new { Watching::FromNow } else { Watching::Since(since) })
}
