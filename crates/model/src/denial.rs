//! What the brokers of a service refused.

use std::fmt;

use crate::{NodeId, Timestamp};

/// The longest text that is kept, in characters.
const LONGEST: usize = 256;

/// Text that somebody else chose, as it can be shown on one line: 256 characters at most, what is not
/// printable escaped. The end of a longer one is `…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownText(String);

impl ShownText {
    /// Any text. One that comes from here stays what it is.
    pub fn of(text: &str) -> Self {
        let mut shown = String::with_capacity(text.len());
        for it in text.chars().take(LONGEST + 1) {
            match it {
                // They are printable, and escaped only where they would end a literal.
                '\\' | '"' | '\'' => shown.push(it),
                _ => shown.extend(it.escape_debug()),
            }
        }
        if let Some((end, _)) = shown.char_indices().nth(LONGEST - 1)
            && shown.chars().nth(LONGEST).is_some()
        {
            shown.truncate(end);
            shown.push('…');
        }
        Self(shown)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which rule something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DenialRule {
    /// No ACL entry allows it.
    NoEntry,
    /// An ACL entry denies it, whatever others allow.
    DenyEntry,
}

impl DenialRule {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::NoEntry, Self::DenyEntry];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEntry => "no_entry",
            Self::DenyEntry => "deny_entry",
        }
    }
}

/// A question to a broker's ACLs that was answered with no. Whoever asks with words that this version
/// does not know is refused as well, so these are texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// Who, without `User:`. Never one of the platform's own principals, which start with a space.
    pub principal: ShownText,
    /// From which address.
    pub host: ShownText,
    /// What Kafka asks its ACLs for, as the API spells it, such as `DescribeConfigs`.
    pub operation: ShownText,
    /// On what kind of resource, such as `Topic`.
    pub resource_type: ShownText,
    /// The resource's name.
    pub resource_name: ShownText,
    /// By which request of Kafka's protocol, such as `Produce`.
    pub request: ShownText,
    /// Why; `None` if the broker did not say.
    pub rule: Option<DenialRule>,
}

/// What a node refused within one look at its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Which node.
    pub node: NodeId,
    /// What; `None` for all that there were beyond the most frequent ones.
    pub denied: Option<Denied>,
    /// How many times, at least 1: each that was written to the log and read.
    pub times: u64,
    /// When the last time was.
    pub last: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printable_is_escaped_and_what_is_long_is_cut() {
        let cases = [
            ("orders", "orders"),
            ("Zoë Q. \"x\" \\n", "Zoë Q. \"x\" \\n"),
            ("a\nb\r\0\u{1b}[2J", "a\\nb\\r\\0\\u{1b}[2J"),
            ("a\u{202e}b\u{2028}", "a\\u{202e}b\\u{2028}"),
        ];
        for (text, shown) in cases {
            assert_eq!(ShownText::of(text).as_str(), shown);
        }
        assert_eq!(ShownText::of(&"é".repeat(256)).as_str(), "é".repeat(256));
        let cut = format!("{}…", "é".repeat(255));
        assert_eq!(ShownText::of(&"é".repeat(257)).as_str(), cut);
    }

    #[test]
    fn what_was_shown_stays_what_it_is() {
        for text in ["\n".repeat(300), "x".repeat(300), "\u{1b}".repeat(40), "\\".repeat(300)] {
            let once = ShownText::of(&text);
            assert!(once.as_str().chars().count() <= LONGEST);
            assert_eq!(ShownText::of(once.as_str()), once);
        }
    }
}
