//! What is decided while nodes are well: the order of safety, and each thing that is waited for.

use model::{NodeId, Timestamp};

use super::cluster::{
    NEW, NEWER, NOW, OLD, decide, down, found, ids, kafka, node, on, out, restart, revision,
    rollout, rollout_with, run_to, waits_for, whole,
};
use crate::{
    AuthView, Blocker, Direction, End, Failure, FailureKind, Incarnation, Jwks, NewReplicas,
    PROBE_TOPIC, Paused, Raised, Remedy, Rollout, ServiceView, Step, Window, WindowState,
    next_step,
};

#[test]
fn restarts_one_node_at_a_time_and_the_active_controller_last() {
    let mut view = whole(3, OLD);
    kafka(&mut view).quorum.leader = Some(NodeId(1));
    assert_eq!(decide(&rollout(NEW), &view), restart([2]));
    run_to(&mut view, 2, NEW);
    assert_eq!(decide(&rollout_with(NEW, &[2]), &view), restart([3]));
    run_to(&mut view, 3, NEW);
    assert_eq!(decide(&rollout_with(NEW, &[2, 3]), &view), restart([1]));
    run_to(&mut view, 1, NEW);
    assert_eq!(decide(&rollout_with(NEW, &[1, 2, 3]), &view), Step::End(End::Done));
}

#[test]
fn the_first_node_is_the_one_that_is_missed_least() {
    let mut view = whole(4, OLD);
    let mut agreed = rollout(NEW);
    agreed.remedy = Remedy::Consent;
    kafka(&mut view).partitions = vec![on("single", [1], 1), on("orders", [2, 3], 1)];
    assert_eq!(decide(&agreed, &view), restart([3]), "it leads nothing");
    run_to(&mut view, 3, NEW);
    agreed.orders = rollout_with(NEW, &[3]).orders;
    assert_eq!(decide(&agreed, &view), restart([2]), "the single one does without node 2");
}

/// All that is waited for before a node is stopped, one kind of trouble each.
#[test]
fn waits_for_each_kind_of_trouble() {
    type Trouble = fn(&mut ServiceView);
    let three = NodeId(3);
    let cases: [(Trouble, Blocker); 13] = [
        (|it| it.kafka = None, Blocker::KafkaSilent),
        (|it| node(it, 3).busy = true, Blocker::Busy(three)),
        (|it| node(it, 3).answers = false, Blocker::NotAnswering(three)),
        (
            |it| assert_eq!(kafka(it).fenced.remove(&NodeId(3)), Some(false)),
            Blocker::NotRegistered(three),
        ),
        (
            |it| assert_eq!(kafka(it).fenced.insert(NodeId(3), true), Some(false)),
            Blocker::Fenced(three),
        ),
        (
            |it| {
                node(it, 3).recovering = true;
                kafka(it).fenced.insert(NodeId(3), true);
            },
            Blocker::Recovering(three),
        ),
        (|it| kafka(it).quorum.leader = None, Blocker::NoQuorumLeader),
        (|it| assert!(kafka(it).quorum.caught_up.remove(&NodeId(3))), Blocker::VoterBehind(three)),
        (|it| assert!(kafka(it).quorum.behind.insert(NodeId(3))), Blocker::MetadataBehind(three)),
        (|it| kafka(it).reassignments = 2, Blocker::Reassigning(2)),
        (
            |it| assert!(kafka(it).partitions[0].in_sync.pop().is_some()),
            Blocker::OutOfSync(found(1, "orders-0")),
        ),
        (|it| assert!(kafka(it).offline_log_dirs.insert(NodeId(3))), Blocker::LogDirOffline(three)),
        (|it| assert!(kafka(it).full_disks.insert(NodeId(3))), Blocker::DiskFull(three)),
    ];
    for (trouble, blocker) in cases {
        let mut view = whole(3, OLD);
        // Just started, so that nobody thinks of moving it on.
        node(&mut view, 3).starts = vec![NOW];
        trouble(&mut view);
        assert_eq!(waits_for(&rollout(NEW), &view), blocker);
        let idle = next_step(None, &view, NOW);
        assert_eq!(idle, Step::Wait(blocker), "without a rollout it is said too");
    }
}

#[test]
fn a_node_that_serves_has_recovered_whatever_its_log_says() {
    let mut view = whole(3, OLD);
    node(&mut view, 3).recovering = true;
    assert_eq!(decide(&rollout(NEW), &view), restart([1]));
}

