//! W3C Trace Context, level 1: of which trace a request is a part.

use http::header::{GetAll, HeaderName};
use http::{HeaderMap, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;
/// The most that the standard asks anybody to pass on.
const LONGEST_STATE: usize = 512;
const MOST_MEMBERS: usize = 32;

/// A valid `traceparent`, and the `tracestate` that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: HeaderValue,
    state: Option<Box<[u8]>>,
}

impl TraceContext {
    /// What the headers say. What breaks a rule of the standard counts as absent, as it demands.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
        if !is_parent(parent.as_bytes()) {
            return None;
        }
        Some(Self { parent: parent.clone(), state: state(&headers.get_all(TRACESTATE)) })
    }

    /// `traceparent` as it came.
    pub fn traceparent(&self) -> &[u8] {
        self.parent.as_bytes()
    }

    /// `tracestate` as it came, of several headers the one list that they stand for.
    pub fn tracestate(&self) -> Option<&[u8]> {
        self.state.as_deref()
    }

    /// The 32 digits that name the trace.
    pub fn trace_id(&self) -> &str {
        // Both hold for every valid one.
        self.parent.to_str().ok().and_then(|it| it.get(3..35)).unwrap_or_default()
    }
}

fn is_parent(text: &[u8]) -> bool {
    let Some((known, rest)) = text.split_at_checked(LENGTH) else { return false };
    let [v1, v2, b'-', ids @ .., b'-', f1, f2] = known else { return false };
    let (Some(trace), Some(b'-'), Some(parent)) = (ids.get(..32), ids.get(32), ids.get(33..))
    else {
        return false;
    };
    let version = [*v1, *v2];
    // Later versions may go on, behind another dash.
    let end_is_right = rest.is_empty() || (version != *b"00" && rest.first() == Some(&b'-'));
    let id = |it: &[u8]| hex(it) && it.iter().any(|it| *it != b'0');
    hex(&version)
        && version != *b"ff"
        && id(trace)
        && id(parent)
        && hex(&[*f1, *f2])
        && end_is_right
}

fn hex(text: &[u8]) -> bool {
    text.iter().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// The list, if all of it is right: a part of a list would be a lie.
fn state(headers: &GetAll<'_, HeaderValue>) -> Option<Box<[u8]>> {
    let values: Vec<&[u8]> = headers.iter().map(HeaderValue::as_bytes).collect();
    let joined = values.join(&b","[..]);
    let members: Vec<&[u8]> = joined
        .split(|it| *it == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|it| !it.is_empty())
        .collect();
    let right = joined.len() <= LONGEST_STATE
        && (1..=MOST_MEMBERS).contains(&members.len())
        && members.iter().all(|it| is_member(it));
    right.then(|| joined.into())
}

/// `key=value` (section 3.3.1.3).
fn is_member(member: &[u8]) -> bool {
    let Some(at) = member.iter().position(|it| *it == b'=') else { return false };
    let (key, value) = (&member[..at], &member[at + 1..]);
    let key_char =
        |it: &u8| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let value_char = |it: &u8| matches!(it, b' '..=b'~') && !matches!(it, b',' | b'=');
    key.first().is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        && key.len() <= 256
        && key.iter().all(key_char)
        && key.split(|it| *it == b'@').nth(2).is_none()
        && (1..=256).contains(&value.len())
        && value.iter().all(value_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(headers: &[(HeaderName, &str)]) -> Option<TraceContext> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        TraceContext::of(&map)
    }

    #[test]
    fn a_valid_parent_names_its_trace() {
        let found = context(&[(TRACEPARENT, GOOD)]).unwrap();
        assert_eq!(found.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((found.traceparent(), found.tracestate()), (GOOD.as_bytes(), None));
        let later = format!("cc{}-what-the-future-brings", &GOOD[2..]);
        assert!(context(&[(TRACEPARENT, &later)]).is_some());
    }

    #[test]
    fn what_breaks_a_rule_counts_as_absent() {
        let bad = [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x",
        ];
        for text in bad {
            assert_eq!(context(&[(TRACEPARENT, text)]), None, "{text}");
        }
        assert_eq!(context(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)]), None);
        assert_eq!(context(&[(TRACESTATE, "a=1")]), None);
    }

    #[test]
    fn the_state_is_one_list_and_dropped_if_it_is_wrong() {
        let state = |values: &[&str]| {
            let mut headers = vec![(TRACEPARENT, GOOD)];
            headers.extend(values.iter().map(|it| (TRACESTATE, *it)));
            let found = context(&headers).unwrap();
            found.tracestate().map(|it| String::from_utf8(it.to_vec()).unwrap())
        };
        assert_eq!(state(&["a=1,b@c=2", "d=3"]).as_deref(), Some("a=1,b@c=2,d=3"));
        assert_eq!(state(&["a=1, ,b=2"]).as_deref(), Some("a=1, ,b=2"));
        let long = format!("a={}", "x".repeat(511));
        let many = ["a=1"; 33].join(",");
        for bad in ["", "a", "=1", "A=1", "a=", "a=1=2", "a=\u{e9}", &long, &many] {
            assert_eq!(state(&[bad]), None, "{bad}");
        }
    }
}
