//! Who would lose access, from the decision's words to what pages show: all of it, where the API's
//! answers have the first hundred.

use console::list::{ListQuery, Place};
use console::losses::{Loss, Losses, Proposal};
use console::pages::confirm::Lost;
use model::Timestamp;
use store::Service;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::losses::{self, LossView, ProposalView};

/// For a page that asks before something is taken away.
pub(super) fn lost(it: &losses::Losses, service: &Service, query: ListQuery, place: Place) -> Lost {
    Lost { losses: shown(it, service, None), query, place }
}

/// For a page. With `add_at`, each ACL entry that gives something back has a button that adds it.
pub(super) fn shown(it: &losses::Losses, service: &Service, add_at: Option<&str>) -> Losses {
    let name = service.name.as_str();
    let row = |it: &service_config::access::Loss| loss(LossView::of(it, name), add_at);
    Losses { all: it.all.iter().map(row).collect(), truncated: it.seen_truncated }
}

fn loss(it: LossView, add_at: Option<&str>) -> Loss {
    let what = format!("{} {} {}", it.operations.join(", "), it.resource_type, it.resource_name);
    Loss {
        principal: it.principal,
        what,
        seen_at: it.seen_at.join(", ").replace('_', " "),
        last: it.last_seen_at,
        certain: it.certain,
        reason: it.reason,
        acls: it.acls.into_iter().map(|it| proposal(it, add_at)).collect(),
    }
}

fn proposal(it: ProposalView, add_at: Option<&str>) -> Proposal {
    let entry = &it.entry;
    let get = |name: &str| entry[name].as_str().unwrap_or_default();
    let text = if it.path == "acl" {
        format!("{} on {} for {}", get("permission"), get("topic"), get("username"))
    } else {
        let is_prefix = get("pattern_type") == "PREFIXED";
        format!(
            "{} {} {} {}{} for {}",
            get("permission_type"),
            get("operation"),
            get("resource_type"),
            get("resource_name"),
            if is_prefix { "…" } else { "" },
            get("principal")
        )
    };
    let entry = entry.to_string();
    Proposal { path: it.path, entry, text, command: it.command, add_at: add_at.map(str::to_owned) }
}

/// A moment as the API writes it; `None` for what is beyond all time.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
}
