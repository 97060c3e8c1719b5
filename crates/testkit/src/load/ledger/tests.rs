//! The accounting, case by case.

use std::time::Duration;

use super::Ledger;
use crate::load::report::{PathReport, Totals};
use crate::load::stamp::Stamp;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends `count` records to partition 0, one every 10 ms.
fn sent(ledger: &mut Ledger, count: u64) -> Vec<Stamp> {
    (0..count).map(|i| ledger.send(0, 0, ms(10 * i))).collect()
}

fn totals(report: &PathReport) -> (u64, u64, u64, u64, u64, u64) {
    let Totals { acked, failed, consumed, lost, duplicated, out_of_order, .. } = report.totals;
    (acked, failed, consumed, lost, duplicated, out_of_order)
}

#[test]
fn a_clean_run() {
    let mut ledger = Ledger::new(2, 3);
    for producer in 0..2 {
        for (offset, partition) in (0..3).enumerate() {
            let stamp = ledger.send(producer, partition, ms(5));
            // Two producers share the offsets of a partition.
            let offset = i64::try_from(2 * offset + producer).unwrap();
            ledger.acked(&stamp, ms(8));
            ledger.consumed(&stamp, offset, ms(9));
        }
    }
    assert_eq!((ledger.unresolved(), ledger.unconsumed()), (0, 0));
    let report = ledger.close(ms(0));
    assert_eq!(totals(&report), (6, 0, 6, 0, 0, 0));
    assert!(report.is_clean());
    assert!((report.windows[0].p50_ms - 3.0).abs() < 1e-9);
}

#[test]
fn nothing_sent_is_not_clean() {
    assert!(!Ledger::new(1, 1).close(ms(0)).is_clean());
}

#[test]
fn an_acknowledged_record_that_nobody_reads_is_lost() {
    let mut ledger = Ledger::new(1, 1);
    let stamps = sent(&mut ledger, 3);
    for it in &stamps {
        ledger.acked(it, ms(50));
    }
    ledger.consumed(&stamps[0], 0, ms(60));
    ledger.consumed(&stamps[2], 1, ms(60));
    assert_eq!(ledger.unconsumed(), 1);
    let report = ledger.close(ms(0));
    assert_eq!(totals(&report), (3, 0, 2, 1, 0, 0));
    assert_eq!(report.windows[0].lost, 1);
    assert!(!report.is_clean());
}

#[test]
fn a_failed_record_is_neither_lost_nor_a_duplicate_if_it_turns_up() {
    let mut ledger = Ledger::new(1, 1);
    let stamps = sent(&mut ledger, 2);
    ledger.failed(&stamps[0]);
    ledger.consumed(&stamps[0], 0, ms(20));
    // The second has no answer at the end: it failed as well.
    assert_eq!(ledger.unresolved(), 1);
    assert_eq!(totals(&ledger.close(ms(0))), (0, 2, 1, 0, 0, 0));
}

#[test]
fn the_same_record_at_another_offset_is_a_duplicate_and_at_the_same_it_is_read_again() {
    let mut ledger = Ledger::new(1, 1);
    let stamp = sent(&mut ledger, 1)[0];
    ledger.acked(&stamp, ms(1));
    ledger.consumed(&stamp, 7, ms(2));
    ledger.consumed(&stamp, 7, ms(3));
    ledger.consumed(&stamp, 8, ms(4));
    let report = ledger.close(ms(0));
    assert_eq!(totals(&report), (1, 0, 1, 0, 1, 0));
    assert_eq!(report.totals.reread, 1);
}

#[test]
fn reading_before_the_acknowledgement_arrives_is_no_loss() {
    let mut ledger = Ledger::new(1, 1);
    let stamp = sent(&mut ledger, 1)[0];
    ledger.consumed(&stamp, 0, ms(2));
    ledger.acked(&stamp, ms(3));
    assert_eq!(ledger.unconsumed(), 0);
    assert!(ledger.close(ms(0)).is_clean());
}

#[test]
fn a_record_behind_a_later_one_is_out_of_order() {
    let mut ledger = Ledger::new(1, 1);
    let stamps = sent(&mut ledger, 3);
    for it in &stamps {
        ledger.acked(it, ms(40));
    }
    for (offset, index) in [(0, 1), (1, 0), (2, 2)] {
        ledger.consumed(&stamps[index], offset, ms(50));
    }
    assert_eq!(totals(&ledger.close(ms(0))), (3, 0, 3, 0, 0, 1));
}

#[test]
fn an_answer_counts_once() {
    let mut ledger = Ledger::new(1, 1);
    let stamp = sent(&mut ledger, 1)[0];
    ledger.acked(&stamp, ms(1));
    ledger.acked(&stamp, ms(2));
    ledger.failed(&stamp);
    assert_eq!((ledger.totals().acked, ledger.totals().failed, ledger.unresolved()), (1, 0, 0));
}

#[test]
fn a_request_for_records_that_fails_is_not_clean() {
    let mut ledger = Ledger::new(1, 1);
    let stamp = sent(&mut ledger, 1)[0];
    ledger.acked(&stamp, ms(1));
    ledger.consumed(&stamp, 0, ms(2));
    ledger.read_failed(ms(3));
    let report = ledger.close(ms(0));
    assert_eq!((report.totals.failed_reads, report.windows[0].failed_reads), (1, 1));
    assert!(!report.is_clean());
}

#[test]
fn stamps_that_were_never_given_out_are_ignored() {
    let mut ledger = Ledger::new(1, 1);
    for stamp in [
        Stamp { producer: 9, partition: 0, sequence: 0, due: ms(0) },
        Stamp { producer: 0, partition: 9, sequence: 0, due: ms(0) },
        Stamp { producer: 0, partition: 0, sequence: 9, due: ms(0) },
    ] {
        ledger.acked(&stamp, ms(1));
        ledger.failed(&stamp);
        ledger.consumed(&stamp, 0, ms(1));
    }
    assert_eq!(ledger.close(ms(0)).totals, Totals::default());
}

#[test]
fn a_gap_counts_where_it_ends_and_up_to_the_mark_before_and_may_last_until_the_end() {
    let mut ledger = Ledger::new(1, 2);
    let first = ledger.send(0, 0, ms(0));
    ledger.acked(&first, ms(1));
    ledger.consumed(&first, 0, ms(2));
    ledger.mark("roll", ms(100));
    let second = ledger.send(0, 0, ms(400));
    ledger.acked(&second, ms(501));
    ledger.mark("after", ms(600));
    ledger.stop(ms(2501));
    let windows = ledger.close(ms(0)).windows;
    let gaps: Vec<f64> = windows.iter().map(|it| it.longest_gap_ms).collect();
    assert_eq!(gaps, [99.0, 500.0, 2000.0]);
    // Nothing more was read: that silence ends with the run.
    assert!((windows[2].consume_gap_ms - 2499.0).abs() < 1e-9);
    // Latency counts from when a record was due, in the window of that time.
    assert!((windows[1].max_ms - 101.0).abs() < 1e-9);
    assert_eq!(windows.iter().map(|it| it.acked).collect::<Vec<_>>(), [1, 1, 0]);
}