#[test]
fn stops_no_broker_while_the_keys_it_needs_cannot_be_fetched() {
    let mut view = whole(3, OLD);
    view.jwks = Jwks::Unusable("connection refused".into());
    assert_eq!(waits_for(&rollout(NEW), &view), Blocker::Jwks("connection refused".into()));
    run_to(&mut view, 1, NEW);
    run_to(&mut view, 2, NEW);
    run_to(&mut view, 3, NEW);
    assert_eq!(decide(&rollout(NEW), &view), Step::End(End::Done), "nobody needs them");
}

#[test]
fn starts_what_is_down_even_while_nobody_can_be_asked() {
    let mut view = whole(3, OLD);
    view.kafka = None;
    for node in view.nodes.values_mut() {
        node.process = None;
    }
    let all = Step::Start(ids([1, 2, 3]));
    assert_eq!(next_step(None, &view, NOW), all);
    assert_eq!(decide(&rollout(NEW), &view), all, "with what each was whole with");
}

#[test]
fn pause_abort_and_halt_leave_nothing_down() {
    let mut view = whole(3, OLD);
    down(&mut view, 2, [20_000]);
    let failure = Failure { node: NodeId(1), kind: FailureKind::NotUp, why: "x".into() };
    let paused = Some(Paused { by: "ann".into(), reason: "lunch".into() });
    for stopped in [
        Rollout { paused, ..rollout(NEW) },
        Rollout { abort: true, ..rollout(NEW) },
        Rollout { halted: Some(failure), ..rollout(NEW) },
    ] {
        assert_eq!(decide(&stopped, &view), Step::Start(ids([2])));
    }
}

#[test]
fn a_node_that_exits_at_once_is_not_started_in_a_tight_loop() {
    let mut view = whole(3, OLD);
    down(&mut view, 2, [9_999]);
    let blocker = Blocker::KeepsExiting(NodeId(2));
    assert_eq!(next_step(None, &view, NOW), Step::Wait(blocker));
    down(&mut view, 2, [10_000]);
    assert_eq!(next_step(None, &view, NOW), Step::Start(ids([2])));
}

#[test]
fn an_order_that_was_not_carried_out_is_the_next_turn_and_the_gates_hold_for_it_again() {
    let mut view = whole(3, OLD);
    node(&mut view, 3).pinned = revision(NEW);
    assert_eq!(decide(&rollout_with(NEW, &[3]), &view), restart([3]), "before node 1");
    out(&mut view, 1);
    node(&mut view, 1).starts = vec![NOW];
    assert_eq!(waits_for(&rollout_with(NEW, &[3]), &view), Blocker::Fenced(NodeId(1)));
}

#[test]
fn an_order_that_was_overtaken_before_it_was_carried_out_is_taken_back() {
    let mut view = whole(3, OLD);
    node(&mut view, 2).pinned = revision(NEW);
    let mut rollout = rollout_with(NEW, &[2]);
    rollout.target = revision(OLD);
    assert_eq!(decide(&rollout, &view), restart([2]), "it is pinned to the wrong one");
    node(&mut view, 2).pinned = revision(OLD);
    assert_eq!(decide(&rollout, &view), Step::End(End::Done));
}

#[test]
fn a_process_of_another_revision_than_was_ordered_is_stale_and_no_failure() {
    let mut view = whole(3, OLD);
    // The node was started with its old pin just when the order was written down.
    node(&mut view, 2).process.as_mut().unwrap().incarnation = Incarnation("2-x".into());
    node(&mut view, 2).pinned = revision(NEW);
    node(&mut view, 2).auth = AuthView::Proven;
    assert!(matches!(decide(&rollout_with(NEW, &[2]), &view), Step::Restart(_)));
}

#[test]
fn a_newer_target_waits_until_the_ordered_node_is_back() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 2, NEW);
    let mut rollout = rollout_with(NEWER, &[]);
    rollout.orders = rollout_with(NEW, &[2]).orders;
    kafka(&mut view).partitions[0].in_sync.pop();
    assert_eq!(waits_for(&rollout, &view), Blocker::OutOfSync(found(1, "orders-0")));
    kafka(&mut view).partitions[0].in_sync = ids([1, 2, 3]).into_iter().collect();
    assert_eq!(decide(&rollout, &view), restart([1]));
}

