//! Doing what was asked for.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::api::{Api, part};
use crate::cli::{Cli, Command, OneRollout, Plan, RolloutCommand, Start};
use crate::wire::{Forecast, Rollout};
use crate::{Exit, moment, render, screen, watch};

/// Does what was asked for.
pub async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let api = Api::open(&cli.target).await?;
    let Command::Rollout(command) = cli.command;
    let asked = Asked { api, json: cli.target.json };
    match command {
        RolloutCommand::Status(which) => asked.status(&which).await,
        RolloutCommand::List { service, limit } => asked.list(&service, limit).await,
        RolloutCommand::Watch(which) => asked.watch(&which).await,
        RolloutCommand::Forecast(plan) => asked.forecast(&plan).await,
        RolloutCommand::Start(start) => asked.start(&start).await,
        RolloutCommand::Pause { which, reason, name } => {
            asked.tell(&which, "pause", json!({ "reason": reason, "name": name })).await
        }
        RolloutCommand::Resume(which) => asked.tell(&which, "resume", json!({})).await,
        RolloutCommand::Abort(which) => asked.tell(&which, "abort", json!({})).await,
        RolloutCommand::Rollback(which) => asked.tell(&which, "rollback", json!({})).await,
        RolloutCommand::StartNow(which) => asked.tell(&which, "start-now", json!({})).await,
        RolloutCommand::Consent { which, name, reason, raise_replication } => {
            asked.tell(&which, "consent", consent(&name, &reason, raise_replication)).await
        }
    }
}

/// Whom to ask, and how to show what they say.
struct Asked {
    api: Api,
    json: bool,
}

impl Asked {
    async fn status(&self, which: &OneRollout) -> anyhow::Result<Exit> {
        let id = self.id(which).await?;
        let answer = self.api.get(&which.service, &[&id]).await?;
        self.show(&answer, |it| {
            Ok(render::rollout(&part::<Rollout>(it, "rollout")?, moment::now()))
        })
    }

    async fn list(&self, service: &str, limit: u32) -> anyhow::Result<Exit> {
        let answer = self.api.latest(service, limit).await?;
        self.show(&answer, |it| Ok(render::list(&part::<Vec<Rollout>>(it, "rollouts")?)))
    }

    async fn watch(&self, which: &OneRollout) -> anyhow::Result<Exit> {
        let id = self.id(which).await?;
        watch::watch(&self.api, &which.service, &id, self.json).await
    }

    async fn forecast(&self, plan: &Plan) -> anyhow::Result<Exit> {
        let answer = self.api.post(&plan.service, &["forecast"], &[], &body(plan)).await?;
        self.show(&answer, |it| Ok(render::forecast(&part::<Forecast>(it, "forecast")?)))
    }

    async fn start(&self, start: &Start) -> anyhow::Result<Exit> {
        let service = &start.plan.service;
        let mut body = body(&start.plan);
        body["in_maintenance_window"] = start.in_window.into();
        if let (Some(name), Some(reason)) = (&start.consent, &start.reason) {
            body["consent"] = consent(name, reason, start.raise_replication);
        }
        let mut headers = Vec::new();
        headers.extend(start.key.clone().map(|it| ("idempotency-key", it)));
        headers.extend(start.generation.map(|it| ("if-match", format!("\"{it}\""))));
        let answer = self.api.post(service, &[], &headers, &body).await?;
        let shown = self.show(&answer, told)?;
        if !start.watch {
            return Ok(shown);
        }
        let rollout = part::<Rollout>(&answer, "rollout")?;
        watch::watch(&self.api, service, &rollout.id, self.json).await
    }

    async fn tell(&self, which: &OneRollout, command: &str, body: Value) -> anyhow::Result<Exit> {
        let id = self.id(which).await?;
        let answer = self.api.post(&which.service, &[&id, command], &[], &body).await?;
        self.show(&answer, told)
    }

    /// The rollout that was named, or the latest.
    async fn id(&self, which: &OneRollout) -> anyhow::Result<String> {
        if let Some(id) = &which.rollout {
            return Ok(id.clone());
        }
        let answer = self.api.latest(&which.service, 1).await?;
        let latest = answer["rollouts"].as_array().and_then(|it| it.first());
        let latest = latest.with_context(|| format!("{} has no rollout yet", which.service))?;
        let id = latest["id"].as_str().unwrap_or_default();
        ensure!(!id.is_empty(), "the answer names no rollout");
        Ok(id.to_owned())
    }

    fn show(
        &self,
        answer: &Value,
        shown: impl FnOnce(&Value) -> anyhow::Result<String>,
    ) -> anyhow::Result<Exit> {
        if self.json {
            screen::print(&format!("{answer:#}\n"));
        } else {
            screen::print(&shown(answer)?);
        }
        Ok(Exit::Done)
    }
}

/// What a rollout says to what it was told.
fn told(answer: &Value) -> anyhow::Result<String> {
    let rollout = part::<Rollout>(answer, "rollout")?;
    let message = answer["message"].as_str().unwrap_or("done");
    Ok(format!("{message}\n\n{}", render::rollout(&rollout, moment::now())))
}

fn body(plan: &Plan) -> Value {
    json!({
        "all_nodes": plan.all_nodes,
        "max_unavailable": plan.max_unavailable,
        "canary_bake_seconds": plan.canary_bake,
        "soak_seconds": plan.soak,
    })
}

fn consent(name: &str, reason: &str, raise_replication: bool) -> Value {
    let remedy = if raise_replication { "raise_replication" } else { "outage" };
    json!({ "name": name, "reason": reason, "remedy": remedy })
}
