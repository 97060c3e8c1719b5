//! Configuration that the usual clients take as it is, placeholders aside.

use serde::Serialize;
use service_config::Oidc;
use utoipa::ToSchema;

use super::access::{Access, Login, Rest};

const OAUTHBEARER: &str = "org.apache.kafka.common.security.oauthbearer";
const SCRAM: &str = "org.apache.kafka.common.security.scram";

/// One text for each client.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snippets {
    /// Properties of librdkafka, and so of most clients that are not Java.
    librdkafka: String,
    /// Properties of Kafka's own Java clients and tools.
    java: String,
    /// A program that writes a record and reads it, with confluent-kafka.
    python: String,
    /// A command that writes a record by the REST proxy; null while that is off.
    curl: Option<String>,
    /// A command that shows brokers and topics.
    kcat: String,
    /// Commands about the service.
    avn: String,
}

/// Something to put in before a snippet is used.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Placeholder {
    pub(crate) name: &'static str,
    pub(crate) description: String,
}

impl Snippets {
    /// Those that there are, each with the name of its client.
    pub(crate) fn named(self) -> Vec<(&'static str, String)> {
        let Self { librdkafka, java, python, curl, kcat, avn } = self;
        let first = [("librdkafka", librdkafka), ("Java", java), ("Python", python)];
        let curl = curl.map(|it| ("curl", it));
        first.into_iter().chain(curl).chain([("kcat", kcat), ("avn", avn)]).collect()
    }
}

/// Every text.
pub(super) fn snippets(access: &Access) -> Snippets {
    Snippets {
        librdkafka: librdkafka(access),
        java: java(access),
        python: python(access),
        curl: access.rest.as_ref().map(|rest| curl(access, rest)),
        kcat: kcat(access),
        avn: avn(access),
    }
}

/// What stands in the texts for what only the client knows.
pub(super) fn placeholders(access: &Access) -> Vec<Placeholder> {
    let of = |name, description: &str| Placeholder { name, description: description.to_owned() };
    let mut all = match &access.login {
        Login::Oidc(oidc) => vec![
            of("<CLIENT_ID>", "A client of the identity provider, for client credentials"),
            of("<CLIENT_SECRET>", "Its secret"),
            of("<TOKEN_ENDPOINT_URL>", &format!("The token_endpoint of {}", metadata(oidc))),
        ],
        Login::Scram(_) => {
            vec![of("<USERNAME>", "A service user"), of("<PASSWORD>", "Its password")]
        }
    };
    all.push(of("<TOPIC>", "A topic that it may write and read"));
    all.push(of("<GROUP>", "A consumer group that it may use"));
    all
}

/// Where an identity provider says its addresses (`OpenID` Connect Discovery, 4).
fn metadata(oidc: &Oidc) -> String {
    format!("{}/.well-known/openid-configuration", oidc.issuer.trim_end_matches('/'))
}

/// What a token has to be, for a comment.
fn token(oidc: &Oidc) -> String {
    let audiences = oidc.audiences.join(" or ");
    format!("tokens need iss {}, aud {audiences}, and {}", oidc.issuer, oidc.sub_claim_name)
}

/// By librdkafka's names.
fn pairs(access: &Access) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("bootstrap.servers", access.bootstrap.clone()),
        ("security.protocol", access.protocol.to_owned()),
        ("sasl.mechanisms", access.mechanism().to_owned()),
    ];
    let rest: &[(&'static str, &str)] = match access.login {
        Login::Oidc(_) => &[
            ("sasl.oauthbearer.method", "oidc"),
            ("sasl.oauthbearer.client.id", "<CLIENT_ID>"),
            ("sasl.oauthbearer.client.secret", "<CLIENT_SECRET>"),
            ("sasl.oauthbearer.token.endpoint.url", "<TOKEN_ENDPOINT_URL>"),
        ],
        Login::Scram(_) => &[("sasl.username", "<USERNAME>"), ("sasl.password", "<PASSWORD>")],
    };
    pairs.extend(rest.iter().map(|(name, value)| (*name, (*value).to_owned())));
    pairs
}

