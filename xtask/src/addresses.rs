//! Where the parts of a running stack are, as a table and as `export` lines.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;
use xshell::Shell;

use crate::api::{Api, PROJECT, SERVICE};
use crate::http::Request;

/// The addresses of a running stack.
pub(crate) struct Addresses {
    pub(crate) control_plane: String,
    /// The client listeners of all nodes.
    pub(crate) bootstrap: String,
    pub(crate) security_protocol: String,
    pub(crate) rest: String,
    pub(crate) issuer: String,
    pub(crate) jwks: String,
    pub(crate) token_url: String,
    /// A token for the control plane.
    pub(crate) token: String,
    pub(crate) avn: PathBuf,
}

impl Addresses {
    /// Asks the control plane and the identity provider.
    pub(crate) fn ask(api: &Api<'_>, idp: &str, avn: PathBuf) -> anyhow::Result<Self> {
        let service = api.service()?;
        let discovery = discovery(api.sh, idp)?.context("the identity provider does not answer")?;
        let said = |key: &str| {
            let value = discovery[key].as_str().map(str::to_owned);
            value.with_context(|| format!("the identity provider says no {key}"))
        };
        let rest = service["connection_info"]["kafka_rest_uri"].as_str();
        Ok(Self {
            control_plane: api.url.clone(),
            bootstrap: bootstrap(&service)?,
            security_protocol: "SASL_PLAINTEXT".to_owned(),
            rest: rest.context("the service has no REST proxy")?.trim_end_matches('/').to_owned(),
            issuer: said("issuer")?,
            jwks: said("jwks_uri")?,
            token_url: said("token_endpoint")?,
            token: api.token.clone(),
            avn,
        })
    }

    /// The variables of `dev env`.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AIVEN_WEB_URL", self.control_plane.clone()),
            ("AIVEN_AUTH_TOKEN", self.token.clone()),
            ("AIVEN_PROJECT", PROJECT.to_owned()),
            ("TIDEGATE_URL", self.control_plane.clone()),
            ("TIDEGATE_SERVICE", SERVICE.to_owned()),
            ("TIDEGATE_BOOTSTRAP", self.bootstrap.clone()),
            ("TIDEGATE_SECURITY_PROTOCOL", self.security_protocol.clone()),
            ("TIDEGATE_REST_URL", self.rest.clone()),
            ("TIDEGATE_ISSUER", self.issuer.clone()),
            ("TIDEGATE_JWKS_URL", self.jwks.clone()),
            ("TIDEGATE_TOKEN_URL", self.token_url.clone()),
        ]
    }

    /// What a shell has to evaluate.
    pub(crate) fn exports(&self) -> String {
        let mut lines: Vec<String> = self
            .variables()
            .into_iter()
            .map(|(name, value)| format!("export {name}={}", quote(&value)))
            .collect();
        if let Some(bin) = self.avn.parent() {
            lines.push(format!("export PATH={}:\"$PATH\"", quote(&bin.display().to_string())));
        }
        lines.join("\n")
    }

    /// What is shown when the stack is up: the addresses, and commands to paste. `dev` is the command
    /// about this stack.
    pub(crate) fn welcome(&self, dev: &str) -> String {
        let Self { control_plane, bootstrap, rest, issuer, jwks, token_url, .. } = self;
        format!(
            r#"
  control plane      {control_plane}
  console            {control_plane}/console  (by the identity provider, or by AIVEN_AUTH_TOKEN of `env`)
  REST proxy         {rest}
  Kafka              {bootstrap}  (SASL_PLAINTEXT: SCRAM, or OAUTHBEARER once OIDC is on)
  identity provider  {issuer}  (clients alice, bob, admin; people max, ada, dev, ida, eve)

Ready to paste into another terminal:

  eval "$({dev} env)"
  avn service list
  avn service update {SERVICE} -c kafka.sasl_oauthbearer_expected_audience="my-audience, another-audience" -c kafka.sasl_oauthbearer_expected_issuer={issuer} -c kafka.sasl_oauthbearer_jwks_endpoint_url={jwks} -c kafka.sasl_oauthbearer_sub_claim_name=custom-sub
  avn service wait {SERVICE}
  avn service update -c kafka_rest_authorization=true {SERVICE}
  avn service topic-create {SERVICE} orders --partitions 3 --replication 3
  avn service user-create {SERVICE} --username alice
  avn service acl-add {SERVICE} --permission readwrite --topic orders --username alice
  TOKEN=$(curl -s {token_url} -d grant_type=client_credentials -d client_id=alice -d client_secret=alice-secret -d audience=my-audience | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
  curl -s {rest}/topics/orders -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/vnd.kafka.json.v2+json" -d '{{"records":[{{"value":{{"hello":"tide"}}}}]}}'
"#
        )
    }
}

/// What the identity provider says of itself, if it answers.
pub(crate) fn discovery(sh: &Shell, idp: &str) -> anyhow::Result<Option<Value>> {
    let url = format!("{idp}/.well-known/openid-configuration");
    let response = Request::new("GET", url).send(sh)?;
    if response.status == 0 { Ok(None) } else { response.json().map(Some) }
}

/// The client listeners of all nodes: each address of Kafka itself among the components, once.
pub(crate) fn bootstrap(service: &Value) -> anyhow::Result<String> {
    let mut addresses = Vec::new();
    for component in service["components"].as_array().context("the service has components")? {
        let (host, port) = (component["host"].as_str(), component["port"].as_u64());
        if let (Some("kafka"), Some(host), Some(port)) =
            (component["component"].as_str(), host, port)
        {
            let address = format!("{host}:{port}");
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    anyhow::ensure!(!addresses.is_empty(), "the service has no Kafka address");
    Ok(addresses.join(","))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bootstrap_names_every_node_once() {
        let service = json!({ "components": [
            { "component": "kafka", "host": "127.0.0.1", "port": 1 },
            { "component": "kafka", "host": "127.0.0.1", "port": 2 },
            { "component": "kafka", "host": "127.0.0.1", "port": 1 },
            { "component": "kafka_rest", "host": "127.0.0.1", "port": 3 },
        ] });
        assert_eq!(bootstrap(&service).unwrap(), "127.0.0.1:1,127.0.0.1:2");
    }

    #[test]
    fn a_quote_does_not_end_the_quoting() {
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
