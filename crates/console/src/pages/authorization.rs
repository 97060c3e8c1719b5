//! The switch of the REST proxy's authorization, with its consequence first.

use maud::html;
use model::Role;

use super::done;
use super::settings::REVIEW;
use crate::draft::Draft;
use crate::list::{ListQuery, Place};
use crate::losses::Losses;
use crate::nav::ServiceAt;
use crate::words::{Tone, badge, empty, notice};
use crate::{Frame, Page, forms};

/// The end of the page's address.
pub const PATH: &str = "authorization";

/// What the page shows.
#[derive(Clone, Debug)]
pub struct View {
    /// The service.
    pub at: ServiceAt,
    /// Whether there is a REST proxy.
    pub has_proxy: bool,
    /// Whether requests need a token.
    pub is_on: bool,
    /// What was just done.
    pub done: Option<&'static str>,
    /// What could not be done.
    pub refused: Option<String>,
    /// What switching would lead to; else why that cannot be said.
    pub losses: Result<Losses, String>,
    /// What is asked of their list.
    pub query: ListQuery,
    /// What else to know before it is switched.
    pub warnings: Vec<String>,
    /// How many days are looked back.
    pub days: u32,
    /// What switching it would change.
    pub draft: Draft,
}

/// The page.
pub fn page(frame: &Frame, view: &View) -> Page {
    let (is_on, verb) = (view.is_on, if view.is_on { "off" } else { "on" });
    let place = Place::at(view.at.href(PATH), Vec::new());
    let body = html! {
        (done(view.done))
        @if let Some(text) = &view.refused { (notice(Tone::Bad, text)) }
        p {
            code { "kafka_rest_authorization" } " is "
            @if is_on { (badge(Tone::Good, "on")) } @else { (badge(Tone::Busy, "off")) }
        }
        @if is_on {
            p { "Each request to the REST proxy needs a token or a service user's password, and may do "
                "what the ACLs allow its principal." }
        } @else {
            p { "Requests to the REST proxy need no token: whoever reaches it acts as the proxy itself. "
                "When it is on, each request needs a token or a service user's password, and may do what "
                "the ACLs allow its principal." }
        }
        @if !view.has_proxy {
            (notice(Tone::Quiet, "The service has no REST proxy (kafka_rest is off): the switch matters once it has one."))
        }
        section {
            h2 { "What switching it " (verb) " would do" }
            @for text in &view.warnings { (notice(Tone::Busy, text)) }
            @match &view.losses {
                Err(text) => (notice(Tone::Bad, text)),
                Ok(it) if it.all.is_empty() => (empty(
                    &format!("Nobody who was seen in the last {} days would lose access.", view.days),
                    &html! { p { "Who was not seen since then may: look at the ACLs of who comes seldom." } },
                )),
                Ok(it) => {
                    p { (it.all.len()) " things that principals did in the last " (view.days)
                        " days would be refused:" }
                    (it.show(&view.query, &place, frame))
                },
            }
        }
        section {
            h2 { "Switch it " (verb) }
            @if view.at.role >= Role::Operator {
                p { "Next comes a page with all that follows. Nothing is saved before." }
                form method="post" action=(view.at.href(REVIEW)) {
                    (forms::csrf(&frame.csrf))
                    (view.draft.hidden())
                    button { "Review switching it " (verb) }
                }
            } @else {
                p { "Your role may look at it. To switch it, the role operator is needed." }
            }
        }
    };
    Page::of_service(view.at.clone(), "Authorization", body)
}
