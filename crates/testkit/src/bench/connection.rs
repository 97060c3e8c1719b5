//! HTTP/1.1 over one connection, with requests that were rendered before: a write and a read each.

use std::io;
use std::ops::Range;
use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Where a server is: `http://HOST:PORT`, maybe with a path.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) address: String,
    pub(crate) path: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or("an http:// address")?;
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self { address: address.to_owned(), path: format!("/{path}") })
    }
}

/// A request as it goes over the wire.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

impl Request<'_> {
    pub(crate) fn render(&self, host: &str) -> Vec<u8> {
        let Self { method, path, content_type, token, body } = self;
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), format!("Host: {host}")];
        lines.extend(token.map(|token| format!("Authorization: Bearer {token}")));
        let header = if body.is_empty() { "Accept" } else { "Content-Type" };
        lines.push(format!("{header}: {content_type}"));
        if *method != "GET" {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        let text = format!("{}\r\n\r\n", lines.join("\r\n"));
        [text.as_bytes(), body].concat()
    }
}

/// An open connection and what was read from it.
pub(crate) struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
    body: Range<usize>,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    /// `None` if it comes in chunks.
    body: Option<usize>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::with_capacity(64 << 10), body: 0..0 })
    }

    /// Sends a rendered request and reads the whole answer. Its status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.buffer.clear();
        self.socket.write_all(request).await?;
        let head = loop {
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
            self.read().await?;
        };
        self.body = match head.body {
            Some(length) => {
                let end = head.length + length;
                self.buffer.reserve(end.saturating_sub(self.buffer.len()));
                while self.buffer.len() < end {
                    self.read().await?;
                }
                ensure!(self.buffer.len() == end, "more than was announced");
                head.length..end
            }
            None => self.read_chunks(head.length).await?,
        };
        Ok(head.status)
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.body.clone()]
    }

    /// The same, to be shown with an error.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(self.body()).chars().take(200).collect()
    }

    /// One request that is not measured: anything but success is an error.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        let status = self.exchange(request).await?;
        ensure!((200..300).contains(&status), "status {status}: {}", self.shown());
        Ok(self.body())
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        ensure!(self.socket.read_buf(&mut self.buffer).await? > 0, "the server hung up");
        Ok(())
    }

    /// Chunks, put together where the first began.
    async fn read_chunks(&mut self, start: usize) -> anyhow::Result<Range<usize>> {
        let (mut end, mut next) = (start, start);
        loop {
            let Some(line) = memchr::memmem::find(&self.buffer[next..], b"\r\n") else {
                self.read().await?;
                continue;
            };
            let size = std::str::from_utf8(&self.buffer[next..next + line])?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).context("the size of a chunk")?;
            let data = next + line + 2;
            next = data + size + 2;
            while self.buffer.len() < next {
                self.read().await?;
            }
            if size == 0 {
                return Ok(start..end);
            }
            self.buffer.copy_within(data..data + size, end);
            end += size;
        }
    }
}

fn parse_head(read: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = memchr::memmem::find(read, b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&read[..end])?;
    let status = text.get(9..12).and_then(|it| it.parse().ok()).context("a status line")?;
    let mut head = Head { status, length: end + 4, body: Some(0) };
    for line in text.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(':') else { bail!("a header line") };
        if name.eq_ignore_ascii_case("content-length") {
            head.body = Some(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.body = None;
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    async fn answer(text: &'static str) -> (u16, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            for part in text.as_bytes().chunks(7) {
                socket.write_all(part).await.unwrap();
                socket.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
            socket
        });
        let mut connection = Connection::open(&address).await.unwrap();
        let status = connection.exchange(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        (status, String::from_utf8(connection.body().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn reads_a_body_of_known_length_and_one_in_chunks() {
        let known = answer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nhello").await;
        assert_eq!(known, (200, "hello".to_owned()));
        let chunked = "HTTP/1.1 422 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n";
        assert_eq!(answer(chunked).await, (422, "hello".to_owned()));
        assert_eq!(answer("HTTP/1.1 204 No Content\r\n\r\n").await, (204, String::new()));
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let request = Request {
            method: "POST",
            path: "/topics/t",
            content_type: "application/json",
            token: Some("abc"),
            body: b"{}",
        };
        let text = String::from_utf8(request.render("h:1")).unwrap();
        assert_eq!(
            text,
            "POST /topics/t HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer abc\r\n\
             Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }
}
