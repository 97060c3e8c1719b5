//! What follows from a change, from the API's words to what pages show.

use console::pages::forecast::{Forecast, NodeForecast};
use console::pages::review::{Consequences, Difference};
use store::Service;

use super::draft::shown;
use super::losing;
use crate::rollouts::ForecastView;
use crate::services;

pub(super) fn consequences(it: services::Consequences, service: &Service) -> Consequences {
    let services::Consequences { diff, impact, warnings, losses, forecast, .. } = it;
    Consequences {
        diff: diff.into_iter().map(difference).collect(),
        rolling_restart: impact.rolling_restart,
        dynamic: impact.dynamic,
        proxy_reload: impact.proxy_reload,
        warnings,
        losses: losing::shown(&losses, service, None),
        forecast: forecast.map(forecast_of),
        in_window: service.apply_in_window,
    }
}

fn difference(it: services::Difference) -> Difference {
    let key = it.key.strip_prefix("user_config.").map(str::to_owned);
    Difference { key: key.unwrap_or(it.key), before: shown(&it.before), after: shown(&it.after) }
}

pub(super) fn forecast_of(it: ForecastView) -> Forecast {
    let remedies = it.remedies.iter().map(|it| it.text.to_owned());
    let blocker = it.blocker.map(|it| format!("It does not start just now: {}", it.text));
    let node = |(index, it): (usize, crate::rollouts::NodeForecastView)| NodeForecast {
        place: index + 1,
        name: it.name,
        away_secs: (it.away_ms + 999) / 1000,
        partitions: it.n_partitions,
    };
    Forecast {
        summary: it.summary,
        needs_consent: it.needs_consent,
        notes: remedies.chain(blocker).collect(),
        nodes: it.nodes.into_iter().enumerate().map(node).collect(),
    }
}
