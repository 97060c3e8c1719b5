//! One history: a cluster, one orchestrator or two, what befalls them, and a fair end.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use model::Timestamp;
use orchestrator::roller::{Clock, Roller};
use rolling::Remedy;

use crate::book::{Book, Word, digit};
use crate::hands::Hands;
use crate::random::Random;
use crate::world::{Behaviour, Faults, Machine, Part, Quorum, World};

/// A fair cluster ends its rollout within this.
const FAIR_MS: i64 = 600_000;
/// When histories begin.
pub(crate) const BEGIN: i64 = 1_000_000;

/// What kind of history.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kind {
    pub seed: u64,
    /// Whether anything befalls anybody.
    pub is_calm: bool,
    pub has_rival: bool,
    /// The orchestrator dies when it is polled for this time.
    pub dies_at: Option<usize>,
    pub is_logged: bool,
}

type Hand = Roller<Hands, Hands, Hands>;
type Pass = Pin<Box<dyn Future<Output = Hand>>>;

/// An orchestrator, in a pass or between two.
struct Actor {
    me: usize,
    pass: Option<Pass>,
    roller: Option<Hand>,
    next_at: i64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub n_polls: usize,
    pub ms: i64,
}

struct History {
    kind: Kind,
    world: Arc<Mutex<World>>,
    random: Random,
    actors: Vec<Actor>,
    n_polls: usize,
    fair_from: i64,
    next_event: i64,
    next_help: i64,
}

/// Plays it. Panics when a law is broken; the log of the world tells what had happened.
pub(crate) fn play(kind: Kind) -> Outcome {
    let mut history = History::new(kind);
    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| history.run()));
    match played {
        Ok(outcome) => outcome,
        Err(panic) => {
            history.world.clear_poison();
            let world = history.world.lock().unwrap();
            println!("{}\nthe history is {kind:?}", world.log.join("\n"));
            drop(world);
            std::panic::resume_unwind(panic)
        }
    }
}

impl History {
    fn new(kind: Kind) -> Self {
        let mut random = Random::new(kind.seed);
        let unfair = if kind.is_calm { 0 } else { random.between(1_000, 30_000) };
        let fair_from = BEGIN + unfair;
        let world = Arc::new(Mutex::new(World::random(Random::new(random.next()), kind)));
        let mut it = Self {
            kind,
            world,
            random,
            actors: Vec::new(),
            n_polls: 0,
            fair_from,
            next_event: 0,
            next_help: 0,
        };
        for _ in 0..=usize::from(kind.has_rival) {
            it.add_actor();
        }
        it
    }

    fn add_actor(&mut self) {
        let mut world = self.world.lock().unwrap();
        let me = world.looks.len();
        world.looks.push(crate::world::Looks::default());
        let next_at = world.now + self.random.between(0, 1_500);
        drop(world);
        let hands = Hands { world: Arc::clone(&self.world), me };
        let seen = Arc::clone(&self.world);
        let clock: Clock = Arc::new(move || Timestamp(seen.lock().unwrap().now));
        let roller = Roller::new(hands.clone(), hands.clone(), hands, clock);
        self.actors.push(Actor { me, pass: None, roller: Some(roller), next_at });
    }

    fn run(&mut self) -> Outcome {
        loop {
            let now = self.world.lock().unwrap().now;
            let is_fair = now >= self.fair_from;
            if is_fair {
                if self.is_over() {
                    self.world.lock().unwrap().check_rest();
                    return Outcome { n_polls: self.n_polls, ms: now };
                }
                assert!(now < self.fair_from + FAIR_MS, "law 5: a rollout ends, at {now}");
                self.help(now);
            } else {
                self.befall(now);
            }
            self.turn(now, is_fair);
        }
    }

    fn is_over(&self) -> bool {
        let world = self.world.lock().unwrap();
        world.book.active.is_none()
            && world.book.raised.is_empty()
            && world.partitions.iter().all(|it| it.becomes.is_none())
            && world.machines.keys().all(|it| world.is_well(*it))
    }

