//! Small things that many pages have: states, notices, empty places.

use maud::{Markup, html};

/// How something is, for its colour. What it means is always in its text as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On the way, or to be looked at.
    Busy,
    /// Not as it should be.
    Bad,
    /// Neither.
    Quiet,
}

impl Tone {
    /// The class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }

    /// Of a state of a service or of a node, as the API spells it.
    pub fn of_state(state: &str) -> Self {
        match state {
            "RUNNING" | "running" => Self::Good,
            "REBUILDING" | "setting_up_vm" | "syncing_data" | "leaving" => Self::Busy,
            _ => Self::Quiet,
        }
    }
}

/// A word in a coloured box.
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// The state of a service or of a node, as the API spells it.
pub fn state(state: &str) -> Markup {
    badge(Tone::of_state(state), state)
}

/// Something to know, in a box of its own. A bad one is read out at once.
pub fn notice(tone: Tone, text: &str) -> Markup {
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    html! { div class={ "notice " (tone.class()) } role=(role) { (text) } }
}

/// What stands where there is nothing: why, and what to do next.
pub fn empty(title: &str, next: &Markup) -> Markup {
    html! { div.empty { p { strong { (title) } } (next) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        let shown = notice(Tone::Bad, "<script>\"&'</script>").into_string();
        assert_eq!(
            shown,
            "<div class=\"notice bad\" role=\"alert\">&lt;script&gt;&quot;&amp;'&lt;/script&gt;</div>"
        );
    }
}
