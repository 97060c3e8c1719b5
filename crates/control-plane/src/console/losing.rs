//! What the API's dry runs say of losses, for the pages that ask before something is taken away.

use console::pages::confirm;
use model::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::losses::{LossView, Losses, ProposalView};

/// For a page.
pub(super) fn shown(losses: Losses) -> confirm::Losses {
    confirm::Losses {
        rows: losses.would_lose_access.into_iter().map(row).collect(),
        total: losses.would_lose_access_total,
        truncated: losses.seen_truncated,
    }
}

fn row(it: LossView) -> confirm::Loss {
    let seen_at = it.seen_at.join(", ").replace('_', " ");
    let operations = it.operations.join(", ");
    confirm::Loss {
        did: format!("{operations} of {} '{}', at {seen_at}", it.resource_type, it.resource_name),
        principal: it.principal,
        last: moment(&it.last_seen),
        certain: it.certain,
        reason: it.reason,
        gives_back: it.acls.into_iter().map(proposal).collect(),
    }
}

/// The command, or where to send what.
fn proposal(it: ProposalView) -> String {
    let ProposalView { path, entry, command } = it;
    command.unwrap_or_else(|| format!("{path}: {entry}"))
}

/// A moment as the API writes it; `None` for what is beyond all time.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
}
