//! The librdkafka consumer of an instance, while it has one.

mod seeking;
mod starting;

use std::sync::Arc;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;
use rdkafka_sys::types::RDKafkaRespErr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

pub(super) use self::starting::begin;
use super::Subscription;
use super::keeper::{Job, Keeper};
use super::shelf::{Place, Positions, Shelf};
use crate::clients::{self, Callbacks, ConsumerWishes};
use crate::error::ApiError;
use crate::librdkafka::{self, TokenError};
use crate::owner::Token;
use crate::sessions::{Counted, Session, TokenSink};
use crate::shared::{Disposable, Seldom};

/// A consumer in its group.
pub(crate) struct Live {
    consumer: Arc<Disposable<StreamConsumer<Group>>>,
    shelf: Arc<Shelf>,
    session: Arc<Session>,
    auto_commit: bool,
    _counted: Counted,
    /// What the keeper does between two looks at the consumer.
    jobs: mpsc::Sender<Job>,
    _keeper: JoinSet<()>,
}

impl Live {
    /// Creates a consumer of `session`'s owner, whose partitions go on at `kept`.
    pub(crate) async fn create(
        session: &Arc<Session>,
        wishes: &ConsumerWishes,
        kept: Positions,
    ) -> Result<Arc<Self>, ApiError> {
        let counted = session.count_consumer();
        let config = clients::consumer(&session.active().settings, session.owner(), wishes);
        let shelf = Arc::new(Shelf::going_on(kept));
        let (handed, given) = mpsc::unbounded_channel();
        let group = Group {
            callbacks: Callbacks(Arc::clone(session.health())),
            shelf: Arc::clone(&shelf),
            auto_commit: wishes.auto_commit,
            otherwise: if wishes.earliest { Offset::Beginning } else { Offset::End },
            handed,
        };
        let create = move || config.create_with_context(group);
        let consumer = session.build(create, StreamConsumer::client).await?;
        let consumer = Arc::new(session.dispose(consumer));
        let (jobs, waiting) = mpsc::channel(1);
        let keeper = Keeper {
            consumer: Arc::clone(&consumer),
            shelf: Arc::clone(&shelf),
            tracker: session.tracker().clone(),
        };
        let mut kept = JoinSet::new();
        kept.spawn(keeper.keep(waiting, given));
        let live = Arc::new(Self {
            consumer,
            shelf,
            session: Arc::clone(session),
            auto_commit: wishes.auto_commit,
            _counted: counted,
            jobs,
            _keeper: kept,
        });
        session.attach(&live)?;
        Ok(live)
    }

    pub(crate) fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Cancelled once the consumer has left its group.
    pub(crate) fn gone(&self) -> CancellationToken {
        self.consumer.gone()
    }

    /// Reads what a subscription says.
    pub(crate) async fn subscribe(&self, subscription: &Subscription) -> Result<(), ApiError> {
        let topics = match subscription {
            Subscription::None => None,
            Subscription::Assigned(places) => return self.assign(places.clone()).await,
            Subscription::Topics(topics) => Some(topics.clone()),
            Subscription::Pattern(pattern) => Some(vec![pattern.clone()]),
        };
        let (consumer, session) = (Arc::clone(&self.consumer), Arc::clone(&self.session));
        let subscribe = move || {
            let Some(topics) = topics else {
                consumer.unsubscribe();
                return Ok(());
            };
            let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
            consumer.subscribe(&topics)
        };
        self.between_looks(async move {
            session.block(subscribe).await?.map_err(|error| {
                debug!(error = &error as &dyn std::error::Error, "a subscription was refused");
                ApiError::Invalid("Invalid topic name or topic pattern".to_owned())
            })
        })
        .await
    }

    /// The topics that it is subscribed to; matches of a pattern as far as they are assigned.
    pub(crate) fn matched_topics(&self) -> Vec<String> {
        let mut topics: Vec<String> =
            self.shelf.assigned().iter().map(|(topic, _)| topic.to_string()).collect();
        topics.sort();
        topics.dedup();
        topics
    }

    /// Its owner was told that nothing has come: from here on, what comes is not to be missed, even
    /// by a consumer that begins at the end.
    pub(crate) fn mark_start(&self) {
        for (topic, partition) in self.shelf.unmarked() {
            if let Some(end) = librdkafka::known_end(self.consumer.client(), &topic, partition) {
                self.shelf.mark((topic, partition), end);
            }
        }
    }

    /// Reads on, if it was told not to.
    pub(crate) async fn wake(&self) {
        if !self.shelf.is_paused() {
            return;
        }
        let list = list(self.shelf.assigned().into_iter().map(|it| (it, None)));
        self.shelf.set_paused(false);
        let consumer = Arc::clone(&self.consumer);
        let resumed = self.session.block(move || consumer.resume(&list));
        if let Ok(Err(error)) = resumed.await {
            debug!(error = &error as &dyn std::error::Error, "cannot resume");
        }
    }

    /// Marks what was handed out for the commit, if that is automatic.
    pub(crate) fn store(&self) {
        if self.auto_commit {
            store(&self.shelf, &**self.consumer);
        }
    }

