//! Extractors: who has signed in, and the service in the path.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use console::Frame;
use console::nav::ServiceAt;
use http::request::Parts;
use model::{ProjectName, Role};
use serde::Deserialize;
use store::{By, Service};

use super::session::Visitor;
use super::show::Failed;
use crate::App;
use crate::access::{Need, OfService, View};
use crate::error::ApiError;

/// Somebody who has signed in. They may have no role anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Signed(pub(crate) Visitor);

/// The service in the path, for somebody who has signed in and has the role that is needed there.
#[derive(Clone, Debug)]
pub(crate) struct OnPage<N = View> {
    /// The service.
    pub(crate) of: OfService<N>,
    /// Who has signed in.
    pub(crate) visitor: Visitor,
}

impl<N> OnPage<N> {
    /// What the frame of the page needs.
    pub(crate) const fn frame(&self) -> &Frame {
        &self.visitor.frame
    }

    /// The service.
    pub(crate) const fn service(&self) -> &Service {
        &self.of.service
    }

    /// What its visitor may do with it.
    pub(crate) const fn role(&self) -> Role {
        self.of.role
    }

    /// Who does something, for the audit log.
    pub(crate) const fn by(&self) -> &By {
        &self.of.by
    }

    /// The same, of the service as it is by now.
    pub(crate) fn with(mut self, service: Service) -> Self {
        self.of.service = service;
        self
    }

    /// For the page at the end `here` of the service's addresses.
    pub(crate) fn at(&self, here: &'static str) -> ServiceAt {
        ServiceAt {
            project: self.of.service.project.to_string(),
            service: self.of.service.name.to_string(),
            role: self.of.role,
            here,
        }
    }
}

impl Deref for Signed {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.0
    }
}

fn visitor(parts: &Parts) -> Result<Visitor, Failed> {
    let visitor = parts.extensions.get::<Visitor>().cloned();
    // `around` lets nobody else through.
    visitor.ok_or_else(|| ApiError::Unauthenticated.into())
}

impl FromRequestParts<App> for Signed {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failed> {
        visitor(parts).map(Self)
    }
}

impl<N: Need> FromRequestParts<App> for OnPage<N> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failed> {
        let visitor = visitor(parts)?;
        let of = OfService::of(visitor.caller.clone(), parts, app, app.store.lookups()).await?;
        Ok(Self { of, visitor })
    }
}

/// The project in the path.
#[derive(Debug, Deserialize)]
pub(super) struct InPath {
    project: String,
}

impl InPath {
    /// The project, if there can be one of that name.
    pub(super) fn name(&self) -> Result<ProjectName, ApiError> {
        self.project.parse().map_err(|_| ApiError::NotFound("Project"))
    }
}
