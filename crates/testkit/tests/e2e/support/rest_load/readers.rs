//! A consumer instance that commits what it got, and goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::wait::let_pass;
use super::client::Failure;
use super::log::Seen;
use super::producers::AGAIN;
use super::{READERS, Shared};

/// Reads until it is told to stop, and deletes its instance.
pub(super) async fn read(shared: Arc<Shared>, reader: usize) {
    let group = READERS[reader];
    let base = format!("/consumers/{}-{group}", shared.stack.name("readers"));
    let mut instance = None;
    while !shared.reading.is_cancelled() {
        let went_on = match &instance {
            None => match join(&shared, &base).await {
                Ok(id) => {
                    shared.log.joined(reader, &id);
                    instance = Some(format!("{base}/instances/{id}"));
                    Ok(())
                }
                Err(failure) => Err(failure),
            },
            Some(path) => turn(&shared, reader, path).await,
        };
        match went_on {
            Ok(()) => let_pass(shared.pace).await,
            Err(Failure::Clean(404, 40403)) => instance = None,
            Err(_) => let_pass(AGAIN).await,
        }
    }
    if let Some(path) = instance {
        let _noted = shared.asked("delete", Method::DELETE, &path, None).await;
    }
}

/// Creates an instance that begins where its group is, and subscribes it.
async fn join(shared: &Shared, base: &str) -> Result<String, Failure> {
    let wish = json!({
        "format": "json",
        "auto.offset.reset": "earliest",
        "auto.commit.enable": "false",
    });
    let created = shared.asked("create", Method::POST, base, Some(&wish)).await?;
    let id = created["instance_id"].as_str().expect("an instance has an id").to_owned();
    let path = format!("{base}/instances/{id}/subscription");
    let topics = json!({ "topics": [shared.topic] });
    loop {
        match shared.asked("subscribe", Method::POST, &path, Some(&topics)).await {
            Ok(_) => return Ok(id),
            Err(gone @ Failure::Clean(404, _)) => return Err(gone),
            Err(_) => let_pass(AGAIN).await,
        }
    }
}

/// Gets records and commits them: the instance alone says "what I got", the others say how far.
async fn turn(shared: &Shared, reader: usize, path: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    let records = format!("{path}/records?timeout=1000");
    let got = shared.asked("records", Method::GET, &records, None).await?;
    let got = got.as_array().cloned().unwrap_or_default();
    let seen: Vec<Seen> = got.iter().filter_map(|it| seen(shared, it)).collect();
    if seen.is_empty() {
        return Ok(());
    }
    let body =
        if READERS[reader] == 0 { json!({}) } else { json!({ "offsets": reached(shared, &seen) }) };
    shared.log.read(reader, seen);
    shared.asked("commit", Method::POST, &format!("{path}/offsets"), Some(&body)).await?;
    shared.log.committed(reader, begun);
    Ok(())
}

fn seen(shared: &Shared, record: &Value) -> Option<Seen> {
    let number = |value: &Value| value.as_u64();
    let seen = || {
        Some(Seen {
            place: (record["partition"].as_i64()?, record["offset"].as_i64()?),
            stream: usize::try_from(number(&record["value"]["stream"])?).ok()?,
            sequence: number(&record["value"]["sequence"])?,
        })
    };
    let seen = seen();
    let key = seen.map(|it| Value::from(format!("stream-{}", it.stream)));
    if key.as_ref() != Some(&record["key"]) || record["topic"] != shared.topic.as_str() {
        shared.log.odd(format!("not what was written: {record}"));
        return None;
    }
    seen
}

/// The highest offset of each partition.
fn reached(shared: &Shared, seen: &[Seen]) -> Vec<Value> {
    let highest: BTreeMap<i64, i64> = seen.iter().map(|it| it.place).collect();
    let offset = |(partition, offset)| json!({ "topic": shared.topic, "partition": partition, "offset": offset });
    highest.into_iter().map(offset).collect()
}
