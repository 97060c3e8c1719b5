//! The rules as examples, and the laws that hold whatever happens.

mod algebra;
mod batches;
mod cluster;
mod failures;
mod forecasts;
mod large;
mod laws;
mod phases;
mod repairs;
mod rules;
mod simulation;
