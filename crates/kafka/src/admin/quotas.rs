//! Client quotas: what users and client ids may take of each broker.

use std::collections::BTreeMap;

use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, DescribeClientQuotasRequest,
    DescribeClientQuotasResponse, describe_client_quotas_response,
};
use model::{ClientQuota, QuotaEntity, QuotaKey, QuotaName};

use crate::admin::Admin;
use crate::call::Call;
use crate::codes::{QUOTA_CLIENT_ID, QUOTA_USER, text};
use crate::error::{KafkaError, items, refused};

/// How many entities go into one request. Kafka takes at most 10 000 records in one change.
const BATCH: usize = 1000;

impl Admin {
    /// Every limit of users and client ids. What [`ClientQuota`] cannot express is left out: quotas
    /// of IP addresses, of names that are really `default`, and keys that this program does not
    /// know.
    pub async fn describe_quotas(&self) -> Result<BTreeMap<ClientQuota, f64>, KafkaError> {
        // No component, and not strictly none: all entities.
        let request = DescribeClientQuotasRequest::default().with_strict(false);
        let response = self
            .ask(Call::any(&request), self.deadline(), |it: &DescribeClientQuotasResponse| {
                refused(it.error_code, it.error_message.as_deref())
            })
            .await?;
        Ok(response.entries.iter().flatten().flat_map(limits).collect())
    }

    /// Sets limits (bytes a second, or percent of a thread), and removes those that are `None`; one
    /// that is not there is fine. If Kafka refuses an entity, the others of the same thousand are
    /// changed all the same, and none of the following thousands.
    pub async fn alter_quotas(
        &self,
        changes: &BTreeMap<ClientQuota, Option<f64>>,
    ) -> Result<(), KafkaError> {
        let deadline = self.deadline();
        // Kafka has one answer for an entity, and of two entries for the same takes the last.
        let mut by_entity: BTreeMap<&QuotaEntity, Vec<OpData>> = BTreeMap::new();
        for (quota, limit) in changes {
            by_entity.entry(&quota.entity).or_default().push(op(quota.key, *limit));
        }
        let entities: Vec<_> = by_entity.into_iter().collect();
        for batch in entities.chunks(BATCH) {
            let entries = batch.iter().map(|(entity, ops)| {
                EntryData::default().with_entity(components(entity)).with_ops(ops.clone())
            });
            let request = AlterClientQuotasRequest::default().with_entries(entries.collect());
            let check = |it: &AlterClientQuotasResponse| {
                items(it.entries.iter().map(|it| {
                    let parts = it.entity.iter();
                    let parts = parts.map(|it| (&*it.entity_type, it.entity_name.as_deref()));
                    let message = it.error_message.as_ref().map(ToString::to_string);
                    (shown(parts), it.error_code, message)
                }))
            };
            self.ask(Call::any(&request), deadline, check).await?;
        }
        Ok(())
    }
}

fn op(key: QuotaKey, limit: Option<f64>) -> OpData {
    OpData::default()
        .with_key(text(key.as_str()))
        .with_value(limit.unwrap_or_default())
        .with_remove(limit.is_none())
}

fn components(entity: &QuotaEntity) -> Vec<EntityData> {
    let parts = [(QUOTA_USER, entity.user()), (QUOTA_CLIENT_ID, entity.client_id())];
    let parts = parts.into_iter().filter_map(|(kind, name)| Some((kind, name?)));
    parts
        .map(|(kind, name)| {
            EntityData::default()
                .with_entity_type(text(kind))
                .with_entity_name(name.to_kafka().map(text))
        })
        .collect()
}

/// The limits of one entity of an answer, if it can be expressed.
fn limits(entry: &describe_client_quotas_response::EntryData) -> Vec<(ClientQuota, f64)> {
    let Some(entity) = entity(entry) else { return Vec::new() };
    let known = entry.values.iter().filter_map(|it| {
        let key = QuotaKey::named(&it.key)?;
        Some((ClientQuota { entity: entity.clone(), key }, it.value))
    });
    known.collect()
}

fn entity(entry: &describe_client_quotas_response::EntryData) -> Option<QuotaEntity> {
    let (mut user, mut client_id) = (None, None);
    for part in &entry.entity {
        let name = QuotaName::from_kafka(part.entity_name.as_deref())?;
        match part.entity_type.as_str() {
            QUOTA_USER => user = Some(name),
            QUOTA_CLIENT_ID => client_id = Some(name),
            _ => return None,
        }
    }
    QuotaEntity::new(user, client_id)
}

/// An entity as an answer names it, for an error.
fn shown<'a>(parts: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let parts = parts.map(|(kind, name)| format!("{kind} '{}'", name.unwrap_or("default")));
    parts.collect::<Vec<_>>().join(", ")
}