#[test]
fn the_first_node_is_watched_for_longer_than_the_next() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    let whole_for = |view: &mut ServiceView, ms: i64| view.whole_since = Some(NOW.plus_ms(-ms));
    view.whole_since = None;
    let until = NOW.plus_ms(60_000);
    let first = rollout_with(NEW, &[1]);
    assert_eq!(waits_for(&first, &view), Blocker::Soaking(NodeId(1), until));
    whole_for(&mut view, 59_999);
    assert_eq!(waits_for(&first, &view), Blocker::Soaking(NodeId(1), NOW.plus_ms(1)));
    whole_for(&mut view, 60_000);
    assert_eq!(decide(&first, &view), restart([2]));
    run_to(&mut view, 2, NEW);
    let both = rollout_with(NEW, &[1, 2]);
    whole_for(&mut view, 14_999);
    assert!(matches!(waits_for(&both, &view), Blocker::Soaking(..)));
    whole_for(&mut view, 15_000);
    assert_eq!(decide(&both, &view), restart([3]));
}

#[test]
fn the_last_node_is_watched_too() {
    let mut view = whole(3, NEW);
    view.whole_since = Some(NOW.plus_ms(-14_999));
    let mut rollout = rollout_with(NEW, &[1, 2, 3]);
    for id in 1..=3 {
        run_to(&mut view, id, NEW);
    }
    assert!(matches!(waits_for(&rollout, &view), Blocker::Soaking(..)));
    rollout.policy.soak_ms = 14_999;
    assert_eq!(decide(&rollout, &view), Step::End(End::Done));
}

#[test]
fn leaderships_go_back_before_the_next_node_and_not_forever() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    kafka(&mut view).partitions[0].leader = Some(NodeId(2));
    kafka(&mut view).quorum.leader = Some(NodeId(1));
    let rollout = rollout_with(NEW, &[1]);
    view.whole_since = Some(NOW.plus_ms(-20_000));
    // It leads nothing yet.
    for partition in &mut kafka(&mut view).partitions {
        partition.leader = partition.leader.filter(|it| *it != NodeId(1)).or(Some(NodeId(2)));
    }
    let away = view.kafka.iter().flat_map(|it| &it.partitions);
    let n_away = away.filter(|it| it.leader != it.replicas.first().copied()).count();
    view.calm_since = Some(NOW.plus_ms(-9_999));
    assert_eq!(waits_for(&rollout, &view), Blocker::LeadersAway(found(n_away, "orders-0")));
    view.calm_since = Some(NOW.plus_ms(-10_000));
    let id = kafka(&mut view).partitions[0].id();
    assert_eq!(decide(&rollout, &view), Step::RestoreLeaders(vec![id]));
    view.whole_since = Some(NOW.plus_ms(-120_000));
    view.calm_since = view.whole_since;
    assert_eq!(decide(&rollout, &view), restart([3]), "node 2 leads more");
}

#[test]
fn a_node_gets_twice_as_many_leaderships_back_as_it_has_at_least_one_and_at_most_two_hundred() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    view.whole_since = Some(NOW.plus_ms(-20_000));
    view.calm_since = Some(NOW.plus_ms(-10_000));
    let has = kafka(&mut view).partitions[0].clone();
    let mut away = has.clone();
    away.leader = Some(NodeId(2));
    for (n_has, n_back) in [(0, 1), (1, 2), (7, 14), (250, 200)] {
        let all = [vec![has.clone(); n_has], vec![away.clone(); 300]];
        kafka(&mut view).partitions = all.concat();
        let Step::RestoreLeaders(some) = decide(&rollout_with(NEW, &[1]), &view) else { panic!() };
        assert_eq!(some.len(), n_back, "it has {n_has}");
    }
    view.calm_since = None;
    assert_eq!(waits_for(&rollout_with(NEW, &[1]), &view).code(), "leaders_away");
}

