//! What could not be done, or is not there.

use maud::{Markup, html};

use crate::words::{Tone, notice};
use crate::{Page, ROOT};

/// The page that says so.
pub fn page(title: &str, message: &str) -> Page {
    Page::new(
        title,
        html! {
            (notice(Tone::Bad, message))
            p { a href=(ROOT) { "To the services" } }
        },
    )
}

/// The same for htmx: put into the place for notices, whatever was asked for.
pub fn fragment(message: &str) -> Markup {
    html! { div #notice { (notice(Tone::Bad, message)) } }
}

/// For htmx, when a session has ended while a page was open: what is in its forms stays.
pub fn ended(sign_in: &str) -> Markup {
    html! {
        div #notice {
            div.notice.busy role="status" {
                "Your session has ended. What you have typed is still here. "
                a href=(sign_in) target="_blank" rel="noopener" { "Sign in again in another tab" }
            }
        }
    }
}