fn lines(pairs: &[(&str, String)]) -> String {
    let lines: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    lines.concat()
}

fn librdkafka(access: &Access) -> String {
    let comment = match &access.login {
        Login::Oidc(oidc) => format!("# librdkafka with OIDC (libcurl); {}\n", token(oidc)),
        Login::Scram(_) => String::new(),
    };
    comment + &lines(&pairs(access))
}

fn java(access: &Access) -> String {
    let mut pairs = vec![
        ("bootstrap.servers", access.bootstrap.clone()),
        ("security.protocol", access.protocol.to_owned()),
        ("sasl.mechanism", access.mechanism().to_owned()),
    ];
    let Login::Oidc(oidc) = &access.login else {
        let module = format!("{SCRAM}.ScramLoginModule required");
        let jaas = format!("{module} username=\"<USERNAME>\" password=\"<PASSWORD>\";");
        pairs.push(("sasl.jaas.config", jaas));
        return lines(&pairs);
    };
    let module = format!("{OAUTHBEARER}.OAuthBearerLoginModule required");
    // A backslash in a file of properties says that the next character is none of its own.
    let claim = oidc.sub_claim_name.replace('\\', "\\\\");
    pairs.extend([
        (
            "sasl.login.callback.handler.class",
            format!("{OAUTHBEARER}.OAuthBearerLoginCallbackHandler"),
        ),
        ("sasl.oauthbearer.token.endpoint.url", "<TOKEN_ENDPOINT_URL>".to_owned()),
        ("sasl.oauthbearer.sub.claim.name", claim),
        (
            "sasl.jaas.config",
            format!("{module} clientId=\"<CLIENT_ID>\" clientSecret=\"<CLIENT_SECRET>\";"),
        ),
    ]);
    format!(
        "# {}\n# Kafka 4.0 and later: -Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=<TOKEN_ENDPOINT_URL>\n{}",
        token(oidc),
        lines(&pairs)
    )
}

fn python(access: &Access) -> String {
    let entry = |(name, value): &(&str, String)| format!("    \"{name}\": \"{value}\",\n");
    let config: Vec<String> = pairs(access).iter().map(entry).collect();
    let config = config.concat();
    format!("from confluent_kafka import Consumer, Producer\n\nconfig = {{\n{config}}}\n{PYTHON}")
}

const PYTHON: &str = r#"

def delivered(error, message):
    if error:
        raise SystemExit(f"not written: {error}")


producer = Producer(config)
producer.produce("<TOPIC>", value="hello", on_delivery=delivered)
if producer.flush(30):
    raise SystemExit("not written: no answer")
consumer = Consumer({**config, "group.id": "<GROUP>", "auto.offset.reset": "earliest"})
consumer.subscribe(["<TOPIC>"])
message = consumer.poll(30)
if message is None or message.error():
    raise SystemExit(f"not read: {message and message.error()}")
print(message.value().decode())
consumer.close()
"#;

fn curl(access: &Access, rest: &Rest) -> String {
    let send = |who: &str| {
        format!(
            "curl {who}-H 'Content-Type: application/vnd.kafka.json.v2+json' \\\n  \
             -d '{{\"records\":[{{\"value\":\"hello\"}}]}}' 'http://{}/topics/<TOPIC>'\n",
            rest.address
        )
    };
    match &access.login {
        _ if !rest.authorization => send(""),
        Login::Scram(_) => send("-u '<USERNAME>:<PASSWORD>' "),
        Login::Oidc(_) => format!(
            "TOKEN=$(curl -s -u '<CLIENT_ID>:<CLIENT_SECRET>' -d grant_type=client_credentials \\\n  \
             '<TOKEN_ENDPOINT_URL>' | jq -r .access_token)\n{}",
            send("-H \"Authorization: Bearer $TOKEN\" ")
        ),
    }
}

