//! JSON as it is: numbers keep every digit, members their order. Only what says nothing is
//! removed: spaces between tokens, and needless escapes in strings, so that one key is one key
//! whoever wrote it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Embedded, Unfit};
use crate::json;

pub(crate) struct Json;

impl Embedded for Json {
    fn encode<'a>(&self, data: &'a str) -> Result<Cow<'a, [u8]>, Unfit> {
        compact(data)
    }

    fn decode(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        if data.is_empty() {
            // No JSON text is empty; it can only stand for nothing.
            out.extend_from_slice(b"null");
            return Ok(());
        }
        if !str::from_utf8(data).is_ok_and(json::is_plainly_valid) {
            serde_json::from_slice::<&RawValue>(data).map_err(|it| Unfit(it.to_string()))?;
        }
        out.extend_from_slice(data);
        Ok(())
    }
}

/// `json`, which is valid, without spaces between tokens and needless escapes.
fn compact(json: &str) -> Result<Cow<'_, [u8]>, Unfit> {
    let bytes = json.as_bytes();
    if is_plain(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out: Option<Vec<u8>> = None;
    // Up to here everything is in `out`, if there is one.
    let mut done = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let (end, escaped) = string_end(bytes, at);
                if escaped {
                    let out = out.get_or_insert_default();
                    out.extend_from_slice(&bytes[done..at]);
                    out.extend_from_slice(&plain_string(&json[at..end])?);
                    done = end;
                }
                at = end;
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                let out = out.get_or_insert_default();
                out.extend_from_slice(&bytes[done..at]);
                at += 1;
                done = at;
            }
            _ => at += 1,
        }
    }
    Ok(match out {
        None => Cow::Borrowed(bytes),
        Some(mut out) => {
            out.extend_from_slice(&bytes[done..]);
            Cow::Owned(out)
        }
    })
}

/// Whether there is neither white space nor an escape anywhere, not even in a string. Looks at many
/// bytes at a time, because this is most of what is done with most records.
fn is_plain(bytes: &[u8]) -> bool {
    let mark = |it: u8| u8::from(it <= b' ') | u8::from(it == b'\\');
    let special = |chunk: &[u8]| chunk.iter().fold(0, |found, &it| found | mark(it)) != 0;
    let mut chunks = bytes.chunks_exact(32);
    !chunks.by_ref().any(special) && !special(chunks.remainder())
}

/// Where the string that starts at `start` ends, and whether it has an escape.
fn string_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start + 1;
    let mut escaped = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return (at + 1, escaped),
            b'\\' => {
                escaped = true;
                at += 2;
            }
            _ => at += 1,
        }
    }
    (bytes.len(), escaped)
}

fn plain_string(quoted: &str) -> Result<Vec<u8>, Unfit> {
    let text: String =
        serde_json::from_str(quoted).map_err(|it| Unfit(format!("invalid string: {it}")))?;
    serde_json::to_vec(&text).map_err(|it| Unfit(it.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(json: &str) -> Result<String, Unfit> {
        Json.encode(json).map(|it| String::from_utf8(it.into_owned()).unwrap())
    }

    #[test]
    fn numbers_and_order_are_kept_exactly() {
        for json in
            ["123456789012345678901234567890", "1.10", r#"{"b":1e400,"a":0}"#, "0", "false", "\"\""]
        {
            assert_eq!(encode(json).as_deref(), Ok(json));
        }
    }

    #[test]
    fn one_value_is_one_text() {
        let spaced = "{ \"a b\" : [ 1 ,\n\t2 ], \"c\":\"\\u00e9\\/\\\"\" }";
        assert_eq!(encode(spaced).as_deref(), Ok(r#"{"a b":[1,2],"c":"é/\""}"#));
        assert!(encode(r#""\ud800""#).is_err(), "half a surrogate pair is no text");
    }

    #[test]
    fn what_is_not_json_leaves_the_answer_as_it_was() {
        let mut out = b"[".to_vec();
        assert!(Json.decode(b"{\"a\":", &mut out).is_err());
        assert!(Json.decode(b"\xff", &mut out).is_err());
        assert_eq!(out, b"[");
        Json.decode(b"1.10", &mut out).unwrap();
        Json.decode(b"", &mut out).unwrap();
        assert_eq!(out, b"[1.10null");
    }
}
