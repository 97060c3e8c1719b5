//! Takes one picture of a service's Kafka: its listeners, whom they let in, and what it says of
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth::{client_token, probe_jwks};
use futures::future::join_all;
use kafka::{Admin, KafkaError, ReassignTo, sasl_mechanisms};
use model::{IdpPolicy, IdpUrl, Node, NodeId, Secret, Timestamp};
use observe::kafka_view;
use rolling::{Jwks, NewReplicas, PartitionId};
use service_config::Oidc;
use store::ProbeCredentials;
use tracing::debug;

use crate::logins::{Forgery, Trials, try_logins};
use crate::roller::cluster::{Answer, Cluster, Logins, Question};

/// How long a listener may take to answer a handshake.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// A key set that was usable is not fetched again before this.
const JWKS_FRESH_MS: i64 = 3_000;

/// One service's Kafka, as its settings say now.
#[derive(Debug)]
pub struct RealCluster {
    /// For admin calls, on the internal listener.
    pub admin: Admin,
    /// How to log in by way of trial; `None` if nobody was to be tried when that was read.
    pub trials: Option<Trials>,
    /// Where the keys are, what tokens have to be, and where that may be; `None` without OIDC.
    pub oidc: Option<(Oidc, IdpPolicy)>,
    /// How to get a good token, if the service has means to.
    pub probe: Option<ProbeCredentials>,
    keys: Mutex<Option<Keys>>,
}

/// Keys that were found at an address.
#[derive(Clone, Debug)]
struct Keys {
    url: IdpUrl,
    at: Timestamp,
    kids: Vec<String>,
}

impl RealCluster {
    /// A cluster that nobody has looked at.
    pub fn new(admin: Admin) -> Self {
        Self { admin, trials: None, oidc: None, probe: None, keys: Mutex::default() }
    }

    /// Whether a broker that starts would find its keys. Keys that were found are not asked for
    /// again for a few seconds.
    async fn keys(&self) -> Result<Option<Keys>, String> {
        let Some((oidc, policy)) = &self.oidc else { return Ok(None) };
        let url = &oidc.jwks_url;
        let now = Timestamp::now();
        let kept = self.kept().filter(|it| it.url == *url && now.ms_since(it.at) < JWKS_FRESH_MS);
        if let Some(kept) = kept {
            return Ok(Some(kept));
        }
        let report = probe_jwks(url, policy).await.map_err(|error| format!("{url}: {error}"))?;
        let usable = report.keys.into_iter().filter(|it| it.refused.is_none());
        let kids: Vec<Option<String>> = usable.map(|it| it.kid).collect();
        if kids.is_empty() {
            return Err(format!("{url} holds no usable key"));
        }
        let kids = kids.into_iter().flatten().collect();
        let keys = Keys { url: url.clone(), at: now, kids };
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(Some(keys))
    }

    fn kept(&self) -> Option<Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token that the nodes should take, if the service has means to get one.
    async fn good_token(&self, policy: &IdpPolicy) -> Result<Option<Secret>, String> {
        let Some(probe) = &self.probe else { return Ok(None) };
        let url = IdpUrl::parse(&probe.token_url, policy.urls)
            .map_err(|rule| format!("the token URL of the probe credentials: {rule}"))?;
        let ProbeCredentials { client_id, client_secret, parameters, .. } = probe;
        let token = client_token(&url, client_id, client_secret, parameters, policy).await;
        token.map(Some).map_err(|error| format!("no good token: {}", web::chain(&error)))
    }

    async fn logins(&self, question: &Question<'_>) -> BTreeMap<NodeId, Logins> {
        if question.log_in_at.is_empty() {
            return BTreeMap::new();
        }
        let unanswered = |why: &str| {
            let each = question.log_in_at.iter();
            each.map(|id| (*id, Logins::Unanswered(why.to_owned()))).collect()
        };
        // Without any trial nothing is shown of a node.
        let Some(mut trials) = self.trials.clone() else {
            return unanswered("the credentials were not read yet");
        };
        if let Some((oidc, policy)) = &self.oidc {
            let kids = self.keys().await.ok().flatten().map(|it| it.kids).unwrap_or_default();
            trials.oidc = Some(Forgery {
                issuer: oidc.issuer.clone(),
                audience: oidc.audiences.first().cloned().unwrap_or_default(),
                sub_claim_name: oidc.sub_claim_name.clone(),
                kids,
            });
            match self.good_token(policy).await {
                Ok(token) => trials.good_token = token,
                // Without it, it cannot be shown that a node lets in who it should.
                Err(why) => return unanswered(&why),
            }
        }
        let trials = &trials;
        let nodes = question.nodes.iter().filter(|it| question.log_in_at.contains(&it.id));
        let each = nodes.map(async |node| {
            let others = question.nodes.iter().find(|it| it.id != node.id);
            (node.id, try_logins(trials, node, others).await)
        });
        join_all(each).await.into_iter().collect()
    }
}

