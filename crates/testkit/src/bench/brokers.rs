//! Simulated Kafka clusters, hundreds in one process, as far as the orchestrator asks them: to
//! measure who asks, not Kafka.
//!
//! Each cluster has three brokers that are always well, each on a loopback address of its own and
//! all on one port, for every listener. What a cluster is told (topics, ACLs, credentials, dynamic
//! configuration) it keeps, and records it counts. An answer that was given before is given again
//! as it was, so that this process costs little beside the one that is measured.

mod admin;
mod cluster;
mod login;
#[cfg(test)]
mod tests;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use clap::Args;
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable as _, Encodable as _, HeaderVersion as _, Request};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::warn;

use self::cluster::Cluster;
use self::login::Session;

/// How many brokers a cluster has.
const BROKERS: u8 = 3;
/// The largest request that is read.
const MAX_REQUEST: usize = 1024 * 1024;

/// What is simulated.
#[derive(Args, Clone, Debug)]
pub struct SimulatedBrokers {
    /// How many clusters.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub clusters: u16,
    /// The password of the principal ` admin` in all of them.
    #[arg(long, env = "TIDEGATE_BENCH_PASSWORD", hide_env_values = true)]
    pub password: String,
}

/// Clusters that listen and do not answer yet.
#[derive(Debug)]
pub struct Fleet {
    brokers: Vec<(TcpListener, Arc<Cluster>)>,
    addresses: Addresses,
}

/// Where they are.
#[derive(Clone, Debug, Serialize)]
pub struct Addresses {
    /// The port of all of them.
    pub port: u16,
    /// The hosts of each cluster's brokers 1, 2, 3.
    pub hosts: Vec<Vec<String>>,
}

/// A request that was read.
#[derive(Debug)]
struct Asked {
    api: ApiKey,
    version: i16,
    id: i32,
    body: Bytes,
}

/// An answer without what belongs to one request, and the version of its header.
type Answer = (i16, Bytes);

impl Fleet {
    /// Listens, on a port that the system chooses.
    pub async fn listen(options: &SimulatedBrokers) -> anyhow::Result<Self> {
        let mut addresses = Addresses { port: 0, hosts: Vec::new() };
        let mut brokers = Vec::new();
        for cluster in 0..options.clusters {
            let mut listeners = Vec::new();
            for broker in 1..=BROKERS {
                let host = host(cluster, broker)?;
                let listener = TcpListener::bind((host, addresses.port)).await;
                let listener = listener.with_context(|| format!("listening at {host}"))?;
                addresses.port = listener.local_addr()?.port();
                listeners.push((host.to_string(), listener));
            }
            let (hosts, listeners): (Vec<_>, Vec<_>) = listeners.into_iter().unzip();
            let cluster = Cluster::new(&hosts, addresses.port, options.password.clone());
            let cluster = Arc::new(cluster);
            brokers.extend(listeners.into_iter().map(|it| (it, Arc::clone(&cluster))));
            addresses.hosts.push(hosts);
        }
        Ok(Self { brokers, addresses })
    }

    /// Where they are.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Answers until it is dropped.
    pub async fn serve(self) -> anyhow::Result<()> {
        let mut brokers: JoinSet<io::Result<()>> = JoinSet::new();
        for (listener, cluster) in self.brokers {
            brokers.spawn(accept(listener, cluster));
        }
        while let Some(ended) = brokers.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// A loopback address that no other broker has.
fn host(cluster: u16, broker: u8) -> anyhow::Result<Ipv4Addr> {
    let (high, low) = (16 + cluster / 250, 1 + cluster % 250);
    Ok(Ipv4Addr::new(127, u8::try_from(high)?, u8::try_from(low)?, broker))
}

async fn accept(listener: TcpListener, cluster: Arc<Cluster>) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let cluster = Arc::clone(&cluster);
        connections.spawn(async move {
            if let Err(error) = converse(socket, &cluster).await {
                warn!(error = format!("{error:#}"), "a connection was closed");
            }
        });
        // Forgets those that have ended.
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(socket: TcpStream, cluster: &Cluster) -> anyhow::Result<()> {
    let mut socket = BufReader::new(socket);
    let mut session = Session::default();
    // Whoever asks may leave at any time.
    while let Ok(length) = socket.read_i32().await {
        let length = usize::try_from(length).ok().filter(|it| *it <= MAX_REQUEST);
        let mut request = vec![0; length.context("a request of that length")?];
        if socket.read_exact(&mut request).await.is_err() {
            break;
        }
        let asked = parse(request.into())?;
        let answer = match asked.api {
            ApiKey::SaslHandshake => session.handshake(&asked)?,
            ApiKey::SaslAuthenticate => session.authenticate(&asked, cluster)?,
            api => {
                let is_free = api == ApiKey::ApiVersions || session.is_logged_in();
                ensure!(is_free, "{api:?} without a login");
                cluster.answer(&asked)?
            }
        };
        if socket.write_all(&frame(asked.id, &answer)?).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn parse(mut body: Bytes) -> anyhow::Result<Asked> {
    let key = body.get(..2).and_then(|it| Some(i16::from_be_bytes(it.try_into().ok()?)));
    let version = body.get(2..4).and_then(|it| Some(i16::from_be_bytes(it.try_into().ok()?)));
    let (key, version) = key.zip(version).context("a request without a header")?;
    let unknown = |()| anyhow::anyhow!("a request of the unknown kind {key}");
    let api = ApiKey::try_from(key).map_err(unknown)?;
    let header = RequestHeader::decode(&mut body, api.request_header_version(version))?;
    Ok(Asked { api, version, id: header.correlation_id, body })
}

fn frame(id: i32, (header_version, body): &Answer) -> anyhow::Result<Bytes> {
    let mut frame = BytesMut::with_capacity(body.len() + 16);
    frame.put_i32(0);
    ResponseHeader::default().with_correlation_id(id).encode(&mut frame, *header_version)?;
    frame.extend_from_slice(body);
    let length = i32::try_from(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

impl Asked {
    fn request<R: Request>(&self) -> anyhow::Result<R> {
        R::decode(&mut self.body.clone(), self.version)
    }

    fn answer<R: Request>(&self, response: &R::Response) -> anyhow::Result<Answer> {
        let mut body = BytesMut::new();
        response.encode(&mut body, self.version)?;
        Ok((R::Response::header_version(self.version), body.freeze()))
    }
}
