//! What every step uses: the stack, its clients, and waiting for something to become so.

mod avn;
mod console;
mod curl;
mod figures;
mod in_flight;
mod kafka;
mod load;
mod processes;
mod rest_load;
mod roll;
mod rollouts;
mod service;
mod setup;
mod stack;
mod table;
mod tokens;
mod transcript;
mod wait;

pub(crate) use self::console::Console;
pub(crate) use self::curl::{Answer, Request};
pub(crate) use self::figures::figure;
pub(crate) use self::in_flight::InFlight;
pub(crate) use self::kafka::{Login, Refusal};
pub(crate) use self::load::Load;
pub(crate) use self::processes::{Broker, KILL, Running, TERM};
pub(crate) use self::rest_load::RestLoad;
pub(crate) use self::roll::{Roll, watch_roll};
pub(crate) use self::rollouts::Rollout;
pub(crate) use self::service::ServiceState;
pub(crate) use self::setup::raw_admin;
pub(crate) use self::stack::{Stack, required};
pub(crate) use self::table::pages;
pub(crate) use self::tokens::{BAD_TOKENS, good_tokens};
pub(crate) use self::wait::{let_pass, wait_until};
