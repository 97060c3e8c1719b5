//! A consumer instance of the REST proxy, as a client uses it.

use serde_json::Value;

use super::connection::{Connection, Request, Target};
use super::payload::{self, JSON_RECORDS};

/// What everything but records is written in.
const JSON: &str = "application/vnd.kafka.v2+json";

/// One instance, on a connection of its own.
pub(super) struct Instance {
    host: String,
    path: String,
    token: Option<String>,
    connection: Connection,
}

impl Instance {
    /// Creates it in a group and subscribes.
    pub(super) async fn create(
        at: &Target,
        group: &str,
        topic: &str,
        offsets: &str,
        token: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut this = Self {
            host: at.address.clone(),
            path: format!("/consumers/{group}"),
            token: token.map(str::to_owned),
            connection: Connection::open(&at.address).await?,
        };
        let wishes = serde_json::json!({
            "format": "json",
            "auto.offset.reset": offsets,
            "auto.commit.enable": "false",
        });
        let created = this.post("", &wishes).await?;
        let id = created["instance_id"].as_str().unwrap_or_default();
        this.path = format!("{}/instances/{id}", this.path);
        this.post("/subscription", &serde_json::json!({ "topics": [topic] })).await?;
        Ok(this)
    }

    /// The request for records, to be sent again and again.
    pub(super) fn fetch(&self, query: &str) -> Vec<u8> {
        let path = format!("{}/records{query}", self.path);
        let content_type = JSON_RECORDS;
        let token = self.token.as_deref();
        Request { method: "GET", path: &path, content_type, token, body: b"" }.render(&self.host)
    }

    /// Sends it and waits for the answer.
    pub(super) async fn records(&mut self, fetch: &[u8]) -> anyhow::Result<&[u8]> {
        self.connection.ask(fetch).await
    }

    /// Closes it.
    pub(super) async fn delete(mut self) -> anyhow::Result<()> {
        let request = Request {
            method: "DELETE",
            path: &self.path,
            content_type: JSON,
            token: self.token.as_deref(),
            body: b"",
        };
        self.connection.ask(&request.render(&self.host)).await.map(drop)
    }

    async fn post(&mut self, below: &str, body: &Value) -> anyhow::Result<Value> {
        let (path, body) = (format!("{}{below}", self.path), body.to_string());
        let request = Request {
            method: "POST",
            path: &path,
            content_type: JSON,
            token: self.token.as_deref(),
            body: body.as_bytes(),
        };
        let answer = self.connection.ask(&request.render(&self.host)).await?;
        Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(answer)? })
    }
}

/// What arrived of a topic, and whether each record came once.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrived {
    pub(super) records: u64,
    /// The next offset of each partition.
    next: Vec<i64>,
    /// Offsets that were skipped, or came again.
    pub(super) gaps: u64,
}

impl Arrived {
    /// Counts an answer.
    pub(super) fn add(&mut self, answer: &[u8]) {
        let offsets = payload::numbers(answer, r#""offset":"#);
        let partitions = payload::numbers(answer, r#""partition":"#);
        for (offset, partition) in offsets.zip(partitions) {
            let partition = usize::try_from(partition).unwrap_or(0);
            if self.next.len() <= partition {
                self.next.resize(partition + 1, 0);
            }
            if offset != self.next[partition] {
                self.gaps += 1;
            }
            self.next[partition] = offset + 1;
            self.records += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_skipped_or_comes_twice_is_a_gap() {
        let mut arrived = Arrived::default();
        let record =
            |offset, partition| format!(r#"{{"offset":{offset},"partition":{partition}}}"#);
        arrived.add([record(0, 0), record(0, 4), record(1, 0)].join(",").as_bytes());
        assert_eq!((arrived.records, arrived.gaps), (3, 0));
        arrived.add(record(1, 0).as_bytes());
        arrived.add(record(5, 4).as_bytes());
        assert_eq!((arrived.records, arrived.gaps), (5, 2));
    }
}
