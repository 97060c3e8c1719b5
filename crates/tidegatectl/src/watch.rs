//! Following a rollout: its events as they happen, and beside them how it is.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::Response;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::api::{Api, Refused, part};
use crate::screen::{Canvas, is_live, print};
use crate::sse::{Reader, ServerSent};
use crate::wire::{Event, Rollout};
use crate::{Exit, moment, render};

/// How often the display is drawn anew although nothing happens: times pass.
const TICK: Duration = Duration::from_secs(1);
/// How long the control plane may be away before that is an error.
const PATIENCE: Duration = Duration::from_mins(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Follows a rollout until it rests.
pub(crate) async fn watch(
    api: &Api,
    service: &str,
    rollout: &str,
    json: bool,
) -> anyhow::Result<Exit> {
    let mut watching = Watching {
        api,
        service,
        rollout,
        display: Display::new(json),
        last: None,
        last_answer: Instant::now(),
        pause: Duration::ZERO,
    };
    let end = watching.until_it_rests().await?;
    Ok(if end.state == "done" { Exit::Done } else { Exit::Failed })
}

/// How a rollout is shown while it goes on.
enum Display {
    /// Drawn over and over.
    Live(Canvas),
    /// One line for each event.
    Lines,
    /// One JSON object for each event.
    Json,
}

/// Somebody who follows a rollout.
struct Watching<'a> {
    api: &'a Api,
    service: &'a str,
    rollout: &'a str,
    display: Display,
    /// The event that was seen last.
    last: Option<String>,
    last_answer: Instant,
    /// How long to wait before it is tried again.
    pause: Duration,
}

impl Watching<'_> {
    async fn until_it_rests(&mut self) -> anyhow::Result<Rollout> {
        loop {
            match self.follow().await {
                Ok(Some(rollout)) => return Ok(rollout),
                Ok(None) => {}
                // What it does not allow now it will not allow later.
                Err(error) if error.downcast_ref::<Refused>().is_some_and(Refused::is_final) => {
                    return Err(error);
                }
                Err(error) if self.last_answer.elapsed() > PATIENCE => return Err(error),
                Err(_) => self.pause = (self.pause * 2).clamp(TICK, LONGEST_PAUSE),
            }
            sleep(self.pause).await;
        }
    }

    /// Follows one connection to its end. The rollout, if it rests then.
    async fn follow(&mut self) -> anyhow::Result<Option<Rollout>> {
        let stream = self.api.follow(self.service, self.rollout, self.last.as_deref()).await?;
        let rollout = self.look().await?;
        self.display.rollout(&rollout);
        let Some(mut stream) = stream else { return Ok(Some(rollout).filter(Rollout::rests)) };
        let mut reader = Reader::default();
        loop {
            let piece = piece(&mut stream).await?;
            match &piece {
                Piece::End => {
                    let rollout = self.look().await?;
                    self.display.rollout(&rollout);
                    self.pause = TICK;
                    return Ok(Some(rollout).filter(Rollout::rests));
                }
                Piece::Some(bytes) => {
                    for event in reader.push(bytes) {
                        self.hear(event)?;
                    }
                }
                Piece::NotYet => {}
            }
            let rollout = self.look().await?;
            self.display.rollout(&rollout);
            // One that stands has not ended, and its stream goes on.
            if rollout.state == "halted" {
                return Ok(Some(rollout));
            }
        }
    }

    async fn look(&mut self) -> anyhow::Result<Rollout> {
        let answer = self.api.get(self.service, &[self.rollout]).await?;
        self.last_answer = Instant::now();
        self.pause = Duration::ZERO;
        part(&answer, "rollout")
    }

    fn hear(&mut self, sent: ServerSent) -> anyhow::Result<()> {
        let event: Value = serde_json::from_str(&sent.data).context("an event is no JSON")?;
        self.display.event(&event);
        self.last = sent.id;
        Ok(())
    }
}

/// What comes of a connection within a moment.
enum Piece {
    Some(Vec<u8>),
    NotYet,
    End,
}

async fn piece(stream: &mut Response) -> anyhow::Result<Piece> {
    match tokio::time::timeout(TICK, stream.chunk()).await {
        Err(_) => Ok(Piece::NotYet),
        Ok(Ok(Some(bytes))) => Ok(Piece::Some(bytes.into())),
        Ok(Ok(None)) => Ok(Piece::End),
        Ok(Err(error)) => Err(error).context("the event stream broke off"),
    }
}

impl Display {
    fn new(json: bool) -> Self {
        match (json, is_live()) {
            (true, _) => Self::Json,
            (false, true) => Self::Live(Canvas::default()),
            (false, false) => Self::Lines,
        }
    }

    fn event(&self, event: &Value) {
        match self {
            Self::Live(_) => {}
            Self::Json => print(&format!("{event}\n")),
            Self::Lines => {
                if let Ok(event) = serde_json::from_value::<Event>(event.clone()) {
                    print(&render::event(&event));
                }
            }
        }
    }

    fn rollout(&mut self, rollout: &Rollout) {
        if let Self::Live(canvas) = self {
            canvas.draw(&render::rollout(rollout, moment::now()));
        }
    }
}

#[cfg(test)]
mod tests;
