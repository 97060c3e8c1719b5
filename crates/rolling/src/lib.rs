//! Decides, from what was asked for and what is there, the next step of bringing a service's nodes
//! to a revision.
//!
//! **Invariant:** [`next_step`] is a function of its arguments: the same arguments always give the
//! same step, and no step depends on an earlier one. So a crash needs no cleaning up, and an order
//! that was lost is simply given again. Safety goes before progress: what is not known counts as
//! unsafe, and while any node is not whole no other node is touched.

mod blocker;
mod failure;
mod forecast;
mod gate;
mod impact;
mod phase;
mod placement;
mod policy;
mod repair;
mod replication;
mod rollout;
mod step;
mod turn;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use crate::blocker::{Blocker, Partitions};
pub use crate::failure::{Failure, FailureKind};
pub use crate::forecast::{Forecast, NodeForecast, PartitionForecast, forecast};
pub use crate::gate::is_whole;
pub use crate::impact::{Impact, Outage, impact};
pub use crate::phase::{Phase, phases};
pub use crate::placement::{Places, spread};
pub use crate::policy::Policy;
pub use crate::replication::{NewReplicas, Raised};
pub use crate::rollout::{Direction, Order, Paused, Remedy, Rollout};
pub use crate::step::{End, PROBE_TOPIC, Step, next_step};
pub use crate::view::{
    AuthView, Incarnation, Jwks, KafkaView, NodeView, PartitionId, PartitionView, Process, Quorum,
    ServiceView,
};
pub use crate::window::{Window, WindowState};
