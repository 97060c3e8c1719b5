//! One socket: frames out, frames in, matched by correlation id.
//!
//! A task owns the socket and the answers that are waited for; it ends when the socket breaks or the
//! [`Channel`] is dropped. Nobody else reads or writes, so a caller that goes away half-way leaves
//! nothing half-written and nothing half-read.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// The largest answer that is read: a guard against a peer that is no Kafka, far above what one
/// sends.
const MAX_FRAME: usize = 64 * 1024 * 1024;

/// How many requests may wait to be written.
const QUEUE: usize = 64;

/// Why a request got no answer from its socket.
#[derive(Debug)]
pub(crate) enum Lost {
    /// It was never written.
    NotSent,
    /// The socket broke, or the peer did not keep to the protocol, after it was handed over.
    Broken(io::Error),
}

/// An open socket to a broker.
#[derive(Debug)]
pub(crate) struct Channel {
    requests: mpsc::Sender<Request>,
    next_id: AtomicI32,
    _task: JoinSet<()>,
}

struct Request {
    id: i32,
    frame: Bytes,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<Bytes, Lost>>;

impl Channel {
    /// Takes the socket over. It counts as broken when an answer is due and nothing at all was
    /// received for `silence`.
    pub(crate) fn new<S>(socket: S, silence: Duration) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, queue) = mpsc::channel(QUEUE);
        let mut task = JoinSet::new();
        task.spawn(serve(socket, queue, silence));
        Self { requests, next_id: AtomicI32::new(0), _task: task }
    }

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    /// A correlation id for the next request.
    pub(crate) fn next_id(&self) -> i32 {
        // Negative after 2^31 requests, which Kafka does not mind.
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request that carries `id`, and waits for its answer without the length before it.
    /// May be dropped at any time.
    pub(crate) async fn exchange(&self, id: i32, request: &[u8]) -> Result<Bytes, Lost> {
        let length = i32::try_from(request.len()).map_err(|_| Lost::NotSent)?;
        let mut frame = BytesMut::with_capacity(request.len() + 4);
        frame.put_i32(length);
        frame.extend_from_slice(request);
        let (answer, answered) = oneshot::channel();
        let request = Request { id, frame: frame.freeze(), answer };
        self.requests.send(request).await.map_err(|_| Lost::NotSent)?;
        // The task drops an answer that it owes only when it is aborted, with the channel.
        answered.await.unwrap_or(Err(Lost::NotSent))
    }
}

async fn serve<S>(socket: S, mut queue: mpsc::Receiver<Request>, silence: Duration)
where
    S: AsyncRead + AsyncWrite,
{
    let mut waiting = Waiting::default();
    let Err(error) = carry(socket, &mut queue, &mut waiting, silence).await else {
        return;
    };
    tracing::debug!(%error, waiting = waiting.0.len(), "a connection to Kafka ended");
    queue.close();
    for (_, (_, answer)) in waiting.0.drain() {
        let _gone = answer.send(Err(Lost::Broken(copy(&error))));
    }
    while let Some(request) = queue.recv().await {
        let _gone = request.answer.send(Err(Lost::NotSent));
    }
}

/// Carries frames until the socket breaks, or nobody can ask any more.
async fn carry<S>(
    socket: S,
    queue: &mut mpsc::Receiver<Request>,
    waiting: &mut Waiting,
    silence: Duration,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite,
{
    let (mut reader, mut writer) = tokio::io::split(socket);
    let (mut inbox, mut outbox) = (BytesMut::new(), BytesMut::new());
    let mut heard = Instant::now();
    loop {
        let silent = waiting.oldest().map(|sent| sent.max(heard) + silence);
        // Each branch can be dropped without losing anything.
        tokio::select! {
            request = queue.recv() => match request {
                None => return Ok(()),
                // Nobody waits for it any more, and it was not written: it never happens.
                Some(request) if request.answer.is_closed() => {}
                Some(request) => {
                    outbox.extend_from_slice(&request.frame);
                    waiting.0.insert(request.id, (Instant::now(), request.answer));
                }
            },
            read = reader.read_buf(&mut inbox) => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                heard = Instant::now();
                while let Some(frame) = take_frame(&mut inbox)? {
                    waiting.answer(frame)?;
                }
            }
            written = writer.write_buf(&mut outbox), if !outbox.is_empty() => {
                if written? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
            }
            () = sleep_until(silent.unwrap_or(heard)), if silent.is_some() => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the broker is silent"));
            }
        }
    }
}

