//! Parts of a page that fetch themselves again when what they show has changed.
//!
//! A page has one stream of events ([`crate::Page::following`]); its lists follow it by themselves, and
//! so does each [`region`]. What is fetched is put over what is there by idiomorph, so that the focus,
//! what is marked, how far it is scrolled and what is open stay.

use maud::{Markup, html};

use crate::nav::ServiceAt;

/// The header by which a request says that nobody asked for it: it does not keep a session alive.
pub const LIVE: &str = "tidegate-live";

/// The end of the address that tells of changes of a service.
pub const PATH: &str = "live";

/// What such a request has for headers, as htmx reads them.
pub(crate) fn headers() -> String {
    format!("{{\"{LIVE}\":\"1\"}}")
}

/// A part of the page of a service, which is fetched again from the page's own address at each
/// change. `id` is unique in the page, and nothing that people type into may be within.
pub fn region(at: &ServiceAt, id: &str, content: &Markup) -> Markup {
    region_of(&at.href(at.here), id, content)
}

/// The same on a page whose address is not that of its entry in the navigation.
pub fn region_of(href: &str, id: &str, content: &Markup) -> Markup {
    let target = format!("#{id}");
    html! {
        div id=(id) hx-get=(href) hx-trigger="sse:changed" hx-target=(target)
            hx-select=(target) hx-swap="morph:outerHTML" hx-headers=(headers()) {
            (content)
        }
    }
}
