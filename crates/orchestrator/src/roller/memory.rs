//! What the roller remembers from one look to the next. Losing it costs time and nothing else:
//! whoever remembers nothing has to watch for longer.

use std::collections::{BTreeMap, BTreeSet};

use model::{NodeId, RevisionId, Timestamp};
use rolling::{AuthView, Incarnation, KafkaView, NodeView, ServiceView, is_whole};

use super::cluster::{Answer, Logins};
use super::ledger::Written;
use crate::driver::Observed;

/// What is remembered of earlier looks.
#[derive(Debug, Default)]
pub(super) struct Memory {
    nodes: BTreeMap<NodeId, Remembered>,
    whole_since: Option<Timestamp>,
    calm_since: Option<Timestamp>,
    leaders: Vec<Option<NodeId>>,
    looked_at: Option<Timestamp>,
}

/// What is older than this says nothing of now: somebody else may have looked after the service.
const FORGET_MS: i64 = 10_000;

/// So many of the latest falls of a node are remembered.
const KEPT: usize = 8;

/// What is remembered of a node.
#[derive(Debug, Default)]
struct Remembered {
    incarnation: Option<Incarnation>,
    auth: AuthView,
    /// How far it had come, to tell whether it has moved since.
    stage: Stage,
    progress_at: Option<Timestamp>,
    /// Whether it was unfenced and in sync everywhere in the last look.
    is_full: bool,
    /// When it was not any more: the latest times.
    falls: Vec<Timestamp>,
}

/// How far a node has come: a larger one is progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Stage {
    is_registered: bool,
    is_unfenced: bool,
    answers: bool,
    /// How many of its replicas are in sync.
    in_sync: usize,
}

impl Memory {
    /// The nodes at whose listeners it is worth while to log in: those of `nodes` that have not
    /// been proven since they were started.
    pub(super) fn unproven(
        &self,
        nodes: impl Iterator<Item = NodeId>,
        observed: &BTreeMap<NodeId, Observed>,
    ) -> BTreeSet<NodeId> {
        let runs = |id: &NodeId| observed.get(id).and_then(|it| it.process.as_ref());
        let is_proven = |id: &NodeId| {
            self.nodes.get(id).is_some_and(|it| {
                it.auth == AuthView::Proven
                    && it.incarnation.as_ref() == runs(id).map(|it| &it.incarnation)
            })
        };
        nodes.filter(|id| runs(id).is_some() && !is_proven(id)).collect()
    }

    /// Puts the picture together. The second value names a node whose process was replaced by none
    /// of ours since the last look.
    pub(super) fn view(
        &mut self,
        written: &Written,
        observed: &BTreeMap<NodeId, Observed>,
        answer: Answer,
        now: Timestamp,
    ) -> (ServiceView, Option<NodeId>) {
        if self.looked_at.is_none_or(|it| now.ms_since(it) > FORGET_MS) {
            *self = Self::default();
        }
        self.looked_at = Some(now);
        let orders = written.active.as_ref().map(|it| &it.rollout.orders);
        let (mut foreign, mut changed) = (None, false);
        let mut nodes = BTreeMap::new();
        for pin in &written.pins {
            let id = pin.node.id;
            let seen = observed.get(&id).cloned().unwrap_or_default();
            let remembered = self.nodes.entry(id).or_default();
            let incarnation = seen.process.as_ref().map(|it| it.incarnation.clone());
            let is_replaced = remembered.incarnation.is_some()
                && incarnation.is_some()
                && remembered.incarnation != incarnation;
            let order = orders.and_then(|it| it.get(&id));
            if is_replaced && order.is_none_or(|it| it.from != remembered.incarnation) {
                foreign = foreign.or(Some(id));
            }
            changed |= remembered.incarnation != incarnation;
            let is_only = written.pins.len() == 1;
            remembered.note(incarnation, answer.kafka.as_ref(), &answer, (id, is_only), now);
            // Work on its logs is progress, and it has its time after that.
            if seen.recovering {
                remembered.progress_at = Some(now);
            }
            let starts = starts(&seen, &pin.revision);
            let view = NodeView {
                pinned: pin.revision.clone(),
                process: seen.process,
                busy: seen.busy,
                starts,
                recovering: seen.recovering,
                answers: answer.answering.contains(&id),
                auth: remembered.auth.clone(),
                progress_at: remembered.progress_at,
                falls: remembered.falls.clone(),
                usual_ms: written.usual_ms.get(&id).copied(),
                rack: pin.node.rack.clone(),
            };
            nodes.insert(id, view);
        }
        let mut view = ServiceView {
            nodes,
            kafka: answer.kafka,
            jwks: answer.jwks,
            whole_since: None,
            calm_since: None,
            raised: written.raised.clone(),
        };
        self.whole_since =
            if is_whole(&view) && !changed { self.whole_since.or(Some(now)) } else { None };
        view.whole_since = self.whole_since;
        let kafka = view.kafka.iter();
        let leaders: Vec<_> = kafka.flat_map(|it| &it.partitions).map(|it| it.leader).collect();
        let is_calm = self.whole_since.is_some() && leaders == self.leaders;
        self.calm_since = if is_calm { self.calm_since.or(Some(now)) } else { None };
        self.leaders = leaders;
        view.calm_since = self.calm_since;
        (view, foreign)
    }
}

