//! Server-sent events, out of the pieces in which they arrive.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerSent {
    /// The last id that was seen, which is where to go on.
    pub(crate) id: Option<String>,
    /// Its data, lines joined.
    pub(crate) data: String,
}

/// Puts pieces together. What is not whole when a connection ends is forgotten, as the format
/// wants it.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    rest: Vec<u8>,
    id: Option<String>,
    data: Vec<String>,
}

impl Reader {
    /// The events that are whole with this piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Vec<ServerSent> {
        self.rest.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|it| *it == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\n', '\r'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<ServerSent> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data).join("\n");
            return (!data.is_empty()).then(|| ServerSent { id: self.id.clone(), data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "data" => self.data.push(value.to_owned()),
            // Comments keep the connection alive; the kind is in the data too.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_cut_the_same_comes_out() {
        let stream = ":\n\nid: 7\nevent: phase\ndata: {\"a\":\ndata: 1}\n\nid: 8\r\ndata: ü\r\n\r\nid: 9\ndata: cut";
        let event = |id: &str, data: &str| ServerSent { id: Some(id.into()), data: data.into() };
        let expected = [event("7", "{\"a\":\n1}"), event("8", "ü")];
        for size in 1..stream.len() {
            let mut reader = Reader::default();
            let pieces = stream.as_bytes().chunks(size);
            let events: Vec<_> = pieces.flat_map(|it| reader.push(it)).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }
}
