//! A connection that is ready for requests: versions negotiated, logged in.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{
    Decodable as _, Encodable as _, HeaderVersion as _, Message as _, Request, StrBytes,
    VersionRange,
};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::error::{ErrorCode, KafkaError};
use crate::wire::{Channel, Lost};

/// How a connection is opened, the same for every broker.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) client_id: StrBytes,
    pub(crate) timeout: Duration,
}

/// An open connection and what the broker at its other end can do.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    settings: Settings,
    channel: Channel,
    versions: HashMap<i16, VersionRange>,
}

/// A failed call, and whether the request can have reached the broker.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: KafkaError,
    pub(crate) sent: bool,
}

impl From<Failed> for KafkaError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl Connection {
    /// Connects and learns what versions the broker speaks. No login.
    pub(crate) async fn open(
        address: &str,
        settings: Settings,
        deadline: Instant,
    ) -> Result<Self, KafkaError> {
        let unreachable = |source| KafkaError::Unreachable { address: address.to_owned(), source };
        let socket = timeout_at(deadline, TcpStream::connect(address))
            .await
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .and_then(|socket| socket.set_nodelay(true).map(|()| socket))
            .map_err(unreachable)?;
        // Longer than a call may take, so that only a broker that hangs is given up.
        let channel = Channel::new(socket, settings.timeout + settings.timeout / 2);
        let address = address.to_owned();
        let mut connection = Self { address, settings, channel, versions: HashMap::new() };
        connection.versions = connection.api_versions(deadline).await?;
        Ok(connection)
    }

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        self.channel.is_open()
    }

    /// `host:port`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks with the highest version that both sides know, `at_least` or newer.
    pub(crate) async fn call<R: Request>(
        &self,
        request: &R,
        at_least: i16,
        deadline: Instant,
    ) -> Result<R::Response, Failed> {
        let unsent = |error| Failed { error, sent: false };
        let version = self.version::<R>(&self.versions, at_least).map_err(unsent)?;
        self.call_version(request, version, deadline).await
    }

    async fn call_version<R: Request>(
        &self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<R::Response, Failed> {
        let bytes = self.exchange(request, version, deadline).await?;
        self.decode::<R>(bytes, version).map_err(|error| Failed { error, sent: true })
    }

    /// Sends a request and gives what was answered, not decoded yet.
    async fn exchange<R: Request>(
        &self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<Bytes, Failed> {
        let (id, frame) =
            self.encode(request, version).map_err(|error| Failed { error, sent: false })?;
        let started = Instant::now();
        timeout_at(deadline, self.channel.exchange(id, &frame))
            .await
            .map_err(|_| Failed { error: self.timed_out::<R>(started), sent: true })?
            .map_err(|lost| self.lost::<R>(lost))
    }

    fn encode<R: Request>(&self, request: &R, version: i16) -> Result<(i32, BytesMut), KafkaError> {
        let id = self.channel.next_id();
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(id)
            .with_client_id(Some(self.settings.client_id.clone()));
        let mut frame = BytesMut::new();
        header
            .encode(&mut frame, R::header_version(version))
            .and_then(|()| request.encode(&mut frame, version))
            .map_err(|source| self.protocol::<R>(source.into()))?;
        Ok((id, frame))
    }

    fn decode<R: Request>(
        &self,
        mut bytes: Bytes,
        version: i16,
    ) -> Result<R::Response, KafkaError> {
        let decoded = ResponseHeader::decode(&mut bytes, R::Response::header_version(version))
            .and_then(|_| R::Response::decode(&mut bytes, version))
            .map_err(|source| self.protocol::<R>(source.into()))?;
        if bytes.has_remaining() {
            let source = format!("{} bytes too many for version {version}", bytes.remaining());
            return Err(self.protocol::<R>(source.into()));
        }
        Ok(decoded)
    }

    /// The highest version of a request that this client and the broker have in common.
    fn version<R: Request>(
        &self,
        theirs: &HashMap<i16, VersionRange>,
        at_least: i16,
    ) -> Result<i16, KafkaError> {
        let offered = theirs.get(&R::KEY).copied();
        common::<R>(offered, at_least).map_err(|ours| KafkaError::Version {
            address: self.address.clone(),
            api: name::<R>(),
            ours: ours.to_string(),
            theirs: offered.map_or_else(|| "none".to_owned(), |it| it.to_string()),
        })
    }

    /// Asks which versions the broker knows, in the newest way, and if it does not know that one
    /// in the newest that it does. Its refusal is always written in version 0.
    async fn api_versions(
        &self,
        deadline: Instant,
    ) -> Result<HashMap<i16, VersionRange>, KafkaError> {
        type Ask = ApiVersionsRequest;
        let ask = Ask::default()
            .with_client_software_name(StrBytes::from_static_str("tidegate"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let newest = Ask::VERSIONS.max;
        let bytes = self.exchange(&ask, newest, deadline).await?;
        let refused = bytes.get(4..6).map(|mut it| it.get_i16())
            == Some(ErrorCode::UnsupportedVersion.code());
        let response = if refused {
            let theirs = ranges(&self.decode::<Ask>(bytes, 0)?.api_keys);
            let version = self.version::<Ask>(&theirs, 0)?;
            // The name of the client is part of version 3 and newer only.
            let ask = if version < 3 { Ask::default() } else { ask };
            self.call_version(&ask, version, deadline).await?
        } else {
            self.decode::<Ask>(bytes, newest)?
        };
        self.checked(&response)
    }

    fn checked(
        &self,
        response: &ApiVersionsResponse,
    ) -> Result<HashMap<i16, VersionRange>, KafkaError> {
        crate::error::refused(response.error_code, None)?;
        if response.api_keys.is_empty() {
            let source = "a list of versions with nothing in it".into();
            return Err(self.protocol::<ApiVersionsRequest>(source));
        }
        Ok(ranges(&response.api_keys))
    }

    fn timed_out<R: Request>(&self, started: Instant) -> KafkaError {
        let (address, after) = (self.address.clone(), started.elapsed());
        KafkaError::Timeout { address, api: name::<R>(), after }
    }

    fn protocol<R: Request>(&self, source: Box<dyn std::error::Error + Send + Sync>) -> KafkaError {
        KafkaError::Protocol { address: self.address.clone(), api: name::<R>(), source }
    }

    fn lost<R: Request>(&self, lost: Lost) -> Failed {
        let unreachable =
            |source| KafkaError::Unreachable { address: self.address.clone(), source };
        match lost {
            Lost::NotSent => {
                let source = std::io::ErrorKind::NotConnected.into();
                Failed { error: unreachable(source), sent: false }
            }
            Lost::Broken(source) if source.kind() == std::io::ErrorKind::InvalidData => {
                Failed { error: self.protocol::<R>(source.into()), sent: true }
            }
            Lost::Broken(source) => Failed { error: unreachable(source), sent: true },
        }
    }
}

/// The highest common version, or the versions that would have done.
fn common<R: Request>(offered: Option<VersionRange>, at_least: i16) -> Result<i16, VersionRange> {
    // The two halves of a message do not always have the same versions in `kafka-protocol`.
    let ours = R::VERSIONS
        .intersect(&<R::Response as kafka_protocol::protocol::Message>::VERSIONS)
        .intersect(&VersionRange { min: at_least, max: i16::MAX });
    offered.map(|it| it.intersect(&ours)).filter(|it| !it.is_empty()).map(|it| it.max).ok_or(ours)
}

fn ranges(keys: &[ApiVersion]) -> HashMap<i16, VersionRange> {
    keys.iter()
        .map(|it| (it.api_key, VersionRange { min: it.min_version, max: it.max_version }))
        .collect()
}

/// Kafka's name of a request.
fn name<R: Request>() -> &'static str {
    let full = std::any::type_name::<R>();
    let short = full.rsplit("::").next().unwrap_or(full);
    short.strip_suffix("Request").unwrap_or(short)
}