#[test]
fn the_probe_warms_a_node_up_before_others_depend_on_it() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    (view.whole_since, view.calm_since) = (Some(NOW), Some(NOW));
    let mut probe = kafka(&mut view).partitions[0].clone();
    (probe.topic, probe.leader) = (PROBE_TOPIC.into(), Some(NodeId(2)));
    let mut orders = kafka(&mut view).partitions[0].clone();
    orders.leader = Some(NodeId(2));
    kafka(&mut view).partitions = vec![orders, probe.clone()];
    let rollout = rollout_with(NEW, &[1]);
    assert_eq!(decide(&rollout, &view), Step::RestoreLeaders(vec![probe.id()]), "at once");
    kafka(&mut view).partitions[1].leader = Some(NodeId(1));
    assert_eq!(waits_for(&rollout, &view).code(), "leaders_away", "and the delay counts from then");
}

#[test]
fn without_a_rollout_leaderships_go_back_after_a_node_did_and_every_five_minutes() {
    let mut view = whole(3, OLD);
    kafka(&mut view).partitions[0].leader = Some(NodeId(3));
    let restores = |whole_ms: i64, calm_ms: i64| {
        let mut view = view.clone();
        view.whole_since = Some(NOW.plus_ms(-whole_ms));
        view.calm_since = Some(NOW.plus_ms(-calm_ms));
        next_step(None, &view, NOW)
    };
    assert!(matches!(restores(60_000, 60_000), Step::RestoreLeaders(_)));
    assert_eq!(restores(200_000, 200_000), Step::Idle);
    assert!(matches!(restores(310_000, 310_000), Step::RestoreLeaders(_)));
    assert_eq!(restores(320_000, 320_000), Step::Idle, "it cannot be had just now");
}

#[test]
fn a_node_that_was_restarted_has_to_show_whom_it_lets_in() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    node(&mut view, 1).auth = AuthView::Untried;
    assert_eq!(waits_for(&rollout_with(NEW, &[1]), &view), Blocker::AuthUnproven(NodeId(1)));
    assert_eq!(decide(&rollout(NEW), &view), restart([2]), "one that nobody ordered has not");
}

#[test]
fn paused_means_no_further_node_and_a_finished_rollout_ends_all_the_same() {
    let paused = Paused { by: "ann".into(), reason: "lunch".into() };
    let rollout = Rollout { paused: Some(paused.clone()), ..rollout(NEW) };
    assert_eq!(waits_for(&rollout, &whole(3, OLD)), Blocker::Paused(paused));
    assert_eq!(decide(&rollout, &whole(3, NEW)), Step::End(End::Done));
}

#[test]
fn aborting_ends_it_with_both_revisions_once_all_is_whole() {
    let mut view = whole(3, OLD);
    run_to(&mut view, 1, NEW);
    let rollout = Rollout { abort: true, ..rollout_with(NEW, &[1]) };
    assert_eq!(decide(&rollout, &view), Step::End(End::Aborted));
    out(&mut view, 1);
    assert!(matches!(decide(&rollout, &view), Step::Wait(_)), "not while a node is out");
    let mut view = whole(3, NEW);
    run_to(&mut view, 1, NEW);
    assert_eq!(decide(&rollout, &view), Step::End(End::Done), "nothing is left to abort");
}

#[test]
fn nodes_are_restarted_within_the_window_only() {
    // 2026-11-25, a Wednesday.
    let wednesday = Timestamp(1_795_564_800_000);
    let mut view = whole(3, OLD);
    view.whole_since = Some(wednesday.plus_ms(-1_000_000));
    let opens = wednesday.plus_ms(10 * 3_600_000);
    let rollout = Rollout { window: Window::parse("wednesday", "10:00:00"), ..rollout(NEW) };
    let at = |now: Timestamp, view: &ServiceView| next_step(Some(&rollout), view, now);
    assert_eq!(at(wednesday, &view), Step::Wait(Blocker::WindowClosed(opens)));
    assert_eq!(at(opens, &view), restart([1]));
    let closes = opens.plus_ms(Window::LENGTH_MS);
    assert_eq!(rollout.window.unwrap().at(opens), WindowState::Open(closes));
    assert_eq!(at(closes.plus_ms(-90_000), &view), restart([1]), "a minute and a half fits");
    let next = opens.plus_ms(7 * 24 * 3_600_000);
    let too_short = Step::Wait(Blocker::WindowTooShort(NodeId(1), next));
    assert_eq!(at(closes.plus_ms(-89_999), &view), too_short);
    node(&mut view, 1).usual_ms = Some(40_000);
    assert_eq!(at(closes.plus_ms(-60_000), &view), restart([1]), "it is faster than most");
    node(&mut view, 1).usual_ms = Some(Window::LENGTH_MS);
    let opens = closes.plus_ms(-Window::LENGTH_MS);
    let begins = opens.plus_ms(15 * 60_000);
    assert_eq!(at(begins, &view), restart([1]), "longer than any window: with its beginning");
    assert!(matches!(at(begins.plus_ms(1), &view), Step::Wait(Blocker::WindowTooShort(..))));
    node(&mut view, 1).usual_ms = Some(40_000);
    let back = Rollout { direction: Direction::Back, target: revision(NEW), ..rollout.clone() };
    let mut view = whole(3, NEW);
    view.whole_since = Some(Timestamp(0));
    assert_eq!(
        next_step(Some(&back), &view, wednesday),
        restart([1]),
        "the way back is not put off"
    );
}

