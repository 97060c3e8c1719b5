//! A broker that says what a test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeClusterRequest,
    DescribeClusterResponse, RequestHeader, ResponseHeader, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One request that the broker got.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) api: ApiKey,
    version: i16,
    id: i32,
    body: Bytes,
    /// How many of this kind there were before.
    pub(crate) nth: usize,
    address: String,
}

/// What the broker does with it.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Answers.
    Bytes(Bytes),
    /// Answers just before it answers the next request.
    Late(Bytes),
    /// Nothing, ever.
    Silence,
    /// Closes the connection.
    Close,
}

/// Lives as long as the test.
pub(crate) struct Fake {
    pub(crate) address: String,
    seen: Arc<Mutex<Seen>>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    closed: usize,
    requests: HashMap<i16, usize>,
}

impl Asked {
    pub(crate) fn request<R: Request>(&self) -> R {
        R::decode(&mut self.body.clone(), self.version).unwrap()
    }

    pub(crate) fn answer<R: Request>(&self, response: &R::Response) -> Reply {
        Reply::Bytes(frame::<R>(response, self.id, self.version))
    }

    pub(crate) fn late<R: Request>(&self, response: &R::Response) -> Reply {
        Reply::Late(frame::<R>(response, self.id, self.version))
    }

    /// With another correlation id than the request had.
    pub(crate) fn misaddressed<R: Request>(&self, response: &R::Response) -> Reply {
        Reply::Bytes(frame::<R>(response, self.id + 1000, self.version))
    }

    /// In the layout of another version.
    pub(crate) fn in_version<R: Request>(&self, response: &R::Response, version: i16) -> Reply {
        Reply::Bytes(frame::<R>(response, self.id, version))
    }

    /// The broker's own address.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What a healthy cluster of one broker would say.
    pub(crate) fn healthy(&self) -> Reply {
        match self.api {
            ApiKey::ApiVersions => self.answer::<ApiVersionsRequest>(&versions(&[])),
            ApiKey::SaslHandshake => {
                self.answer::<SaslHandshakeRequest>(&SaslHandshakeResponse::default())
            }
            ApiKey::SaslAuthenticate => {
                self.answer::<SaslAuthenticateRequest>(&SaslAuthenticateResponse::default())
            }
            ApiKey::DescribeCluster => {
                self.answer::<DescribeClusterRequest>(&cluster(&[&self.address]))
            }
            other => panic!("the fake broker has no answer to {other:?}"),
        }
    }
}

fn frame<R: Request>(response: &R::Response, id: i32, version: i16) -> Bytes {
    let mut body = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(id);
    header.encode(&mut body, R::Response::header_version(version)).unwrap();
    response.encode(&mut body, version).unwrap();
    let mut frame = BytesMut::new();
    frame.put_i32(i32::try_from(body.len()).unwrap());
    frame.extend_from_slice(&body);
    frame.freeze()
}

/// All versions of everything, but for the given ones.
pub(crate) fn versions(but: &[(ApiKey, i16, i16)]) -> ApiVersionsResponse {
    let keys = (0..=100).filter_map(|key| ApiKey::try_from(key).ok()).map(|key| {
        let own = but.iter().find(|it| it.0 == key).map(|it| (it.1, it.2));
        let (min, max) = own.unwrap_or((0, 99));
        ApiVersion::default().with_api_key(key as i16).with_min_version(min).with_max_version(max)
    });
    ApiVersionsResponse::default().with_api_keys(keys.collect())
}

/// Brokers 1, 2, ... at these addresses.
pub(crate) fn cluster(addresses: &[&str]) -> DescribeClusterResponse {
    let brokers = (1..).zip(addresses).map(|(id, address)| {
        let (host, port) = address.rsplit_once(':').unwrap();
        DescribeClusterBroker::default()
            .with_broker_id(BrokerId(id))
            .with_host(StrBytes::from_string(host.to_owned()))
            .with_port(port.parse().unwrap())
    });
    DescribeClusterResponse::default()
        .with_cluster_id(StrBytes::from_static_str("fake"))
        .with_brokers(brokers.collect())
}

impl Fake {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut task = JoinSet::new();
        task.spawn(accept(listener, address.clone(), Arc::new(script), Arc::clone(&seen)));
        Self { address, seen, _task: task }
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Waits until the other side has closed every connection.
    pub(crate) async fn left_alone(&self) {
        let open = || {
            let seen = self.seen.lock().unwrap();
            seen.connections - seen.closed
        };
        while open() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// How many requests of a kind arrived.
    pub(crate) fn requests(&self, api: ApiKey) -> usize {
        self.seen.lock().unwrap().requests.get(&(api as i16)).copied().unwrap_or(0)
    }
}

async fn accept<F>(listener: TcpListener, address: String, script: Arc<F>, seen: Arc<Mutex<Seen>>)
where
    F: Fn(&Asked) -> Reply + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        seen.lock().unwrap().connections += 1;
        connections.spawn(serve(socket, address.clone(), Arc::clone(&script), Arc::clone(&seen)));
    }
}

async fn serve<F>(mut socket: TcpStream, address: String, script: Arc<F>, seen: Arc<Mutex<Seen>>)
where
    F: Fn(&Asked) -> Reply,
{
    let mut late = Vec::new();
    while let Ok(length) = socket.read_i32().await {
        let mut body = vec![0; usize::try_from(length).unwrap()];
        socket.read_exact(&mut body).await.unwrap();
        let asked = parse(body.into(), &address, &seen);
        match script(&asked) {
            Reply::Bytes(bytes) => {
                for bytes in late.drain(..).chain([bytes]) {
                    socket.write_all(&bytes).await.unwrap();
                }
            }
            Reply::Late(bytes) => late.push(bytes),
            Reply::Silence => {}
            Reply::Close => return,
        }
    }
    seen.lock().unwrap().closed += 1;
}

fn parse(mut body: Bytes, address: &str, seen: &Mutex<Seen>) -> Asked {
    let key = i16::from_be_bytes([body[0], body[1]]);
    let version = i16::from_be_bytes([body[2], body[3]]);
    let api = ApiKey::try_from(key).unwrap();
    let header = RequestHeader::decode(&mut body, api.request_header_version(version)).unwrap();
    let mut seen = seen.lock().unwrap();
    let count = seen.requests.entry(key).or_default();
    let nth = *count;
    *count += 1;
    Asked { api, version, id: header.correlation_id, body, nth, address: address.to_owned() }
}
