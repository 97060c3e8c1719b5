//! What is handed out, what goes back, and where the next one goes on.

use super::*;

fn record(shelf: &Shelf, offset: i64) -> Record {
    let (topic, value) = (shelf.topic("t"), Some(vec![0; 10].into()));
    Record { topic, partition: 0, offset, timestamp: None, key: None, value, headers: None }
}

fn shelf(offsets: std::ops::Range<i64>) -> Arc<Shelf> {
    let shelf = Arc::new(Shelf::default());
    assert!(shelf.assign([place()]).is_empty());
    shelf.push(offsets.map(|it| record(&shelf, it)).collect(), shelf.rebalances());
    shelf
}

fn offsets(handout: &Handout) -> Vec<i64> {
    handout.records().iter().map(|it| it.offset).collect()
}

fn place() -> Place {
    ("t".into(), 0)
}

#[test]
fn what_exceeds_max_bytes_is_handed_out_next_time() {
    let shelf = shelf(0..5);
    let first = shelf.take(25);
    assert_eq!(offsets(&first), [0, 1]);
    first.delivered();
    assert_eq!(offsets(&shelf.take(1)), [2], "at least one");
    assert_eq!(shelf.positions(), Positions::from([(place(), 2)]), "the last one went back");
    assert_eq!(offsets(&shelf.take(1000)), [2, 3, 4]);
    assert_eq!(shelf.bytes(), 30);
}

#[test]
fn what_was_not_delivered_goes_back_in_order() {
    let shelf = shelf(0..4);
    drop(shelf.take(1000));
    let mut handout = shelf.take(1000);
    handout.keep(3);
    handout.delivered();
    assert_eq!(offsets(&shelf.take(1000)), [3]);
    assert_eq!(shelf.take_unstored(), Positions::from([(place(), 3)]));
    assert!(shelf.take_unstored().is_empty());
}

#[test]
fn records_of_a_lost_partition_are_not_handed_out() {
    let shelf = shelf(0..4);
    let on_its_way = shelf.take(10);
    shelf.revoke([place()]);
    assert!(shelf.is_empty());
    drop(on_its_way);
    assert!(shelf.is_empty() && shelf.bytes() == 0 && shelf.positions().is_empty());
}

#[test]
fn what_is_on_its_way_when_the_consumer_goes_is_handed_out_by_the_next() {
    let shelf = shelf(3..9);
    let on_its_way = shelf.take(20);
    assert_eq!(shelf.resume_at(), Positions::from([(place(), 3)]));
    on_its_way.delivered();
    assert_eq!(shelf.resume_at(), Positions::from([(place(), 5)]));
}

#[test]
fn records_that_were_read_before_a_rebalance_are_not_put_there() {
    let shelf = shelf(0..0);
    let read_under = shelf.rebalances();
    shelf.revoke([place()]);
    shelf.assign([place()]);
    shelf.push(vec![record(&shelf, 0)], read_under);
    assert!(shelf.is_empty());
    shelf.push(vec![record(&shelf, 0)], shelf.rebalances());
    assert!(!shelf.is_empty());
}

#[test]
fn a_consumer_that_got_nothing_goes_on_at_the_end_that_its_owner_was_told() {
    let shelf = shelf(0..0);
    assert_eq!((shelf.unmarked(), shelf.resume_at()), (vec![place()], Positions::new()));
    shelf.mark(place(), 7);
    shelf.mark(place(), 9);
    assert_eq!((shelf.unmarked(), shelf.resume_at()), (vec![], Positions::from([(place(), 7)])));
    assert!(shelf.positions().is_empty(), "nothing to commit");
    shelf.push(vec![record(&shelf, 8)], shelf.rebalances());
    assert_eq!(shelf.resume_at(), Positions::from([(place(), 8)]));
}

#[test]
fn another_shelf_goes_on_where_this_one_ended() {
    let shelf = shelf(3..9);
    assert_eq!(shelf.resume_at(), Positions::from([(place(), 3)]));
    shelf.take(20).delivered();
    let next = Shelf::going_on(shelf.resume_at());
    assert_eq!(next.resume_at(), Positions::from([(place(), 5)]), "also before it has joined");
    assert_eq!(next.assign([place()]), Positions::from([(place(), 5)]));
    assert!(next.assign([place()]).is_empty(), "only the first time");
}
