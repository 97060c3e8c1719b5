//! What was just done: a word in the address that a form sends its sender to, and its sentence.

use axum::extract::FromRequestParts;
use axum::extract::Query;
use console::nav::ServiceAt;
use http::request::Parts;
use serde::Deserialize;

use super::show::Failed;

const SENTENCES: [(&str, &str); 18] = [
    ("topic-created", "The topic is written down, and Kafka makes it within seconds."),
    ("topic-updated", "The change is written down, and Kafka has it within seconds."),
    ("topic-deleted", "The topic is being deleted with its records, within seconds."),
    ("user-created", "The service user is there. Kafka knows its password within seconds."),
    ("user-reset", "There is a new password, and Kafka has it within seconds."),
    ("user-deleted", "The service user is deleted."),
    ("acl-added", "The ACL entry is added, and Kafka has it within seconds."),
    ("acl-deleted", "The ACL entry is deleted, and Kafka forgets it within seconds."),
    ("quota-set", "The quota is set, and Kafka has it within seconds."),
    ("quota-deleted", "The quota is deleted, and Kafka forgets it within seconds."),
    (
        "settings-saved",
        "The configuration is saved. What has to restart does so one node at a time.",
    ),
    ("rollout-start", "Started."),
    ("rollout-pause", "Paused: a node that is being restarted comes back first."),
    ("rollout-resume", "Resumed: it goes on."),
    ("rollout-abort", "It ends as soon as a node that is being restarted is back."),
    ("rollout-rollback", "It goes back to the configuration that was good last."),
    ("rollout-consent", "Your consent is written down."),
    ("rollout-start-now", "It waits for no window any more."),
];

/// The sentence for what the address says was done; nothing for any other word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done(pub(super) Option<&'static str>);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    done: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Done {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let asked = Query::<Asked>::from_request_parts(parts, state).await;
        let Query(Asked { done }) = asked.unwrap_or_default();
        Ok(Self(SENTENCES.iter().find(|(word, _)| *word == done).map(|(_, text)| *text)))
    }
}

/// The address of a page of the service that says so.
pub(super) fn said(at: &ServiceAt, path: &str, done: &str) -> String {
    format!("{}?done={done}", at.href(path))
}

#[cfg(test)]
mod tests {
    use console::pages::rollout::Command;

    use super::*;

    #[test]
    fn whatever_a_rollout_is_told_has_its_sentence_and_no_word_has_two() {
        for word in Command::ALL.map(|it| format!("rollout-{}", it.word())) {
            assert!(SENTENCES.iter().any(|(it, _)| *it == word), "{word}");
        }
        for (index, (word, _)) in SENTENCES.iter().enumerate() {
            assert!(SENTENCES[..index].iter().all(|(it, _)| it != word), "{word}");
        }
    }
}
