//! The load tools of `tidegate-bench`: each measures one thing, with as little CPU of its own as it
//! can, because it shares the machine with what it measures.

mod brokers;
pub(crate) mod connection;
mod drain;
mod failures;
mod histogram;
mod idle;
mod load;
mod long_poll;
mod machine;
mod native;
mod payload;
mod principals;
mod rest;
mod settings;
mod tokens;
mod topics;

pub use self::brokers::{Addresses, Fleet, SimulatedBrokers};
pub use self::connection::Target;
pub use self::drain::{Drain, drain};
pub use self::idle::{IdlePolls, idle_polls};
pub use self::load::{Load, load};
pub use self::long_poll::{LongPoll, long_poll};
pub use self::machine::Watched;
pub use self::native::{Access, NativeIdle, NativeProduce, consume, idle, produce};
pub use self::principals::{Principals, principals};
pub use self::settings::{SettingsStub, serve_settings};
pub use self::tokens::{Tokens, mint};
pub use self::topics::{Topics, topics};
