//! Forms: sent as `application/x-www-form-urlencoded` by POST, with or without scripts.

use maud::{Markup, html};

/// The name of the field that proves that a form is one of ours.
pub const CSRF: &str = "csrf";

/// The header by which a request says that the page has sent its form by itself, while somebody types
/// in it.
pub const TYPING: &str = "tidegate-typing";

/// What such a request has for headers, as htmx reads them.
pub(crate) fn while_typing() -> String {
    format!("{{\"{TYPING}\":\"1\"}}")
}

/// The hidden field that every form of somebody who has signed in has.
pub fn csrf(token: &str) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(token); }
}

/// Whether what is in a field of that name is a secret: never put into a page again, never kept.
pub fn is_secret(name: &str) -> bool {
    ["token", "password", "secret"].iter().any(|it| name.ends_with(it))
}

/// A field for one line of text.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its name in the form, and its `id` in the page.
    pub name: &'a str,
    /// How it is called.
    pub label: &'a str,
    /// `text`, `password`, `search`, `number`.
    pub kind: &'a str,
    /// What is in it. Ignored for a password.
    pub value: &'a str,
    /// What to know before it is filled in.
    pub help: &'a str,
    /// What is wrong with what is in it.
    pub error: Option<&'a str>,
    /// Whether it has to be filled in.
    pub required: bool,
}

impl Field<'_> {
    /// The field with its label, its help, and what is wrong with it.
    pub fn show(&self) -> Markup {
        let (help, error) = (format!("{}-help", self.name), format!("{}-error", self.name));
        let has_help = !self.help.is_empty();
        let described = [has_help.then_some(&help), self.error.map(|_| &error)];
        let described: Vec<&str> = described.into_iter().flatten().map(String::as_str).collect();
        let described = (!described.is_empty()).then(|| described.join(" "));
        let value = (self.kind != "password" && !self.value.is_empty()).then_some(self.value);
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                input #(self.name) name=(self.name) type=(self.kind) value=[value]
                    required[self.required] autocomplete="off" spellcheck="false"
                    aria-describedby=[described] aria-invalid=[self.error.map(|_| "true")];
                @if has_help { p.help id=(help) { (self.help) } }
                @if let Some(text) = self.error { p.error id=(error) { (text) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_what_is_wrong_with_it_and_a_password_is_not_shown_again() {
        let field = Field {
            name: "token",
            label: "API token",
            kind: "password",
            value: "secret",
            help: "",
            error: Some("It opens nothing"),
            required: true,
        };
        let wrong = field.show().into_string();
        let field = Field { kind: "text", value: "\"><b>", error: None, help: "Any", ..field };
        insta::assert_snapshot!(format!("{wrong}\n{}", field.show().into_string()));
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in ["token", "api_token", "password", "client_secret"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["", "csrf", "topic", "token_url", "principal"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
