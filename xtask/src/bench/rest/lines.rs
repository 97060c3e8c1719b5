//! The lines of the table by name.

use super::rig::Rig;
use super::{consume, crowd, produce, refused};
use crate::bench::row::Row;

/// One line: how it is called with `--only`, what it measures.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Whether it is measured at three nodes as well.
    pub(super) at_three_nodes: bool,
    pub(super) run: fn(&Rig<'_>) -> anyhow::Result<Vec<Row>>,
}

pub(super) const LINES: [Line; 10] = [
    Line {
        name: "1000x100",
        at_three_nodes: true,
        run: |rig| produce::batches(rig, &produce::LARGE),
    },
    Line {
        name: "100x100",
        at_three_nodes: true,
        run: |rig| produce::batches(rig, &produce::MEDIUM),
    },
    Line {
        name: "100x1k",
        at_three_nodes: true,
        run: |rig| produce::batches(rig, &produce::HEAVY),
    },
    Line { name: "single", at_three_nodes: true, run: produce::single },
    Line { name: "serial", at_three_nodes: true, run: produce::serial },
    Line { name: "consume", at_three_nodes: true, run: consume::drain },
    Line { name: "long-poll", at_three_nodes: true, run: consume::long_poll },
    Line { name: "principals", at_three_nodes: false, run: crowd::principals },
    Line { name: "idle-polls", at_three_nodes: false, run: crowd::idle_polls },
    Line { name: "bad-tokens", at_three_nodes: false, run: refused::bad_tokens },
];
