//! Telling the control plane.

use std::error::Error;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use model::SeenReport;
use tokio::time::timeout;
use tracing::warn;

use super::Seen;
use crate::App;
use crate::settings::{CallError, ControlPlane, PollConfig};

/// The time between two reports. What is new is told then; without anything new there is none.
const PAUSE: Duration = Duration::from_secs(10);
/// How long the last report may take.
const LAST: Duration = Duration::from_secs(2);

impl App {
    /// Tells the control plane who uses what, until the process stops. What could not be told is told
    /// the next time.
    pub async fn report(&self, source: PollConfig) {
        let reporting = async {
            let mut control_plane = ControlPlane::new(source);
            let mut failed = false;
            loop {
                tokio::time::sleep(PAUSE).await;
                let told = self.seen.tell(&mut control_plane, false).await;
                if let (Err(error), false) = (&told, failed) {
                    let error = error as &dyn Error;
                    warn!(error, "cannot tell the control plane who uses what: it is told later");
                }
                failed = told.is_err();
            }
        };
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = reporting => {}
        }
    }

    /// Tells what was not told, for a moment at most. To be called when no request is served any more.
    pub async fn report_last(&self, source: PollConfig) {
        let mut control_plane = ControlPlane::new(source);
        match timeout(LAST, self.seen.tell(&mut control_plane, true)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                warn!(error = &error as &dyn Error, "the last uses were not told");
            }
            Err(_) => warn!("the last uses were not told in time"),
        }
    }
}

impl Seen {
    /// Tells all that is due, part by part.
    pub(super) async fn tell(
        &self,
        control_plane: &mut ControlPlane,
        all: bool,
    ) -> Result<(), CallError> {
        loop {
            let report = self.due(all);
            if report.is_empty() {
                return Ok(());
            }
            send(control_plane, &report).await.or_else(|error| match error {
                // It would not be taken the next time either.
                CallError::Status(status) if is_final(status) => {
                    self.metrics.uses_forgotten(report.uses.len());
                    warn!(%status, "the control plane does not take what was seen");
                    Ok(())
                }
                error => Err(error),
            })?;
            self.told(&report);
        }
    }
}

async fn send(control_plane: &mut ControlPlane, report: &SeenReport) -> Result<(), CallError> {
    let body = serde_json::to_vec(report).map_err(CallError::Unwritable)?;
    let request = control_plane.request(Method::POST, "seen").await?;
    let request = request.header(CONTENT_TYPE, "application/json").body(body);
    match request.send().await.map_err(CallError::Unreachable)?.status() {
        StatusCode::UNAUTHORIZED => Err(control_plane.refused()),
        status if status.is_success() => Ok(()),
        status => Err(CallError::Status(status)),
    }
}

/// Whether the control plane will say the same again. One of a version before does not know the path.
fn is_final(status: StatusCode) -> bool {
    status == StatusCode::BAD_REQUEST || status == StatusCode::PAYLOAD_TOO_LARGE
}
