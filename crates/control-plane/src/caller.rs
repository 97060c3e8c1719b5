//! Who is asking, and for what: the token, then the project and the service in the path.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use model::{ProjectName, ServiceName};
use serde::Deserialize;
use store::{Service, TokenScope};
use utoipa::IntoParams;

use crate::App;
use crate::error::ApiError;
use crate::extract::Path;
use crate::random::token_hash;

/// Somebody with a good token.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) TokenScope);

/// A caller whose token opens a project.
#[derive(Clone, Debug)]
pub(crate) struct InAnyProject(pub(crate) ProjectName);

/// A caller whose token opens the project in the path.
#[derive(Clone, Debug)]
pub(crate) struct InProject(pub(crate) ProjectName);

/// The service in the path, for a caller whose token opens its project.
#[derive(Clone, Debug)]
pub(crate) struct OfService(pub(crate) Service);

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

/// The token of `aivenv1 TOKEN`, or of `Bearer TOKEN` as the documentation has it.
fn token(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let known = ["aivenv1", "bearer"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    known.then_some(token.trim()).filter(|it| !it.is_empty())
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let hash = token_hash(token(parts).ok_or(ApiError::Unauthenticated)?);
        let scope = app.store.tokens.scope(&hash).await?;
        scope.map(Self).ok_or(ApiError::Unauthenticated)
    }
}

impl FromRequestParts<App> for InAnyProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, app).await?.0 {
            TokenScope::Project(project) => Ok(Self(project)),
            TokenScope::RestProxy(_) => {
                Err(ApiError::Forbidden("The token of a REST proxy does not allow this".into()))
            }
        }
    }
}

impl FromRequestParts<App> for InProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let InAnyProject(opened) = InAnyProject::from_request_parts(parts, app).await?;
        let Path(path) = Path::<ProjectPath>::from_request_parts(parts, app).await?;
        if path.project == opened.as_str() {
            Ok(Self(opened))
        } else {
            Err(ApiError::NotFound("Project"))
        }
    }
}

impl FromRequestParts<App> for OfService {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let InProject(project) = InProject::from_request_parts(parts, app).await?;
        let Path(path) = Path::<ServicePath>::from_request_parts(parts, app).await?;
        let missing = || ApiError::NotFound("Service");
        let name: ServiceName = path.service.parse().map_err(|_| missing())?;
        let service = app.store.services.get(&project, &name).await?;
        service.map(Self).ok_or_else(missing)
    }
}
