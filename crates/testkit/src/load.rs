//! The load of `tidegate-load`: it produces and consumes all through a change, and counts exactly.
//!
//! Records are sent when they are due, whether or not earlier ones were acknowledged (an open
//! loop): an outage shows as latency of every record that was due in it. All times are measured on
//! one clock, that of the process.

mod clients;
mod clock;
mod crew;
mod health;
mod ledger;
mod native;
mod observer;
mod path;
mod report;
mod rest;
mod rest_reader;
mod run;
mod stamp;
mod window;

pub use self::clients::{Access, LoadError};
pub use self::path::Crowd;
pub use self::report::{Gap, PartitionsReport, PathReport, Report, Totals, WindowReport};
pub use self::rest::RestAccess;
pub use self::run::{Command, Plan, run};
