//! Changing a service: what it shall be, what follows from it, and writing both down at once.

mod diff;

use model::{IdpPolicy, RolloutId, ServiceId};
use rolling::Window;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_config::access::Access;
use service_config::{
    Effective, Impact, Oidc, Rendered, Topology, UserConfig, effective, impact, render,
};
use store::{Applied, ApplyError, By, Contents, Service, ServiceChange};
use utoipa::ToSchema;

use self::diff::difference;
pub(crate) use self::diff::{Difference, at, changed_keys};
use super::{merged, refuse_unknown};
use crate::error::{ApiError, PROTECTED};
use crate::extract::object;
use crate::losses::{Asked, Days, Losses, access_of, configured, losses_watching, watch};
use crate::plans::{plan, unknown_plan};
use crate::time::is_time_of_day;
use crate::{App, clouds, preflight};

/// How often a change is decided anew because somebody else was faster.
const ATTEMPTS: usize = 32;

const DAYS: [&str; 8] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "never"];

pub(super) const OPEN_REST: &str = "kafka_rest is on and kafka_rest_authorization is off: whoever reaches the \
     REST proxy acts as its own identity, without a token";

/// What shall be different. What is not there stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct UpdateService {
    /// Another plan, or the present one, which clients repeat. One with other memory restarts the
    /// nodes.
    plan: Option<String>,
    /// Objects are merged, `null` removes, anything else replaces.
    #[schema(value_type = Option<Object>)]
    user_config: Option<UserConfig>,
    cloud: Option<String>,
    powered: Option<bool>,
    termination_protection: Option<bool>,
    #[serde(default, deserialize_with = "object")]
    maintenance: Option<Maintenance>,
    #[serde(default, deserialize_with = "object")]
    tidegate: Option<UpdateExtras>,
    /// What is not offered may be there as long as it asks for nothing.
    #[serde(flatten)]
    #[schema(ignore)]
    other: Map<String, Value>,
}

/// What Aiven's API has no place for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateExtras {
    /// When changes that need a rolling restart are made, from this one on.
    apply: Option<Apply>,
}

/// When changes that need a rolling restart are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Apply {
    /// At once.
    Now,
    /// When the service's maintenance window opens, or `maintenance/start` is asked for.
    InMaintenanceWindow,
}

impl Apply {
    pub(super) const fn of(service: &Service) -> Self {
        if service.apply_in_window { Self::InMaintenanceWindow } else { Self::Now }
    }
}

/// A maintenance window.
#[derive(Debug, Deserialize, ToSchema)]
struct Maintenance {
    /// Day of the week, or `never`.
    dow: Option<String>,
    /// `HH:MM:SS`, in UTC.
    time: Option<String>,
}

/// What has to happen so that an update takes effect.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImpactView {
    /// Properties for which every node is restarted, one after another.
    pub(crate) rolling_restart: Vec<String>,
    /// Configs that running brokers take over.
    pub(crate) dynamic: Vec<String>,
    /// Options that the REST proxy takes over while it runs.
    pub(crate) proxy_reload: Vec<String>,
}

/// What an update has led to, or would lead to.
#[derive(Default)]
pub(super) struct Updated {
    /// What differs from before.
    pub(super) diff: Vec<Difference>,
    /// What to know of it.
    pub(super) warnings: Vec<String>,
    pub(super) losses: Losses,
    pub(super) impact: Impact,
    /// The rollout that it has started.
    pub(super) rollout: Option<RolloutId>,
    /// What is in the service, if that was read on the way.
    pub(super) contents: Option<Contents>,
}

impl UpdateService {
    /// Only these options, merged as always.
    pub(super) fn options(user_config: UserConfig) -> Self {
        Self { user_config: Some(user_config), ..Self::default() }
    }
}

impl From<Impact> for ImpactView {
    fn from(impact: Impact) -> Self {
        Self {
            rolling_restart: impact.rolling_restart,
            dynamic: impact.dynamic,
            proxy_reload: impact.proxy_reload,
        }
    }
}

impl From<Configured> for Updated {
    fn from(configured: Configured) -> Self {
        let Configured { warnings, losses, impact, .. } = configured;
        Self { warnings, losses, impact, ..Self::default() }
    }
}