/// The answers that are waited for, by correlation id, and when the request was taken.
#[derive(Default)]
struct Waiting(HashMap<i32, (Instant, Answer)>);

impl Waiting {
    fn oldest(&self) -> Option<Instant> {
        self.0.values().map(|(sent, _)| *sent).min()
    }

    /// Hands a frame to who waits for it. If that caller gave up, the frame is dropped; if nobody
    /// ever asked, the stream cannot be trusted any more.
    fn answer(&mut self, frame: Bytes) -> io::Result<()> {
        let id = frame.get(..4).map(|mut it| it.get_i32());
        let Some((_, answer)) = id.and_then(|id| self.0.remove(&id)) else {
            let what = format!("an answer with correlation id {id:?}, which nobody waits for");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        };
        let _gone = answer.send(Ok(frame));
        Ok(())
    }
}

/// Takes the next whole frame off `inbox`, without its length.
fn take_frame(inbox: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(mut head) = inbox.get(..4) else {
        return Ok(None);
    };
    let length = head.get_i32();
    let length = usize::try_from(length).ok().filter(|it| *it <= MAX_FRAME).ok_or_else(|| {
        let what = format!("a frame of {length} bytes, more than {MAX_FRAME} or less than none");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })?;
    if inbox.len() < 4 + length {
        inbox.reserve(4 + length - inbox.len());
        return Ok(None);
    }
    inbox.advance(4);
    Ok(Some(inbox.split_to(length).freeze()))
}

/// The same error once more, for the next caller.
fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(id: i32, rest: &[u8]) -> Vec<u8> {
        let mut frame = BytesMut::new();
        frame.put_i32(i32::try_from(rest.len()).unwrap() + 4);
        frame.put_i32(id);
        frame.extend_from_slice(rest);
        frame.to_vec()
    }

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let whole = framed(7, b"abc");
        let mut inbox = BytesMut::new();
        for byte in &whole[..whole.len() - 1] {
            inbox.put_u8(*byte);
            assert_eq!(take_frame(&mut inbox).unwrap(), None);
        }
        inbox.extend_from_slice(&whole[whole.len() - 1..]);
        inbox.extend_from_slice(&whole);
        assert_eq!(take_frame(&mut inbox).unwrap().unwrap()[4..], *b"abc");
        assert_eq!(take_frame(&mut inbox).unwrap().unwrap()[4..], *b"abc");
        assert!(inbox.is_empty());
    }

    #[test]
    fn a_frame_beyond_the_cap_or_of_negative_length_is_refused() {
        // "HTTP", which a web server would send, is a length of 1.2 GB.
        for head in [*b"HTTP", (-1_i32).to_be_bytes()] {
            let error = take_frame(&mut BytesMut::from(&head[..])).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[tokio::test]
    async fn answers_find_their_callers_in_any_order_and_around_one_who_left() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let channel = Channel::new(ours, Duration::from_secs(5));
        let ids = [channel.next_id(), channel.next_id(), channel.next_id()];
        let requests = ids.map(i32::to_be_bytes);
        let left = Duration::from_millis(20);
        let first = tokio::time::timeout(left, channel.exchange(ids[0], &requests[0]));
        assert!(first.await.is_err(), "nobody answers yet");
        let answering = async {
            let mut requests = [0; 24];
            theirs.read_exact(&mut requests).await.unwrap();
            for id in [ids[2], ids[0], ids[1]] {
                theirs.write_all(&framed(id, &[u8::try_from(id).unwrap()])).await.unwrap();
            }
        };
        let (second, third, ()) = tokio::join!(
            channel.exchange(ids[1], &requests[1]),
            channel.exchange(ids[2], &requests[2]),
            answering
        );
        assert_eq!(second.unwrap()[4..], [1]);
        assert_eq!(third.unwrap()[4..], [2]);
        assert!(channel.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_breaks_the_channel_and_an_idle_one_does_not() {
        let (ours, theirs) = tokio::io::duplex(1024);
        let channel = Channel::new(ours, Duration::from_secs(5));
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert!(channel.is_open());
        let asked = Instant::now();
        let lost = channel.exchange(1, b"abcd").await.unwrap_err();
        assert!(matches!(lost, Lost::Broken(error) if error.kind() == io::ErrorKind::TimedOut));
        assert_eq!(asked.elapsed().as_secs(), 5);
        assert!(matches!(channel.exchange(2, b"abcd").await, Err(Lost::NotSent)));
        drop(theirs);
    }
}
