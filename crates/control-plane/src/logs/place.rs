//! How far logs were read: the `offset` of an answer.
//!
//! Lines come from two sequences, each with ids that grow. A place is one in the logs that are merged
//! of both, so it is one in each of them.

use std::fmt;
use std::str::FromStr;

/// The most digits of an id; the document says so too (`LogsQuery`).
const DIGITS: usize = 18;

/// A place in one sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// At a line: neither among those before nor among those after.
    At(i64),
    /// Behind a line, before the next.
    Behind(i64),
}

/// A place in the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) events: Mark,
    pub(super) denials: Mark,
}

/// The text is no place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoPlace;

impl Place {
    /// Before all lines.
    pub(super) const START: Self = Self { events: Mark::Behind(0), denials: Mark::Behind(0) };
}

impl Mark {
    /// Lines after it have ids above this.
    pub(super) const fn after(self) -> i64 {
        match self {
            Self::At(id) | Self::Behind(id) => id,
        }
    }

    /// Lines before it have ids below this.
    pub(super) const fn before(self) -> i64 {
        match self {
            Self::At(id) => id,
            Self::Behind(id) => id + 1,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(id) => write!(f, "{id}"),
            Self::Behind(id) => write!(f, "{id}+"),
        }
    }
}

impl fmt::Display for Place {
    /// `EVENT.DENIAL`, each with a `+` for behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.events, self.denials)
    }
}

impl FromStr for Mark {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (id, is_behind) = match text.strip_suffix('+') {
            Some(id) => (id, true),
            None => (text, false),
        };
        if id.len() > DIGITS || !id.bytes().all(|it| it.is_ascii_digit()) {
            return Err(NoPlace);
        }
        let id = id.parse().map_err(|_| NoPlace)?;
        Ok(if is_behind { Self::Behind(id) } else { Self::At(id) })
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    /// A number alone is the offset of a version whose logs had events only: it was given before the
    /// first denial was written down.
    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text.split_once('.') {
            Some((events, denials)) => {
                Ok(Self { events: events.parse()?, denials: denials.parse()? })
            }
            None if text.ends_with('+') => Err(NoPlace),
            None => Ok(Self { events: text.parse()?, denials: Mark::Behind(0) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_and_read() {
        let places = [
            ("7.9", Mark::At(7), Mark::At(9)),
            ("7+.9", Mark::Behind(7), Mark::At(9)),
            ("0+.0+", Mark::Behind(0), Mark::Behind(0)),
            ("12.999999999999999999+", Mark::At(12), Mark::Behind(999_999_999_999_999_999)),
        ];
        for (text, events, denials) in places {
            let place = Place { events, denials };
            assert_eq!((text.parse(), place.to_string().as_str()), (Ok(place), text));
        }
        let old = Place { events: Mark::At(7), denials: Mark::Behind(0) };
        assert_eq!("7".parse(), Ok(old), "of the version before");
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let long = "1".repeat(19);
        for text in
            ["", "+", "7+", "-1", "x", "7.", ".7", "7.+", "7.8.9", "7.8++", " 7", "+7", "७", &long]
        {
            assert_eq!(text.parse::<Place>(), Err(NoPlace), "{text}");
        }
    }
}
