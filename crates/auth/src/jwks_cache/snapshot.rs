//! What the last successful fetch brought.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::time::Instant;

use crate::error::JwksError;
use crate::fetch::Known;
use crate::http::Document;
use crate::key_set::KeySet;

/// Keys, where they are from, and since when they are known to be right.
pub(super) struct Snapshot {
    pub(super) keys: Arc<KeySet>,
    pub(super) fetched_at: Instant,
    /// Rises when the published bytes change.
    pub(super) generation: u64,
    /// By what to ask whether they are still right.
    pub(super) known: Option<Known>,
    sha256: Vec<u8>,
}

impl Snapshot {
    /// The keys of `document`, if there is a usable one.
    pub(super) fn read(
        document: Document,
        address: Arc<str>,
        before: Option<&Self>,
    ) -> Result<Self, JwksError> {
        let known = document.etag.map(|etag| Known { address, etag });
        let sha256 = digest(&SHA256, &document.body).as_ref().to_vec();
        if let Some(before) = before.filter(|it| it.sha256 == sha256) {
            return Ok(Self { known, ..before.confirmed() });
        }
        let (keys, report) = KeySet::read(&document.body)?;
        if report.usable() == 0 {
            return Err(JwksError::NoUsableKey);
        }
        let generation = before.map_or(1, |it| it.generation + 1);
        Ok(Self { keys: Arc::new(keys), fetched_at: Instant::now(), generation, known, sha256 })
    }

    /// The same, known to be right now.
    pub(super) fn confirmed(&self) -> Self {
        Self {
            keys: Arc::clone(&self.keys),
            fetched_at: Instant::now(),
            generation: self.generation,
            known: self.known.clone(),
            sha256: self.sha256.clone(),
        }
    }
}