    /// Polls whoever has something to do, or lets time pass until somebody has.
    fn turn(&mut self, now: i64, is_fair: bool) {
        let ready: Vec<usize> = (0..self.actors.len())
            .filter(|it| self.actors[*it].pass.is_some() || self.actors[*it].next_at <= now)
            .collect();
        if ready.is_empty() {
            let next = self.actors.iter().map(|it| it.next_at).min().unwrap();
            self.world.lock().unwrap().advance((next - now).max(1));
            return;
        }
        let n = *self.random.pick(&ready);
        self.n_polls += 1;
        let dies = match self.kind.dies_at {
            Some(at) => at == self.n_polls,
            None => !is_fair && self.random.per_mille(12),
        };
        if dies {
            let me = self.actors[n].me;
            self.world.lock().unwrap().log(|| format!("({me}) dies"));
            self.actors.remove(n);
            self.add_actor();
            return;
        }
        self.poll(n);
        if self.random.per_mille(200) {
            let ms = self.random.between(5, 120);
            self.world.lock().unwrap().advance(ms);
        }
    }

    fn poll(&mut self, n: usize) {
        let actor = &mut self.actors[n];
        if let Some(mut roller) = actor.roller.take() {
            actor.pass = Some(Box::pin(async move {
                // What went wrong is for the next pass.
                let _result = roller.pass().await;
                roller
            }));
        }
        let Some(pass) = &mut actor.pass else { return };
        let mut context = Context::from_waker(Waker::noop());
        if let std::task::Poll::Ready(roller) = pass.as_mut().poll(&mut context) {
            actor.pass = None;
            actor.roller = Some(roller);
            actor.next_at = self.world.lock().unwrap().now + self.random.between(300, 1_300);
        }
    }

    /// Something happens now and then.
    fn befall(&mut self, now: i64) {
        if now < self.next_event {
            return;
        }
        self.next_event = now + self.random.between(200, 6_000);
        let mut world = self.world.lock().unwrap();
        let ids = world.ids();
        let id = *self.random.pick(&ids);
        let spell = Some((now, now + self.random.between(200, 8_000)));
        let said = match self.random.below(22) {
            0 | 1 => return world.crash(id),
            2 | 3 => {
                let n = self.random.below(world.partitions.len());
                if world.partitions[n].in_sync.contains(&id) {
                    world.fall_out(n, id, true);
                    let at = now + self.random.between(500, 15_000);
                    world.partitions[n].joins_at.insert(id, at);
                }
                return;
            }
            4 => return world.faults.postgres = spell,
            5 => return world.faults.idp = spell,
            6 => return world.faults.driver = spell,
            7 => return world.faults.kafka = spell,
            8 => return world.faults.reassigning = spell,
            9 => return world.faults.disk = (id, spell),
            10 => return world.faults.behind = (id, spell),
            11 => {
                world.machines.get_mut(&id).unwrap().hit_at = Some(now);
                return world.faults.deaf = (id, spell);
            }
            12 => {
                // An election that nobody needed.
                (world.quorum.leader, world.quorum.since) = (None, now);
                return;
            }
            13 => Word::Pause,
            14 => Word::Resume,
            15 if self.random.per_mille(400) => Word::Abort,
            16 => Word::Supersede(*self.random.pick(&['a', 'b', 'c', 'd'])),
            17 => Word::Consent(*self.random.pick(&[Remedy::Consent, Remedy::RaiseReplication])),
            18 if self.random.per_mille(400) => Word::RollBack,
            19 => return world.faults.log_dir = (id, spell),
            20 if self.random.per_mille(300) => Word::StartNow,
            _ => return,
        };
        world.say(said);
    }

