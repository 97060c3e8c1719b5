//! Signing in: by an API token, or by the identity provider.

use maud::{Markup, html};

use crate::forms::Field;
use crate::words::{Tone, notice};
use crate::{Page, ROOT};

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Where to go afterwards: a path below the console.
    pub return_to: String,
    /// The host of the identity provider, if people may sign in by one.
    pub provider: Option<String>,
    /// Why somebody was not let in, in words.
    pub refusal: Option<String>,
    /// What else to know, such as that one has signed out.
    pub notice: Option<&'static str>,
}

/// The page.
pub fn page(view: &View) -> Page {
    Page::new(
        "Sign in",
        html! {
            div.sign-in {
                @if let Some(text) = view.notice { (notice(Tone::Good, text)) }
                @if let Some(text) = &view.refusal { (notice(Tone::Bad, text)) }
                @if let Some(provider) = &view.provider {
                    section {
                        h2 { "With your account" }
                        p { a.button href=(oidc_href(&view.return_to)) { "Sign in with " (provider) } }
                    }
                }
                section {
                    h2 { "With an API token" }
                    form method="post" action={ (ROOT) "/sign-in" } {
                        input type="hidden" name="return_to" value=(view.return_to);
                        (token_field("token"))
                        button { "Sign in" }
                    }
                }
            }
        },
    )
}

/// The field for an API token.
pub(crate) fn token_field(name: &str) -> Markup {
    Field {
        name,
        label: "API token",
        kind: "password",
        value: "",
        help: "It starts with tidegate_. The first start of an installation prints one; \
               'avn user access-token create' and 'tidegate-control-plane token create' make others.",
        error: None,
        required: true,
    }
    .show()
}

fn oidc_href(return_to: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", return_to);
    format!("{ROOT}/sign-in/oidc?{}", query.finish())
}
