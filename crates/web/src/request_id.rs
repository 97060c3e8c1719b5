//! The id by which a request is found in the logs of everything it passed.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Where a request's id comes in, and goes back.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What is longer was not meant as an id.
const LONGEST: usize = 64;

/// The id of a request: the caller's if it is sane, otherwise a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(HEADER).iter();
        match (given.next(), given.next()) {
            (Some(id), None) if is_sane(id) => Self(id.clone()),
            _ => Self::new(),
        }
    }

    /// A number of this process, and how many came before: randomness each time costs a system
    /// call, which at thousands of requests a second is seen.
    fn new() -> Self {
        static PROCESS: LazyLock<(u64, u64)> = LazyLock::new(|| Uuid::new_v4().as_u64_pair());
        static REQUESTS: AtomicU64 = AtomicU64::new(0);
        let (process, first) = *PROCESS;
        let number = first.wrapping_add(REQUESTS.fetch_add(1, Ordering::Relaxed));
        let id = Uuid::new_v8(Uuid::from_u64_pair(process, number).into_bytes());
        let mut text = Uuid::encode_buffer();
        let text = id.hyphenated().encode_lower(&mut text);
        Self(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-")))
    }

    /// As it is written in headers.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Nothing that could break a log line, and not much of it.
fn is_sane(id: &HeaderValue) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(values: &[&[u8]]) -> String {
        let values = values.iter().map(|it| (HEADER, HeaderValue::from_bytes(it).unwrap()));
        let mut headers = HeaderMap::new();
        values.for_each(|(name, value)| {
            headers.append(name, value);
        });
        RequestId::of(&headers).to_string()
    }

    #[test]
    fn a_sane_id_is_taken_over() {
        assert_eq!(id_of(&[b"a-1/b:2"]), "a-1/b:2");
        assert_eq!(id_of(&["x".repeat(64).as_bytes()]), "x".repeat(64));
    }

    #[test]
    fn what_is_not_sane_is_replaced_by_a_new_one() {
        let long = "x".repeat(65);
        let bad: [&[&[u8]]; 6] =
            [&[], &[b""], &[b"a b"], &[b"\xff"], &[long.as_bytes()], &[b"a", b"b"]];
        for values in bad {
            assert!(Uuid::try_parse(&id_of(values)).is_ok(), "{values:?}");
        }
        assert_ne!(id_of(&[]), id_of(&[]));
    }
}
