//! The HTTP API that people and their tools use, as Aiven's clients know it.
//!
//! [`service`] is the entry point: every route, and the document that describes them, come from
//! [`api`], so they cannot differ. What is changed here is written to the database and nowhere
//! else; the orchestrator makes it real.
//!
//! **Invariant:** nothing is accepted that would break the brokers: a configuration is merged,
//! checked, its JWKS fetched and rendered before it is stored, and what is stored with it is the
//! finished revision.
#![allow(unused_qualifications, reason = "the code that utoipa's macros make has them")]

mod access;
mod acls;
mod alerts;
mod clouds;
mod config;
mod connection_info;
mod console;
mod deadline;
mod document;
mod effective_config;
mod error;
mod events;
mod extract;
mod health;
mod kafka_acls;
mod kafka_admin;
mod keys;
mod logs;
mod losses;
mod maintenance;
mod metrics;
mod nodes;
mod placement;
mod plans;
mod preconditions;
mod preflight;
mod probe_credentials;
mod problems;
mod projects;
mod quotas;
mod random;
mod rest_settings;
mod rollouts;
mod schema_registry;
mod seen;
mod service_types;
mod services;
mod tags;
mod tasks;
mod time;
mod tokens;
mod topics;
mod users;
mod wake;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::from_fn_with_state;
use model::IdpPolicy;
use service_config::Rules;
use store::Store;
use tower::util::MapRequest;
use utoipa::openapi::{Info, OpenApi, Paths};
use utoipa_axum::router::OpenApiRouter;

use crate::access::Failures;
pub use crate::access::{OidcAccess, OidcAccessError, OidcOptions, RoleRule};
pub use crate::config::{
    Cli, Command, KeyCommand, NodeHost, ProjectCommand, Serve, TokenCommand, key_variable,
};
use crate::console::ConsoleState;
pub use crate::console::{ConsoleOptions, ConsoleSettings, console_routes};
use crate::error::ApiError;
pub use crate::kafka_admin::Admins;
pub use crate::keys::{generate_key, key_status, rotate_keys};
pub use crate::random::{NoRandomness, api_token, token_hash, token_prefix};
pub use crate::wake::{Alarm, Wake, alarm};

/// Larger than any request that makes sense.
const BODY_LIMIT: usize = 1 << 20;

/// What handlers share. Cloning it is cheap.
#[derive(Clone, Debug, FromRef)]
pub struct App {
    /// The state.
    pub store: Arc<Store>,
    /// What the operator decided.
    pub settings: Arc<Settings>,
    /// Connections to the services' Kafka.
    pub admins: Admins,
    /// Hears of changes.
    pub wake: Wake,
    /// Knows people by the tokens of an identity provider.
    pub oidc: Option<Arc<OidcAccess>>,
    failures: Failures,
    console: Arc<ConsoleState>,
}

/// What the operator decided, for all services.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which addresses of identity providers are acceptable.
    pub idp_policy: IdpPolicy,
    /// Where nodes of new services are placed, in turn. Never empty.
    pub node_hosts: Vec<NodeHost>,
    /// The first port for nodes and REST proxies.
    pub port_base: u16,
    /// How long a request may take, beside what it asks to wait for a change.
    pub deadline: Duration,
    /// How many failed authentications a minute an address may have.
    pub auth_failures: NonZeroU32,
    /// How the console is reached, and how long people stay signed in.
    pub console: ConsoleSettings,
}

impl Settings {
    const fn rules(&self) -> Rules {
        Rules { url_policy: self.idp_policy.urls }
    }
}

impl From<&Serve> for Settings {
    fn from(serve: &Serve) -> Self {
        let idp_policy = IdpPolicy::new(serve.http_loopback_idp, serve.idp_networks.clone());
        Self {
            idp_policy,
            node_hosts: serve.node_hosts.clone(),
            port_base: serve.port_base,
            deadline: deadline::LONGEST,
            auth_failures: serve.auth_failures,
            console: ConsoleSettings::from(&serve.console),
        }
    }
}

impl App {
    /// What handlers share, on `store`.
    pub fn new(
        store: Store,
        settings: Settings,
        wake: Wake,
        oidc: Option<Arc<OidcAccess>>,
    ) -> Self {
        let admins = Admins::new(store.clone());
        let failures = Failures::new(settings.auth_failures);
        let console = Arc::default();
        Self {
            store: Arc::new(store),
            settings: Arc::new(settings),
            admins,
            wake,
            oidc,
            failures,
            console,
        }
    }
}

/// Every route, and the document that describes them.
pub fn api() -> (Router<App>, OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(OpenApi::new(
        Info::new("Tidegate control plane", "v1"),
        Paths::new(),
    ))
    .merge(projects::routes())
    .merge(tokens::routes())
    .merge(clouds::routes())
    .merge(service_types::routes())
    .merge(services::routes())
    .merge(effective_config::routes())
    .merge(connection_info::routes())
    .merge(rollouts::routes())
    .merge(probe_credentials::routes())
    .merge(users::routes())
    .merge(acls::routes())
    .merge(schema_registry::routes())
    .merge(kafka_acls::routes())
    .merge(quotas::routes())
    .merge(topics::routes())
    .merge(problems::routes())
    .merge(events::routes())
    .merge(logs::routes())
    .merge(metrics::routes())
    .merge(alerts::routes())
    .merge(tasks::routes())
    .merge(maintenance::routes())
    .merge(nodes::routes())
    .merge(tags::routes())
    .merge(rest_settings::routes())
    .merge(seen::routes())
    .merge(health::routes())
    .split_for_parts();
    document::complete(&mut document);
    let router = router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::Method);
    (router, document)
}

/// The whole service, ready to be served.
pub fn service(app: App) -> Router {
    let bounded = from_fn_with_state(app.clone(), deadline::bounded);
    let router = api().0.layer(bounded).merge(console::routes(&app));
    let router = web::observe(router).with_state(app);
    Router::new().fallback_service(MapRequest::new(router, extract::one_slash_in_front))
}
