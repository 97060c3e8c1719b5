//! Changes of options that are not saved yet. They live in the form, as hidden fields, and nowhere
//! else: so they outlive a session, and a change by somebody else.

use maud::{Markup, html};

/// The field with the generation of the service that was looked at.
pub const GENERATION: &str = "generation";
/// The field with what was set then, as JSON.
pub const SEEN: &str = "seen";
/// What the field of an option begins with: its dotted key comes behind.
pub const SET: &str = "set.";
/// The same for an option that shall not be set any more.
pub const UNSET: &str = "unset.";
/// The same for an option that is not set if its field is empty.
pub const MAY: &str = "may.";

/// What somebody wants to change, and what they saw when they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
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
        html! {
            input type="hidden" name=(GENERATION) value=(self.generation);
            input type="hidden" name=(SEEN) value=(self.seen);
        }
    }

    /// The hidden fields that carry all of it.
    pub(crate) fn hidden(&self) -> Markup {
        html! {
            @for (name, value) in self.fields() { input type="hidden" name=(name) value=(value); }
        }
    }

    /// The same, their names and values.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let base = [
            (GENERATION.to_owned(), self.generation.to_string()),
            (SEEN.to_owned(), self.seen.clone()),
        ];
        let edits = self.edits.iter().map(|(key, text)| match text {
            Some(text) => (format!("{SET}{key}"), text.clone()),
            None => (format!("{UNSET}{key}"), "1".to_owned()),
        });
        base.into_iter().chain(edits).collect()
    }
}
