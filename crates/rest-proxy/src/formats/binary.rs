//! Bytes as base64 in a JSON string.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Embedded, Unfit};

pub(crate) struct Binary;

impl Embedded for Binary {
    fn encode<'a>(&self, data: &'a str) -> Result<Cow<'a, [u8]>, Unfit> {
        let unfit = || Unfit(format!("data={}  is not a base64 string.", excerpt(data)));
        let text: Cow<'_, str> = match serde_json::from_str::<&str>(data) {
            Ok(plain) => Cow::Borrowed(plain),
            // Escaped, such as `\/`.
            Err(_) => Cow::Owned(serde_json::from_str(data).map_err(|_| unfit())?),
        };
        STANDARD.decode(text.as_bytes()).map(Cow::Owned).map_err(|_| unfit())
    }

    fn decode(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Unfit> {
        out.push(b'"');
        let start = out.len();
        let length = base64::encoded_len(data.len(), true).unwrap_or(0);
        out.resize(start + length, 0);
        if STANDARD.encode_slice(data, &mut out[start..]).is_err() {
            out.truncate(start - 1);
            return Err(Unfit("too large".to_owned()));
        }
        out.push(b'"');
        Ok(())
    }
}

/// What was sent, cut: an answer is no mirror.
fn excerpt(text: &str) -> String {
    const MOST: usize = 64;
    if text.chars().nth(MOST).is_none() {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(json: &str) -> Result<Vec<u8>, Unfit> {
        Binary.encode(json).map(Cow::into_owned)
    }

    #[test]
    fn base64_is_taken_strictly_and_given_back() {
        assert_eq!(encode(r#""S2Fma2E=""#), Ok(b"Kafka".to_vec()));
        assert_eq!(encode(r#""\/\/79""#), Ok(vec![0xff, 0xfe, 0xfd]));
        assert_eq!(encode(r#""""#), Ok(Vec::new()));
        for bad in [r#""aG!!k=""#, r#""S2Fma2E""#, "1", "{}", "true"] {
            assert!(encode(bad).is_err(), "{bad}");
        }
        let mut out = Vec::new();
        Binary.decode(b"Kafka", &mut out).unwrap();
        assert_eq!(out, br#""S2Fma2E=""#);
    }

    #[test]
    fn the_text_is_karapaces() {
        let Unfit(text) = encode(r#""not base64""#).unwrap_err();
        assert_eq!(text, "data=\"not base64\"  is not a base64 string.");
    }
}
