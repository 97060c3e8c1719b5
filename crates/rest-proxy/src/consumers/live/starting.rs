//! Where a consumer begins in partitions that it was given.

use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionListElem};
use tracing::debug;

use super::Group;

/// How long the group's coordinator is asked what was committed, before it is left to librdkafka.
const ASKED: Duration = Duration::from_secs(2);

/// Assigns `list` to `consumer`, which starts at the offsets that are in it, else at those that the
/// group has committed, else at the beginning or the end, as the consumer was asked for. Blocks.
///
/// librdkafka would find out by itself, but waits a tenth of a second before it looks for the
/// beginning or the end of a partition of which nothing was committed (`rd_kafka_offset_reset`).
pub(in crate::consumers) fn begin(
    consumer: &StreamConsumer<Group>,
    list: &TopicPartitionList,
) -> Result<(), KafkaError> {
    let mut asked = TopicPartitionList::new();
    for element in list.elements().iter().filter(|it| it.offset() == Offset::Invalid) {
        asked.add_partition(element.topic(), element.partition());
    }
    if asked.count() == 0 {
        return consumer.assign(list);
    }
    // What comes back has more than the offset: the epoch of the leader that it was read from.
    let mut complete = match committed(consumer, asked) {
        Ok(committed) => committed,
        Err(error) => {
            debug!(error = &error as &dyn std::error::Error, "the group's offsets are not known");
            return consumer.assign(list);
        }
    };
    for mut element in complete.elements() {
        if element.offset() == Offset::Invalid {
            element.set_offset(consumer.context().otherwise)?;
        }
    }
    for element in list.elements().iter().filter(|it| it.offset() != Offset::Invalid) {
        complete.add_partition_offset(element.topic(), element.partition(), element.offset())?;
    }
    consumer.assign(&complete)
}

/// What the group has committed of `asked`; invalid where it has nothing.
fn committed(
    consumer: &StreamConsumer<Group>,
    asked: TopicPartitionList,
) -> Result<TopicPartitionList, KafkaError> {
    let committed = consumer.committed_offsets(asked, ASKED)?;
    committed.elements().iter().try_for_each(TopicPartitionListElem::error)?;
    Ok(committed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use tokio::sync::mpsc;
    use tokio::time::{Instant, timeout};
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::clients::{Callbacks, Health};
    use crate::consumers::shelf::Shelf;
    use crate::shared::Disposable;

    /// A keeper that is stopped between the callback and the assignment must not leave a consumer
    /// behind that waits for it.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_consumer_that_was_not_assigned_what_it_was_given_ends_all_the_same() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("orders", 2, 1).unwrap();
        let (handed, given) = mpsc::unbounded_channel();
        let group = Group {
            callbacks: Callbacks(Arc::new(Health::default())),
            shelf: Arc::new(Shelf::default()),
            auto_commit: false,
            otherwise: Offset::Beginning,
            handed,
        };
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "g");
        let consumer: StreamConsumer<Group> = config.create_with_context(group).unwrap();
        consumer.subscribe(&["orders"]).unwrap();
        let consumer = Disposable::new(consumer, TaskTracker::new());
        let deadline = Instant::now() + Duration::from_secs(20);
        while given.is_empty() {
            assert!(Instant::now() < deadline, "the group gave nothing");
            let _none = timeout(Duration::from_millis(20), consumer.recv()).await;
        }
        let gone = consumer.gone();
        drop((given, consumer));
        timeout(Duration::from_secs(20), gone.cancelled()).await.expect("it ends");
    }
}