impl Remembered {
    fn note(
        &mut self,
        incarnation: Option<Incarnation>,
        kafka: Option<&KafkaView>,
        answer: &Answer,
        (id, is_only): (NodeId, bool),
        now: Timestamp,
    ) {
        if self.incarnation != incarnation {
            *self = Self { incarnation, progress_at: Some(now), ..Self::default() };
        }
        match kafka.filter(|it| it.quorum.leader.is_some()) {
            Some(kafka) => {
                let (stage, is_full, lags) = Stage::of(kafka, id, answer.answering.contains(&id));
                let is_well = is_full && stage.answers && !lags;
                if self.is_full && !is_full {
                    self.falls.push(now);
                    self.falls.drain(..self.falls.len().saturating_sub(KEPT));
                }
                self.is_full = is_full;
                if stage > self.stage || is_well {
                    self.progress_at = Some(now);
                }
                self.stage = stage;
            }
            // Without a controller no node gets any further, and none is to blame for it; unless
            // there is no other.
            None if !is_only => self.progress_at = Some(now),
            None => {}
        }
        self.auth = match answer.logins.get(&id) {
            None | Some(Logins::Unanswered(_)) => return,
            Some(Logins::Right) => AuthView::Proven,
            Some(Logins::LetsIn(who)) => AuthView::LetsIn(who.clone()),
            Some(Logins::LocksOut(why)) => {
                let since = match &self.auth {
                    AuthView::LocksOut { since, .. } => *since,
                    _ => now,
                };
                AuthView::LocksOut { why: why.clone(), since }
            }
        };
    }
}

impl Stage {
    /// The second value tells whether it is unfenced and in sync everywhere, as far as it can do
    /// anything about that: a partition without a leader has nobody to follow. The third, whether
    /// its metadata is behind.
    fn of(kafka: &KafkaView, id: NodeId, answers: bool) -> (Self, bool, bool) {
        let (mut in_sync, mut of) = (0, 0);
        for partition in kafka.partitions.iter().filter(|it| it.replicas.contains(&id)) {
            let is_in_sync = partition.in_sync.contains(&id);
            in_sync += usize::from(is_in_sync);
            of += usize::from(is_in_sync || partition.leader.is_some());
        }
        let is_unfenced = kafka.fenced.get(&id) == Some(&false);
        let is_registered = kafka.fenced.contains_key(&id);
        let quorum = &kafka.quorum;
        let lags = quorum.behind.contains(&id)
            || quorum.voters.contains(&id) && !quorum.caught_up.contains(&id);
        let stage = Self { is_registered, is_unfenced, answers, in_sync };
        (stage, is_unfenced && in_sync == of, lags)
    }
}

/// When a node was started with the revision that it is pinned to.
fn starts(seen: &Observed, pinned: &RevisionId) -> Vec<Timestamp> {
    seen.starts.iter().filter(|it| it.revision == *pinned).map(|it| it.at).collect()
}
