//! Step 4: a topic, a service user and an ACL, from avn to Kafka.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::api::SERVICE;
use crate::demo::clients::JSON_RECORDS;
use crate::demo::narrator::{note, proves};
use crate::demo::proxy::switch;
use crate::demo::{Demo, TOPIC};

/// One record, as the proxy takes it.
pub(super) const RECORD: &str = r#"{"records":[{"value":{"hello":"tide"}}]}"#;

pub(super) fn become_real(demo: &Demo<'_>) -> anyhow::Result<()> {
    note("What an earlier demo made is removed first, so that this one shows it coming.");
    undo(demo)?;

    note("A topic of three partitions.");
    let create =
        ["service", "topic-create", SERVICE, TOPIC, "--partitions", "3", "--replication", "3"];
    demo.avn.run(&create)?;
    let path = format!("/topics/{TOPIC}");
    let took = demo.within(Duration::from_secs(10), |demo| {
        Ok(demo.rest_quietly("GET", &path, None, None)?.status == 200)
    })?;
    demo.rest("GET", &path, None, None)?;
    proves(took < Duration::from_secs(2), &format!("Kafka has the topic after {took:.1?}"))?;

    note("From here on the proxy wants tokens.");
    switch(demo, "true", 401)?;
    note("An OIDC principal may do nothing until a service user of its name has an ACL.");
    let token = demo.token("alice", "&audience=my-audience")?;
    let answer = demo.rest("POST", &path, Some(&token), Some((JSON_RECORDS, RECORD)))?;
    proves(answer.status == 403, "alice has a good token and no ACL: 403")?;
    demo.avn.run(&["service", "user-create", SERVICE, "--username", "alice"])?;
    let acl = ["--permission", "readwrite", "--topic", TOPIC, "--username", "alice"];
    demo.avn.run(&[&["service", "acl-add", SERVICE], &acl[..]].concat())?;
    let took = demo.within(Duration::from_secs(10), |demo| {
        let body = Some((JSON_RECORDS, RECORD));
        Ok(demo.rest_quietly("POST", &path, Some(&token), body)?.status == 200)
    })?;
    proves(took < Duration::from_secs(2), &format!("first record {took:.1?} after acl-add"))?;
    demo.avn.run(&["service", "acl-list", SERVICE]).map(drop)
}

/// Removes topic, ACLs and user, if they are there.
fn undo(demo: &Demo<'_>) -> anyhow::Result<()> {
    let service = demo.stack.api()?.service()?;
    let has = |list: &str, key: &str, name: &str| {
        service[list].as_array().into_iter().flatten().any(|it| it[key] == name)
    };
    let (listed, acls) = demo.avn.quietly(&["service", "acl-list", SERVICE, "--json"])?;
    anyhow::ensure!(listed, "acl-list failed: {acls}");
    let acls: Value = serde_json::from_str(&acls).context("acl-list prints JSON")?;
    let entries = acls.as_array().or_else(|| acls["acl"].as_array()).cloned().unwrap_or_default();
    for entry in entries.iter().filter(|it| it["username"] == "alice") {
        let id = entry["id"].as_str().context("an entry has an id")?;
        demo.avn.run(&["service", "acl-delete", SERVICE, id])?;
    }
    if has("users", "username", "alice") {
        demo.avn.run(&["service", "user-delete", SERVICE, "--username", "alice"])?;
    }
    // The proxy asks Kafka itself, as its own identity: nobody needs a token yet.
    let path = format!("/topics/{TOPIC}");
    let has_topic = |demo: &Demo<'_>| -> anyhow::Result<bool> {
        Ok(demo.rest_quietly("GET", &path, None, None)?.status == 200)
    };
    if has_topic(demo)? {
        demo.avn.run(&["service", "topic-delete", SERVICE, TOPIC])?;
        demo.within(Duration::from_secs(20), |demo| Ok(!has_topic(demo)?))?;
    }
    Ok(())
}
