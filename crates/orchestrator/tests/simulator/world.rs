//! The modelled cluster: processes, the quorum and replicas in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::Book;
use crate::random::Random;

/// The longest step of time.
const STEP_MS: i64 = 250;

/// What nodes do that run a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Good,
    /// They exit soon after each start.
    Exits,
    /// They never register.
    Hangs,
    /// Their replicas never come in sync.
    NeverSyncs,
    /// A replica of theirs falls out of sync now and then, and comes back.
    Flaps,
    /// They refuse who should get in.
    LocksOut,
    /// They let in who should not.
    LetsIn,
}

#[derive(Debug)]
pub(crate) struct World {
    pub now: i64,
    pub random: Random,
    pub machines: BTreeMap<i32, Machine>,
    pub partitions: Vec<Part>,
    pub quorum: Quorum,
    pub book: Book,
    pub behaviours: BTreeMap<char, Behaviour>,
    pub faults: Faults,
    /// What each orchestrator has looked at; the index is its number.
    pub looks: Vec<Looks>,
    pub n_incarnations: u64,
    /// What has happened, for people who look for the reason of a failure.
    pub log: Vec<String>,
    pub is_logged: bool,
}

/// A machine with a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub process: Option<Process>,
    pub agent: Option<Agent>,
    pub starts: Vec<(i64, char)>,
    pub staged: BTreeSet<char>,
    /// The latest lease whose holder has given it an order.
    pub lease: usize,
    /// When something befell it that nobody of us did.
    pub hit_at: Option<i64>,
    /// Since when nothing is wrong with it.
    pub well_since: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub incarnation: u64,
    pub revision: char,
    pub controller_at: i64,
    pub registers_at: i64,
    pub unfences_at: i64,
    pub answers_at: i64,
    pub recovers_until: i64,
    pub dies_at: Option<i64>,
    pub is_registered: bool,
    pub is_unfenced: bool,
}

/// What carries out a restart, whoever lives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Agent {
    Stopping { until: i64, revision: char },
    Starting { until: i64, revision: char },
}

#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub replicas: Vec<i32>,
    pub in_sync: Vec<i32>,
    pub leader: Option<i32>,
    pub min: usize,
    /// When replicas come in sync that are not.
    pub joins_at: BTreeMap<i32, i64>,
    /// When replicas fell out of sync through nobody of us.
    pub hit_at: BTreeMap<i32, i64>,
    /// When it has the replicas that it was told to have.
    pub becomes: Option<(i64, Vec<i32>)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Quorum {
    pub leader: Option<i32>,
    pub since: i64,
    pub epoch: i32,
    pub elects_at: Option<i64>,
}

/// Something that is wrong from one moment to another.
pub(crate) type Spell = Option<(i64, i64)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    pub postgres: Spell,
    pub idp: Spell,
    pub driver: Spell,
    pub kafka: Spell,
    pub reassigning: Spell,
    pub disk: (i32, Spell),
    pub log_dir: (i32, Spell),
    pub behind: (i32, Spell),
    pub deaf: (i32, Spell),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Looks {
    /// When it read the ledger last.
    pub read_at: i64,
    /// When its last look began, and the one before.
    pub last: i64,
    pub before: Option<i64>,
}

impl World {
    pub(crate) fn log(&mut self, text: impl FnOnce() -> String) {
        if self.is_logged {
            self.log.push(format!("{:>7} {}", self.now, text()));
        }
    }

    pub(crate) fn behaviour(&self, revision: char) -> Behaviour {
        self.behaviours.get(&revision).copied().unwrap_or(Behaviour::Good)
    }

    pub(crate) const fn during(&self, spell: Spell) -> bool {
        matches!(spell, Some((from, until)) if from <= self.now && self.now < until)
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, ms: i64) {
        let until = self.now + ms;
        while self.now < until {
            self.now = (self.now + STEP_MS).min(until);
            self.step();
        }
    }

    fn step(&mut self) {
        for id in self.ids() {
            self.step_agent(id);
            self.step_process(id);
        }
        self.step_quorum();
        self.flap();
        for n in 0..self.partitions.len() {
            self.step_partition(n);
        }
        for id in self.ids() {
            let is_well = self.is_well(id);
            let machine = self.machines.get_mut(&id).unwrap();
            machine.well_since = if is_well { machine.well_since.or(Some(self.now)) } else { None };
        }
    }

