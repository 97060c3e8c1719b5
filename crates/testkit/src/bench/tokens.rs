//! Tokens from a running `tidegate-idp`, in a file that only we can read.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::Value;

use super::connection::{Connection, Request, Target};
use crate::issuer::Defect;

/// Whose tokens.
#[derive(Args, Clone, Debug)]
pub struct Tokens {
    /// The identity provider's base address.
    #[arg(long)]
    pub idp: Target,
    /// Principals `PREFIX0`, `PREFIX1` and so on.
    #[arg(long, default_value_t = 1)]
    pub count: usize,
    /// What their names begin with.
    #[arg(long, default_value = "bench-")]
    pub prefix: String,
    /// This one principal instead.
    #[arg(long)]
    pub principal: Option<String>,
    /// One for each defect that the identity provider knows.
    #[arg(long)]
    pub bad: bool,
    /// Seconds until they expire.
    #[arg(long, default_value_t = 7200)]
    pub ttl: u32,
    /// Where they go, one a line.
    #[arg(long)]
    pub out: PathBuf,
}

/// Gets them and writes them down.
pub async fn mint(plan: &Tokens) -> anyhow::Result<()> {
    let mut connection = Connection::open(&plan.idp.address).await.context("the idp")?;
    let mut tokens = Vec::new();
    for wish in wishes(plan) {
        let form = format!(
            "grant_type=client_credentials&client_id=alice&client_secret=alice-secret\
             &audience=my-audience&ttl={}{wish}",
            plan.ttl
        );
        let request = Request {
            method: "POST",
            path: "/token",
            content_type: "application/x-www-form-urlencoded",
            token: None,
            body: form.as_bytes(),
        };
        let answer = connection.ask(&request.render(&plan.idp.address)).await?;
        let answer: Value = serde_json::from_slice(answer)?;
        tokens.push(answer["access_token"].as_str().context("a token")?.to_owned());
    }
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file =
        options.open(&plan.out).with_context(|| format!("writing {}", plan.out.display()))?;
    Ok(writeln!(file, "{}", tokens.join("\n"))?)
}

fn wishes(plan: &Tokens) -> Vec<String> {
    if plan.bad {
        return Defect::ALL.iter().map(|(_, name)| format!("&sub=mallory&defect={name}")).collect();
    }
    if let Some(principal) = &plan.principal {
        return vec![format!("&sub={principal}")];
    }
    (0..plan.count).map(|number| format!("&sub={}{number}", plan.prefix)).collect()
}

/// The tokens of a file.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let tokens: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    ensure!(!tokens.is_empty(), "{} holds no token", path.display());
    Ok(tokens)
}
