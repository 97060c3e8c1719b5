//! What all our HTTP services share: logs, request ids and spans, serving until told to stop.
//!
//! Shapes of answers are not here: the control plane answers like Aiven's API, the REST proxy like
//! Karapace, and each knows its own.

mod access_log;
mod health;
mod logs;
mod observe;
mod page;
mod request_id;
mod serve;
mod trace_context;

pub use crate::access_log::{AccessLog, AccessLogMode, Exchange, NoMode};
pub use crate::health::health;
pub use crate::logs::{chain, init_logs};
pub use crate::observe::{Meter, ObserveLayer, Observer, Trace, observe, observe_with};
pub use crate::page::page;
pub use crate::request_id::RequestId;
pub use crate::serve::{bind, serve, terminated};
pub use crate::trace_context::TraceContext;
