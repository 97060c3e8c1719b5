//! What people may tell a rollout, and what follows from it.

/// What a person tells a rollout that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Touch no further node.
    Pause,
    /// Go on, after a pause or a failed node, or instead of ending early.
    Resume,
    /// End at the next node.
    Abort,
    /// Bring every node back to the configuration that was good last.
    RollBack,
    /// Agree to what it makes unavailable.
    Consent,
    /// Do not wait for the maintenance window.
    StartNow,
}

/// What of a rollout decides what it may be told.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its state, as the API spells it.
    pub state: &'a str,
    /// Whether it has ended.
    pub has_ended: bool,
    /// Whether there is another configuration to go back to, and it does not do so already.
    pub can_go_back: bool,
    /// Whether somebody has to agree first.
    pub needs_consent: bool,
}

impl Command {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::Consent, Self::StartNow, Self::Resume, Self::Pause, Self::RollBack, Self::Abort];

    /// The end of its address, as in the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::RollBack => "rollback",
            Self::Consent => "consent",
            Self::StartNow => "start-now",
        }
    }

    /// The one of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// What is written on its button.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Abort => "Abort",
            Self::RollBack => "Roll back",
            Self::Consent => "Give consent",
            Self::StartNow => "Start now",
        }
    }

    /// What follows from it, in words.
    pub const fn consequence(self) -> &'static str {
        match self {
            Self::Pause => {
                "No further node is touched until somebody resumes. A node that is being restarted \
                 comes back first."
            }
            Self::Resume => {
                "It goes on with the next node, as soon as the cluster allows it. A node that \
                 failed is tried again."
            }
            Self::Abort => {
                "It ends. Nodes stay as they are, so that some may run the new configuration and \
                 others the old one. A node that is being restarted comes back first. Once it \
                 has ended it cannot be resumed: to bring every node to one configuration, start \
                 another."
            }
            Self::RollBack => {
                "Every node that was restarted is restarted again, into the configuration that was \
                 good last. The service's settings go back too, unless they were changed further \
                 meanwhile. A node that is being restarted comes back first."
            }
            Self::Consent => {
                "Partitions without a spare replica are unavailable while their nodes restart, or \
                 get more replicas for that time. Your name and reason stay with the rollout."
            }
            Self::StartNow => {
                "Nodes are restarted now, one after another, and not in the maintenance window."
            }
        }
    }

    /// Whether something is lost by it.
    pub const fn is_destructive(self) -> bool {
        matches!(self, Self::Abort | Self::RollBack)
    }

    /// Whether it makes sense to tell a rollout that.
    pub fn fits(self, it: Standing<'_>) -> bool {
        let stands = matches!(it.state, "paused" | "halted" | "aborting");
        !it.has_ended
            && match self {
                Self::Pause => !stands,
                Self::Resume => stands,
                Self::Abort => it.state != "aborting",
                Self::RollBack => it.can_go_back,
                Self::Consent => it.needs_consent,
                Self::StartNow => it.state == "waiting_for_window",
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(state: &str, change: impl FnOnce(&mut Standing<'_>)) -> String {
        let mut standing =
            Standing { state, has_ended: false, can_go_back: true, needs_consent: false };
        change(&mut standing);
        let fit = Command::ALL.into_iter().filter(|it| it.fits(standing));
        fit.map(Command::word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_what_the_state_allows_is_offered() {
        for (state, expected) in [
            ("running", "pause rollback abort"),
            ("waiting_for_window", "start-now pause rollback abort"),
            ("paused", "resume rollback abort"),
            ("halted", "resume rollback abort"),
            ("aborting", "resume rollback"),
        ] {
            assert_eq!(offered(state, |_| {}), expected, "{state}");
        }
        assert_eq!(offered("done", |it| it.has_ended = true), "");
        assert_eq!(offered("running", |it| it.can_go_back = false), "pause abort");
        let blocked = offered("running", |it| it.needs_consent = true);
        assert_eq!(blocked, "consent pause rollback abort");
    }

    #[test]
    fn every_word_names_its_command() {
        for it in Command::ALL {
            assert_eq!(Command::of_word(it.word()), Some(it));
        }
        assert_eq!(Command::of_word("start"), None);
    }
}
