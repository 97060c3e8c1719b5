//! What Kafka refuses, written down so that the API can say it.

use std::collections::BTreeMap;

use kafka::{ErrorCode, KafkaError};
use store::{Aggregate, Refusal, Service, Store, StoreError};
use tracing::warn;

use super::DesiredError;

/// Where Kafka does not say which of them it refuses.
const ALL: &str = "all";

/// Why, by name.
pub(super) type Refused = BTreeMap<String, String>;

/// Writes down what became of one kind of things, if that is another than the last time.
pub(super) async fn note(
    store: &Store,
    service: &Service,
    aggregate: Aggregate,
    refused: Option<&Refused>,
) -> Result<(), StoreError> {
    let Some(refused) = refused.filter(|it| !is_noted(&service.refusals, aggregate, it)) else {
        return Ok(());
    };
    for (name, message) in refused {
        warn!(aggregate = aggregate.as_str(), name, message, "Kafka refuses what it shall have");
    }
    store.refusals.replace(service.id, aggregate, refused).await
}

fn is_noted(noted: &[Refusal], aggregate: Aggregate, refused: &Refused) -> bool {
    let noted: BTreeMap<&str, &str> = noted
        .iter()
        .filter(|it| it.aggregate == aggregate)
        .map(|it| (it.name.as_str(), it.message.as_str()))
        .collect();
    noted == refused.iter().map(|(name, message)| (name.as_str(), message.as_str())).collect()
}

/// What Kafka has refused; nothing after a success. `None` if that is not known: it was not reached,
/// or could not do it now and may later.
pub(super) fn refused<T>(outcome: &Result<T, DesiredError>) -> Option<Refused> {
    match outcome {
        Ok(_) => Some(Refused::new()),
        Err(DesiredError::Kafka(error)) => refused_by(error),
        Err(_) => None,
    }
}

fn refused_by(error: &KafkaError) -> Option<Refused> {
    match error {
        KafkaError::Broker { code, .. } if is_final(*code) => {
            Some([(ALL.to_owned(), error.to_string())].into())
        }
        // Of several that fail, one that may pass says nothing of the others.
        KafkaError::Items { failed, .. } if failed.iter().all(|it| is_final(it.code)) => {
            let refused = failed.iter().map(|it| {
                let one = KafkaError::Broker { code: it.code, message: it.message.clone() };
                (it.item.clone(), one.to_string())
            });
            Some(refused.collect())
        }
        _ => None,
    }
}

/// Whether the same request is refused again: Kafka says of each code whether it may pass
/// (`RetriableException`).
pub(super) fn is_final(code: ErrorCode) -> bool {
    !code.is_retriable()
}

#[cfg(test)]
mod tests {
    use kafka::ItemError;
    use model::Timestamp;

    use super::*;

    fn item(name: &str, code: ErrorCode) -> ItemError {
        ItemError { item: name.into(), code, message: Some("because".into()) }
    }

    fn of(error: KafkaError) -> Option<Refused> {
        refused::<()>(&Err(error.into()))
    }

    #[test]
    fn what_kafka_refuses_for_good_is_known_by_name() {
        let failed = vec![
            item("user alice", ErrorCode::InvalidRequest),
            item("user bob", ErrorCode::PolicyViolation),
        ];
        let found = of(KafkaError::Items { failed, of: 3 }).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["user alice", "user bob"]);
        assert!(found["user alice"].contains("because"), "{found:?}");
        let whole = KafkaError::Broker { code: ErrorCode::SecurityDisabled, message: None };
        assert_eq!(of(whole).unwrap().keys().collect::<Vec<_>>(), [ALL]);
    }

    #[test]
    fn what_may_work_later_is_neither_refused_nor_done() {
        let later = ErrorCode::NotController;
        assert_eq!(of(KafkaError::Broker { code: later, message: None }), None);
        let failed = vec![item("a", ErrorCode::InvalidRequest), item("b", later)];
        assert_eq!(of(KafkaError::Items { failed, of: 2 }), None);
        assert_eq!(of(KafkaError::Invalid("empty")), None);
        assert_eq!(refused::<()>(&Err(DesiredError::Random)), None);
        assert_eq!(refused(&Ok(())), Some(Refused::new()), "nothing is refused any more");
    }

    #[test]
    fn what_is_noted_already_is_not_written_again() {
        let noted = [Refusal {
            aggregate: Aggregate::Quota,
            name: "user alice".into(),
            message: "no".into(),
            since: Timestamp(0),
        }];
        let one = |message: &str| -> Refused { [("user alice".into(), message.into())].into() };
        assert!(is_noted(&noted, Aggregate::Quota, &one("no")));
        assert!(!is_noted(&noted, Aggregate::Quota, &one("never")));
        assert!(!is_noted(&noted, Aggregate::Quota, &Refused::new()), "it is removed");
        assert!(!is_noted(&noted, Aggregate::Acl, &one("no")));
        assert!(is_noted(&noted, Aggregate::Acl, &Refused::new()));
    }
}
