//! A form that came after its session had ended: sign in, and send it again with what was in it.

use maud::{Markup, html};

use super::sign_in::token_field;
use crate::forms::{CSRF, Field, is_secret};
use crate::words::{Tone, notice};
use crate::{Page, ROOT, forms};

/// The field that says where the kept form goes, beside its own fields.
pub const SEND_TO: &str = "tidegate_send_to";
/// The field that names a secret of the kept form, one for each.
pub const LEFT_OUT: &str = "tidegate_left_out";
/// The field for the API token to sign in with: the kept form may have a `token` of its own.
pub const TOKEN: &str = "tidegate_token";

const ENDED: &str =
    "Your session has ended. Nothing was done yet, and what you have typed is kept.";

/// A form that was not done.
#[derive(Clone, Debug)]
pub struct View {
    /// Where it was sent: a path below the console.
    pub send_to: String,
    /// What was in it, in its order.
    pub fields: Vec<(String, String)>,
    /// Whether people may sign in by an identity provider.
    pub oidc: bool,
    /// Why somebody was not let in, in words.
    pub refusal: Option<String>,
}

/// Asks to sign in, and carries the form. Secrets are not carried.
pub fn sign_in(view: &View) -> Page {
    let other_tab = format!("{ROOT}/sign-in?return_to={ROOT}");
    Page::new(
        "Sign in to go on",
        html! {
            div #again.sign-in {
                (notice(Tone::Busy, ENDED))
                @if let Some(text) = &view.refusal { (notice(Tone::Bad, text)) }
                form method="post" action={ (ROOT) "/sign-in/again" } {
                    (kept(view))
                    (token_field(TOKEN))
                    button { "Sign in" }
                }
                form method="post" action={ (ROOT) "/sign-in/again" } {
                    (kept(view))
                    p {
                        @if view.oidc { "Or sign in with your account " } @else { "Or sign in " }
                        a href=(other_tab) target="_blank" rel="noopener" { "in another tab" }
                        ", then come back here:"
                    }
                    button.quiet { "I have signed in" }
                }
            }
        },
    )
}

/// Asks whether to send the form now that somebody has signed in.
pub fn send(view: &View, who: &str, csrf: &str) -> Page {
    let secrets = view.fields.iter().filter(|(name, _)| is_secret(name));
    Page::new(
        "Go on where you were",
        html! {
            div #again.sign-in {
                (notice(Tone::Good, &format!("You have signed in as {who}.")))
                form method="post" action=(view.send_to) {
                    (forms::csrf(csrf))
                    (hidden(view))
                    @for (name, _) in secrets { (secret(name)) }
                    (shown(view))
                    button { "Send it now" }
                    " "
                    a href=(ROOT) { "Leave it" }
                }
            }
        },
    )
}

fn kept(view: &View) -> Markup {
    html! {
        input type="hidden" name=(SEND_TO) value=(view.send_to);
        (hidden(view))
        @for (name, _) in view.fields.iter().filter(|(name, _)| is_secret(name)) {
            input type="hidden" name=(LEFT_OUT) value=(name);
        }
    }
}

/// What goes along unseen: everything but secrets and what belongs to the old session.
fn hidden(view: &View) -> Markup {
    html! {
        @for (name, value) in carried(view) { input type="hidden" name=(name) value=(value); }
    }
}

fn carried(view: &View) -> impl Iterator<Item = &(String, String)> {
    view.fields.iter().filter(|(name, _)| !is_secret(name) && name != CSRF)
}

fn secret(name: &str) -> Markup {
    let help = "It was not kept: enter it again.";
    let kind = "password";
    Field { name, label: name, kind, value: "", help, error: None, required: true }.show()
}

/// What will be sent, to be looked at.
fn shown(view: &View) -> Markup {
    html! {
        details {
            summary { "What will be sent" }
            dl {
                dt { "to" } dd { code { (view.send_to) } }
                @for (name, value) in carried(view) { dt { (name) } dd { code { (value) } } }
            }
        }
    }
}
