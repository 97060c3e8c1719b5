//! Parts of a page that fetch themselves again when their service has changed.

use maud::{Markup, html};

use crate::nav::ServiceAt;

/// The header by which a request says that nobody asked for it: it does not keep a session alive.
pub const LIVE: &str = "tidegate-live";

/// The end of the address that tells of changes of a service.
pub const PATH: &str = "live";

/// A part of the page of a service, which is fetched again from the page's own address at each
/// change. `known` names what is shown, as the control plane says; `id` is unique in the page, and
/// nothing that people type into may be within.
pub fn region(at: &ServiceAt, known: &str, id: &str, content: &Markup) -> Markup {
    region_of(at, &at.href(at.here), known, id, content)
}

/// The same on a page whose address is not that of its entry in the navigation.
pub fn region_of(at: &ServiceAt, href: &str, known: &str, id: &str, content: &Markup) -> Markup {
    let target = format!("#{id}");
    html! {
        div sse-connect={ (at.href(PATH)) "?known=" (known) } {
            div id=(id) hx-get=(href) hx-trigger="sse:changed" hx-target=(target)
                hx-select=(target) hx-swap="outerHTML" hx-headers={ "{\"" (LIVE) "\":\"1\"}" } {
                (content)
            }
        }
    }
}
