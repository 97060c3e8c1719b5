//! Who is asking, and for what: the token and its roles, then the project and the service in the
//! path. A handler says by its extractor which role it needs; without one it is open to everybody.

use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::request::Parts;
use model::{Grants, ProjectName, Role, ServiceId, ServiceName};
use serde::Deserialize;
use store::{By, Lookups, Service, TokenScope};
use tracing::warn;
use utoipa::IntoParams;
use web::{Trace, chain};

use crate::App;
use crate::error::ApiError;
use crate::extract::Path;
use crate::random::{TOKEN_START, token_hash, token_prefix};

/// Longer names of clients are cut.
const LONGEST_AGENT: usize = 200;

/// The role that a handler needs its caller to have in the project.
pub(crate) trait Need {
    /// That role, or a stronger one.
    const ROLE: Role;
}

/// To see things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View;
/// To change what is in a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Develop;
/// To change services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operate;
/// To see who did what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Administer;

impl Need for View {
    const ROLE: Role = Role::ReadOnly;
}
impl Need for Develop {
    const ROLE: Role = Role::Developer;
}
impl Need for Operate {
    const ROLE: Role = Role::Operator;
}
impl Need for Administer {
    const ROLE: Role = Role::Admin;
}

/// A person, or a tool on its behalf. May have no role anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Whose tokens it sees and makes, and the actor of what it does.
    pub(crate) name: String,
    /// What it may do where.
    pub(crate) grants: Grants,
    /// The same name, with the request, for the audit log.
    pub(crate) by: By,
    /// How it proved who it is.
    pub(crate) proof: Proof,
}

/// How a caller proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By an API token that starts like this.
    ApiToken(String),
    /// By a token of the identity provider.
    Oidc,
}

/// The REST proxy of a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestProxyCaller(pub(crate) ServiceId);

/// The project in the path, for a caller with the role that is needed there.
#[derive(Clone, Debug)]
pub(crate) struct InProject<N = View> {
    pub(crate) project: ProjectName,
    pub(crate) role: Role,
    pub(crate) by: By,
    need: PhantomData<N>,
}

/// The service in the path, for a caller with the role that is needed in its project.
#[derive(Clone, Debug)]
pub(crate) struct OfService<N = View> {
    pub(crate) service: Service,
    pub(crate) role: Role,
    pub(crate) by: By,
    need: PhantomData<N>,
}

/// The project in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ProjectPath {
    /// Name of the project.
    project: String,
}

/// The service in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ServicePath {
    /// Name of the project.
    #[expect(dead_code, reason = "for the document; `InProject` reads it")]
    project: String,
    /// Name of the service.
    service: String,
}

/// Whoever has a good token.
enum Known {
    Person(Caller),
    RestProxy(ServiceId),
}

/// The token of `aivenv1 TOKEN`, or of `Bearer TOKEN` as the documentation has it.
fn token(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let known = ["aivenv1", "bearer"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    known.then_some(token.trim()).filter(|it| !it.is_empty())
}

pub(crate) fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip())
}

async fn identify(parts: &Parts, app: &App, lookups: &mut Lookups<'_>) -> Result<Known, ApiError> {
    let address = address(parts);
    let known = match token(parts) {
        None => Err(ApiError::Unauthenticated),
        Some(token) => known(parts, app, lookups, token).await,
    };
    if matches!(known, Err(ApiError::Unauthenticated))
        && let Err(wait) = app.failures.count(address)
    {
        return Err(ApiError::TooManyFailures(wait));
    }
    known
}

async fn known(
    parts: &Parts,
    app: &App,
    lookups: &mut Lookups<'_>,
    token: &str,
) -> Result<Known, ApiError> {
    let person = |name, grants, proof| Known::Person(Caller::new(parts, name, grants, proof));
    let is_jwt = !token.starts_with(TOKEN_START) && token.matches('.').count() == 2;
    if let Some(oidc) = app.oidc.as_ref().filter(|_| is_jwt) {
        let (name, grants) = oidc.identify(token).await?;
        return Ok(person(name, grants, Proof::Oidc));
    }
    let hash = token_hash(token);
    match lookups.token_scope(&hash).await?.ok_or(ApiError::Unauthenticated)? {
        TokenScope::RestProxy(service) => Ok(Known::RestProxy(service)),
        TokenScope::Person { owner, grants, note_use } => {
            if note_use {
                note_token_use(parts, lookups, &hash).await;
            }
            Ok(person(owner, grants, Proof::ApiToken(token_prefix(token))))
        }
    }
}

