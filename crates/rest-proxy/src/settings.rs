//! What the control plane says of this service, kept while the control plane is away.

mod control_plane;
mod poll;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use auth::{IssuerConfig, Verifier, VerifierConfig};
use model::{IdpPolicy, IdpUrl, OidcSettings, RestSettings, SUBJECT_CLAIMS};
use tokio::sync::Notify;
use tracing::{error, info};

pub(crate) use self::control_plane::{CallError, ControlPlane};
pub use self::poll::{PollConfig, follow};

/// Settings in force, and what was made of them.
pub(crate) struct Active {
    pub(crate) settings: RestSettings,
    /// Rises when open Kafka clients do not fit the settings any more.
    pub(crate) generation: u64,
    /// Absent without OIDC settings, or when they cannot be used: then no token is good.
    pub(crate) verifier: Option<Arc<Verifier>>,
    /// The claims of a verified token that the control plane is told. The same value as long as they
    /// are the same claims.
    pub(crate) told_claims: Arc<ToldClaims>,
}

/// The claims of a verified token that the control plane is told.
pub(crate) struct ToldClaims {
    /// Those that it wants beside [`SUBJECT_CLAIMS`].
    pub(crate) watched: Vec<String>,
}

impl ToldClaims {
    /// All of them.
    pub(crate) fn names(&self) -> Vec<&str> {
        SUBJECT_CLAIMS.into_iter().chain(self.watched.iter().map(String::as_str)).collect()
    }
}

/// The current settings. Cheap to clone; all clones see a change at once.
#[derive(Clone)]
pub struct Settings {
    active: Arc<ArcSwapOption<Active>>,
    /// The operator's, not the control plane's: this program makes the connections.
    idp: Arc<IdpPolicy>,
    changed: Arc<Notify>,
}

impl Settings {
    /// Knows nothing yet: every request that needs Kafka is answered with 503.
    pub fn new(idp: IdpPolicy) -> Self {
        Self { active: Arc::default(), idp: Arc::new(idp), changed: Arc::default() }
    }

    pub(crate) fn active(&self) -> Option<Arc<Active>> {
        self.active.load_full()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.active.load().as_ref().map_or(0, |it| it.generation)
    }

    /// Completes when other settings were put in force. For one task.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Puts `settings` in force for every request that starts from now on. Called by one task at a
    /// time, within a runtime.
    pub fn apply(&self, settings: RestSettings) {
        let before = self.active();
        let verifier = match (&before, &settings.oidc) {
            (Some(before), oidc) if before.settings.oidc == *oidc && before.verifier.is_some() => {
                before.verifier.clone()
            }
            (_, Some(oidc)) => verifier(oidc, &self.idp).map(Arc::new),
            (_, None) => None,
        };
        let generation = match &before {
            Some(before) if same_clients(&before.settings, &settings) => before.generation,
            Some(before) => before.generation + 1,
            None => 1,
        };
        let told_claims = match &before {
            Some(before) if before.told_claims.watched == settings.watched_claims => {
                Arc::clone(&before.told_claims)
            }
            _ => Arc::new(ToldClaims { watched: settings.watched_claims.clone() }),
        };
        info!(
            authorization = settings.authorization,
            oidc = settings.oidc.is_some(),
            generation,
            "settings in force"
        );
        let active = Active { settings, generation, verifier, told_claims };
        self.active.store(Some(Arc::new(active)));
        self.changed.notify_one();
    }
}

/// Whether clients that were opened under the one serve under the other. What a consumer is made
/// with is read when it is created, and what is told of tokens is no matter of clients.
fn same_clients(before: &RestSettings, after: &RestSettings) -> bool {
    let (consumer, watched_claims) = (before.consumer.clone(), before.watched_claims.clone());
    RestSettings { consumer, watched_claims, ..after.clone() } == *before
}

/// Without a verifier nobody gets in, which is the safe side; the other settings still apply.
fn verifier(oidc: &OidcSettings, policy: &IdpPolicy) -> Option<Verifier> {
    let jwks_url = match IdpUrl::parse(&oidc.jwks_url, policy.urls) {
        Ok(url) => url,
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "the JWKS address cannot be used");
            return None;
        }
    };
    let issuer = IssuerConfig {
        issuer: oidc.issuer.clone(),
        audiences: oidc.audiences.clone(),
        principal_claim: oidc.principal_claim.clone(),
        keys: jwks_url.into(),
    };
    match Verifier::new(VerifierConfig::of(issuer, policy.clone())) {
        Ok(verifier) => Some(verifier),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "the OIDC settings cannot be used");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_control_plane_of_the_version_before_wants_no_more_claims() {
        let settings = testing::settings("127.0.0.1:1");
        let mut told = serde_json::to_value(&settings).unwrap();
        told.as_object_mut().unwrap().remove("watched_claims").unwrap();
        assert_eq!(serde_json::from_value::<RestSettings>(told).unwrap(), settings);
    }

    #[tokio::test]
    async fn a_verifier_lives_as_long_as_its_settings() {
        let settings = Settings::new(testing::idp());
        let mut wanted = testing::settings("127.0.0.1:1");
        wanted.oidc = Some(testing::oidc("http://127.0.0.1:1", "a"));
        settings.apply(wanted.clone());
        let first = settings.active().unwrap();

        wanted.consumer.request_timeout_ms += 1;
        settings.apply(wanted.clone());
        let second = settings.active().unwrap();
        let verifiers = (first.verifier.as_ref().unwrap(), second.verifier.as_ref().unwrap());
        assert!(Arc::ptr_eq(verifiers.0, verifiers.1));
        assert_eq!(first.generation, second.generation, "open clients do not notice");
        assert!(Arc::ptr_eq(&first.told_claims, &second.told_claims));

        wanted.watched_claims = vec!["badge".to_owned()];
        settings.apply(wanted.clone());
        let watching = settings.active().unwrap();
        assert!(Arc::ptr_eq(verifiers.0, watching.verifier.as_ref().unwrap()));
        assert_eq!(first.generation, watching.generation, "nor of what is told of tokens");
        assert!(!Arc::ptr_eq(&first.told_claims, &watching.told_claims));
        assert_eq!(watching.told_claims.names().last(), Some(&"badge"));

        wanted.oidc = Some(testing::oidc("http://127.0.0.1:1", "b"));
        settings.apply(wanted);
        let third = settings.active().unwrap();
        assert!(!Arc::ptr_eq(verifiers.0, third.verifier.as_ref().unwrap()));
        assert_eq!(third.generation, second.generation + 1);
    }
}
