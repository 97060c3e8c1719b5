//! A stream of records under one key: one request at a time, each until it is acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::super::wait::let_pass;
use super::Shared;
use super::client::Failure;
use super::log::{Ack, Log};

/// How long a client that was refused waits.
pub(super) const AGAIN: Duration = Duration::from_millis(200);

/// Each so many requests one brings several records: the proxy sends few and many in two ways.
const SEVERAL_EACH: u64 = 8;
const SEVERAL: u64 = 20;

/// Produces until it is told to stop. Ends with an acknowledged record.
pub(super) async fn produce(shared: Arc<Shared>, stream: usize) {
    let path = format!("/topics/{}", shared.topic);
    let mut sequence = 0_u64;
    for turn in 1_u64.. {
        let count = if turn.is_multiple_of(SEVERAL_EACH) { SEVERAL } else { 1 };
        let record = |sequence| {
            let value = json!({ "stream": stream, "sequence": sequence });
            json!({ "key": format!("stream-{stream}"), "value": value })
        };
        let records: Vec<_> = (sequence..sequence + count).map(record).collect();
        sequence += count;
        let body = json!({ "records": records });
        for attempt in 1.. {
            let begun = Instant::now();
            let answer = shared.asked("produce", Method::POST, &path, Some(&body)).await;
            if let Ok(answer) = answer {
                for index in 0..records.len() {
                    let stored = &answer["offsets"][index];
                    let place = (stored["partition"].as_i64(), stored["offset"].as_i64());
                    match place {
                        (Some(partition), Some(offset)) => {
                            let first_try = attempt == 1;
                            let ack = Ack { place: (partition, offset), begun, first_try };
                            shared.log.acknowledged(stream, ack);
                        }
                        _ => shared.log.odd(format!("acknowledged without a place: {answer}")),
                    }
                }
                break;
            }
            let_pass(AGAIN).await;
        }
        if shared.producing.is_cancelled() {
            return;
        }
        let_pass(shared.pace).await;
    }
}

impl Shared {
    /// Asks once, and notes what came of it. A token that is refused is renewed.
    pub(super) async fn asked(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<serde_json::Value, Failure> {
        let request = Log::begin(what);
        let token = self.client.token();
        let answer = self.client.ask(method, path, body).await;
        self.log.end(&request, answer.as_ref().err());
        if let Err(Failure::Clean(401, _)) = answer
            && self.client.token() == token
        {
            // Without an identity provider there is none: it is asked again after the next 401.
            let _none = self.client.renew(&self.stack).await;
        }
        answer
    }
}
