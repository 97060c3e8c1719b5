//! Says a thing once, however often it comes up again.

use std::error::Error;

/// What was logged last of one kind.
#[derive(Debug, Default)]
pub(crate) struct Reported(Vec<String>);

impl Reported {
    /// Whether `now` differs from what was reported last. Nothing is nothing to report.
    pub(crate) fn is_news(&mut self, now: &[String]) -> bool {
        let news = self.0 != now;
        now.clone_into(&mut self.0);
        news && !now.is_empty()
    }
}

/// An error with everything that caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_news_once() {
        let mut reported = Reported::default();
        assert!(!reported.is_news(&[]));
        assert!(reported.is_news(&["a".into()]));
        assert!(!reported.is_news(&["a".into()]));
        assert!(!reported.is_news(&[]));
        assert!(reported.is_news(&["a".into()]));
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let inner = std::io::Error::other("disk full");
        let outer =
            crate::driver::DriverError::Failed { what: "cannot write".into(), source: inner };
        assert_eq!(chain(&outer), "cannot write: disk full");
    }
}
