//! What tests and `cargo xtask dev` use instead of the outside world. Never a dependency of a
//! program that we ship.

pub mod bench;
pub mod issuer;
pub mod load;
mod logs;
pub mod roll;

pub use self::logs::init_logs;
