//! A Postgres behind a proxy that loses, refuses and delays what it is told to.
//!
//! It knows as much of the protocol as it needs: messages, and that a flight of them ends with `Sync`
//! or `Query`, after which the client waits for `ReadyForQuery`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// What is done to a database's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The client is killed when it has sent all of the flight of that number but its end: Postgres
    /// executes the statement, and hears neither `Sync` nor `COMMIT`.
    KilledBefore(usize),
    /// The client is killed when Postgres has done what the flight of that number asks for, and before
    /// it hears so.
    KilledAfter(usize),
    /// Postgres does not do what the flight of that number asks for, and says why.
    Refused(usize, &'static str),
    /// The flight of that number gets no further until its client is gone: Postgres has done what it
    /// asks for, or has not heard of it.
    Held {
        /// Its number.
        at: usize,
        /// Whether Postgres has done it.
        done: bool,
    },
    /// Postgres lets nobody in, and says why.
    NoLogin(&'static str),
    /// Every statement takes that long; that the connection is alive shows at once.
    Slow(Duration),
}

/// What has happened since the last [`Proxy::set`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Flights with statements in them.
    pub(crate) flights: usize,
    /// Whether the fault has occurred. A client that was killed stays dead.
    pub(crate) struck: bool,
    /// Whether it was a commit to which it happened.
    pub(crate) at_commit: bool,
    /// The number of the last flight that began a transaction.
    pub(crate) begin: usize,
    /// The number of the last flight that was a commit.
    pub(crate) commit: usize,
    /// Whether what was held has been let go, since its client is gone.
    pub(crate) let_go: bool,
}

struct State {
    fault: Fault,
    seen: Seen,
}

/// The proxy. Ends with this value.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    tasks: JoinSet<()>,
    to: SocketAddr,
}

enum Verdict {
    Pass,
    Slowly(Duration),
    Gone,
    KillBefore,
    KillAfter,
    Refuse(&'static str),
    Hold { done: bool },
}

/// One message: its type, and all of it.
struct Message {
    kind: u8,
    bytes: Vec<u8>,
}

impl Message {
    const fn ends_flight(&self) -> bool {
        // Query, Sync, Terminate, and what answers a request for a password.
        matches!(self.kind, b'Q' | b'S' | b'X' | b'p')
    }
}

impl Proxy {
    /// In front of the database of `pool`.
    pub(crate) async fn start(pool: &PgPool) -> Self {
        let options = pool.connect_options();
        let to = SocketAddr::new(options.get_host().parse().unwrap(), options.get_port());
        let mut proxy = Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            state: Arc::new(Mutex::new(State { fault: Fault::None, seen: Seen::default() })),
            tasks: JoinSet::new(),
            to,
        };
        proxy.listen().await;
        proxy
    }

    /// Begins to listen, on the same port as before.
    pub(crate) async fn listen(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let (state, to) = (Arc::clone(&self.state), self.to);
        self.tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    // A connection that fails is what this is for.
                    let _ = carry(client, to, &state).await;
                });
            }
        });
    }

    /// Cuts all connections, and refuses others from now on.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Begins anew, with another fault.
    pub(crate) fn set(&self, fault: Fault) {
        *self.state.lock().unwrap() = State { fault, seen: Seen::default() };
    }

    pub(crate) fn seen(&self) -> Seen {
        self.state.lock().unwrap().seen
    }

    /// Waits until the client of what is held is gone.
    pub(crate) async fn held(&self) {
        while !self.seen().let_go {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// How the database of `pool` is reached through it.
    pub(crate) async fn options(&self, pool: &PgPool) -> PgConnectOptions {
        let user = add_user(pool).await;
        let options = PgConnectOptions::clone(&pool.connect_options());
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let options = options.host(&host).port(port).ssl_mode(PgSslMode::Disable);
        options.username(&user).password(&user)
    }
}

/// A user whose password is its name and costs little to prove: Postgres' own 4096 iterations, without
/// optimisation, would take most of the time of these tests.
async fn add_user(pool: &PgPool) -> String {
    let name = pool.connect_options().get_database().unwrap().replace("_sqlx_test_", "faults_");
    let sign = |key: &[u8], text: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
    };
    let salt = b"sixteen is a lot";
    let salted = sign(name.as_bytes(), &[&salt[..], &[0, 0, 0, 1]].concat());
    let stored = digest(&SHA256, &sign(&salted, b"Client Key"));
    let base64 = |it: &[u8]| STANDARD.encode(it);
    let server = sign(&salted, b"Server Key");
    let (stored, server) = (base64(stored.as_ref()), base64(&server));
    let verifier = format!("SCRAM-SHA-256$1:{}${stored}:{server}", base64(salt));
    for statement in [
        format!("drop role if exists \"{name}\""),
        format!("create role \"{name}\" superuser login password '{verifier}'"),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(pool).await.unwrap();
    }
    name
}

impl State {
    fn dead(&self) -> bool {
        let kills = matches!(self.fault, Fault::KilledBefore(_) | Fault::KilledAfter(_));
        kills && self.seen.struck
    }