/// Notes the use of a token. What is asked for does not depend on it: a database that can be read
/// and not written still answers.
pub(crate) async fn note_token_use(parts: &Parts, lookups: &mut Lookups<'_>, hash: &[u8; 32]) {
    let agent = user_agent(parts);
    let address = address(parts).map(|it| it.to_string());
    let noted = lookups.note_token_use(hash, address.as_deref(), agent.as_deref()).await;
    if let Err(error) = noted {
        warn!(error = %chain(&error), "the use of a token was not written down");
    }
}

/// What a client calls itself, in short.
pub(crate) fn user_agent(parts: &Parts) -> Option<String> {
    let agent = parts.headers.get(USER_AGENT)?.to_str().ok()?;
    Some(agent.chars().take(LONGEST_AGENT).collect())
}

impl Caller {
    /// Who has proved to be `name`, in this request.
    pub(crate) fn new(parts: &Parts, name: String, grants: Grants, proof: Proof) -> Self {
        let request_id = parts.extensions.get::<Arc<Trace>>().map(|it| it.request_id.to_string());
        let by = By { actor: name.clone(), request_id };
        Self { name, grants, by, proof }
    }

    /// What this caller may do in `project`. Who has no role there is not told that it exists.
    pub(crate) fn role_in(&self, project: &ProjectName, need: Role) -> Result<Role, ApiError> {
        let role = self.grants.role_in(project).ok_or(ApiError::NotFound("Project"))?;
        if role >= need { Ok(role) } else { Err(ApiError::weak_role(role, need)) }
    }
}

impl Caller {
    async fn identified(
        parts: &Parts,
        app: &App,
        lookups: &mut Lookups<'_>,
    ) -> Result<Self, ApiError> {
        match identify(parts, app, lookups).await? {
            Known::Person(caller) => Ok(caller),
            Known::RestProxy(_) => {
                Err(ApiError::Forbidden("The token of a REST proxy does not allow this".into()))
            }
        }
    }

    /// Refuses whoever has no such role in every project.
    pub(crate) fn everywhere(&self, need: Role) -> Result<(), ApiError> {
        if self.grants.role_everywhere() >= Some(need) {
            return Ok(());
        }
        Err(ApiError::Forbidden(format!("This needs the role {need} in every project")))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        Self::identified(parts, app, &mut app.store.lookups()).await
    }
}

impl FromRequestParts<App> for RestProxyCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match identify(parts, app, &mut app.store.lookups()).await? {
            Known::RestProxy(service) => Ok(Self(service)),
            Known::Person(_) => {
                Err(ApiError::Forbidden("This needs the token of a REST proxy".into()))
            }
        }
    }
}

impl<N: Need> FromRequestParts<App> for InProject<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        Self::of(caller, parts, app).await
    }
}

impl<N: Need> InProject<N> {
    /// The project in the path, for `caller`.
    pub(crate) async fn of(caller: Caller, parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Path(path) = Path::<ProjectPath>::from_request_parts(parts, app).await?;
        let missing = |_| ApiError::NotFound("Project");
        let project: ProjectName = path.project.parse().map_err(missing)?;
        let role = caller.role_in(&project, N::ROLE)?;
        Ok(Self { project, role, by: caller.by, need: PhantomData })
    }
}

impl<N: Need> OfService<N> {
    /// The service in the path, for `caller`.
    pub(crate) async fn of(
        caller: Caller,
        parts: &mut Parts,
        app: &App,
        mut lookups: Lookups<'_>,
    ) -> Result<Self, ApiError> {
        let InProject { project, role, by, .. } = InProject::<N>::of(caller, parts, app).await?;
        let Path(path) = Path::<ServicePath>::from_request_parts(parts, app).await?;
        let missing = || ApiError::NotFound("Service");
        let name: ServiceName = path.service.parse().map_err(|_| missing())?;
        let service = lookups.service(&project, &name).await?.ok_or_else(missing)?;
        Ok(Self { service, role, by, need: PhantomData })
    }
}

impl<N: Need> FromRequestParts<App> for OfService<N> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let mut lookups = app.store.lookups();
        let caller = Caller::identified(parts, app, &mut lookups).await?;
        Self::of(caller, parts, app, lookups).await
    }
}
