//! Says a thing once, however often it comes up again.

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

#[cfg(test)]
mod tests {
    use web::chain;

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
