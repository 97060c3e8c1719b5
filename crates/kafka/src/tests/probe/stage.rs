//! Two brokers of one cluster and a probe. Who leads and who is silent is what a test says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_response::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, BrokerId, MetadataRequest, MetadataResponse, ProduceResponse,
};
use kafka_protocol::protocol::StrBytes;
use model::Secret;

use crate::tests::fake::{Asked, Fake, Reply, versions};
use crate::{AdminConfig, Credential, ErrorCode, KafkaError, Probe, Written};

/// How long the probe waits for one broker.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);

/// The partition of topic `probe` that is written to.
const PARTITION: i32 = 1;

pub(super) struct Stage {
    pub(super) brokers: Vec<Fake>,
    cluster: Arc<Cluster>,
    probe: Probe,
}

/// What all brokers know.
#[derive(Default)]
pub(super) struct Cluster {
    addresses: OnceLock<Vec<String>>,
    leader: AtomicUsize,
    silent: [AtomicBool; 2],
    lagging: [AtomicBool; 2],
}

/// The last value of `leader` that a lagging broker has heard of.
const FIRST_LEADER: usize = 0;

impl Cluster {
    fn addresses(&self) -> &[String] {
        self.addresses.get().unwrap()
    }

    fn host_and_port(&self, broker: usize) -> (StrBytes, i32) {
        let (host, port) = self.addresses()[broker].rsplit_once(':').unwrap();
        (StrBytes::from_string(host.to_owned()), port.parse().unwrap())
    }

    fn who(&self, asked: &Asked) -> usize {
        self.addresses().iter().position(|it| it == asked.address()).unwrap()
    }

    /// Whether the broker that was asked is the leader.
    pub(super) fn leads(&self, asked: &Asked) -> bool {
        self.who(asked) == self.leader.load(SeqCst)
    }

    /// The refusal of a former leader that knows who leads now.
    pub(super) fn naming_the_leader(&self) -> ProduceResponse {
        let leader = self.leader.load(SeqCst);
        let (host, port) = self.host_and_port(leader);
        let endpoint =
            NodeEndpoint::default().with_node_id(id(leader)).with_host(host).with_port(port);
        let named = LeaderIdAndEpoch::default().with_leader_id(id(leader)).with_leader_epoch(2);
        let own = PartitionProduceResponse::default()
            .with_error_code(ErrorCode::NotLeaderOrFollower.code())
            .with_current_leader(named);
        response(own).with_node_endpoints(vec![endpoint])
    }

    fn metadata(&self, asked: &Asked) -> MetadataResponse {
        let lagging = self.lagging[self.who(asked)].load(SeqCst);
        let leader = if lagging { FIRST_LEADER } else { self.leader.load(SeqCst) };
        let brokers = (0..self.addresses().len()).map(|broker| {
            let (host, port) = self.host_and_port(broker);
            MetadataResponseBroker::default()
                .with_node_id(id(broker))
                .with_host(host)
                .with_port(port)
        });
        let partition = MetadataResponsePartition::default()
            .with_partition_index(PARTITION)
            .with_leader_id(id(leader));
        let request: MetadataRequest = asked.request();
        assert!(!request.allow_auto_topic_creation);
        let topic = MetadataResponseTopic::default()
            .with_name(request.topics.unwrap()[0].name.clone())
            .with_topic_id("6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse().unwrap())
            .with_partitions(vec![partition]);
        MetadataResponse::default().with_brokers(brokers.collect()).with_topics(vec![topic])
    }
}

fn id(broker: usize) -> BrokerId {
    BrokerId(i32::try_from(broker).unwrap() + 1)
}

fn response(own: PartitionProduceResponse) -> ProduceResponse {
    let own = own.with_index(PARTITION);
    let topic = TopicProduceResponse::default().with_partition_responses(vec![own]);
    ProduceResponse::default().with_responses(vec![topic])
}

pub(super) fn acked(offset: i64) -> ProduceResponse {
    response(PartitionProduceResponse::default().with_base_offset(offset))
}

pub(super) fn refusal(code: ErrorCode) -> ProduceResponse {
    response(PartitionProduceResponse::default().with_error_code(code.code()))
}

impl Stage {
    /// Brokers that answer what is written so.
    pub(super) async fn of(
        produce: impl Fn(&Cluster, &Asked) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::speaking(13, produce).await
    }

    /// Brokers with this newest version of `Produce`.
    pub(super) async fn speaking(
        newest: i16,
        produce: impl Fn(&Cluster, &Asked) -> Reply + Clone + Send + Sync + 'static,
    ) -> Self {
        let cluster = Arc::new(Cluster::default());
        let mut brokers = Vec::new();
        for silent in 0..2 {
            let (cluster, produce) = (Arc::clone(&cluster), produce.clone());
            let script = move |asked: &Asked| match asked.api {
                _ if cluster.silent[silent].load(SeqCst) => Reply::Silence,
                ApiKey::ApiVersions => {
                    asked.answer::<ApiVersionsRequest>(&versions(&[(ApiKey::Produce, 3, newest)]))
                }
                ApiKey::Metadata => asked.answer::<MetadataRequest>(&cluster.metadata(asked)),
                ApiKey::Produce => produce(&cluster, asked),
                _ => asked.healthy(),
            };
            brokers.push(Fake::start(script).await);
        }
        let addresses: Vec<_> = brokers.iter().map(|it| it.address.clone()).collect();
        cluster.addresses.set(addresses.clone()).unwrap();
        let username = model::Principal::ADMIN.to_owned();
        let probe = Probe::new(AdminConfig {
            bootstrap: addresses,
            credential: Credential::Plain { username, password: Secret::new("pw".to_owned()) },
            client_id: "test".to_owned(),
            timeout: PATIENCE,
        });
        Self { brokers, cluster, probe }
    }

    /// From now on this one leads.
    pub(super) fn lead(&self, broker: usize) {
        self.cluster.leader.store(broker, SeqCst);
    }

    /// From now on it takes connections and requests, and answers nothing.
    pub(super) fn silence(&self, broker: usize) {
        self.cluster.silent[broker].store(true, SeqCst);
    }

    /// It never hears of another leader than the first.
    pub(super) fn lag(&self, broker: usize) {
        self.cluster.lagging[broker].store(true, SeqCst);
    }

    pub(super) async fn write(&self, deadline: Duration) -> Result<Written, KafkaError> {
        self.probe.write(&"probe".parse().unwrap(), PARTITION, b"tick", deadline).await
    }

    /// How many requests of a kind each broker got.
    pub(super) fn asked(&self, api: ApiKey) -> [usize; 2] {
        [self.brokers[0].requests(api), self.brokers[1].requests(api)]
    }

    /// How often a leader was looked up.
    pub(super) fn searches(&self) -> usize {
        self.asked(ApiKey::Metadata).iter().sum()
    }
}
