//! The pages, one module each: what it shows, and how.

pub mod again;
pub mod failure;
pub mod overview;
pub mod services;
pub mod sessions;
pub mod sign_in;