#[test]
fn without_a_rollout_nothing_is_restarted() {
    assert_eq!(next_step(None, &whole(3, OLD), NOW), Step::Idle);
}

#[test]
fn a_partition_that_cannot_do_without_a_node_needs_a_person() {
    let mut view = whole(3, OLD);
    kafka(&mut view).partitions.push(on("single", [2], 1));
    kafka(&mut view).partitions.push(on("strict", [1, 2, 3], 3));
    let blocker = Blocker::NeedsConsent(found(2, "single-0"));
    assert_eq!(waits_for(&rollout(NEW), &view), blocker);
    assert!(blocker.needs_person());
    let agreed = Rollout { remedy: Remedy::Consent, ..rollout(NEW) };
    assert_eq!(decide(&agreed, &view), restart([1]), "node 2 is missed by two");
}

#[test]
fn more_replicas_are_the_other_remedy_while_there_are_nodes_for_them() {
    let mut view = whole(3, OLD);
    let raise = Rollout { remedy: Remedy::RaiseReplication, ..rollout(NEW) };
    kafka(&mut view).partitions.push(on("single", [2], 1));
    let original = vec![NodeId(2)];
    let single = on("single", [2], 1).id();
    let (from, to) = (original.clone(), vec![NodeId(2), NodeId(1)]);
    let wanted = NewReplicas { partition: single.clone(), from, to };
    assert_eq!(decide(&raise, &view), Step::RaiseReplication(vec![wanted]));
    kafka(&mut view).partitions.pop();
    kafka(&mut view).partitions.push(on("single", [2, 1], 1));
    let raised = vec![Raised { partition: single, original }];
    view.raised.clone_from(&raised);
    assert!(matches!(decide(&raise, &view), Step::Restart(_)));
    let mut done = whole(3, NEW);
    done.raised.clone_from(&raised);
    assert_eq!(decide(&raise, &done), Step::LowerReplication(raised.clone()), "before the end");
    assert_eq!(next_step(None, &done, NOW), Step::LowerReplication(raised), "and after it");
    kafka(&mut view).partitions.push(on("strict", [1, 2, 3], 3));
    assert_eq!(waits_for(&raise, &view), Blocker::NeedsConsent(found(1, "strict-0")));
}

#[test]
fn a_quorum_that_needs_every_voter_needs_a_person_too() {
    for n in [1, 2] {
        let mut view = whole(n, OLD);
        kafka(&mut view).partitions.clear();
        let needed = Blocker::NeedsConsent(found(1, "__cluster_metadata-0"));
        assert_eq!(waits_for(&rollout(NEW), &view), needed);
        let agreed = Rollout { remedy: Remedy::Consent, ..rollout(NEW) };
        assert_eq!(decide(&agreed, &view), restart([1]));
    }
}

#[test]
fn restarting_all_takes_each_node_once_whatever_it_runs() {
    let mut view = whole(3, OLD);
    let all = Rollout { restart_all: true, ..rollout(OLD) };
    assert_eq!(decide(&all, &view), restart([1]));
    let mut rollout = Rollout { restart_all: true, ..rollout_with(OLD, &[1]) };
    assert_eq!(decide(&rollout, &view), restart([1]), "its process has not gone");
    node(&mut view, 1).process.as_mut().unwrap().incarnation = Incarnation("1-x".into());
    node(&mut view, 1).auth = AuthView::Proven;
    assert_eq!(decide(&rollout, &view), restart([2]));
    rollout.direction = Direction::Back;
    assert_eq!(decide(&rollout, &view), Step::End(End::RolledBack), "nobody goes back twice");
}
