//! Step 6: Kafka's own console clients present tokens straight to the brokers.

use std::path::Path;

use anyhow::Context as _;

use crate::demo::narrator::{answer, command, note, proves};
use crate::demo::{Demo, TOPIC};

/// What makes each of these tokens differ from the plainest, and its name.
const GOOD: [(&str, &str); 3] = [
    ("&audience=my-audience&alg=RS256", "RS256, audience as a string"),
    ("&audience=my-audience&alg=ES256", "ES256"),
    ("&audience=someone-else&audience=another-audience", "audience as a list"),
];

/// A bad token for each broker. The end-to-end suite shows every bad one to every broker.
const BAD: [&str; 3] = ["self_signed_known_kid", "wrong_audience", "expired"];

pub(super) fn at_the_brokers(demo: &Demo<'_>) -> anyhow::Result<()> {
    let tools = &demo.tools;
    note("Kafka's console producer gets its token by itself, by client credentials.");
    let config = tools.client_with_credentials(&demo.at.token_url, "alice")?;
    let (succeeded, said) = produce(demo, &demo.at.bootstrap, &config, "with its own token")?;
    answer(&said);
    proves(succeeded, "written as alice by SASL OAUTHBEARER")?;

    note("The same producer with tokens of other kinds.");
    for (wishes, name) in GOOD {
        let config = tools.client_with_token(&demo.token("alice", wishes)?)?;
        let (succeeded, said) = produce(demo, &demo.at.bootstrap, &config, name)?;
        answer(&said);
        proves(succeeded, &format!("{name}: written"))?;
    }

    note("And Kafka's console consumer reads it all back.");
    let config = tools.client_with_credentials(&demo.at.token_url, "alice")?;
    let group = format!("demo-console-{}", std::process::id());
    let (bootstrap, url) = (&demo.at.bootstrap, &demo.at.token_url);
    command(&format!(
        "kafka-console-consumer --bootstrap-server {bootstrap} --topic {TOPIC} --from-beginning"
    ));
    let (_, read) = tools.consume(bootstrap, url, &config, TOPIC, &group)?;
    answer(&read);
    for (_, name) in GOOD {
        proves(read.contains(name), &format!("read: {name}"))?;
    }

    note("Bad tokens, one at each broker.");
    let brokers = demo.at.bootstrap.split(',');
    for (broker, defect) in brokers.zip(BAD) {
        let token = demo.token("alice", &format!("&audience=my-audience&defect={defect}"))?;
        let config = tools.client_with_token(&token)?;
        let (succeeded, said) = produce(demo, broker, &config, "never")?;
        let reason = said.lines().find(|line| line.contains("uthentication")).unwrap_or(&said);
        answer(reason);
        let refused = !succeeded && said.contains("invalid_token");
        proves(refused, &format!("{broker} refuses {defect}"))?;
    }
    Ok(())
}

fn produce(
    demo: &Demo<'_>,
    bootstrap: &str,
    config: &Path,
    line: &str,
) -> anyhow::Result<(bool, String)> {
    command(&format!(
        "kafka-console-producer --bootstrap-server {bootstrap} --topic {TOPIC} --command-config client.properties"
    ));
    // The proxy's consumer reads JSON, so this is JSON too.
    let value = format!("{}\n", serde_json::json!({ "hello": "tide", "by": line }));
    demo.tools
        .produce(bootstrap, &demo.at.token_url, config, TOPIC, &value)
        .context("running Kafka's console producer")
}