    pub(crate) async fn commit(&self, offsets: Positions) -> Result<(), ApiError> {
        let consumer = Arc::clone(&self.consumer);
        let list = list(offsets.into_iter().map(|(place, at)| (place, Some(at))));
        let committed = self.session.block(move || consumer.commit(&list, CommitMode::Sync));
        match committed.await? {
            Ok(()) => Ok(()),
            Err(error) => match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::NoOffset) => Ok(()),
                Some(code) => Err(commit_error(code)),
                None => Err(ApiError::internal(error)),
            },
        }
    }

    /// What the group has committed, for those of `places` where it has.
    pub(crate) async fn committed(
        &self,
        places: Vec<Place>,
        timeout: Duration,
    ) -> Result<Positions, ApiError> {
        let consumer = Arc::clone(&self.consumer);
        let list = list(places.into_iter().map(|it| (it, None)));
        let committed = self.session.block(move || consumer.committed_offsets(list, timeout));
        let list = committed.await?.map_err(|error| match error.rdkafka_error_code() {
            Some(code) => commit_error(code),
            None => ApiError::internal(error),
        })?;
        let mut positions = Positions::new();
        for element in list.elements() {
            if let Some(code) = element.error().err().and_then(|it| it.rdkafka_error_code()) {
                return Err(commit_error(code));
            }
            if let Offset::Offset(offset) = element.offset() {
                positions.insert((element.topic().into(), element.partition()), offset);
            }
        }
        Ok(positions)
    }
}

impl TokenSink for Live {
    fn set_token(&self, token: &Token, principal: &str) -> Result<(), TokenError> {
        librdkafka::set_token(self.consumer.client(), token, principal)
    }
}

/// What a request is told of an error that the consumer met; `None` if it passes by itself.
pub(crate) const fn lasting(code: RDKafkaErrorCode) -> Option<ApiError> {
    match code {
        RDKafkaErrorCode::TopicAuthorizationFailed
        | RDKafkaErrorCode::GroupAuthorizationFailed
        | RDKafkaErrorCode::ClusterAuthorizationFailed => Some(ApiError::Forbidden),
        RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownPartition => Some(ApiError::UnknownTopicOrPartition),
        _ => None,
    }
}

/// Of warnings that a group's offsets are not available.
static UNAVAILABLE: Seldom = Seldom::new();

fn commit_error(code: RDKafkaErrorCode) -> ApiError {
    if let Some(error) = lasting(code) {
        return error;
    }
    match code {
        RDKafkaErrorCode::IllegalGeneration
        | RDKafkaErrorCode::UnknownMemberId
        | RDKafkaErrorCode::RebalanceInProgress => {
            ApiError::Unavailable("The consumer group is rebalancing")
        }
        _ => {
            if UNAVAILABLE.is_due() {
                warn!(error = %code, "offsets could not be committed or read");
            }
            ApiError::Unavailable("The group's offsets are not available")
        }
    }
}

fn store<C: ConsumerContext>(shelf: &Shelf, consumer: &impl Consumer<C>) {
    let unstored = shelf.take_unstored();
    if unstored.is_empty() {
        return;
    }
    let list = list(unstored.into_iter().map(|(place, at)| (place, Some(at))));
    // Fails for partitions that were just taken away: then another goes on from the last commit.
    if let Err(error) = consumer.store_offsets(&list) {
        debug!(error = &error as &dyn std::error::Error, "offsets were not stored");
    }
}

pub(super) fn list(offsets: impl Iterator<Item = (Place, Option<i64>)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in offsets {
        let mut element = list.add_partition(&topic, partition);
        if let Some(offset) = offset {
            // Only negative offsets are refused, and there is none.
            let _set = element.set_offset(Offset::Offset(offset));
        }
    }
    list
}

/// The callbacks of a consumer in its group. Called by whoever polls.
pub(super) struct Group {
    callbacks: Callbacks,
    shelf: Arc<Shelf>,
    auto_commit: bool,
    /// Where to begin where nothing was committed.
    otherwise: Offset,
    /// To the keeper: partitions that the consumer waits to be assigned.
    handed: mpsc::UnboundedSender<TopicPartitionList>,
}

impl ClientContext for Group {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.callbacks.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.callbacks.error(error, reason);
    }
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let elements = list.elements();
        let places: Vec<Place> =
            elements.iter().map(|it| (self.shelf.topic(it.topic()), it.partition())).collect();
        drop(elements);
        let done = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            for ((topic, partition), position) in self.shelf.assign(places) {
                let start = Offset::Offset(position);
                if let Err(error) = list.set_partition_offset(&topic, partition, start) {
                    warn!(error = &error as &dyn std::error::Error, "a position was not kept");
                }
            }
            // Finding out where to begin takes longer than a callback should.
            match self.handed.send(list.clone()) {
                Ok(()) => Ok(()),
                // The keeper is gone, and the consumer goes.
                Err(_) => consumer.assign(list),
            }
        } else {
            if self.auto_commit {
                // As Java's consumer does: what was handed out is committed before it is given up.
                store(&self.shelf, consumer);
            }
            self.shelf.revoke(places);
            consumer.unassign()
        };
        if let Err(error) = done {
            warn!(error = &error as &dyn std::error::Error, "a rebalance failed");
        }
    }
}
