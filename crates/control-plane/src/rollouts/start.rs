//! Starting rollouts: what may be asked for, and whether somebody has to agree first.

use serde::{Deserialize, Serialize};
use store::{By, Consent, RolloutRecord, Service};
use utoipa::ToSchema;

use super::{forecast, reread, window};
use crate::App;
use crate::error::ApiError;
use crate::extract::object;

const LONGEST_WATCH_SECONDS: u32 = 24 * 60 * 60;
const MOST_UNAVAILABLE: u32 = 100;
const LONGEST_NAME: usize = 200;
const LONGEST_REASON: usize = 1000;

/// A rollout to be started, or to be forecast.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartRollout {
    /// Whether nodes that run the service's configuration are restarted too.
    #[serde(default)]
    pub(crate) all_nodes: bool,
    /// How many nodes may be away at once, where partitions and quorum allow it: 1 to 100, 1 if
    /// not given.
    pub(crate) max_unavailable: Option<u32>,
    /// How long all has to have been well after the first node before the second.
    pub(crate) canary_bake_seconds: Option<u32>,
    /// How long all has to have been well after any other node.
    pub(crate) soak_seconds: Option<u32>,
    /// Whether it waits for the service's maintenance window.
    #[serde(default)]
    pub(crate) in_maintenance_window: bool,
    /// Who agrees to what the forecast says.
    #[serde(default, deserialize_with = "object")]
    pub(crate) consent: Option<GiveConsent>,
}

/// Somebody agrees to what a restart makes unavailable.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveConsent {
    /// Who agrees.
    pub(crate) name: String,
    /// Why, in their words.
    pub(crate) reason: String,
    /// What is done about the partitions.
    pub(crate) remedy: RemedyWord,
}

/// What is done about partitions that a restart makes unavailable, whatever is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RemedyWord {
    /// They are unavailable while their nodes restart.
    Outage,
    /// They get more replicas for the time of the rollout, where there are nodes for them.
    RaiseReplication,
}

impl StartRollout {
    /// Whether it makes sense for the service.
    pub(crate) fn check(&self, service: &Service) -> Result<(), ApiError> {
        if let Some(n) = self.max_unavailable.filter(|it| !(1..=MOST_UNAVAILABLE).contains(it)) {
            return Err(invalid("max_unavailable", n, "it is not between 1 and 100"));
        }
        let times = [
            ("canary_bake_seconds", self.canary_bake_seconds),
            ("soak_seconds", self.soak_seconds),
        ];
        for (key, seconds) in times {
            if let Some(seconds) = seconds.filter(|it| *it > LONGEST_WATCH_SECONDS) {
                return Err(invalid(key, seconds, "it is more than a day, 86400"));
            }
        }
        if self.in_maintenance_window && window(service).is_none() {
            let rule = "the service has no maintenance window: set maintenance.dow and .time";
            return Err(invalid("in_maintenance_window", true, rule));
        }
        self.consent.as_ref().map(GiveConsent::read).transpose().map(drop)
    }
}

impl GiveConsent {
    /// What is written down of it.
    pub(crate) fn read(&self) -> Result<Consent, ApiError> {
        Ok(Consent {
            by: text("name", &self.name, LONGEST_NAME)?,
            reason: text("reason", &self.reason, LONGEST_REASON)?,
            raise_replication: self.remedy == RemedyWord::RaiseReplication,
        })
    }
}

/// What somebody says, without what Postgres and terminals cannot bear.
pub(super) fn text(key: &str, value: &str, longest: usize) -> Result<String, ApiError> {
    let trimmed = value.trim();
    let plain = !trimmed.is_empty() && !trimmed.chars().any(char::is_control);
    if plain && trimmed.chars().count() <= longest {
        return Ok(trimmed.to_owned());
    }
    let shown: String = value.escape_debug().take(64).collect();
    let rule = format!("it is not 1-{longest} characters without control characters");
    Err(invalid(key, format_args!("\"{shown}\""), &rule))
}

/// The same for a reason.
pub(crate) fn reason(value: &str) -> Result<String, ApiError> {
    text("reason", value, LONGEST_REASON)
}

/// The same for somebody's name.
pub(super) fn name(value: &str) -> Result<String, ApiError> {
    text("name", value, LONGEST_NAME)
}

fn invalid(key: &str, value: impl std::fmt::Display, rule: &str) -> ApiError {
    ApiError::Invalid(format!("Invalid '{key}': {value}: {rule}"))
}

/// Starts a rollout, unless a request of that key has done so, and says so in words.
pub(crate) async fn start(
    app: &App,
    service: &Service,
    key: Option<String>,
    generation: Option<i64>,
    body: StartRollout,
    by: &By,
) -> Result<(RolloutRecord, String), ApiError> {
    body.check(service)?;
    if let Some(key) = &key
        && let Some(earlier) = app.store.rollouts.by_key(service.id, key).await?
    {
        let rollout = reread(app, service, earlier).await?;
        return Ok((rollout, "started by an earlier request with this key".into()));
    }
    refuse_in_vain(app, service, generation).await?;
    let told = ask_for_consent(app, service, &body).await?;
    let asked = store::StartRollout {
        by: by.clone(),
        idempotency_key: key,
        generation,
        max_unavailable: body.max_unavailable,
        canary_bake_ms: body.canary_bake_seconds.map(|it| i64::from(it) * 1000),
        soak_ms: body.soak_seconds.map(|it| i64::from(it) * 1000),
        consent: body.consent.as_ref().map(GiveConsent::read).transpose()?,
        in_window: body.in_maintenance_window,
        all_nodes: body.all_nodes,
    };
    let id = app.store.rollouts.start(service.id, &asked).await?;
    Ok((reread(app, service, id).await?, told.into()))
}

/// What the store would refuse anyway, before Kafka is asked.
async fn refuse_in_vain(
    app: &App,
    service: &Service,
    generation: Option<i64>,
) -> Result<(), ApiError> {
    if generation.is_some_and(|it| it != service.generation) {
        return Err(store::StartRolloutError::Stale.into());
    }
    match super::under_way(&app.store, service).await? {
        Some(_) => Err(store::StartRolloutError::UnderWay.into()),
        None => Ok(()),
    }
}

/// Refuses a rollout that nobody has agreed to although it needs that. The planner would hold it
/// too, but whoever starts it should hear of it now. The answer says how it starts.
async fn ask_for_consent(
    app: &App,
    service: &Service,
    body: &StartRollout,
) -> Result<&'static str, ApiError> {
    if body.consent.is_some() {
        return Ok("started");
    }
    match forecast::forecast(app, service, body).await {
        Ok(forecast) if forecast.needs_consent() => Err(ApiError::NeedsConsent(forecast.into())),
        Ok(_) => Ok("started"),
        // Restarts may be what brings Kafka back, and the planner waits for whatever needs it.
        Err(ApiError::Unavailable("Kafka", _)) => {
            Ok("started without a forecast: Kafka cannot be asked, so it waits if it needs consent")
        }
        Err(error) => Err(error),
    }
}