/// A change of the configuration, with what it becomes.
struct Configured {
    user_config: UserConfig,
    rendered: Rendered,
    previous_jwks_url: Option<String>,
    impact: Impact,
    warnings: Vec<String>,
    losses: Losses,
}

/// What was tried out, and what is to be known of it.
type Probed = (Oidc, Vec<String>);

/// Changes a service, and tells what follows from it. Of two that change it at the same time, the
/// slower one decides anew on what the faster one left. A dry run writes nothing but which claims are
/// watched ([`watch`]).
pub(super) async fn update(
    app: &App,
    mut service: Service,
    body: &UpdateService,
    by: &By,
    asked: Asked,
) -> Result<(Service, Updated), ApiError> {
    refuse_what_is_not_offered(&service, body)?;
    let mut probed = None;
    for _ in 0..ATTEMPTS {
        if asked.generation.is_some_and(|seen| seen != service.generation) {
            return Err(ApiError::Precondition("The service was changed meanwhile".into()));
        }
        let configured = configure(app, &service, body, &mut probed, (by, asked.days)).await?;
        let Some(change) = change(app, &service, body, configured.as_ref(), by).await? else {
            return Ok((service, Updated::default()));
        };
        let diff = difference(&service, &change);
        let updated = configured.map(Into::into).unwrap_or_default();
        let updated = Updated { diff, ..updated };
        if asked.dry_run {
            return Ok((service, updated));
        }
        match app.store.services.apply(&service, &change).await {
            Ok(Applied { service, contents, rollout }) => {
                return Ok((service, Updated { rollout, contents: Some(contents), ..updated }));
            }
            Err(ApplyError::Stale) => service = reread(app, service.id).await?,
            Err(ApplyError::Store(error)) => return Err(error.into()),
        }
    }
    Err(ApiError::Conflict("Others change the service all the time, try again later".into()))
}

pub(crate) async fn reread(app: &App, id: ServiceId) -> Result<Service, ApiError> {
    app.store.services.by_id(id).await?.ok_or(ApiError::NotFound("Service"))
}

fn refuse_what_is_not_offered(service: &Service, body: &UpdateService) -> Result<(), ApiError> {
    refuse_unknown(&body.other)?;
    wanted_plan(service, body)?;
    clouds::check(body.cloud.as_deref())?;
    let is_protected = body.termination_protection.unwrap_or(service.termination_protection);
    if body.powered == Some(false) && service.powered && is_protected {
        return Err(ApiError::Forbidden(PROTECTED.into()));
    }
    let Some(Maintenance { dow, time }) = &body.maintenance else { return Ok(()) };
    if dow.as_ref().is_some_and(|it| !DAYS.contains(&it.as_str())) {
        let days = DAYS.join(", ");
        return Err(ApiError::Invalid(format!("Invalid 'maintenance.dow': it is none of {days}")));
    }
    if time.as_ref().is_some_and(|it| !is_time_of_day(it)) {
        return Err(ApiError::invalid("Invalid 'maintenance.time': it is not HH:MM:SS"));
    }
    Ok(())
}

/// The plan that the service shall have. It keeps its own even if that is not offered any more.
fn wanted_plan(service: &Service, body: &UpdateService) -> Result<String, ApiError> {
    let Some(name) = body.plan.as_ref().filter(|it| **it != service.plan) else {
        return Ok(service.plan.clone());
    };
    let plan = plan(name).ok_or_else(|| unknown_plan(name))?;
    let has = service.nodes.len();
    if has < usize::from(plan.nodes) {
        let needs = plan.nodes;
        return Err(ApiError::Invalid(format!(
            "Invalid 'plan': {name}: it needs {needs} nodes, and the service has {has}: add nodes \
             first"
        )));
    }
    Ok(plan.name.to_owned())
}

