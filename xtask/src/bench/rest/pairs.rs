//! Adjacent pairs: what ours is compared with, and ours right after it. On a machine that others use
//! too, the one says nothing without the other.
#![allow(clippy::print_stdout, reason = "this is a command-line tool")]

use super::tool::Report;
use crate::bench::row::short;

/// With more stolen than this, in cores, a window tells of somebody else.
const STOLEN: f64 = 0.1;
/// The same for other processes of this machine: the kernel's own threads need some.
const FOREIGN: f64 = 0.25;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Pairs that are wanted.
    pub(super) pairs: usize,
    /// Pairs that are measured at most to get them.
    pub(super) attempts: usize,
    /// Seconds of a window, and before it.
    pub(super) seconds: f64,
    pub(super) warm_up: f64,
    pub(super) quick: bool,
}

/// Two windows, one right after the other.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) theirs: Report,
    pub(super) ours: Report,
    /// Records that were acknowledged and are not in the topic.
    pub(super) missing: u64,
}

/// The pairs of one line.
#[derive(Debug)]
pub(super) struct Pairs {
    kept: Vec<Pair>,
    dropped: usize,
    noisy: usize,
    /// Of all, also of those that were dropped.
    failures: (u64, Option<String>),
}

impl Pair {
    fn noise(&self) -> (f64, f64) {
        let (a, b) = (self.theirs.noise(), self.ours.noise());
        (a.0.max(b.0), a.1.max(b.1))
    }

    fn failures(&self) -> (u64, Option<String>) {
        let (theirs, ours) = (self.theirs.failures(), self.ours.failures());
        let lost = || format!("{} acknowledged records are not in Kafka", self.missing);
        let lost = (self.missing > 0).then(lost);
        (theirs.0 + ours.0 + self.missing, theirs.1.or(ours.1).or(lost))
    }

    fn is_noisy(&self) -> bool {
        let (stolen, foreign) = self.noise();
        stolen > STOLEN || foreign > FOREIGN
    }
}

/// Measures until there are enough calm pairs, or too many attempts: then the calmest are taken.
pub(super) fn measure(
    effort: Effort,
    rate: &str,
    mut one: impl FnMut(usize) -> anyhow::Result<Pair>,
) -> anyhow::Result<Pairs> {
    let mut all = Vec::new();
    for attempt in 0..effort.attempts {
        let pair = one(attempt)?;
        let (theirs, ours) = (pair.theirs.rate(rate)?, pair.ours.rate(rate)?);
        let (stolen, foreign) = pair.noise();
        println!(
            "  pair {}: theirs {}/s, ours {}/s, ratio {:.3}; stolen {stolen:.2}, others {foreign:.2} cores{}",
            attempt + 1,
            short(theirs),
            short(ours),
            ours / theirs,
            if pair.is_noisy() { ": noisy" } else { "" },
        );
        all.push(pair);
        if all.iter().filter(|it| !it.is_noisy()).count() == effort.pairs {
            break;
        }
    }
    let measured = all.len();
    let failures = all.iter().map(Pair::failures);
    let failures = failures.fold((0, None), |sum, it| (sum.0 + it.0, sum.1.or(it.1)));
    let disturbance = |pair: &Pair| pair.noise().0 + pair.noise().1;
    all.sort_by(|a, b| {
        a.is_noisy().cmp(&b.is_noisy()).then(disturbance(a).total_cmp(&disturbance(b)))
    });
    all.truncate(effort.pairs);
    let noisy = all.iter().filter(|it| it.is_noisy()).count();
    Ok(Pairs { dropped: measured - all.len(), noisy, kept: all, failures })
}

impl Pairs {
    /// The median of a number of each pair.
    pub(super) fn median(
        &self,
        number: impl Fn(&Pair) -> anyhow::Result<f64>,
    ) -> anyhow::Result<f64> {
        Ok(median(self.kept.iter().map(number).collect::<anyhow::Result<_>>()?))
    }

    /// The largest.
    pub(super) fn largest(
        &self,
        number: impl Fn(&Pair) -> anyhow::Result<f64>,
    ) -> anyhow::Result<f64> {
        self.kept.iter().map(number).try_fold(0.0, |most, it| Ok(f64::max(most, it?)))
    }

    /// What failed in any of them.
    pub(super) fn failures(&self) -> (u64, Option<String>) {
        self.failures.clone()
    }

    /// What is to be known of how they were measured.
    pub(super) fn note(&self) -> Option<String> {
        let kept = self.kept.len();
        match (self.dropped, self.noisy) {
            (0, 0) => None,
            (dropped, 0) => Some(format!("{kept} pairs, {dropped} noisy ones dropped")),
            (dropped, noisy) => Some(format!(
                "{kept} pairs, {noisy} of them on a disturbed machine; {dropped} more dropped"
            )),
        }
    }
}

/// The one in the middle, or the mean of the two there.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match (numbers.len(), numbers.len() / 2) {
        (0, _) => f64::NAN,
        (odd, middle) if odd % 2 == 1 => numbers[middle],
        (_, middle) => f64::midpoint(numbers[middle - 1], numbers[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0]) - 2.5).abs() < 1e-9);
        assert!(median(Vec::new()).is_nan());
    }
}
