//! Denials of a service's brokers, until they are in the database.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use model::{Denial, Denied, NodeId, Timestamp};

use crate::authorizer_log::denied;

/// The most kinds of denials that are told of one node and look. A client may be refused thousands of
/// times a second, each time for another name.
const MOST: usize = 20;
/// What is too old is deleted so often, also if there is nothing new.
const TIDY_MS: i64 = 60 * 60 * 1000;

/// What of the brokers' logs is in the database already. May be lost: it is asked for again.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// The last denial that the database has of each node whose log may be read once more, since it is
    /// read from its beginning or was not written down. `None`: nobody has asked.
    until: Option<BTreeMap<NodeId, Timestamp>>,
    tidied: Option<Timestamp>,
}

impl Recorded {
    /// Whether the database has to be asked.
    pub(crate) fn is_unknown(&self) -> bool {
        self.until.is_none()
    }

    /// What the database said.
    pub(crate) fn known(&mut self, until: BTreeMap<NodeId, Timestamp>) {
        self.until = Some(until);
    }

    /// It may or may not be in the database.
    pub(crate) fn forget(&mut self) {
        self.until = None;
    }

    /// What a part of a node's log has that is not in the database. A part without a line is the end
    /// of what was there to be read once more.
    pub(crate) fn new_in(&mut self, node: NodeId, text: &str) -> Vec<Denial> {
        let until = self.until.get_or_insert_default();
        if text.is_empty() {
            until.remove(&node);
            return Vec::new();
        }
        let until = until.get(&node).copied();
        let is_new = |at: Timestamp| until.is_none_or(|until| at > until);
        summed(node, text.lines().filter_map(denied).filter(|(_, at)| is_new(*at)))
    }

    /// Whether it is time to delete what is too old.
    pub(crate) fn must_tidy(&mut self, now: Timestamp) -> bool {
        let must = self.tidied.is_none_or(|it| now.ms_since(it) >= TIDY_MS);
        if must {
            self.tidied = Some(now);
        }
        must
    }
}

/// Those that are alike as one, the latest last. Beyond the most frequent ones they are one too.
fn summed(node: NodeId, all: impl Iterator<Item = (Denied, Timestamp)>) -> Vec<Denial> {
    let mut sums: BTreeMap<Denied, (u64, Timestamp)> = BTreeMap::new();
    for (denied, at) in all {
        let (times, last) = sums.entry(denied).or_insert((0, at));
        *times += 1;
        *last = at.max(*last);
    }
    let denial = |(denied, (times, last))| Denial { node, denied: Some(denied), times, last };
    let mut denials: Vec<Denial> = sums.into_iter().map(denial).collect();
    denials.sort_by_key(|it| Reverse(it.times));
    let others = denials.split_off(denials.len().min(MOST));
    denials.extend(others.into_iter().reduce(|sum, it| Denial {
        node,
        denied: None,
        times: sum.times + it.times,
        last: sum.last.max(it.last),
    }));
    denials.sort_by_key(|it| it.last);
    denials
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(2);

    fn line(at: i64, topic: &str) -> String {
        format!(
            "{at} Principal = User:alice is Denied operation = WRITE from host = 127.0.0.1 on \
             resource = Topic:LITERAL:{topic} for request = Produce based on rule DefaultDeny\n"
        )
    }

    /// Topic, times and last of each; `-` for others.
    fn told(recorded: &mut Recorded, text: &str) -> Vec<(String, u64, i64)> {
        let denials = recorded.new_in(NODE, text);
        let told = |it: Denial| {
            assert_eq!(it.node, NODE);
            let topic = it.denied.map_or("-".to_owned(), |it| it.resource_name.to_string());
            (topic, it.times, it.last.0)
        };
        denials.into_iter().map(told).collect()
    }

    #[test]
    fn what_is_alike_is_counted_and_the_latest_comes_last() {
        let text = [line(5, "b"), line(1, "a"), line(3, "a"), "no line of ours\n".into()].concat();
        let expected = [("a".to_owned(), 2, 3), ("b".to_owned(), 1, 5)];
        assert_eq!(told(&mut Recorded::default(), &text), expected);
        assert_eq!(told(&mut Recorded::default(), ""), []);
    }

    #[test]
    fn thousands_of_names_are_the_most_frequent_ones_and_how_many_others() {
        let mut text: String = (0..10_000).map(|it| line(it, &format!("t{it}"))).collect();
        (0..3).for_each(|it| text.push_str(&line(it, "often")));
        let told = told(&mut Recorded::default(), &text);
        assert_eq!(told.len(), MOST + 1);
        assert_eq!(told.iter().map(|it| it.1).sum::<u64>(), 10_003);
        assert!(told.contains(&("often".into(), 3, 2)), "{told:?}");
        assert_eq!(told.last(), Some(&("-".into(), 10_000 - 19, 9_999)));
        // One that there is room for is named.
        let exactly: String = (0..20).map(|it| line(it, &format!("t{it}"))).collect();
        assert_eq!(summed(NODE, exactly.lines().filter_map(denied)).len(), MOST);
    }

    #[test]
    fn what_is_in_the_database_is_not_told_again_when_a_log_is_read_from_its_beginning() {
        let mut recorded = Recorded::default();
        assert!(recorded.is_unknown());
        recorded.known([(NODE, Timestamp(2)), (NodeId(1), Timestamp(9))].into());
        assert!(!recorded.is_unknown());
        let text = [line(1, "a"), line(2, "a"), line(3, "b")].concat();
        assert_eq!(told(&mut recorded, &text), [("b".to_owned(), 1, 3)]);
        // From its end on all is new, whatever the clock says.
        assert_eq!(told(&mut recorded, &line(2, "c")), []);
        assert_eq!(told(&mut recorded, ""), []);
        assert_eq!(told(&mut recorded, &line(2, "c")), [("c".to_owned(), 1, 2)]);
        recorded.forget();
        assert!(recorded.is_unknown());
    }

    #[test]
    fn what_is_old_is_deleted_every_hour() {
        let mut recorded = Recorded::default();
        let asked = [0, 1, TIDY_MS - 1, TIDY_MS, TIDY_MS + 1];
        let asked = asked.map(|it| recorded.must_tidy(Timestamp(it)));
        assert_eq!(asked, [true, false, false, true, false]);
    }
}