    /// People do what they are asked to, and nothing befalls anybody any more.
    fn help(&mut self, now: i64) {
        if now < self.next_help {
            return;
        }
        self.next_help = now + 2_500;
        let mut world = self.world.lock().unwrap();
        let keep = world.faults.deaf.0;
        world.faults = Faults { deaf: (keep, None), ..Faults::default() };
        let Some(active) = &world.book.active else { return };
        let rollout = &active.rollout;
        let is_bad = world.behaviour(digit(rollout.goal())) != Behaviour::Good;
        let said = if rollout.halted.is_some() && (is_bad || rollout.abort) {
            Word::Supersede('e')
        } else if rollout.paused.is_some() || rollout.halted.is_some() {
            Word::Resume
        } else if rollout.window.is_some() {
            Word::StartNow
        } else if rollout.remedy != Remedy::Consent && now > self.fair_from + 20_000 {
            Word::Consent(Remedy::Consent)
        } else {
            return;
        };
        world.say(said);
    }
}

impl World {
    /// A cluster of one to six nodes, mostly whole, at the start of a rollout.
    fn random(mut random: Random, kind: Kind) -> Self {
        let n = *random.pick(&[1, 2, 3, 3, 3, 3, 4, 5, 6]);
        let is_new = random.per_mille(100);
        let ids: Vec<i32> = (1..=n).collect();
        let n_partitions = random.between(2, 6);
        let partition = |random: &mut Random| {
            let rf = 1 + random.below(ids.len().min(4));
            // Most can do without one.
            let rf = if random.per_mille(800) { rf.max(ids.len().min(3)) } else { rf };
            let first = random.below(ids.len());
            let replicas: Vec<i32> = (0..rf).map(|it| ids[(first + it) % ids.len()]).collect();
            let min = if random.per_mille(900) { (rf - 1).max(1) } else { rf };
            Part {
                in_sync: replicas.clone(),
                leader: Some(replicas[0]),
                replicas,
                min,
                joins_at: std::collections::BTreeMap::new(),
                hit_at: std::collections::BTreeMap::new(),
                becomes: None,
            }
        };
        let partitions = (0..n_partitions).map(|_| partition(&mut random)).collect();
        let mut behaviours = std::collections::BTreeMap::new();
        for digit in ['b', 'c', 'd'] {
            let some = [
                Behaviour::Exits,
                Behaviour::Hangs,
                Behaviour::NeverSyncs,
                Behaviour::Flaps,
                Behaviour::LocksOut,
                Behaviour::LetsIn,
            ];
            if !kind.is_calm && random.per_mille(350) {
                behaviours.insert(digit, *random.pick(&some));
            }
        }
        let leader = *random.pick(&ids);
        let mut world = Self {
            now: BEGIN,
            random,
            machines: ids.iter().map(|id| (*id, Machine::default())).collect(),
            partitions,
            quorum: Quorum { leader: Some(leader), since: 0, epoch: 1, elects_at: None },
            book: Book {
                pins: ids.iter().map(|id| (*id, 'a')).collect(),
                stable: (!is_new).then_some('a'),
                ..Book::default()
            },
            behaviours,
            faults: Faults::default(),
            looks: Vec::new(),
            n_incarnations: 0,
            log: Vec::new(),
            is_logged: kind.is_logged,
        };
        world.book.forgets_versions = std::env::var_os("SIMULATOR_FORGETS_VERSIONS").is_some();
        if is_new {
            world.quorum.leader = None;
            world.start_rollout('a', 1);
        } else {
            world.settle();
            let max_unavailable = *world.random.pick(&[1, 1, 2, 3]);
            world.start_rollout('b', max_unavailable);
        }
        world
    }

    /// Every node is up, for long.
    fn settle(&mut self) {
        let leader = self.quorum.leader;
        for id in self.ids() {
            self.start(id, 'a');
            let machine = self.machines.get_mut(&id).unwrap();
            machine.starts = vec![(0, 'a')];
            machine.well_since = Some(0);
            machine.hit_at = None;
            let process = machine.process.as_mut().unwrap();
            (process.controller_at, process.answers_at, process.recovers_until) = (0, 0, 0);
            (process.registers_at, process.unfences_at, process.dies_at) = (0, 0, None);
            (process.is_registered, process.is_unfenced) = (true, true);
        }
        self.quorum.leader = leader;
    }
}
