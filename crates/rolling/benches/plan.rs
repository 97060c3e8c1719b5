//! What a decision over a large cluster takes: 1 000 brokers and 200 000 partitions.
//!
//! Prints one JSON object a line: `{"measure": .., "value": .., "unit": ..}`. Times are medians; the
//! memory is what the picture itself holds, and what is in use at most while it is decided on. Run by
//! `cargo xtask bench plan`, which has the goals.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark that panics says where")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use model::{NodeId, RevisionId, Timestamp};
use rolling::{
    AuthView, Direction, Incarnation, Jwks, KafkaView, NodeView, Order, PartitionView, Policy,
    Process, Quorum, Remedy, Rollout, ServiceView, Step, forecast, next_step, phases,
};

const BROKERS: i32 = 1_000;
const PARTITIONS: i32 = 200_000;
const TOPICS: i32 = 2_000;
const ROUNDS: usize = 21;
const NOW: Timestamp = Timestamp(10_000_000);

#[global_allocator]
static HEAP: Counting = Counting;
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, how many bytes of it are in use, and how many were at most.
struct Counting;

#[expect(unsafe_code, reason = "an allocator that counts cannot be had without")]
// SAFETY: each call is handed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = HELD.fetch_add(layout.size(), Ordering::Relaxed);
        MOST.fetch_max(before + layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

fn main() {
    let before = HELD.load(Ordering::Relaxed);
    let mut view = picture();
    memory("memory of the picture", HELD.load(Ordering::Relaxed) - before);

    let mut rollout = rollout();
    time("first node", &rollout, &view, |it| matches!(it, Step::Restart(_)));
    for id in 1..=BROKERS / 2 {
        done(&mut rollout, &mut view, id);
    }
    rollout.policy.max_unavailable = 8;
    time("batch of eight", &rollout, &view, |it| matches!(it, Step::Restart(it) if it.len() == 8));
    MOST.store(0, Ordering::Relaxed);
    drop(next_step(Some(&rollout), &view, NOW));
    memory("memory while a batch is decided on", MOST.load(Ordering::Relaxed) - before);
    let half = (rollout.clone(), view.clone());
    for id in BROKERS / 2 + 1..BROKERS {
        done(&mut rollout, &mut view, id);
    }
    time("last node", &rollout, &view, |it| matches!(it, Step::Restart(it) if it.len() == 1));
    for partition in &mut view.kafka.as_mut().unwrap().partitions {
        partition.in_sync.retain(|it| *it != NodeId(1));
    }
    for node in view.nodes.values_mut() {
        node.progress_at = Some(Timestamp(0));
    }
    view.nodes.get_mut(&NodeId(1)).unwrap().progress_at = Some(NOW);
    time("a node catches up", &rollout, &view, |it| matches!(it, Step::Wait(_)));
    let shown = median(5, || drop(black_box(phases(&rollout, &view, NOW))));
    row("phases", shown, "ms");
    let (rollout, view) = half;
    let took = median(5, || drop(black_box(forecast(&rollout, &view))));
    row("forecast of five hundred nodes", took, "ms");
}

fn time(measure: &str, rollout: &Rollout, view: &ServiceView, expected: impl Fn(&Step) -> bool) {
    let step = next_step(Some(rollout), view, NOW);
    assert!(expected(&step), "{measure}: {step:?}");
    let took = median(ROUNDS, || drop(black_box(next_step(Some(rollout), black_box(view), NOW))));
    row(&format!("decision: {measure}"), took, "ms");
}

fn median(rounds: usize, call: impl Fn()) -> f64 {
    let round = |_| {
        let started = Instant::now();
        call();
        started.elapsed().as_secs_f64() * 1e3
    };
    let mut all: Vec<f64> = (0..rounds).map(round).collect();
    all.sort_by(f64::total_cmp);
    all[rounds / 2]
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn memory(measure: &str, bytes: usize) {
    row(measure, bytes as f64 / f64::from(1 << 20), "MiB");
}

fn row(measure: &str, value: f64, unit: &str) {
    println!(r#"{{"measure":"{measure}","value":{value:.3},"unit":"{unit}"}}"#);
}

fn revision(digit: char) -> RevisionId {
    RevisionId::try_from(digit.to_string().repeat(64)).unwrap()
}

fn rollout() -> Rollout {
    Rollout {
        target: revision('b'),
        base: Some(revision('a')),
        direction: Direction::Forward,
        orders: BTreeMap::new(),
        restart_all: false,
        paused: None,
        halted: None,
        abort: false,
        remedy: Remedy::Wait,
        window: None,
        policy: Policy::default(),
        since: Timestamp(0),
    }
}

/// The node as it is after its restart.
fn done(rollout: &mut Rollout, view: &mut ServiceView, id: i32) {
    let node = NodeId(id);
    let seen = view.nodes.get_mut(&node).unwrap();
    let goal = revision('b');
    let incarnation = Incarnation(format!("{id}-b"));
    let process = Process { incarnation, revision: goal.clone() };
    let from = seen.process.replace(process).map(|it| it.incarnation);
    seen.pinned = goal.clone();
    seen.auth = AuthView::Proven;
    rollout.orders.insert(node, Order { revision: goal, from, at: Timestamp(1_000), attempt: 1 });
}

/// Every node well, every partition on three neighbours, five voters.
fn picture() -> ServiceView {
    let voters: std::collections::BTreeSet<NodeId> = (BROKERS - 4..=BROKERS).map(NodeId).collect();
    let topics: Vec<Arc<str>> = (0..TOPICS).map(|it| format!("topic-{it}").into()).collect();
    let partition = |number: i32| {
        let replicas: Vec<NodeId> =
            (0..3).map(|it| NodeId((number + it * 7) % BROKERS + 1)).collect();
        PartitionView {
            topic: Arc::clone(&topics[usize::try_from(number % TOPICS).unwrap()]),
            index: number / TOPICS,
            leader: replicas.first().copied(),
            in_sync: replicas.clone(),
            replicas,
            min_in_sync: 2,
        }
    };
    ServiceView {
        nodes: (1..=BROKERS).map(|id| (NodeId(id), node(id))).collect(),
        kafka: Some(KafkaView {
            fenced: (1..=BROKERS).map(|id| (NodeId(id), false)).collect(),
            quorum: Quorum {
                leader: Some(NodeId(BROKERS)),
                epoch: 1,
                caught_up: voters.clone(),
                voters,
                ..Quorum::default()
            },
            partitions: (0..PARTITIONS).map(partition).collect(),
            ..KafkaView::default()
        }),
        jwks: Jwks::Usable,
        whole_since: Some(Timestamp(2_000)),
        calm_since: Some(Timestamp(2_000)),
        raised: Vec::new(),
    }
}

fn node(id: i32) -> NodeView {
    NodeView {
        pinned: revision('a'),
        process: Some(Process {
            incarnation: Incarnation(format!("{id}-a")),
            revision: revision('a'),
        }),
        busy: false,
        starts: vec![Timestamp(1)],
        recovering: false,
        answers: true,
        auth: AuthView::Untried,
        progress_at: Some(NOW),
        falls: Vec::new(),
        usual_ms: Some(20_000),
        rack: format!("rack-{}", id % 3),
    }
}
