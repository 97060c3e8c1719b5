//! A quick look at the body of a produce request: most are of one shape, and of those only where the
//! parts of each record are has to be known. Whatever is not of that shape is left to `serde_json`.

use super::record::Record;
use crate::json::Scanner;

/// The records of `text`, if it is valid JSON and says `{"records": [{..}, ..]}` with known members
/// only, each once; otherwise `None`, which says nothing of it.
pub(super) fn records(text: &str) -> Option<Vec<Record<'_>>> {
    let mut scanner = Scanner::new(text);
    scanner.token(b'{')?;
    scanner.space();
    if scanner.string()? != "\"records\"" {
        return None;
    }
    scanner.token(b':')?;
    scanner.token(b'[')?;
    let mut records = Vec::new();
    loop {
        records.push(record(&mut scanner)?);
        if !scanner.goes_on(b']')? {
            break;
        }
    }
    scanner.token(b'}')?;
    scanner.is_at_end().then_some(records)
}

fn record<'a>(scanner: &mut Scanner<'a>) -> Option<Record<'a>> {
    let mut record = Record::default();
    scanner.token(b'{')?;
    if scanner.ends(b'}')? {
        return Some(record);
    }
    let mut seen = 0;
    loop {
        scanner.space();
        let (bit, member) = match scanner.string()? {
            "\"key\"" => (1, &mut record.key),
            "\"value\"" => (2, &mut record.value),
            "\"partition\"" => (4, &mut record.partition),
            "\"headers\"" => (8, &mut record.headers),
            "\"timestamp\"" => (16, &mut record.timestamp),
            _ => return None,
        };
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        scanner.token(b':')?;
        scanner.space();
        *member = Some(scanner.value()?).filter(|it| *it != "null");
        if !scanner.goes_on(b'}')? {
            return Some(record);
        }
    }
}

#[cfg(test)]
mod tests;
