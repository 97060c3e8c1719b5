//! Quotas as they go over the wire.

use kafka_protocol::messages::alter_client_quotas_response::{
    EntityData as Answered, EntryData as Outcome,
};
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, ApiKey, DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
};
use kafka_protocol::protocol::StrBytes;
use model::{ClientQuota, QuotaEntity, QuotaKey, QuotaName};

use crate::ErrorCode;
use crate::tests::admin;
use crate::tests::fake::Fake;

fn entity(user: Option<&str>, client_id: Option<&str>) -> QuotaEntity {
    let name = |key, it: Option<&str>| it.map(|it| QuotaName::parse(key, it).unwrap());
    QuotaEntity::new(name("user", user), name("client-id", client_id)).unwrap()
}

fn quota(entity: &QuotaEntity, key: QuotaKey) -> ClientQuota {
    ClientQuota { entity: entity.clone(), key }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn entry(parts: &[(&str, Option<&str>)], values: &[(&str, f64)]) -> EntryData {
    let parts = parts.iter().map(|(kind, name)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.map(text))
    });
    let values = values
        .iter()
        .map(|(key, value)| ValueData::default().with_key(text(key)).with_value(*value));
    EntryData::default().with_entity(parts.collect()).with_values(values.collect())
}

#[tokio::test]
async fn what_cannot_be_expressed_is_left_out() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::DescribeClientQuotas => {
            let all: DescribeClientQuotasRequest = asked.request();
            assert!(all.components.is_empty() && !all.strict);
            asked.answer::<DescribeClientQuotasRequest>(
                &DescribeClientQuotasResponse::default().with_entries(Some(vec![
                    entry(
                        &[("client-id", Some("c")), ("user", None)],
                        &[("consumer_byte_rate", 5.0), ("controller_mutation_rate", 1.0)],
                    ),
                    entry(&[("user", Some("a"))], &[("request_percentage", 12.5)]),
                    entry(&[("user", Some("default"))], &[("request_percentage", 1.0)]),
                    entry(&[("ip", Some("10.0.0.1"))], &[("connection_creation_rate", 1.0)]),
                ])),
            )
        }
        _ => asked.healthy(),
    })
    .await;
    let found = admin(&[&fake.address]).describe_quotas().await.unwrap();
    let expected = [
        (quota(&entity(Some("default"), Some("c")), QuotaKey::ConsumerByteRate), 5.0),
        (quota(&entity(Some("a"), None), QuotaKey::RequestPercentage), 12.5),
    ];
    assert_eq!(found, expected.into());
}

#[tokio::test]
async fn an_entity_is_changed_in_one_entry_and_a_refusal_names_it() {
    let fake = Fake::start(|asked| match asked.api {
        ApiKey::AlterClientQuotas => {
            let request: AlterClientQuotasRequest = asked.request();
            let [client, alice] = &request.entries[..] else { panic!("{:?}", request.entries) };
            let name = |it: &Option<StrBytes>| it.as_ref().map(ToString::to_string);
            assert_eq!(client.entity[0].entity_type.as_str(), "client-id");
            assert_eq!(name(&client.entity[0].entity_name), None, "the default entity");
            let ops: Vec<_> =
                alice.ops.iter().map(|it| (it.key.as_str(), it.value, it.remove)).collect();
            assert_eq!(
                ops,
                [("consumer_byte_rate", 7.0, false), ("request_percentage", 0.0, true)]
            );
            let part =
                Answered::default().with_entity_type(text("client-id")).with_entity_name(None);
            let refused = Outcome::default()
                .with_error_code(ErrorCode::InvalidRequest.code())
                .with_error_message(Some(text("no")))
                .with_entity(vec![part]);
            asked.answer::<AlterClientQuotasRequest>(
                &AlterClientQuotasResponse::default()
                    .with_entries(vec![refused, Outcome::default()]),
            )
        }
        _ => asked.healthy(),
    })
    .await;
    let (alice, client) = (entity(Some("alice"), None), entity(None, Some("default")));
    let changes = [
        (quota(&alice, QuotaKey::ConsumerByteRate), Some(7.0)),
        (quota(&alice, QuotaKey::RequestPercentage), None),
        (quota(&client, QuotaKey::ProducerByteRate), Some(1.0)),
    ];
    let error = admin(&[&fake.address]).alter_quotas(&changes.into()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Kafka refused 1 of 2 items, the first: client-id 'default': INVALID_REQUEST: no"
    );
}