    pub(crate) fn ids(&self) -> Vec<i32> {
        self.machines.keys().copied().collect()
    }

    fn step_agent(&mut self, id: i32) {
        let now = self.now;
        match self.machines[&id].agent {
            Some(Agent::Stopping { until, revision }) if until <= now => {
                self.machines.get_mut(&id).unwrap().process = None;
                let until = now + self.random.between(0, 400);
                self.machines.get_mut(&id).unwrap().agent =
                    Some(Agent::Starting { until, revision });
            }
            Some(Agent::Starting { until, revision }) if until <= now => {
                self.machines.get_mut(&id).unwrap().agent = None;
                self.start(id, revision);
            }
            _ => {}
        }
    }

    /// Starts the process of a node.
    pub(crate) fn start(&mut self, id: i32, revision: char) {
        self.n_incarnations += 1;
        let now = self.now;
        let random = &mut self.random;
        let recovers = if random.per_mille(30) { random.between(5_000, 20_000) } else { 0 };
        let controller_at = now + random.between(100, 800);
        let registers_at = controller_at + recovers + random.between(0, 1_000);
        let unfences_at = registers_at + random.between(0, 1_500);
        let mut process = Process {
            incarnation: self.n_incarnations,
            revision,
            controller_at,
            registers_at,
            unfences_at,
            answers_at: unfences_at + random.between(0, 500),
            recovers_until: now + recovers,
            dies_at: None,
            is_registered: false,
            is_unfenced: false,
        };
        match self.behaviour(revision) {
            Behaviour::Exits => process.dies_at = Some(now + self.random.between(0, 2_000)),
            Behaviour::Hangs => process.registers_at = i64::MAX,
            _ => {}
        }
        let machine = self.machines.get_mut(&id).unwrap();
        if matches!(self.faults.idp, Some((from, until)) if from <= now && now < until) {
            // A broker that cannot fetch its keys does not start.
            process.dies_at = Some(now + 500);
            machine.hit_at = Some(now);
        }
        machine.starts.push((now, revision));
        if machine.starts.len() > 5 {
            machine.starts.remove(0);
        }
        machine.process = Some(process);
        self.log(|| format!("node {id} starts with {revision}"));
    }

    fn step_process(&mut self, id: i32) {
        let (now, has_controller) = (self.now, self.quorum.leader.is_some());
        let Some(process) = &mut self.machines.get_mut(&id).unwrap().process else { return };
        if process.dies_at.is_some_and(|it| it <= now) {
            self.machines.get_mut(&id).unwrap().process = None;
            self.leave(id, false);
            self.log(|| format!("node {id} exits"));
            return;
        }
        if has_controller {
            process.is_registered |= process.registers_at <= now;
            process.is_unfenced |= process.is_registered && process.unfences_at <= now;
        }
    }

    /// Replicas of nodes that flap fall out of sync, one a step at most.
    fn flap(&mut self) {
        let flaps = |id: &i32| {
            let process = self.machines[id].process.as_ref().filter(|it| it.is_unfenced);
            process.is_some_and(|it| self.behaviour(it.revision) == Behaviour::Flaps)
        };
        let Some(id) = self.ids().into_iter().find(flaps) else { return };
        if self.is_well(id) && self.random.per_mille(300) {
            let on_it = |it: &Part| it.in_sync.contains(&id) && it.in_sync.len() > 1;
            if let Some(n) = self.partitions.iter().position(on_it) {
                self.fall_out(n, id, false);
            }
        }
    }

    /// The process of a node dies, through nobody of us.
    pub(crate) fn crash(&mut self, id: i32) {
        let machine = self.machines.get_mut(&id).unwrap();
        machine.hit_at = Some(self.now);
        if machine.agent.is_none() && machine.process.take().is_some() {
            self.leave(id, true);
            self.log(|| format!("node {id} crashes"));
        }
    }

    /// A node is no leader and no in-sync replica any more, except where it is the only one.
    pub(crate) fn leave(&mut self, id: i32, is_hit: bool) {
        if let Some(process) = &mut self.machines.get_mut(&id).unwrap().process {
            process.is_unfenced = false;
            process.unfences_at = i64::MAX;
        }
        for n in 0..self.partitions.len() {
            if self.partitions[n].in_sync.contains(&id) {
                self.fall_out(n, id, is_hit);
            }
        }
        if self.quorum.leader == Some(id) {
            self.quorum.leader = None;
            self.quorum.since = self.now;
        }
    }

