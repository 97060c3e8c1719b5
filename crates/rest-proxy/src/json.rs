//! A quick way over JSON, for where only has to be known that it is valid and where it ends.
//!
//! `serde_json` needs twice the time, which was a fifth of all that the proxy does for large requests
//! (`cargo xtask bench rest --only 1000x100`); parsers with SIMD gain nothing without the features of
//! one processor. What is rare is not looked at here but left to `serde_json`, above all everything
//! wrong: every answer of these functions may be `None`, which says nothing.

/// How deep data may be nested here.
const DEEPEST: usize = 32;

/// Whether `text` is one JSON value, with or without spaces around it. `false` says nothing.
pub(crate) fn is_plainly_valid(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.space();
    scanner.value().is_some() && scanner.is_at_end()
}

/// A place in a text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether only spaces are left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    /// The next byte.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Passes over spaces.
    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes over `wanted`.
    pub(crate) fn token(&mut self, wanted: u8) -> Option<()> {
        self.space();
        (self.next()? == wanted).then_some(())
    }

    /// Whether there is no first element: passes over `end` if that comes.
    pub(crate) fn ends(&mut self, end: u8) -> Option<bool> {
        self.space();
        let ends = self.peek()? == end;
        self.at += usize::from(ends);
        Some(ends)
    }

    /// Whether there is another element, or `end`.
    pub(crate) fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.space();
        match self.next()? {
            b',' => Some(true),
            it if it == end => Some(false),
            _ => None,
        }
    }

    /// The text of the value that begins here.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.nested(0)?;
        self.text.get(start..self.at)
    }

    fn nested(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' if depth < DEEPEST => self.object(depth + 1),
            b'[' if depth < DEEPEST => self.array(depth + 1),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        if self.ends(b'}')? {
            return Some(());
        }
        loop {
            self.space();
            self.string()?;
            self.token(b':')?;
            self.space();
            self.nested(depth)?;
            if !self.goes_on(b'}')? {
                return Some(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        if self.ends(b']')? {
            return Some(());
        }
        loop {
            self.space();
            self.nested(depth)?;
            if !self.goes_on(b']')? {
                return Some(());
            }
        }
    }

    /// A string with its quotes. One with an escape is left to others.
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        if self.next()? != b'"' {
            return None;
        }
        let special = |it: u8| u8::from(it == b'"') | u8::from(it == b'\\') | u8::from(it < b' ');
        while let Some(chunk) = self.text.as_bytes().get(self.at..self.at + 16) {
            if chunk.iter().fold(0, |found, &it| found | special(it)) != 0 {
                break;
            }
            self.at += 16;
        }
        loop {
            match self.next()? {
                b'"' => return self.text.get(start..self.at),
                b'\\' | ..b' ' => return None,
                _ => {}
            }
        }
    }

    /// RFC 8259, section 6.
    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.next()? {
            b'0' => {}
            b'1'..=b'9' => while self.digit() {},
            _ => return None,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let some = self.digit();
        while self.digit() {}
        some.then_some(())
    }

    fn digit(&mut self) -> bool {
        let digit = self.peek().is_some_and(|it| it.is_ascii_digit());
        self.at += usize::from(digit);
        digit
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.text.as_bytes().get(self.at..)?.starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_around_a_value_are_nothing_and_two_values_are_none() {
        for (text, valid) in [("1", true), (" {\"a\":[]}\n", true), ("1 2", false), ("", false)] {
            assert_eq!(is_plainly_valid(text), valid, "{text}");
        }
    }
}
