//! Requests that are in flight for sure when the proxy is asked to stop.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Answer, Stack, let_pass, wait_until};

/// Two of them: a long poll, and a record of which half is sent.
pub(crate) struct InFlight {
    poll: TcpStream,
    produce: TcpStream,
    rest: String,
}

impl InFlight {
    /// Sends them, and lets the proxy begin.
    pub(crate) async fn begin(stack: &Stack, token: &str) -> Self {
        let topic = stack.name("rest-empty");
        let instance = reader_of(stack, token, &topic).await;
        let head = |line: &str| {
            let host = stack.rest.trim_start_matches("http://");
            format!("{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n")
        };
        let path = format!("{instance}/records?timeout=30000");
        let poll = send(stack, &format!("{}\r\n", head(&format!("GET {path}")))).await;
        let body = json!({ "records": [{ "value": "in flight" }] }).to_string();
        let (first, rest) = body.split_at(10);
        let media = "Content-Type: application/vnd.kafka.json.v2+json";
        let head = head(&format!("POST /topics/{topic}"));
        let text = format!("{head}{media}\r\nContent-Length: {}\r\n\r\n{first}", body.len());
        let produce = send(stack, &text).await;
        // The proxy has begun with both by then.
        let_pass(Duration::from_secs(2)).await;
        Self { poll, produce, rest: rest.to_owned() }
    }

    /// Fails unless both are answered as if nothing was: the poll at once, the record when all of it
    /// is there.
    pub(crate) async fn assert_answered(mut self) {
        let polled = answer(self.poll).await;
        assert_eq!((polled.status, polled.json()), (200, json!([])));
        self.produce.write_all(self.rest.as_bytes()).await.expect("the proxy reads on");
        let produced = answer(self.produce).await.expect(200).json();
        assert_eq!(produced["offsets"][0]["offset"], 0, "{produced}");
    }
}

async fn send(stack: &Stack, text: &str) -> TcpStream {
    let address = stack.rest.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("the proxy listens");
    stream.write_all(text.as_bytes()).await.expect("the proxy reads");
    stream
}

/// The answer, after which a proxy that stops closes the connection.
async fn answer(mut stream: TcpStream) -> Answer {
    let mut text = String::new();
    let whole = tokio::time::timeout(Duration::from_mins(1), stream.read_to_string(&mut text));
    whole.await.expect("an answer in time").expect("a whole answer");
    Answer::parse(&text)
}

/// An instance that is subscribed to a new topic.
async fn reader_of(stack: &Stack, token: &str, topic: &str) -> String {
    stack.topic(topic, 1).await;
    let group = format!("/consumers/{}", stack.name("in-flight"));
    let instance = format!("{group}/instances/waits");
    let wish = json!({ "name": "waits", "format": "json" });
    wait_until("the topic is seen", Duration::from_secs(20), async || {
        let answer = stack.rest("GET", &format!("/topics/{topic}"), Some(token)).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    stack.rest_post(&group, Some(token), &wish).await.expect(200);
    let topics = json!({ "topics": [topic] });
    let path = format!("{instance}/subscription");
    stack.rest_post(&path, Some(token), &topics).await.expect(204);
    instance
}
