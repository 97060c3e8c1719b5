//! Step 7: what would break the brokers is refused before anything restarts.

use serde_json::json;

use crate::api::{PROJECT, SERVICE};
use crate::demo::Demo;
use crate::demo::narrator::{answer, command, note, proves};
use crate::http::Request;
use crate::node_processes;
use crate::rollout::switch_off;

pub(super) fn before_anything_restarts(demo: &Demo<'_>) -> anyhow::Result<()> {
    let before = node_processes::list(demo.stack.places);
    let issuer = &demo.at.issuer;
    let unreachable = format!("{issuer}/nothing-here");
    let no_keys = format!("{issuer}/.well-known/openid-configuration");
    let jwks = "kafka.sasl_oauthbearer_jwks_endpoint_url";

    note("A JWKS URL that does not answer with keys: the brokers would not start.");
    refused(demo, &format!("{jwks}={unreachable}"), &[jwks, &unreachable])?;
    note("A URL that answers, without a usable key: every token would be refused.");
    refused(demo, &format!("{jwks}={no_keys}"), &[jwks])?;
    note("No SASL mechanism left: nobody could log in.");
    let mut args = switch_off();
    for mechanism in ["scram_sha_256", "scram_sha_512"] {
        args.extend(["-c".to_owned(), format!("kafka_sasl_mechanisms.{mechanism}=false")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    names(&demo.avn.refused(&args)?, &["kafka_sasl_mechanisms", "no SASL mechanism"])?;
    note("A value out of range.");
    refused(demo, "kafka.message_max_bytes=-1", &["kafka.message_max_bytes", "-1"])?;
    note("An unknown option. avn knows the schema and does not even ask; curl does.");
    demo.avn.refused(&["service", "update", SERVICE, "-c", "kafka.no_such_option=1"])?;
    unknown_option(demo)?;

    note("An update that changes nothing.");
    demo.avn.run(&["service", "update", SERVICE, "-c", "kafka_rest_authorization=true"])?;
    let service = demo.stack.api()?.service()?;
    proves(service["state"] == "RUNNING", "the service is RUNNING, not REBUILDING")?;
    let after = node_processes::list(demo.stack.places);
    proves(before == after, "the same processes as before: nothing restarted")
}

fn refused(demo: &Demo<'_>, option: &str, words: &[&str]) -> anyhow::Result<()> {
    names(&demo.avn.refused(&["service", "update", SERVICE, "-c", option])?, words)
}

/// A refusal names the key, the value or the rule.
fn names(said: &str, words: &[&str]) -> anyhow::Result<()> {
    for name in words {
        proves(said.contains(name), &format!("refused, naming {name}"))?;
    }
    Ok(())
}

fn unknown_option(demo: &Demo<'_>) -> anyhow::Result<()> {
    let body = json!({ "user_config": { "kafka": { "no_such_option": 1 } } }).to_string();
    let path = format!("/v1/project/{PROJECT}/service/{SERVICE}");
    command(&format!("curl -X PUT {}{path} -d '{body}'", demo.at.control_plane));
    let response = Request::new("PUT", format!("{}{path}", demo.at.control_plane))
        .header("Authorization", &format!("aivenv1 {}", demo.at.token))
        .body("application/json", body)
        .send(demo.sh)?;
    answer(&format!("{} {}", response.status, response.body));
    let names_it = response.body.contains("kafka.no_such_option");
    proves(response.status == 400 && names_it, "400, naming kafka.no_such_option")
}