/// What the configuration becomes; `None` if it stays as it is. Then nothing is rendered anew
/// either: brokers are not restarted because somebody changed nothing with a newer control plane.
async fn configure(
    app: &App,
    service: &Service,
    body: &UpdateService,
    probed: &mut Option<Probed>,
    asked: (&By, Days),
) -> Result<Option<Configured>, ApiError> {
    let stored = &service.user_config;
    let user_config =
        body.user_config.as_ref().map_or_else(|| stored.clone(), |it| merged(stored, it));
    let plan = wanted_plan(service, body)?;
    if user_config == service.user_config && plan == service.plan {
        return Ok(None);
    }
    let rules = app.settings.rules();
    let after = effective(&user_config, &rules)?;
    after.fits(service.nodes.len())?;
    // What is stored was accepted once, perhaps under other rules.
    let before = effective(&service.user_config, &rules).ok();
    let policy = &app.settings.idp_policy;
    let mut warnings = probe_if_changed(before.as_ref(), &after, probed, policy).await?;
    let previous_jwks_url = previous_jwks_url(service, before.as_ref(), &after);
    let topology =
        Topology { heap_mb: heap_mb(&plan), ..topology(service, previous_jwks_url.as_deref()) };
    let rendered = render(&after, &topology);
    let current = if rendered.revision.id == service.target {
        // Its id is the hash of what is in it, so there is nothing to read.
        let revision = rendered.revision.clone();
        Rendered { revision, dynamic: service.dynamic_config.clone() }
    } else {
        current(app, service).await?
    };
    let impact = impact((before.as_ref().unwrap_or(&after), &current), (&after, &rendered));
    if is_open(&after) && !impact.proxy_reload.is_empty() {
        warnings.push(OPEN_REST.to_owned());
    }
    let losses = match before {
        Some(before) => losses_by(app, service, (&before, &after), asked).await?,
        None => Losses::default(),
    };
    warnings.extend(losses.sentence().map(str::to_owned));
    Ok(Some(Configured { user_config, rendered, previous_jwks_url, impact, warnings, losses }))
}

/// Who loses access by another configuration. Most change nothing about that, and need not be asked
/// about.
async fn losses_by(
    app: &App,
    service: &Service,
    (before, after): (&Effective, &Effective),
    (by, days): (&By, Days),
) -> Result<Losses, ApiError> {
    let nothing = Access::default;
    if configured(nothing(), before) == configured(nothing(), after) {
        return Ok(Losses::default());
    }
    let access = access_of(app, service).await?;
    let mut then = configured(access.clone(), after);
    // Whoever switches the proxy off need not be told that nobody gets in by it.
    if !after.kafka_rest() {
        then.rest_authorization = access.rest_authorization;
    }
    let watching = watch(app, service, (&access, &then), by).await?;
    losses_watching(app, service, (access, then), days, watching).await
}

fn topology<'a>(service: &'a Service, previous_jwks_url: Option<&'a str>) -> Topology<'a> {
    Topology {
        service_name: &service.name,
        nodes: &service.nodes,
        previous_jwks_url,
        heap_mb: heap_mb(&service.plan),
    }
}

fn heap_mb(name: &str) -> u32 {
    plan(name).map_or(512, |it| it.heap_mb)
}

/// What a service's stored configuration is to this version of the platform.
pub(crate) fn rendered_as_stored<'a>(
    service: &'a Service,
    effective: &Effective,
) -> (Topology<'a>, Rendered) {
    let topology = topology(service, service.previous_jwks_url.as_deref());
    (topology, render(effective, &topology))
}

/// What nodes and cluster were given last.
async fn current(app: &App, service: &Service) -> Result<Rendered, ApiError> {
    let revision = app.store.nodes.revision(&service.target).await?;
    let missing = || ApiError::Internal("a service's revision is missing".into());
    let dynamic = service.dynamic_config.clone();
    Ok(Rendered { revision: revision.ok_or_else(missing)?, dynamic })
}

/// Asks for the keys, unless nothing of OIDC changes or they have just been asked for.
async fn probe_if_changed(
    before: Option<&Effective>,
    after: &Effective,
    probed: &mut Option<Probed>,
    policy: &IdpPolicy,
) -> Result<Vec<String>, ApiError> {
    let Some(oidc) = after.oidc() else { return Ok(Vec::new()) };
    if before.and_then(Effective::oidc) == Some(oidc) {
        return Ok(Vec::new());
    }
    match probed {
        Some((known, warnings)) if known == oidc => Ok(warnings.clone()),
        _ => {
            let warnings = preflight::check(oidc, policy).await?;
            *probed = Some((oidc.clone(), warnings.clone()));
            Ok(warnings)
        }
    }
}

