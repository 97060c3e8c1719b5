//! Making a service: where its nodes shall be, its passwords, its first configuration.

use model::{Node, ProjectName, ServiceId, ServiceName};
use serde::Deserialize;
use serde_json::{Map, Value};
use service_config::{Effective, Rendered, Topology, UserConfig, effective, render};
use store::{By, CreateServiceError, NewService, Service, ServiceSecrets};
use utoipa::ToSchema;
use uuid::Uuid;

use super::update::{OPEN_REST, is_open, reread};
use super::{merged, refuse_unknown};
use crate::error::ApiError;
use crate::placement::{Placed, place};
use crate::plans::{Plan, plan, unknown_plan};
use crate::service_types::KAFKA;
use crate::{App, clouds, preflight, random};

/// How often other ports are chosen because somebody took the same at the same time.
const ATTEMPTS: usize = 8;

/// A service to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CreateService {
    service_name: String,
    /// `kafka`
    service_type: String,
    plan: String,
    cloud: Option<String>,
    #[schema(value_type = Option<Object>)]
    user_config: Option<UserConfig>,
    termination_protection: Option<bool>,
    /// What is not offered may be there as long as it asks for nothing.
    #[serde(flatten)]
    #[schema(ignore)]
    other: Map<String, Value>,
}

/// What was asked for, checked.
struct Asked<'a> {
    project: &'a ProjectName,
    name: &'a ServiceName,
    plan: &'a Plan,
    user_config: &'a UserConfig,
    termination_protection: bool,
    warnings: Vec<String>,
    by: &'a By,
}

/// Makes a service.
pub(super) async fn create(
    app: &App,
    project: ProjectName,
    body: CreateService,
    by: &By,
) -> Result<Service, ApiError> {
    refuse_unknown(&body.other)?;
    let name: ServiceName = body.service_name.parse()?;
    if body.service_type != KAFKA {
        return Err(ApiError::invalid("Invalid 'service_type': only kafka is offered"));
    }
    clouds::check(body.cloud.as_deref())?;
    let plan = plan(&body.plan).ok_or_else(|| unknown_plan(&body.plan))?;
    let user_config = merged(&UserConfig::new(), &body.user_config.unwrap_or_default());
    let effective = effective(&user_config, &app.settings.rules())?;
    effective.fits(usize::from(plan.nodes))?;
    let mut warnings = match effective.oidc() {
        Some(oidc) => preflight::check(oidc, &app.settings.idp_policy).await?,
        None => Vec::new(),
    };
    if is_open(&effective) {
        warnings.push(OPEN_REST.to_owned());
    }
    let asked = Asked {
        project: &project,
        name: &name,
        plan,
        user_config: &user_config,
        termination_protection: body.termination_protection.unwrap_or_default(),
        warnings,
        by,
    };
    for _ in 0..ATTEMPTS {
        let highest = app.store.services.highest_port().await?;
        let placed = place(&app.settings, &[], plan.nodes, highest)?;
        let rendered = rendered(&name, plan, &effective, &placed.nodes);
        let new = new_service(&asked, rendered, placed)?;
        match app.store.services.create(&new).await {
            Ok(()) => return reread(app, new.id).await,
            Err(CreateServiceError::PortTaken) => {}
            Err(CreateServiceError::Exists)
                if app.store.services.is_terminating(asked.project, asked.name).await? =>
            {
                return Err(ApiError::Conflict(
                    "A service of that name is being terminated, try again in a moment".into(),
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(CreateServiceError::PortTaken.into())
}

fn rendered(name: &ServiceName, plan: &Plan, effective: &Effective, nodes: &[Node]) -> Rendered {
    let topology =
        Topology { service_name: name, nodes, previous_jwks_url: None, heap_mb: plan.heap_mb };
    render(effective, &topology)
}

fn new_service(
    asked: &Asked<'_>,
    rendered: Rendered,
    placed: Placed,
) -> Result<NewService, ApiError> {
    let rest_host = placed.nodes.first().map(|it| it.host.clone()).unwrap_or_default();
    Ok(NewService {
        id: ServiceId(Uuid::now_v7()),
        project: asked.project.clone(),
        name: asked.name.clone(),
        plan: asked.plan.name.to_owned(),
        cluster_id: random::cluster_id()?,
        user_config: asked.user_config.clone(),
        revision: rendered.revision,
        dynamic_config: rendered.dynamic,
        termination_protection: asked.termination_protection,
        nodes: placed.nodes,
        rest: (rest_host, placed.next_port),
        secrets: ServiceSecrets {
            broker: random::own_password()?,
            admin: random::own_password()?,
            rest_proxy: random::own_password()?,
        },
        avnadmin_password: random::user_password()?,
        warnings: asked.warnings.clone(),
        by: asked.by.clone(),
    })
}
