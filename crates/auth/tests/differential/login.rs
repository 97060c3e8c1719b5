//! One login at a broker by SASL OAUTHBEARER, and the question who it thinks we are.
//!
//! Written out by hand: four small messages, and none of our own code in between.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How a login ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// As this principal.
    Accepted(String),
    /// Accepted, and closed at once: the token is in the clock skew behind its end.
    AcceptedForNothing,
    /// Not accepted.
    Refused,
}

const SASL_HANDSHAKE: i16 = 17;
const SASL_AUTHENTICATE: i16 = 36;
const CREATE_DELEGATION_TOKEN: i16 = 38;

/// Presents `token` to the broker at `address`.
pub(crate) async fn login(address: &str, token: &str) -> io::Result<Login> {
    timeout(Duration::from_secs(30), attempt(address, token)).await?
}

async fn attempt(address: &str, token: &str) -> io::Result<Login> {
    let mut socket = TcpStream::connect(address).await?;
    let answer = call(&mut socket, SASL_HANDSHAKE, 1, &text("OAUTHBEARER")).await?;
    assert_eq!(answer[..2], [0, 0], "the listener offers OAUTHBEARER");
    let first = format!("n,,\x01auth=Bearer {token}\x01\x01");
    // A broker closes the connection on what it cannot read.
    let Ok(answer) = call(&mut socket, SASL_AUTHENTICATE, 1, &bytes(first.as_bytes())).await else {
        return Ok(Login::Refused);
    };
    // The error's code, its text, then bytes: with a refusal a challenge comes first.
    let mut rest = &answer[2..];
    let message = take_text(&mut rest);
    let challenge = take(&mut rest, 4);
    if answer[..2] != [0, 0] || message.is_some_and(|it| !it.is_empty()) || challenge != [0; 4] {
        return Ok(Login::Refused);
    }
    // No renewers, the longest life: the answer names its owner.
    let request = [0_i32.to_be_bytes().as_slice(), &(-1_i64).to_be_bytes()].concat();
    let Ok(answer) = call(&mut socket, CREATE_DELEGATION_TOKEN, 1, &request).await else {
        return Ok(Login::AcceptedForNothing);
    };
    assert_eq!(answer[..2], [0, 0], "the broker makes delegation tokens");
    let mut rest = &answer[2..];
    assert_eq!(take_text(&mut rest).as_deref(), Some("User"));
    Ok(Login::Accepted(take_text(&mut rest).unwrap()))
}

/// Sends a request, and gives the body of its answer.
async fn call(socket: &mut TcpStream, key: i16, version: i16, body: &[u8]) -> io::Result<Vec<u8>> {
    let header = [
        key.to_be_bytes().as_slice(),
        &version.to_be_bytes(),
        &7_i32.to_be_bytes(),
        &text("differential"),
    ]
    .concat();
    let length = u32::try_from(header.len() + body.len()).unwrap();
    socket.write_u32(length).await?;
    socket.write_all(&header).await?;
    socket.write_all(body).await?;
    let length = socket.read_u32().await?;
    let mut answer = vec![0; usize::try_from(length).unwrap()];
    socket.read_exact(&mut answer).await?;
    // The correlation id.
    Ok(answer.split_off(4))
}

fn text(text: &str) -> Vec<u8> {
    [&i16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&i32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = from.split_at(count);
    *from = rest;
    taken
}

/// A string that may be absent.
fn take_text(from: &mut &[u8]) -> Option<String> {
    let length = i16::from_be_bytes(take(from, 2).try_into().unwrap());
    let length = usize::try_from(length).ok()?;
    Some(String::from_utf8(take(from, length).to_vec()).unwrap())
}