/// The URL that stays allowed beside the present one.
fn previous_jwks_url(
    service: &Service,
    before: Option<&Effective>,
    after: &Effective,
) -> Option<String> {
    let url = |it: &Oidc| it.jwks_url.clone();
    let (old, new) = (before.and_then(Effective::oidc).map(url), after.oidc().map(url));
    match old {
        Some(old) if Some(&old) != new.as_ref() => Some(old.as_str().to_owned()),
        _ => service.previous_jwks_url.clone(),
    }
}

/// The service as it shall be; `None` if it is so already.
async fn change(
    app: &App,
    service: &Service,
    body: &UpdateService,
    configured: Option<&Configured>,
    by: &By,
) -> Result<Option<ServiceChange>, ApiError> {
    let mut changed =
        configured.map_or_else(Vec::new, |it| changed_keys(&service.user_config, &it.user_config));
    let plan = wanted_plan(service, body)?;
    if plan != service.plan {
        changed.push("plan".into());
    }
    let protection = body.termination_protection.unwrap_or(service.termination_protection);
    if protection != service.termination_protection {
        changed.push("termination_protection".into());
    }
    let powered = body.powered.unwrap_or(service.powered);
    if powered != service.powered {
        changed.push("powered".into());
    }
    let maintenance = maintenance(service, body.maintenance.as_ref());
    if maintenance.is_some() {
        changed.push("maintenance".into());
    }
    let apply = apply(service, body, maintenance.as_ref())?;
    if apply.is_some() {
        changed.push("tidegate.apply".into());
    }
    if changed.is_empty() {
        return Ok(None);
    }
    let (user_config, rendered, previous_jwks_url) = match configured {
        Some(it) => (it.user_config.clone(), it.rendered.clone(), it.previous_jwks_url.clone()),
        None => (
            service.user_config.clone(),
            current(app, service).await?,
            service.previous_jwks_url.clone(),
        ),
    };
    Ok(Some(ServiceChange {
        plan,
        user_config,
        revision: rendered.revision,
        dynamic_config: rendered.dynamic,
        previous_jwks_url,
        powered,
        termination_protection: protection,
        maintenance,
        apply_in_window: apply.map(|it| it == Apply::InMaintenanceWindow),
        warnings: configured.map(|it| it.warnings.clone()).unwrap_or_default(),
        by: by.clone(),
        description: format!("service {}: changed {}", service.name, changed.join(", ")),
    }))
}

/// The maintenance window as it shall be; `None` if it is so already.
fn maintenance(service: &Service, wanted: Option<&Maintenance>) -> Option<(String, String)> {
    let wanted = wanted?;
    let (dow, time) = (wanted.dow.as_ref(), wanted.time.as_ref());
    let same = dow.is_none_or(|it| service.maintenance_dow.as_ref() == Some(it))
        && time.is_none_or(|it| service.maintenance_time.as_ref() == Some(it));
    let or = |wanted: Option<&String>, stored: &Option<String>, default: &str| {
        wanted.or(stored.as_ref()).cloned().unwrap_or_else(|| default.to_owned())
    };
    (!same).then(|| {
        (
            or(dow, &service.maintenance_dow, "monday"),
            or(time, &service.maintenance_time, "00:00:00"),
        )
    })
}

/// When changes are made from now on; `None` if that is so already. A window that never opens is
/// nothing to wait for.
fn apply(
    service: &Service,
    body: &UpdateService,
    maintenance: Option<&(String, String)>,
) -> Result<Option<Apply>, ApiError> {
    let asked = body.tidegate.as_ref().and_then(|it| it.apply);
    let Some(wanted) = asked.filter(|it| *it != Apply::of(service)) else { return Ok(None) };
    let window = match maintenance {
        Some((dow, time)) => Window::parse(dow, time),
        None => crate::rollouts::window(service),
    };
    if wanted == Apply::InMaintenanceWindow && window.is_none() {
        return Err(ApiError::invalid(
            "Invalid 'tidegate.apply': \"in_maintenance_window\": the service has no maintenance \
             window: set maintenance.dow and .time",
        ));
    }
    Ok(Some(wanted))
}

/// Whether the REST proxy serves without asking for a token.
pub(super) fn is_open(effective: &Effective) -> bool {
    effective.kafka_rest() && !effective.rest_authorization()
}
