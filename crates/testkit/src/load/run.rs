//! The course of a run: get ready, produce and consume until told to stop, drain, report.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;
use uuid::Uuid;

use super::clients::{Access, LoadError};
use super::clock::Clock;
use super::native::Native;
use super::observer::Observer;
use super::path::{Crowd, Path};
use super::report::Report;
use super::rest::{Rest, RestAccess};

/// How often a line says how it goes.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// What a load consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where and as whom.
    pub access: Access,
    /// The native clients.
    pub crowd: Crowd,
    /// The clients of the REST proxy, if there are any.
    pub rest: Option<(RestAccess, Crowd)>,
}

/// What can be asked of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin another window of this name.
    Mark(String),
    /// Stop producing, drain, report.
    Stop,
}

/// Runs a load until it is told to stop, or until nobody is left who could tell.
pub async fn run(plan: Plan, mut commands: mpsc::Receiver<Command>) -> Result<Report, LoadError> {
    let clock = Clock::start();
    let name = format!("load-{}", Uuid::now_v7().simple());
    let path = Path::open(name.clone(), plan.access.clone(), plan.crowd, clock).await?;
    let observer = Observer::start(&plan.access, clock).await?;
    let mut native = Native::start(&path).await?;
    let mut rest = match plan.rest {
        Some((at, crowd)) => {
            let access = Access { topic: at.topic.clone(), ..plan.access };
            let path = Path::open(format!("{name}-rest"), access, crowd, clock).await?;
            let clients = Rest::start(&path, at).await?;
            Some((path, clients))
        }
        None => None,
    };
    let paths: Vec<Path> =
        std::iter::once(&path).chain(rest.iter().map(|(path, _)| path)).cloned().collect();
    for path in &paths {
        let (partitions, rate) = (path.partitions, path.crowd.rate);
        info!(partitions, rate, "producing to {}", path.access.topic);
    }
    obey(&mut commands, &paths, &observer).await;

    native.senders.dismiss().await;
    if let Some((_, clients)) = &mut rest {
        clients.senders.dismiss().await;
    }
    let partitions = observer.dismiss().await;
    for path in &paths {
        path.books.ledger().stop(path.books.now());
    }
    for path in &paths {
        path.drain().await;
    }
    let report = Report {
        native: path.books.close(),
        rest: rest.as_ref().map(|(path, _)| path.books.close()),
        partitions,
    };
    if let Some((_, clients)) = rest {
        clients.close().await;
    }
    native.close().await?;
    Ok(report)
}

/// Carries out commands until the last, and says now and then how it goes.
async fn obey(commands: &mut mpsc::Receiver<Command>, paths: &[Path], observer: &Observer) {
    let mut progress = interval(PROGRESS_EVERY);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Mark(name)) => {
                    for path in paths {
                        path.books.ledger().mark(&name, path.books.now());
                    }
                    observer.mark(&name);
                    info!("window {name}");
                }
                Some(Command::Stop) | None => return,
            },
            _ = progress.tick() => paths.iter().for_each(Path::say_progress),
        }
    }
}
