//! `tidegate-control-plane key ..`: the keys that secrets are sealed with, for operators.

use anyhow::bail;
use model::Secret;
use serde_json::{Value, json};
use store::{CipherFailed, KeyStatus, MasterKeys, Rotated, Store};
use web::chain;

/// A new master key, as the key file holds it.
pub fn generate_key() -> Result<Secret, CipherFailed> {
    MasterKeys::generate()
}

/// Seals every secret with a new data key, and says with `say` how far it is and what was done. An
/// error if a secret is left as it was.
pub async fn rotate_keys(store: &Store, mut say: impl FnMut(String) + Send) -> anyhow::Result<()> {
    let rotated = store
        .keys
        .rotate(|it| say(format!("re-sealed {} of {} secrets", it.resealed, it.total)))
        .await?;
    let Rotated { data_key, resealed, removed, failed, left } = rotated;
    say(format!("secrets re-sealed with data key {data_key}: {resealed}"));
    say(format!("data keys removed, which nothing needs any more: {removed}"));
    if left == 0 {
        return Ok(());
    }
    for error in &failed {
        say(format!("left as it was: {}", chain(error)));
    }
    bail!("secrets that are not sealed with the new data key: {left}; reset them, and run it again")
}

/// Which keys are in use: a line each for people, or one JSON object.
pub async fn key_status(store: &Store, as_json: bool) -> anyhow::Result<String> {
    let status = store.keys.status().await?;
    Ok(if as_json { to_json(&status).to_string() } else { to_text(&status) })
}

fn to_json(status: &KeyStatus) -> Value {
    let KeyStatus { master_keys, data_keys, plain, lost } = status;
    let newest = data_keys.last().map(|it| &it.id);
    let data_keys = data_keys.iter().map(|it| {
        json!({
            "id": it.id.to_string(),
            "generation": it.generation,
            "master_key": it.master_key.to_string(),
            "master_key_given": master_keys.contains(&it.master_key),
            "created_at": it.created_at.to_string(),
            "secrets": it.secrets,
            "seals": newest == Some(&it.id),
        })
    });
    json!({
        "master_keys": master_keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "data_keys": data_keys.collect::<Vec<_>>(),
        "plain_secrets": plain,
        "lost_secrets": lost,
    })
}

fn to_text(status: &KeyStatus) -> String {
    let KeyStatus { master_keys, data_keys, plain, lost } = status;
    let mut lines = Vec::new();
    for (number, id) in (1..).zip(master_keys) {
        let use_of = if number == 1 { "seals" } else { "opens" };
        lines.push(format!("master key {id}  {use_of}"));
    }
    let newest = data_keys.last().map(|it| &it.id);
    for it in data_keys {
        let use_of = if newest == Some(&it.id) { "seals" } else { "opens" };
        let given = if master_keys.contains(&it.master_key) { "" } else { " (not given)" };
        let (id, master_key, secrets, made) = (&it.id, &it.master_key, it.secrets, it.created_at);
        lines.push(format!(
            "data key   {id}  {use_of}, {secrets} secrets, made {made}, wrapped by {master_key}{given}"
        ));
    }
    lines.push(format!("{plain} secrets in plain text"));
    if *lost > 0 {
        lines.push(format!("{lost} secrets whose data key is not in the database"));
    }
    lines.join("\n")
}
