//! Java's `.properties` format.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes a file of properties: sections with a comment above each, sorted within.
#[derive(Default)]
pub(crate) struct PropertiesWriter {
    text: String,
}

impl PropertiesWriter {
    /// Adds a section; nothing if it is empty.
    pub(crate) fn section(&mut self, comment: &str, properties: &BTreeMap<String, String>) {
        if properties.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str("# ");
        self.text.push_str(comment);
        self.text.push('\n');
        for (key, value) in properties {
            self.text.push_str(&line(key, value));
        }
    }

    /// The whole file.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// One property as a line. Keys are ours and need no escape.
pub(crate) fn line(key: &str, value: &str) -> String {
    format!("{key}={}\n", escape(value))
}

/// The properties of a file that this module wrote, values as written.
pub(crate) fn lines(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter(|it| !it.starts_with('#')).filter_map(|it| it.split_once('=')).collect()
}

/// So that `java.util.Properties#load`, which reads ISO-8859-1, gives `value` back.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            ' ' if at == 0 => escaped.push_str("\\ "),
            ' '..='~' => escaped.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a `String` cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Java's reader does with a value that we wrote.
    fn unescape(written: &str) -> String {
        let mut units: Vec<u16> = Vec::new();
        let mut chars = written.chars();
        while let Some(c) = chars.next() {
            let c = if c == '\\' {
                chars.next().unwrap()
            } else {
                units.push(c as u16);
                continue;
            };
            if c == 'u' {
                let digits: String = chars.by_ref().take(4).collect();
                units.push(u16::from_str_radix(&digits, 16).unwrap());
            } else {
                units.push(c as u16);
            }
        }
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn escapes_what_java_would_read_differently() {
        assert_eq!(
            line("k", " a=b:c#d!e\\f\ng\u{e9}\u{1f600}"),
            "k=\\ a=b:c#d!e\\\\f\\u000ag\\u00e9\\ud83d\\ude00\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(value in any::<String>()) {
            let written = line("k", &value);
            prop_assert!(written.is_ascii());
            let written = written.strip_prefix("k=").unwrap().strip_suffix('\n').unwrap();
            prop_assert!(!written.contains(['\r', '\n']));
            prop_assert_eq!(unescape(written), value);
        }
    }
}
