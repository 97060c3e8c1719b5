//! The console's pages: from values to HTML. No I/O, no clock, no session.
//!
//! A page is a function of a [`Frame`] (who looks, and when) and of a view, a plain struct that its
//! module in [`pages`] declares; it returns a [`Page`]. The control plane makes the view, and sends
//! the whole page, or only [`Page::fragment`] to htmx, which picks from it what it swaps.
//!
//! To add a page of a service: a module in `pages` with its view and its function, a line in
//! [`nav::SERVICE_PAGES`], and in the control plane a handler and a line in its table of routes.
//!
//! **Invariant:** no page has a script, a style or a handler in its text, so that the strict
//! Content-Security-Policy holds; and it works without scripts: forms and links do everything.

pub mod assets;
pub mod draft;
pub mod forms;
#[cfg(test)]
mod ids;
mod layout;
pub mod list;
pub mod live;
pub mod losses;
pub mod nav;
pub mod pages;
pub mod times;
pub mod words;

pub use crate::layout::{Crumb, Frame, Page};
pub use maud::{Markup, html};

/// Where the console begins. Every address of it starts so.
pub const ROOT: &str = "/console";
