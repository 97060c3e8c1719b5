//! The pages, one module each: what it shows, and how.

pub mod again;
pub mod authorization;
pub mod configure;
pub mod failure;
pub mod overview;
pub mod review;
pub mod services;
pub mod sessions;
pub mod settings;
pub mod sign_in;
