//! What all our HTTP services share: logs, request ids and spans, serving until told to stop.
//!
//! Shapes of answers are not here: the control plane answers like Aiven's API, the REST proxy like
//! Karapace, and each knows its own.

mod health;
mod logs;
mod serve;
mod trace;

pub use crate::health::health;
pub use crate::logs::{chain, init_logs};
pub use crate::serve::{bind, serve, terminated};
pub use crate::trace::observe;
