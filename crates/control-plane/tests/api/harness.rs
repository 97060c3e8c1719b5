//! A router on a database of its own, with a project, its token and, if wanted, a service.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use control_plane::{App, NodeHost, OidcAccess, Settings, Wake, alarm, token_hash, token_prefix};
use http::{HeaderMap, Request, Response, StatusCode, header};
use model::{Grants, IdpPolicy, NodeId, NodeState, NodeStatus, Role, Scope, Secret, ServiceId};
use rolling::{End, Policy};
use serde_json::{Value, json};
use sqlx::PgPool;
use store::{ActiveRollout, MasterKeys, NewToken, Service, Store};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) const SERVICE: &str = "/v1/project/dev/service/my-kafka";
pub(crate) const TOKEN: &str = "token-of-dev";
/// The master key.
pub(crate) const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
pub(crate) const OTHER_TOKEN: &str = "token-of-other";

#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) store: Store,
    router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) fn settings() -> Settings {
    let host = |rack: &str| NodeHost { host: "127.0.0.1".into(), rack: rack.into() };
    Settings {
        idp_policy: IdpPolicy::new(true, Vec::new()),
        node_hosts: vec![host("rack-1"), host("rack-2"), host("rack-3")],
        // Nobody listens there.
        port_base: 100,
        deadline: Duration::from_secs(30),
        auth_failures: NonZeroU32::new(100_000).unwrap(),
        console: control_plane::ConsoleSettings::default(),
    }
}

/// A token of whoever is called like it.
pub(crate) async fn add_token(store: &Store, token: &str, grants: Grants) {
    let new = NewToken {
        hash: token_hash(token),
        prefix: token_prefix(token),
        owner: format!("owner of {token}"),
        grants,
        description: "test".into(),
        max_age_secs: None,
        extend_when_used: false,
    };
    store.tokens.add(&new, &"test".into()).await.unwrap();
}

/// A store on `pool` that seals with the same key each time.
pub(crate) fn store(pool: &PgPool) -> Store {
    let key = Secret::new(KEY.into());
    Store::on(pool.clone()).with_keys(MasterKeys::parse(&key).unwrap())
}

impl Api {
    /// Projects `dev` and `other`, each with a token.
    pub(crate) async fn empty(pool: &PgPool) -> Self {
        let (_, wake) = alarm(CancellationToken::new());
        Self::with_wake(pool, wake).await
    }

    pub(crate) async fn with_wake(pool: &PgPool, wake: Wake) -> Self {
        let store = store(pool);
        for (project, token) in [("dev", TOKEN), ("other", OTHER_TOKEN)] {
            let project = project.parse().unwrap();
            store.projects.ensure(&project, &"test".into()).await.unwrap();
            let grants = Grants::one(Scope::Project(project), Role::Admin);
            add_token(&store, token, grants).await;
        }
        Self::of(store, settings(), wake, None)
    }

    /// What is in `store`, served otherwise than usual.
    pub(crate) fn of(
        store: Store,
        settings: Settings,
        wake: Wake,
        oidc: Option<Arc<OidcAccess>>,
    ) -> Self {
        let router = control_plane::service(App::new(store.clone(), settings, wake, oidc));
        Self { store, router }
    }

    /// And the service `my-kafka`, RUNNING.
    pub(crate) async fn with_service(pool: &PgPool) -> Self {
        let api = Self::empty(pool).await;
        api.add_service().await;
        api
    }

    pub(crate) async fn add_service(&self) {
        let body = json!({
            "service_name": "my-kafka", "service_type": "kafka", "plan": "business-4",
            "user_config": { "kafka_rest": true, "kafka_authentication_methods": { "sasl": true } },
        });
        let answer = self.post("/v1/project/dev/service", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        self.finish_rollout().await;
    }

    pub(crate) async fn service(&self) -> Service {
        let (project, name) = ("dev".parse().unwrap(), "my-kafka".parse().unwrap());
        self.store.services.get(&project, &name).await.unwrap().unwrap()
    }

    /// What an orchestrator would have done.
    pub(crate) async fn finish_rollout(&self) {
        let service = self.service().await;
        let rollout = self.active().await;
        self.store.rollouts.end(service.id, &rollout, End::Done).await.unwrap();
    }

    /// The rollout of `my-kafka` that is under way.
    pub(crate) async fn active(&self) -> ActiveRollout {
        let service = self.service().await;
        let active = self.store.rollouts.active(service.id, Policy::default()).await;
        active.unwrap().unwrap()
    }

    pub(crate) async fn publish(&self, service: ServiceId, node: i32, state: NodeState) {
        let status = NodeStatus {
            node: NodeId(node),
            state,
            revision: None,
            active_controller: node == 1,
            waiting_for: None,
            phase: None,
            incarnation: None,
            out_of_sync: None,
        };
        self.store.nodes.publish(service, &[status]).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, Some(body)).await
    }

    /// Updates `my-kafka` as `avn` does: with the plan, and what is to change.
    pub(crate) async fn update(&self, user_config: Value) -> Answer {
        self.put(SERVICE, json!({ "plan": "business-4", "user_config": user_config })).await
    }

    /// Asks as `avn` does: without a body, the content type is `application/octet-stream`.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, &[], body).await
    }

    /// Asks with another token.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        self.call_with(method, path, &[("authorization", bearer.as_str())], body).await
    }

    /// The same with further headers.
    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let kind = if body.is_some() { "application/json" } else { "application/octet-stream" };
        let mut request =
            Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        let authorization = header::AUTHORIZATION.as_str();
        if !headers.iter().any(|(name, _)| *name == authorization) {
            request = request.header(authorization, format!("aivenv1 {TOKEN}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |it| Body::from(it.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// What comes back, while it comes.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap();
        // An empty body is not JSON, and must not say that it is.
        let body = if body.is_empty() {
            assert_eq!(parts.headers.get(header::CONTENT_TYPE), None);
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    /// Status and message, for a snapshot.
    pub(crate) fn brief(&self) -> String {
        let message = self.body["message"].as_str().unwrap_or("no message");
        format!("{} {message}", self.status.as_u16())
    }

    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        // `avn` takes this for a failure.
        assert!(self.body.get("error").is_none());
        self.body
    }
}
