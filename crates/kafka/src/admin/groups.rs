//! Consumer groups and what they have committed.

use std::collections::BTreeMap;

use futures::future::join_all;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, ListGroupsRequest, OffsetFetchRequest, OffsetFetchResponse,
};
use model::{NodeId, TopicName};
use tokio::time::Instant;

use crate::admin::Admin;
use crate::admin::topics::wire;
use crate::call::{Call, persist};
use crate::codes::{COORDINATOR_GROUP, text};
use crate::error::{ErrorCode, KafkaError, refused};

/// A group, as its coordinator lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `group.id`
    pub id: String,
    /// `classic`, `consumer`, `share` or `streams`; empty if the broker did not say.
    pub kind: String,
    /// `Stable`, `Empty`, ...
    pub state: String,
}

impl Group {
    /// Whether it commits offsets. A share group does not.
    fn commits(&self) -> bool {
        !self.kind.eq_ignore_ascii_case("share")
    }
}

impl Admin {
    /// The groups of every broker that coordinates some, and why not, for those that did not tell.
    pub async fn list_groups(
        &self,
    ) -> Result<BTreeMap<NodeId, Result<Vec<Group>, KafkaError>>, KafkaError> {
        self.groups(self.deadline()).await
    }

    async fn groups(
        &self,
        deadline: Instant,
    ) -> Result<BTreeMap<NodeId, Result<Vec<Group>, KafkaError>>, KafkaError> {
        self.router().look_around(deadline).await?;
        let each = self
            .router()
            .nodes()
            .into_iter()
            .map(async |node| (node, self.groups_of(node, deadline).await));
        Ok(join_all(each).await.into_iter().collect())
    }

    async fn groups_of(&self, node: NodeId, deadline: Instant) -> Result<Vec<Group>, KafkaError> {
        let request = ListGroupsRequest::default();
        let call = Call::node(node, &request).at_least(4);
        let response = self.ask(call, deadline, |it| refused(it.error_code, None)).await?;
        let groups = response.groups.iter().map(|it| Group {
            id: it.group_id.to_string(),
            kind: it.group_type.to_string(),
            state: it.group_state.to_string(),
        });
        Ok(groups.collect())
    }

    /// What each group has committed for the partitions of a topic. An error if a broker did not
    /// tell its groups: an incomplete answer would look like a complete one.
    pub async fn committed_offsets(
        &self,
        topic: &TopicName,
    ) -> Result<BTreeMap<(String, i32), i64>, KafkaError> {
        let deadline = self.deadline();
        // Coordinators may have moved since they were looked up.
        persist(deadline, || self.committed_once(topic, deadline)).await
    }

    async fn committed_once(
        &self,
        topic: &TopicName,
        deadline: Instant,
    ) -> Result<BTreeMap<(String, i32), i64>, KafkaError> {
        let topics = self.topics(Some(std::slice::from_ref(topic)), deadline).await?;
        let partitions: Vec<i32> =
            topics.iter().flat_map(|it| &it.partitions).map(|it| it.index).collect();
        let mut groups = Vec::new();
        for listed in self.groups(deadline).await?.into_values() {
            groups.extend(listed?.into_iter().filter(Group::commits).map(|it| it.id));
        }
        let mut committed = BTreeMap::new();
        if partitions.is_empty() || groups.is_empty() {
            return Ok(committed);
        }
        for (coordinator, groups) in self.coordinators(&groups, deadline).await? {
            let request = fetch(&groups, topic, &partitions);
            let call = Call::node(coordinator, &request).at_least(8);
            let response = self.ask(call, deadline, |_| Ok(())).await?;
            fetched(&response)?;
            committed.extend(offsets(&response));
        }
        Ok(committed)
    }

    /// The groups by the broker that coordinates them.
    async fn coordinators(
        &self,
        groups: &[String],
        deadline: Instant,
    ) -> Result<BTreeMap<NodeId, Vec<String>>, KafkaError> {
        let request = FindCoordinatorRequest::default()
            .with_key_type(COORDINATOR_GROUP)
            .with_coordinator_keys(groups.iter().map(text).collect());
        let response = self
            .ask(Call::any(&request).at_least(4), deadline, |it| {
                let mut each = it.coordinators.iter();
                each.try_for_each(|it| refused(it.error_code, it.error_message.as_deref()))
            })
            .await?;
        let mut by_node: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
        for it in &response.coordinators {
            by_node.entry(NodeId(it.node_id.0)).or_default().push(it.key.to_string());
        }
        Ok(by_node)
    }
}

fn fetch(groups: &[String], topic: &TopicName, partitions: &[i32]) -> OffsetFetchRequest {
    let each = groups.iter().map(|group| {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(wire(topic))
            .with_partition_indexes(partitions.to_vec());
        OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(text(group)))
            .with_member_epoch(-1)
            .with_topics(Some(vec![topic]))
    });
    OffsetFetchRequest::default().with_groups(each.collect())
}

/// A group that went away since it was listed has committed nothing any more.
fn fetched(response: &OffsetFetchResponse) -> Result<(), KafkaError> {
    response.groups.iter().try_for_each(|group| {
        if group.error_code == ErrorCode::GroupIdNotFound.code() {
            return Ok(());
        }
        refused(group.error_code, None)?;
        let mut partitions = group.topics.iter().flat_map(|it| &it.partitions);
        partitions.try_for_each(|it| refused(it.error_code, None))
    })
}

fn offsets(response: &OffsetFetchResponse) -> impl Iterator<Item = ((String, i32), i64)> + '_ {
    response.groups.iter().flat_map(|group| {
        let partitions = group.topics.iter().flat_map(|it| &it.partitions);
        partitions
            .filter(|it| it.committed_offset >= 0)
            .map(|it| ((group.group_id.to_string(), it.partition_index), it.committed_offset))
    })
}
