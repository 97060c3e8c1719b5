//! Decides, from what was asked for and what is there, the next step of bringing a service's nodes
//! to a revision.
//!
//! **Invariant:** [`next_step`] is a function of its arguments: the same arguments always give the
//! same step, and no step depends on an earlier one. So a crash needs no cleaning up, and an order
//! that was lost is simply given again. Safety goes before progress: what is not known counts as
//! unsafe, and while any node is not whole no other node is touched.

mod blocker;
mod gate;
mod rollout;
mod step;
mod view;

#[cfg(test)]
mod tests;

pub use crate::blocker::Blocker;
pub use crate::rollout::{Order, Rollout};
pub use crate::step::{Step, next_step};
pub use crate::view::{
    Incarnation, Jwks, KafkaView, NodeView, PartitionView, Process, Quorum, ServiceView,
};
