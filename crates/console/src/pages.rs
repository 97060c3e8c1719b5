//! The pages, one module each: what it shows, and how.

pub mod again;
pub mod authorization;
pub mod configure;
pub mod failure;
pub mod oidc;
pub mod overview;
pub mod review;
pub mod rollout;
pub mod rollout_command;
pub mod rollout_start;
pub mod rollouts;
pub mod services;
pub mod sessions;
pub mod settings;
pub mod sign_in;
