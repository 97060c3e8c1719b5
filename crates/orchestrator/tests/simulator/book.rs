//! What Postgres holds, and what people tell it.

use std::collections::{BTreeMap, BTreeSet};

use model::{NodeId, RevisionId, RolloutId, Timestamp};
use orchestrator::roller::ledger::Then;
use rolling::{Direction, End, Failure, Order, Paused, Policy, Raised, Remedy, Rollout, Window};
use store::{ActiveRollout, RecordError};
use uuid::Uuid;

use crate::world::World;

#[derive(Debug, Default)]
pub(crate) struct Book {
    pub active: Option<ActiveRollout>,
    pub pins: BTreeMap<i32, char>,
    /// When each pin was set.
    pub pinned_at: BTreeMap<i32, i64>,
    pub raised: Vec<Raised>,
    pub usual_ms: BTreeMap<NodeId, i64>,
    pub stable: Option<char>,
    pub n_rollouts: u128,
    /// How the latest rollout ended.
    pub ended: Option<End>,
    /// Since when a person, or a failure, keeps further nodes from being touched.
    pub stopped_at: Option<i64>,
    /// Whether Postgres forgets to compare versions. A mutant; the laws have to find it.
    pub forgets_versions: bool,
}

/// What a person does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    Pause,
    Resume,
    Abort,
    Supersede(char),
    Consent(Remedy),
    RollBack,
    StartNow,
}

pub(crate) fn revision(digit: char) -> RevisionId {
    RevisionId::try_from(digit.to_string().repeat(64)).unwrap()
}

pub(crate) fn digit(revision: &RevisionId) -> char {
    revision.as_str().chars().next().unwrap()
}

/// Short, so that a history is.
const POLICY: Policy = Policy {
    max_unavailable: 1,
    canary_bake_ms: 3_000,
    soak_ms: 1_000,
    leaders_delay_ms: 600,
    start_limit_ms: 12_000,
    stall_limit_ms: 10_000,
    auth_limit_ms: 4_000,
};

impl World {
    /// Starts a rollout, which takes the place of the one under way.
    pub(crate) fn start_rollout(&mut self, target: char, max_unavailable: usize) {
        let orders = self.book.active.take().map(|it| it.rollout.orders).unwrap_or_default();
        self.book.n_rollouts += 1;
        let window = self.random.per_mille(150).then(|| self.window());
        let rollout = Rollout {
            target: revision(target),
            base: self.book.stable.map(revision),
            direction: Direction::Forward,
            orders,
            restart_all: self.random.per_mille(100),
            paused: None,
            halted: None,
            abort: false,
            remedy: Remedy::Wait,
            window,
            policy: Policy { max_unavailable, ..POLICY },
            since: Timestamp(self.now),
        };
        let id = RolloutId(Uuid::from_u128(self.book.n_rollouts));
        self.book.active = Some(ActiveRollout { id, rollout, version: 1 });
        self.book.stopped_at = None;
        self.log(|| format!("rollout into {target}"));
    }

    /// A maintenance window that opens soon, or closes soon.
    fn window(&mut self) -> Window {
        let opens = self.now + self.random.between(2_000, 25_000);
        let closes = self.random.per_mille(500);
        let opens = if closes { opens + 90_000 - Window::LENGTH_MS } else { opens };
        // Time begins on a Thursday.
        let (day, seconds) =
            if opens < 0 { ("wednesday", opens + 86_400_000) } else { ("thursday", opens) };
        let seconds = seconds / 1_000;
        let time = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
        Window::parse(day, &time).unwrap()
    }

