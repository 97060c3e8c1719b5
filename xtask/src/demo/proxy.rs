//! Steps 3 and 5: who the REST proxy lets in, and as whom it acts.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::api::SERVICE;
use crate::demo::access::RECORD;
use crate::demo::clients::{JSON, JSON_RECORDS};
use crate::demo::narrator::{answer, command, note, proves};
use crate::demo::{Demo, TOPIC};
use crate::node_processes;

/// What the identity provider can break in a token. The proxy and each broker refuse all of them.
const DEFECTS: [&str; 10] = [
    "expired",
    "not_yet_valid",
    "wrong_issuer",
    "wrong_audience",
    "no_audience",
    "no_subject",
    "alg_none",
    "hmac_public_key",
    "unknown_kid",
    "self_signed_known_kid",
];

/// On: no token, no service. Off: the proxy's own identity. Nothing restarts.
pub(super) fn authorization(demo: &Demo<'_>) -> anyhow::Result<()> {
    let before = node_processes::list(demo.stack.places);
    note("Off: the proxy acts as itself, and asks nobody for a token.");
    switch(demo, "false", 200)?;
    note("On: no token, no service.");
    let took = switch(demo, "true", 401)?;
    demo.rest("GET", "/topics", None, None)?;
    proves(took < Duration::from_secs(2), &format!("401 without a token after {took:.1?}"))?;
    note("Off again.");
    let took = switch(demo, "false", 200)?;
    demo.rest("GET", "/topics", None, None)?;
    proves(took < Duration::from_secs(2), &format!("200 without a token after {took:.1?}"))?;
    let after = node_processes::list(demo.stack.places);
    proves(before == after, "the same processes as before: neither brokers nor proxy restarted")
}

pub(super) fn switch(demo: &Demo<'_>, on: &str, expected: u16) -> anyhow::Result<Duration> {
    let option = format!("kafka_rest_authorization={on}");
    demo.avn.run(&["service", "update", "-c", &option, SERVICE])?;
    demo.within(Duration::from_secs(10), |demo| {
        Ok(demo.rest_quietly("GET", "/topics", None, None)?.status == expected)
    })
}

/// Records in and out over HTTP, and every bad token kept out.
pub(super) fn records(demo: &Demo<'_>) -> anyhow::Result<()> {
    note("alice gets a token by client credentials.");
    let url = &demo.at.token_url;
    command(&format!(
        "curl {url} -d grant_type=client_credentials -d client_id=alice -d client_secret=… -d audience=my-audience"
    ));
    let token = demo.token("alice", "&audience=my-audience")?;
    answer(&token);
    let path = format!("/topics/{TOPIC}");
    let body = Some((JSON_RECORDS, RECORD));
    let produced = demo.rest("POST", &path, Some(&token), body)?;
    let offsets = produced.json()?["offsets"].as_array().map_or(0, Vec::len);
    proves(offsets == 1, "a record written as alice, with its offset")?;
    read_back(demo, &token)?;

    note("bob has a good token, and no ACL.");
    let bob = demo.token("bob", "&audience=my-audience")?;
    let refused = demo.rest("POST", &path, Some(&bob), body)?;
    proves(refused.status == 403, "403 for bob")?;

    note("No token, and each of ten bad ones, which the identity provider makes on request.");
    let without = demo.rest_quietly("POST", &path, None, body)?;
    proves(without.status == 401, "no token: 401")?;
    for defect in DEFECTS {
        let token = demo.token("alice", &format!("&audience=my-audience&defect={defect}"))?;
        let refused = demo.rest_quietly("POST", &path, Some(&token), body)?;
        proves(refused.status == 401, &format!("{defect}: {} {}", refused.status, refused.body))?;
    }
    Ok(())
}

fn read_back(demo: &Demo<'_>, token: &str) -> anyhow::Result<()> {
    note("A consumer instance reads it back.");
    let group = format!("/consumers/demo-{}", std::process::id());
    let create = r#"{"name":"reader","format":"json","auto.offset.reset":"earliest"}"#;
    let created = demo.rest("POST", &group, Some(token), Some((JSON, create)))?;
    created.json().context("creating a consumer instance")?;
    let instance = format!("{group}/instances/reader");
    let topics = format!(r#"{{"topics":["{TOPIC}"]}}"#);
    let subscription = format!("{instance}/subscription");
    let subscribed = demo.rest("POST", &subscription, Some(token), Some((JSON, &topics)))?;
    proves(subscribed.status / 100 == 2, "subscribed")?;
    let mut records: Vec<Value> = Vec::new();
    demo.within(Duration::from_secs(30), |demo| {
        let read = demo.rest_quietly("GET", &format!("{instance}/records"), Some(token), None)?;
        records.extend(read.json()?.as_array().into_iter().flatten().cloned());
        Ok(!records.is_empty())
    })?;
    command(&format!(
        "curl {}{instance}/records -H \"Authorization: Bearer $TOKEN\"",
        demo.at.rest
    ));
    answer(&Value::from(records.clone()).to_string());
    proves(records.iter().all(|it| it["value"]["hello"] == "tide"), "what was written came back")?;
    let deleted = demo.rest("DELETE", &instance, Some(token), None)?;
    proves(deleted.status == 204, "the instance is gone")
}