fn kcat(access: &Access) -> String {
    let option = |(name, value): &(&str, String)| format!(" \\\n  -X '{name}={value}'");
    let options: Vec<String> = pairs(access).iter().map(option).collect();
    let options = options.concat();
    format!("kcat -L{options}\n")
}

fn avn(access: &Access) -> String {
    let Access { project, service, protocol, .. } = access;
    let at = format!("--project {project} {service}");
    let get = format!("avn service get {at}\n");
    if matches!(access.login, Login::Oidc(_)) {
        return get;
    }
    format!(
        "{get}avn service user-list {at} --format '{{username}} {{password}}'\n\
         # avn writes SASL_SSL into it; this listener is {protocol}\n\
         avn service connection-info kcat {at} -a sasl -u '<USERNAME>'\n"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use service_config::{Rules, effective};

    use super::*;

    fn access(config: &serde_json::Value, rest: Option<bool>) -> Access {
        let rules = Rules { url_policy: model::UrlPolicy::HttpsOnly };
        let effective = effective(config.as_object().unwrap(), &rules).unwrap();
        Access {
            project: "dev".into(),
            service: "my-kafka".into(),
            bootstrap: "10.0.0.1:9094,10.0.0.2:9094".into(),
            protocol: "SASL_PLAINTEXT",
            login: effective
                .oidc()
                .map_or(Login::Scram("SCRAM-SHA-512"), |it| Login::Oidc(it.clone())),
            rest: rest.map(|authorization| Rest { address: "10.0.0.1:8082".into(), authorization }),
        }
    }

    fn shown(access: &Access) -> String {
        let Snippets { librdkafka, java, python, curl, kcat, avn } = snippets(access);
        let curl = curl.unwrap_or_else(|| "none\n".to_owned());
        let all = [("librdkafka", librdkafka), ("java", java), ("python", python), ("curl", curl)];
        let all = all.into_iter().chain([("kcat", kcat), ("avn", avn)]);
        all.map(|(name, text)| format!("== {name}\n{text}")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn with_oidc_everything_gets_a_token() {
        let config = json!({
            "kafka_authentication_methods": { "sasl": true },
            "kafka": {
                "sasl_oauthbearer_jwks_endpoint_url": "https://idp.example.com/jwks",
                "sasl_oauthbearer_expected_issuer": "https://idp.example.com/",
                "sasl_oauthbearer_expected_audience": "kafka, other",
                "sasl_oauthbearer_sub_claim_name": "custom-sub",
            },
        });
        insta::assert_snapshot!(shown(&access(&config, Some(true))));
    }

    #[test]
    fn without_oidc_everything_logs_in_with_a_password() {
        let config = json!({ "kafka_authentication_methods": { "sasl": true } });
        insta::assert_snapshot!(shown(&access(&config, Some(true))));
    }

    #[test]
    fn a_proxy_without_authorization_is_asked_without_a_token_and_none_is_not_asked() {
        let config = json!({ "kafka_authentication_methods": { "sasl": true } });
        let open = snippets(&access(&config, Some(false))).curl.unwrap();
        assert!(!open.contains("-u ") && open.starts_with("curl -H 'Content-Type"), "{open}");
        assert_eq!(snippets(&access(&config, None)).curl, None);
    }

    /// And no placeholder is explained that is nowhere.
    #[test]
    fn every_placeholder_is_explained() {
        let config = json!({ "kafka_authentication_methods": { "sasl": true } });
        let access = access(&config, Some(true));
        let text = shown(&access);
        let explained = placeholders(&access);
        for placeholder in &explained {
            assert!(text.contains(placeholder.name), "{placeholder:?}");
        }
        let used = text.split('<').skip(1).filter_map(|it| Some(it.split_once('>')?.0));
        for name in used.filter(|it| it.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')) {
            assert!(explained.iter().any(|it| it.name == format!("<{name}>")), "{name}");
        }
    }
}