    pub(crate) fn say(&mut self, word: Word) {
        let now = self.now;
        self.log(|| format!("a person says {word:?}"));
        if let Word::Supersede(target) = word {
            let max_unavailable = 1 + self.random.below(2);
            return self.start_rollout(target, max_unavailable);
        }
        let Some(active) = &mut self.book.active else { return };
        active.version += 1;
        let rollout = &mut active.rollout;
        match word {
            Word::Pause => {
                rollout.paused = Some(Paused { by: "ann".into(), reason: "lunch".into() });
                self.book.stopped_at = self.book.stopped_at.or(Some(now));
            }
            Word::Resume => {
                (rollout.paused, rollout.halted) = (None, None);
                rollout.since = Timestamp(now);
                self.book.stopped_at = None;
            }
            Word::Abort => {
                (rollout.paused, rollout.halted, rollout.abort) = (None, None, true);
                self.book.stopped_at = self.book.stopped_at.or(Some(now));
            }
            Word::Consent(remedy) => rollout.remedy = remedy,
            Word::StartNow => rollout.window = None,
            Word::RollBack if rollout.base.is_some() => {
                (rollout.paused, rollout.halted) = (None, None);
                rollout.direction = Direction::Back;
                rollout.since = Timestamp(now);
                self.book.stopped_at = None;
            }
            Word::RollBack | Word::Supersede(_) => {}
        }
    }

    /// The rollout that a write is about, if nobody else has written since it was read.
    fn compared(&mut self, read: &ActiveRollout) -> Result<&mut ActiveRollout, RecordError> {
        let forgets = self.book.forgets_versions;
        let active = self.book.active.as_mut().filter(|it| it.id == read.id);
        let active = active.filter(|it| it.version == read.version || forgets);
        let active = active.ok_or(RecordError::Stale)?;
        active.version += 1;
        Ok(active)
    }

    pub(crate) fn record_orders(
        &mut self,
        me: usize,
        read: &ActiveRollout,
        orders: &BTreeMap<NodeId, Order>,
    ) -> Result<(), RecordError> {
        let now = self.now;
        self.compared(read)?;
        self.check_alone(me);
        let Some(active) = &mut self.book.active else { return Ok(()) };
        for (id, order) in orders {
            active.rollout.orders.insert(*id, Order { at: Timestamp(now), ..order.clone() });
        }
        for (id, order) in orders {
            self.book.pins.insert(id.0, digit(&order.revision));
            self.book.pinned_at.insert(id.0, now);
        }
        let nodes: BTreeSet<i32> = orders.keys().map(|it| it.0).collect();
        self.log(|| format!("ordered: {nodes:?}"));
        self.check_orders(&nodes);
        Ok(())
    }

    pub(crate) fn record_failure(
        &mut self,
        read: &ActiveRollout,
        failure: &Failure,
        then: Then,
    ) -> Result<(), RecordError> {
        let now = self.now;
        let active = self.compared(read)?;
        match then {
            Then::GoBack => active.rollout.direction = Direction::Back,
            Then::Halt => {
                active.rollout.halted = Some(failure.clone());
                self.book.stopped_at = self.book.stopped_at.or(Some(now));
            }
        }
        self.log(|| format!("{then:?}: {failure}"));
        self.check_failure(failure);
        Ok(())
    }

    pub(crate) fn pause(
        &mut self,
        read: &ActiveRollout,
        paused: &Paused,
    ) -> Result<(), RecordError> {
        self.compared(read)?.rollout.paused = Some(paused.clone());
        self.book.stopped_at = self.book.stopped_at.or(Some(self.now));
        self.log(|| format!("paused: {}", paused.reason));
        Ok(())
    }

    pub(crate) fn end(&mut self, read: &ActiveRollout, end: End) -> Result<(), RecordError> {
        self.compared(read)?;
        self.log(|| format!("ended: {end:?}"));
        self.check_end(end);
        if end == End::Done {
            self.book.stable = Some(digit(&read.rollout.target));
        }
        self.book.active = None;
        self.book.ended = Some(end);
        Ok(())
    }

    pub(crate) fn record_raised(
        &mut self,
        read: &ActiveRollout,
        raised: &[Raised],
    ) -> Result<(), RecordError> {
        self.compared(read)?;
        for it in raised {
            if !self.book.raised.iter().any(|known| known.partition == it.partition) {
                self.book.raised.push(it.clone());
            }
        }
        Ok(())
    }
}
