//! Parts of a page that are fetched again when what they show has changed.
//!
//! A page has one stream of events ([`crate::Page::following`]), and asks for itself once at each, at
//! the address that the browser is at then. Each list and each [`region`] is taken from the answer by
//! its `id` (`live.js`) and put over what is there by idiomorph, so that the focus, what is marked, how
//! far it is scrolled and what is open stay. A part that the answer has not is taken away, so a page has
//! all of its parts, be they empty, for as long as they can come back.

use maud::{Markup, html};

/// The header by which a request says that nobody asked for it: it does not keep a session alive.
pub const LIVE: &str = "tidegate-live";

/// The end of the address that tells of changes of a service.
pub const PATH: &str = "live";

/// A part of a page. `id` is unique in the page, and nothing that people type into may be within.
pub fn region(id: &str, content: &Markup) -> Markup {
    html! { div id=(id) data-part=(id) { (content) } }
}

/// Asks for the page at each change. It is beside what it has swapped, at htmx's `""`: where the
/// browser is. Lists say what is asked of them by themselves, since of two in a page the address
/// knows one. (It includes itself, since htmx takes it for a mistake if nothing is there.)
pub(crate) fn follow() -> Markup {
    html! {
        div #follow hidden hx-get="" hx-trigger="sse:changed" hx-swap="none"
            hx-include="#follow, #main [data-asked]" hx-headers={ "{\"" (LIVE) "\":\"1\"}" } {}
    }
}
