//! Changes of options that are not saved yet. They live in the form, as hidden fields, and nowhere
//! else: so they outlive a session, and a change by somebody else.

use maud::{Markup, html};

/// The field with the generation of the service that was looked at.
pub const GENERATION: &str = "generation";
/// The field with what was set then, as JSON.
pub const SEEN: &str = "seen";
/// The field with the form that it is edited in.
pub const FORM: &str = "form";
/// What the field of an option begins with: its dotted key comes behind.
pub const SET: &str = "set.";
/// The same for an option that shall not be set any more.
pub const UNSET: &str = "unset.";
/// The same for an option that is not set if its field is empty.
pub const MAY: &str = "may.";

/// The form that a draft is edited in, where it is said what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Advanced configuration: any option.
    #[default]
    Advanced,
    /// OIDC set-up: the options of the identity provider.
    Oidc,
}

impl Form {
    /// In the field [`FORM`].
    pub const fn word(self) -> &'static str {
        match self {
            Self::Advanced => "advanced",
            Self::Oidc => "oidc",
        }
    }

    /// The one of that word; any other is the first.
    pub fn of_word(word: &str) -> Self {
        if word == Self::Oidc.word() { Self::Oidc } else { Self::Advanced }
    }
}

/// What somebody wants to change, and what they saw when they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The form that it is edited in.
    pub form: Form,
    /// The generation of the service that they saw.
    pub generation: i64,
    /// What was set then, as JSON.
    pub seen: String,
    /// By dotted key, as typed; `None` for one that shall not be set any more.
    pub edits: Vec<(String, Option<String>)>,
}

impl Draft {
    /// The hidden fields that carry what was seen.
    pub(crate) fn base(&self) -> Markup {
        hidden(self.seen())
    }

    /// The hidden fields that carry all of it.
    pub(crate) fn hidden(&self) -> Markup {
        hidden(self.fields())
    }

    /// The same, their names and values.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let edits = self.edits.iter().map(|(key, text)| match text {
            Some(text) => (format!("{SET}{key}"), text.clone()),
            None => (format!("{UNSET}{key}"), "1".to_owned()),
        });
        self.seen().into_iter().chain(edits).collect()
    }

    fn seen(&self) -> Vec<(String, String)> {
        vec![
            (FORM.to_owned(), self.form.word().to_owned()),
            (GENERATION.to_owned(), self.generation.to_string()),
            (SEEN.to_owned(), self.seen.clone()),
        ]
    }
}

fn hidden(fields: Vec<(String, String)>) -> Markup {
    html! { @for (name, value) in fields { input type="hidden" name=(name) value=(value); } }
}
