//! What follows from a change, from the API's words to what pages show.

use console::losses::{Loss, Losses, Proposal};
use console::pages::review::{Consequences, Difference, Forecast};
use store::Service;

use super::draft::shown;
use crate::losses;
use crate::rollouts::ForecastView;
use crate::services;

pub(super) fn consequences(it: services::Consequences, service: &Service) -> Consequences {
    let services::Consequences { diff, impact, warnings, losses: lost, forecast, .. } = it;
    Consequences {
        diff: diff.into_iter().map(difference).collect(),
        rolling_restart: impact.rolling_restart,
        dynamic: impact.dynamic,
        proxy_reload: impact.proxy_reload,
        warnings,
        losses: losses(lost),
        forecast: forecast.map(forecast_of),
        in_window: service.apply_in_window,
    }
}

fn difference(it: services::Difference) -> Difference {
    let key = it.key.strip_prefix("user_config.").map(str::to_owned);
    Difference { key: key.unwrap_or(it.key), before: shown(&it.before), after: shown(&it.after) }
}

pub(super) fn losses(it: losses::Losses) -> Losses {
    Losses {
        shown: it.would_lose_access.into_iter().map(loss).collect(),
        total: it.would_lose_access_total,
        truncated: it.seen_truncated,
    }
}

fn loss(it: losses::LossView) -> Loss {
    let what = format!("{} {} {}", it.operations.join(", "), it.resource_type, it.resource_name);
    Loss {
        principal: it.principal,
        what,
        seen_at: it.seen_at.join(", ").replace('_', " "),
        last: Some(it.last_seen_at),
        certain: it.certain,
        reason: it.reason,
        acls: it.acls.iter().map(proposal).collect(),
    }
}

fn proposal(it: &losses::ProposalView) -> Proposal {
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
    Proposal { path: it.path, entry: entry.to_string(), text }
}

pub(super) fn forecast_of(it: ForecastView) -> Forecast {
    let remedies = it.remedies.iter().map(|it| it.text.to_owned());
    let blocker = it.blocker.map(|it| format!("It does not start just now: {}", it.text));
    let node = |it: crate::rollouts::NodeForecastView| {
        (it.name, (it.away_ms + 999) / 1000, it.n_partitions)
    };
    Forecast {
        summary: it.summary,
        needs_consent: it.needs_consent,
        notes: remedies.chain(blocker).collect(),
        nodes: it.nodes.into_iter().map(node).collect(),
    }
}
