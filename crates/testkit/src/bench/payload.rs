//! The records that native clients and REST clients send alike.

/// What REST calls records whose values are JSON.
pub(super) const JSON_RECORDS: &str = "application/vnd.kafka.json.v2+json";

/// A JSON object of exactly `size` bytes, if that is enough for one.
pub(super) fn record(size: usize) -> Vec<u8> {
    let (start, end) = (br#"{"sensor":"tide-gauge-17","level":2.718,"note":""#, br#""}"#);
    let fill = size.saturating_sub(start.len() + end.len());
    [&start[..], &b"abcdefghij".repeat(fill.div_ceil(10))[..fill], &end[..]].concat()
}

/// The body of a request with `count` records.
pub(super) fn body(count: usize, size: usize) -> Vec<u8> {
    let record = record(size);
    let one = [br#"{"value":"#, &record[..], b"}"].concat();
    let all = vec![one.as_slice(); count].join(&b',');
    [br#"{"records":["#, &all[..], b"]}"].concat()
}

/// How many records an answer says were stored.
pub(super) fn stored(answer: &[u8]) -> usize {
    memchr::memmem::find_iter(answer, br#""offset":"#).count()
}

/// The number behind each `"key":`, in order.
pub(super) fn numbers<'a>(answer: &'a [u8], key: &'a str) -> impl Iterator<Item = i64> + 'a {
    memchr::memmem::find_iter(answer, key.as_bytes()).map(move |at| {
        let digits = answer[at + key.len()..].iter().take_while(|it| it.is_ascii_digit());
        digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_json_of_the_size_asked_for() {
        for size in [100, 1024] {
            let record = record(size);
            assert_eq!(record.len(), size);
            assert!(serde_json::from_slice::<serde_json::Value>(&record).unwrap().is_object());
        }
        let body: serde_json::Value = serde_json::from_slice(&body(3, 100)).unwrap();
        assert_eq!(body["records"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn counts_what_was_stored() {
        let answer = br#"{"offsets":[{"offset":7,"partition":0},{"offset":12,"partition":3}]}"#;
        assert_eq!(stored(answer), 2);
        assert_eq!(numbers(answer, r#""offset":"#).collect::<Vec<_>>(), [7, 12]);
    }
}