    fn judge(&mut self, flight: &[Message]) -> Verdict {
        if self.dead() {
            return Verdict::Gone;
        }
        // What only prepares a statement leaves all as it is, as does `Sync` alone.
        if !flight.iter().any(|it| matches!(it.kind, b'Q' | b'E')) {
            return Verdict::Pass;
        }
        if let Fault::Slow(delay) = self.fault {
            return Verdict::Slowly(delay);
        }
        self.seen.flights += 1;
        let now = self.seen.flights;
        if flight.iter().any(|it| it.bytes.ends_with(b"BEGIN\0")) {
            self.seen.begin = now;
        }
        let commits = flight.iter().any(|it| it.bytes.ends_with(b"COMMIT\0"));
        if commits {
            self.seen.commit = now;
        }
        let verdict = match self.fault {
            Fault::KilledBefore(at) if at == now => Verdict::KillBefore,
            Fault::KilledAfter(at) if at == now => Verdict::KillAfter,
            Fault::Refused(at, code) if at == now => Verdict::Refuse(code),
            Fault::Held { at, done } if at == now => Verdict::Hold { done },
            _ => return Verdict::Pass,
        };
        self.seen.struck = true;
        self.seen.at_commit = commits;
        verdict
    }
}

/// What somebody sends, message by message.
fn messages(mut from: OwnedReadHalf, tasks: &mut JoinSet<()>) -> mpsc::Receiver<Message> {
    let (sender, receiver) = mpsc::channel(64);
    tasks.spawn(async move {
        while let Ok(kind) = from.read_u8().await {
            let Ok(length) = from.read_u32().await else { return };
            let mut bytes = vec![0; usize::try_from(length).unwrap() + 1];
            bytes[0] = kind;
            bytes[1..5].copy_from_slice(&length.to_be_bytes());
            if from.read_exact(&mut bytes[5..]).await.is_err() {
                return;
            }
            if sender.send(Message { kind, bytes }).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// An error as Postgres reports it.
fn error(severity: &str, code: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mrefused by the test\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [b"E", &length[..], fields.as_bytes()].concat()
}

async fn carry(mut client: TcpStream, to: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let length = client.read_u32().await?;
    let mut startup = vec![0; usize::try_from(length).unwrap()];
    startup[..4].copy_from_slice(&length.to_be_bytes());
    client.read_exact(&mut startup[4..]).await?;
    let fault = {
        let state = state.lock().unwrap();
        if state.dead() {
            return Ok(());
        }
        state.fault
    };
    if let Fault::NoLogin(code) = fault {
        return client.write_all(&error("FATAL", code)).await;
    }
    let mut server = TcpStream::connect(to).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    server.write_all(&startup).await?;
    let mut tasks = JoinSet::new();
    let (from_client, mut client) = client.into_split();
    let (from_server, mut server) = server.into_split();
    let mut from_client = messages(from_client, &mut tasks);
    let mut from_server = messages(from_server, &mut tasks);
    let (mut flight, mut status) = (Vec::new(), b'I');
    // How often `ReadyForQuery` is still to come; the first time when it has let us in.
    let mut owed = 1_usize;
    loop {
        tokio::select! {
            message = from_server.recv() => {
                let Some(message) = message else { return Ok(()) };
                if message.kind == b'Z' {
                    status = message.bytes[5];
                    owed -= 1;
                }
                client.write_all(&message.bytes).await?;
            }
            message = from_client.recv() => {
                let Some(message) = message else { return Ok(()) };
                let ends = message.ends_flight();
                flight.push(message);
                if !ends {
                    continue;
                }
                let answered = matches!(flight.last(), Some(it) if matches!(it.kind, b'Q' | b'S'));
                // What was asked before is answered before.
                while answered && owed > 0 {
                    let Some(message) = from_server.recv().await else { return Ok(()) };
                    if message.kind == b'Z' {
                        status = message.bytes[5];
                        owed -= 1;
                    }
                    client.write_all(&message.bytes).await?;
                }
                owed += usize::from(answered);
                let verdict = state.lock().unwrap().judge(&flight);
                let mut bytes = |all: bool| {
                    let last = if all { None } else { flight.pop() };
                    drop(last);
                    flight.drain(..).flat_map(|it| it.bytes).collect::<Vec<u8>>()
                };
                match verdict {
                    Verdict::Pass => server.write_all(&bytes(true)).await?,
                    Verdict::Slowly(delay) => {
                        tokio::time::sleep(delay).await;
                        server.write_all(&bytes(true)).await?;
                    }
                    Verdict::Gone => return Ok(()),
                    Verdict::KillBefore => return server.write_all(&bytes(false)).await,
                    Verdict::KillAfter => {
                        server.write_all(&bytes(true)).await?;
                        while from_server.recv().await.is_some_and(|it| it.kind != b'Z') {}
                        return Ok(());
                    }
                    Verdict::Hold { done } => {
                        if done {
                            server.write_all(&bytes(true)).await?;
                            while from_server.recv().await.is_some_and(|it| it.kind != b'Z') {}
                        }
                        while from_client.recv().await.is_some() {}
                        state.lock().unwrap().seen.let_go = true;
                        return Ok(());
                    }
                    Verdict::Refuse(code) => {
                        owed -= 1;
                        flight.clear();
                        let after = if status == b'I' { b'I' } else { b'E' };
                        client.write_all(&error("ERROR", code)).await?;
                        client.write_all(&[b'Z', 0, 0, 0, 5, after]).await?;
                    }
                }
            }
        }
    }
}