impl Cluster for RealCluster {
    async fn look(&self, question: &Question<'_>) -> Answer {
        let clients = join_all(question.nodes.iter().map(answers_clients));
        let jwks = async {
            if !question.needs_keys {
                return Jwks::NotNeeded;
            }
            match self.keys().await {
                Ok(None) => Jwks::NotNeeded,
                Ok(Some(_)) => Jwks::Usable,
                Err(why) => Jwks::Unusable(why),
            }
        };
        let (told, clients, jwks) = tokio::join!(kafka_view(&self.admin), clients, jwks);
        let told = told.inspect_err(|error| debug!(error = %web::chain(error), "no view of Kafka"));
        let told = told.ok();
        // When no broker could be asked at all, there is no view and nothing is stopped anyway.
        let silent = |id: &NodeId| told.as_ref().is_some_and(|it| it.silent.contains(id));
        let nodes = question.nodes.iter().zip(clients);
        let answering: BTreeSet<NodeId> = nodes
            .filter(|(node, answers)| *answers && !silent(&node.id))
            .map(|(node, _)| node.id)
            .collect();
        let log_in_at = question.log_in_at.intersection(&answering).copied().collect();
        let logins = self.logins(&Question { log_in_at: &log_in_at, ..question.clone() }).await;
        Answer { kafka: told.map(|it| it.view), answering, logins, jwks }
    }

    async fn elect_preferred(&self, partitions: &[PartitionId]) -> Result<(), KafkaError> {
        let named = partitions.iter().filter_map(|it| Some((it.topic.parse().ok()?, it.index)));
        self.admin.elect_preferred_leaders_of(&named.collect::<Vec<_>>()).await
    }

    async fn reassign(&self, partitions: &[NewReplicas]) -> Result<(), KafkaError> {
        reassign(&self.admin, partitions).await
    }
}

/// Gives partitions other replicas. Answers when the change has begun.
pub(crate) async fn reassign(admin: &Admin, partitions: &[NewReplicas]) -> Result<(), KafkaError> {
    let targets = partitions.iter().filter_map(|it| {
        Some(ReassignTo {
            topic: it.partition.topic.parse().ok()?,
            partition: it.partition.index,
            replicas: Some(it.to.clone()),
        })
    });
    admin.alter_reassignments(&targets.collect::<Vec<_>>()).await
}

/// Whether a node's listener for clients answers a SASL handshake.
async fn answers_clients(node: &Node) -> bool {
    let offered = sasl_mechanisms(&node.client_address(), HANDSHAKE).await;
    offered.is_ok_and(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use kafka::{AdminConfig, Credential};
    use model::NodePorts;

    use super::*;

    #[tokio::test]
    async fn a_node_that_nobody_knows_how_to_try_is_not_proven() {
        let admin = Admin::new(AdminConfig {
            bootstrap: Vec::new(),
            credential: Credential::OauthBearer { token: Secret::new("t".to_owned()) },
            client_id: "test".to_owned(),
            timeout: HANDSHAKE,
        });
        let ports = NodePorts { controller: 1, internal: 2, client: 3 };
        let node = Node { id: NodeId(1), host: "h".into(), ports, rack: "r".into() };
        let log_in_at = [node.id].into();
        let question = Question { nodes: &[node], log_in_at: &log_in_at, needs_keys: false };
        let logins = RealCluster::new(admin).logins(&question).await;
        assert!(matches!(logins[&NodeId(1)], Logins::Unanswered(_)), "{logins:?}");
    }
}
