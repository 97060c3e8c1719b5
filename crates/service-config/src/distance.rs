//! Which known names are near to an unknown one.

/// The known names that are nearest to `wrong`, at most three, the nearest first. Names that have
/// little in common with it are not offered.
pub(crate) fn nearest<'a>(wrong: &str, known: &'a [String]) -> Vec<&'a str> {
    // Longer than any option, and enough to keep the work small whatever is sent.
    let wrong: String = wrong.chars().take(100).collect();
    let mut ranked: Vec<(usize, &str)> =
        known.iter().filter_map(|name| Some((score(&wrong, name)?, name.as_str()))).collect();
    ranked.sort_unstable();
    ranked.truncate(3);
    ranked.into_iter().map(|(_, name)| name).collect()
}

/// How far apart two names are, or what follows their last dot: a known option in the wrong group,
/// or in none, is one step away. `None` if it is too far for a slip.
fn score(wrong: &str, known: &str) -> Option<usize> {
    let tail = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let near = |a: &str, b: &str| Some(levenshtein(a, b)).filter(|it| *it <= 1 + b.len() / 4);
    let in_another_group = near(&tail(wrong), &tail(known)).map(|it| it + 1);
    near(wrong, known).into_iter().chain(in_another_group).min()
}

/// How many characters have to be put in, taken out or changed to get from `a` to `b`.
fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(levenshtein("kitten", "sitting"), 3);
        assert_eq!(levenshtein("", "abc"), 3);
        assert_eq!(levenshtein("abc", "abc"), 0);
    }

    #[test]
    fn offers_what_was_probably_meant() {
        let known = ["kafka.log_retention_ms", "kafka.log_roll_ms", "kafka_rest"].map(String::from);
        assert_eq!(nearest("kafka.log_retentions_ms", &known)[0], "kafka.log_retention_ms");
        assert_eq!(nearest("log_roll_ms", &known)[0], "kafka.log_roll_ms");
        assert_eq!(nearest("entirely_different_words", &known), [""; 0]);
    }
}
