//! A topic that was written to.

use super::sticky::Sticky;
use crate::librdkafka::TopicHandle;

/// What a producer keeps of a topic.
pub(super) struct Opened {
    pub(super) handle: TopicHandle,
    pub(super) sticky: Sticky,
}