    pub(crate) fn fall_out(&mut self, n: usize, id: i32, is_hit: bool) {
        let now = self.now;
        let part = &mut self.partitions[n];
        if part.in_sync.len() > 1 {
            part.in_sync.retain(|it| *it != id);
            part.joins_at.remove(&id);
        }
        if is_hit {
            part.hit_at.insert(id, now);
        } else {
            part.hit_at.remove(&id);
        }
        if part.leader == Some(id) {
            part.leader = None;
        }
        self.step_partition(n);
    }

    pub(crate) fn is_unfenced(&self, id: i32) -> bool {
        self.machines.get(&id).and_then(|it| it.process.as_ref()).is_some_and(|it| it.is_unfenced)
    }

    pub(crate) fn has_controller(&self, id: i32) -> bool {
        let machine = &self.machines[&id];
        let stops = matches!(machine.agent, Some(Agent::Stopping { .. }));
        !stops && machine.process.as_ref().is_some_and(|it| it.controller_at <= self.now)
    }

    fn step_quorum(&mut self) {
        let alive: Vec<i32> =
            self.ids().into_iter().filter(|it| self.has_controller(*it)).collect();
        let has_majority = 2 * alive.len() > self.machines.len();
        if self.quorum.leader.is_some_and(|it| !has_majority || !alive.contains(&it)) {
            self.quorum.leader = None;
            self.quorum.since = self.now;
        }
        if self.quorum.leader.is_some() || !has_majority {
            self.quorum.elects_at = None;
            return;
        }
        match self.quorum.elects_at {
            None => self.quorum.elects_at = Some(self.now + self.random.between(50, 1_000)),
            Some(at) if at <= self.now => {
                let epoch = self.quorum.epoch + 1;
                let leader = Some(*self.random.pick(&alive));
                self.quorum = Quorum { leader, since: self.now, epoch, elects_at: None };
                self.log(|| format!("node {leader:?} leads the quorum"));
            }
            Some(_) => {}
        }
    }

    fn step_partition(&mut self, n: usize) {
        let now = self.now;
        let unfenced: Vec<i32> = self.partitions[n]
            .replicas
            .iter()
            .copied()
            .filter(|it| self.is_unfenced(*it))
            .collect();
        let syncs: Vec<i32> = unfenced
            .iter()
            .copied()
            .filter(|it| {
                let process = self.machines[it].process.as_ref();
                process.is_none_or(|it| self.behaviour(it.revision) != Behaviour::NeverSyncs)
            })
            .collect();
        let has_controller = self.quorum.leader.is_some();
        let part = &mut self.partitions[n];
        if part.leader.is_some_and(|it| !unfenced.contains(&it)) {
            part.leader = None;
        }
        if part.leader.is_none() {
            part.leader = part.in_sync.iter().copied().find(|it| unfenced.contains(it));
        }
        if part.becomes.as_ref().is_some_and(|it| it.0 <= now) {
            let to = part.becomes.take().unwrap().1;
            part.in_sync.retain(|it| to.contains(it));
            part.leader =
                part.leader.filter(|it| to.contains(it)).or(part.in_sync.first().copied());
            part.replicas = to;
        }
        if part.leader.is_none() || !has_controller {
            return;
        }
        for id in syncs {
            if part.in_sync.contains(&id) || !part.replicas.contains(&id) {
                continue;
            }
            let random = &mut self.random;
            let at = *part.joins_at.entry(id).or_insert_with(|| now + random.between(0, 2_000));
            if at <= now {
                part.joins_at.remove(&id);
                part.hit_at.remove(&id);
                part.in_sync.push(id);
            }
        }
    }

    /// Whether nothing is wrong with a node.
    pub(crate) fn is_well(&self, id: i32) -> bool {
        let machine = &self.machines[&id];
        let is_up = machine.process.as_ref().is_some_and(|it| {
            it.is_unfenced && it.answers_at <= self.now && it.controller_at <= self.now
        });
        let has = |it: &Part| !it.replicas.contains(&id) || it.in_sync.contains(&id);
        is_up && machine.agent.is_none() && self.partitions.iter().all(has)
    }
}
