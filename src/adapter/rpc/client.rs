//! One connection to an etcd v3 server, chosen from a list of endpoints.
//!
//! The handle hides tonic's generics. An endpoint that cannot be reached gives way to the next
//! one; a request that was sent is never sent again. Every wait is bounded by [`Limits`], except
//! streams, which last until either side ends them.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
pub use tonic::Code;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint as Transport, Uri};
use tonic::{Request, Response, Status, Streaming};

use crate::adapter::cork::Corked;
use crate::adapter::net;
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::{
    cluster_client::ClusterClient, kv_client::KvClient, lease_client::LeaseClient,
    maintenance_client::MaintenanceClient, watch_client::WatchClient,
};
use crate::adapter::rpc::{VERSION_KEY, WHY_KEY};
use crate::adapter::tls::{self, OTHER_SIDE, TlsError};

/// Answers may be as large as the server lets them grow: a range has no limit of its own.
const ANSWER_BYTES_MAX: usize = i32::MAX as usize;
/// Between rounds over endpoints that all refused: short for people, long for a busy server.
const ROUND_PAUSE: Duration = Duration::from_millis(100);
/// Requests of one open stream that wait to be sent; more make the sender wait.
const STREAM_REQUESTS_MAX: usize = 16;

/// How a daemon begins its answer to plain text on an address of TLS; see `adapter::http`.
const SPEAKS_TLS: &str = "this address speaks TLS";
const NO_TLS: &str = "it wants TLS, and no authority is known whose certificates are good";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp {
        host: String,
        port: u16,
    },
    /// As `Tcp`, encrypted.
    Tls {
        host: String,
        port: u16,
    },
    /// As `Tcp` or as `Tls`: nobody said which.
    Either {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

/// An address together with the text that named it, which is how people see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub text: String,
    pub address: Address,
}

/// How long to wait, how much to send, and what to encrypt it with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For one endpoint to accept a connection.
    pub dial: Duration,
    /// For endpoints that refuse to come up: zero gives up after one round.
    pub patience: Duration,
    /// For one answer.
    pub command: Duration,
    pub keepalive_interval: Duration,
    pub keepalive_timeout: Duration,
    pub request_bytes_max: usize,
    /// None: endpoints that want TLS cannot be reached.
    pub tls: Option<tls::Client>,
    /// Whether endpoints that do not say what they speak are spoken to with TLS.
    pub prefers_tls: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dial: Duration::from_secs(2),
            patience: Duration::ZERO,
            command: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(2),
            keepalive_timeout: Duration::from_secs(6),
            request_bytes_max: 2 << 20,
            tls: None,
            prefers_tls: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error(
        "endpoint {0:?} must look like http://HOST:PORT, https://HOST:PORT, HOST:PORT or \
         unix:///PATH"
    )]
    Form(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no endpoint is given")]
    NoEndpoint,
    #[error("cannot connect to {endpoint}: {why}")]
    Connect { endpoint: String, why: String },
    #[error("cannot speak TLS with {endpoint}: {why}")]
    Distrust { endpoint: String, why: String },
    #[error("{endpoint} speaks plain text, and TLS was wanted")]
    PlainText { endpoint: String },
    #[error("{endpoint} speaks TLS, and plain text was sent")]
    SpeaksTls { endpoint: String },
    #[error("no answer from {endpoint} within {limit:?}")]
    Late { endpoint: String, limit: Duration },
    #[error("{endpoint} closed the stream")]
    Closed { endpoint: String },
    #[error("a request has more than {limit_bytes} bytes, which is the most to be sent")]
    TooLarge {
        limit_bytes: usize,
        status: Box<Status>,
    },
    /// The status is of our own making: no server said it.
    #[error("the connection was lost: {}", root_cause(.0.as_ref()))]
    Lost(Box<Status>),
    #[error("{}", .0.message())]
    Status(Box<Status>),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let status = Box::new(status);
        // Only what went wrong on our side has a cause; what a server sent is all there is.
        match std::error::Error::source(&status) {
            Some(_) => Self::Lost(status),
            None => Self::Status(status),
        }
    }
}

impl ClientError {
    /// What the server adds to its refusal, for people.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Status(status) => status.metadata().get(WHY_KEY)?.to_str().ok(),
            _ => None,
        }
    }

    /// The gRPC code; everything that kept the server from answering counts as unavailable.
    pub fn code(&self) -> Code {
        match self {
            Self::Status(status) => status.code(),
            Self::TooLarge { .. } => Code::OutOfRange,
            Self::NoEndpoint
            | Self::Connect { .. }
            | Self::Distrust { .. }
            | Self::PlainText { .. }
            | Self::SpeaksTls { .. }
            | Self::Late { .. }
            | Self::Closed { .. }
            | Self::Lost(_) => Code::Unavailable,
        }
    }
}

impl FromStr for Endpoint {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Form(text.to_owned());
        let address = if let Some(path) = text.strip_prefix("unix://") {
            Address::Unix(path.into())
        } else {
            let (scheme, place) = text.split_once("://").unwrap_or(("", text));
            let place = place.trim_end_matches('/');
            let (host, port) = place.rsplit_once(':').ok_or_else(malformed)?;
            let literal = host.starts_with('[') && host.ends_with(']');
            if host.is_empty() || (host.contains(':') && !literal) || host.contains('/') {
                return Err(malformed());
            }
            let port = port.parse().map_err(|_| malformed())?;
            let host = host.to_owned();
            match scheme {
                "http" => Address::Tcp { host, port },
                "https" => Address::Tls { host, port },
                "" => Address::Either { host, port },
                _ => return Err(malformed()),
            }
        };
        Ok(Self {
            text: text.to_owned(),
            address,
        })
    }
}

impl Address {
    /// What requests name as the server.
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Tcp { host, port } | Self::Tls { host, port } | Self::Either { host, port } => {
                format!("{host}:{port}")
            }
            Self::Unix(_) => "localhost".to_owned(),
        }
    }

    /// With the scheme that is meant where none is said.
    fn settled(self, prefers_tls: bool) -> Self {
        match self {
            Self::Either { host, port } if prefers_tls => Self::Tls { host, port },
            Self::Either { host, port } => Self::Tcp { host, port },
            said => said,
        }
    }
}

impl Endpoint {
    /// With the scheme that is meant where none is said.
    pub fn settled(self, prefers_tls: bool) -> Self {
        let address = self.address.settled(prefers_tls);
        Self { address, ..self }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A connection to one server. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    endpoint: String,
    limits: Limits,
    kv: KvClient<Channel>,
    watch: WatchClient<Channel>,
    lease: LeaseClient<Channel>,
    cluster: ClusterClient<Channel>,
    maintenance: MaintenanceClient<Channel>,
}

/// Both directions of an open watch stream.
pub struct Watching {
    endpoint: String,
    requests: mpsc::Sender<pb::WatchRequest>,
    responses: Streaming<pb::WatchResponse>,
}

impl Watching {
    pub async fn send(&self, request: pb::WatchRequest) -> Result<(), ClientError> {
        self.requests.send(request).await.map_err(|_| self.closed())
    }

    /// The next response. Losing interest in it loses none.
    pub async fn next(&mut self) -> Result<pb::WatchResponse, ClientError> {
        self.responses.message().await?.ok_or_else(|| self.closed())
    }

    fn closed(&self) -> ClientError {
        ClientError::Closed {
            endpoint: self.endpoint.clone(),
        }
    }
}

/// Both directions of an open keep-alive stream.
pub struct KeepingAlive {
    pub requests: mpsc::Sender<pb::LeaseKeepAliveRequest>,
    pub responses: Streaming<pb::LeaseKeepAliveResponse>,
}

/// Declares a method for each unary call: name, service field, generated method, messages.
macro_rules! unary {
    ($($name:ident: $service:ident.$method:ident($request:ident) -> $response:ident;)*) => {
        $(pub async fn $name(&self, request: pb::$request) -> Result<pb::$response, ClientError> {
            let mut service = self.$service.clone();
            let is_too_large = request.encoded_len() > self.limits.request_bytes_max;
            let answer = self.answer(service.$method(request)).await;
            answer.map_err(|error| match error {
                // tonic says nothing but "transport error" of it.
                ClientError::Lost(status) if is_too_large => ClientError::TooLarge {
                    limit_bytes: self.limits.request_bytes_max,
                    status,
                },
                error => error,
            })
        })*
    };
}

impl Client {
    /// Connects to the first of `endpoints` that accepts, going round until patience ends.
    pub async fn connect(endpoints: &[Endpoint], limits: &Limits) -> Result<Self, ClientError> {
        let deadline = Instant::now() + limits.patience;
        loop {
            let mut refused = ClientError::NoEndpoint;
            for endpoint in endpoints {
                match Self::dial(endpoint, limits).await {
                    Ok(client) => return Ok(client),
                    Err(error) => refused = error,
                }
            }
            if endpoints.is_empty() || Instant::now() + ROUND_PAUSE > deadline {
                sleep(deadline.saturating_duration_since(Instant::now())).await;
                return Err(refused);
            }
            sleep(ROUND_PAUSE).await;
        }
    }

    async fn dial(endpoint: &Endpoint, limits: &Limits) -> Result<Self, ClientError> {
        let refused = |error: &dyn std::error::Error| ClientError::Connect {
            endpoint: endpoint.text.clone(),
            why: root_cause(error),
        };
        let transport = Transport::from_shared(format!("http://{}", endpoint.address.authority()))
            .map_err(|error| refused(&error))?
            .http2_keep_alive_interval(limits.keepalive_interval)
            .keep_alive_timeout(limits.keepalive_timeout);
        let (address, tls, limit) = (
            endpoint.address.clone().settled(limits.prefers_tls),
            limits.tls.clone(),
            limits.dial,
        );
        let connector = tower::service_fn(move |_: Uri| open(address.clone(), tls.clone(), limit));
        let channel = timeout(limits.dial, transport.connect_with_connector(connector))
            .await
            .map_err(|late| refused(&late))?
            .map_err(|error| mistaken(&endpoint.text, &error).unwrap_or_else(|| refused(&error)))?;
        Ok(Self::over(endpoint.text.clone(), channel, limits.clone()))
    }

    fn over(endpoint: String, channel: Channel, limits: Limits) -> Self {
        macro_rules! service {
            ($kind:ident) => {
                $kind::new(channel.clone())
                    .max_decoding_message_size(ANSWER_BYTES_MAX)
                    .max_encoding_message_size(limits.request_bytes_max)
            };
        }
        Self {
            kv: service!(KvClient),
            watch: service!(WatchClient),
            lease: service!(LeaseClient),
            cluster: service!(ClusterClient),
            maintenance: service!(MaintenanceClient),
            endpoint,
            limits,
        }
    }

    /// The text of the endpoint that was reached.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, ClientError> {
        self.whole_answer(call).await.map(Response::into_inner)
    }

    /// With its metadata.
    async fn whole_answer<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<Response<T>, ClientError> {
        match timeout_at(Instant::now() + self.limits.command, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(status)) => {
                let found = mistaken(&self.endpoint, &status);
                Err(found.unwrap_or_else(|| status.into()))
            }
            Err(_) => Err(ClientError::Late {
                endpoint: self.endpoint.clone(),
                limit: self.limits.command,
            }),
        }
    }

    unary! {
        range: kv.range(RangeRequest) -> RangeResponse;
        put: kv.put(PutRequest) -> PutResponse;
        delete_range: kv.delete_range(DeleteRangeRequest) -> DeleteRangeResponse;
        txn: kv.txn(TxnRequest) -> TxnResponse;
        compact: kv.compact(CompactionRequest) -> CompactionResponse;
        lease_grant: lease.lease_grant(LeaseGrantRequest) -> LeaseGrantResponse;
        lease_revoke: lease.lease_revoke(LeaseRevokeRequest) -> LeaseRevokeResponse;
        lease_time_to_live: lease.lease_time_to_live(LeaseTimeToLiveRequest)
            -> LeaseTimeToLiveResponse;
        lease_leases: lease.lease_leases(LeaseLeasesRequest) -> LeaseLeasesResponse;
        member_list: cluster.member_list(MemberListRequest) -> MemberListResponse;
        member_add: cluster.member_add(MemberAddRequest) -> MemberAddResponse;
        member_remove: cluster.member_remove(MemberRemoveRequest) -> MemberRemoveResponse;
        member_update: cluster.member_update(MemberUpdateRequest) -> MemberUpdateResponse;
        member_promote: cluster.member_promote(MemberPromoteRequest) -> MemberPromoteResponse;
        move_leader: maintenance.move_leader(MoveLeaderRequest) -> MoveLeaderResponse;
        alarm: maintenance.alarm(AlarmRequest) -> AlarmResponse;
        status: maintenance.status(StatusRequest) -> StatusResponse;
        defragment: maintenance.defragment(DefragmentRequest) -> DefragmentResponse;
        hash_kv: maintenance.hash_kv(HashKvRequest) -> HashKvResponse;
    }

    /// As [`Self::status`], and which version of this program answered; none: another program.
    pub async fn status_of_program(
        &self,
    ) -> Result<(pb::StatusResponse, Option<String>), ClientError> {
        let mut service = self.maintenance.clone();
        let asked = service.status(pb::StatusRequest {});
        let answer = self.whole_answer(asked).await?;
        let version = answer.metadata().get(VERSION_KEY);
        let version = version.and_then(|it| it.to_str().ok()).map(str::to_owned);
        Ok((answer.into_inner(), version))
    }

    /// Opens a watch stream that the server ends when it loses its leader.
    pub async fn watch(&self, first: pb::WatchRequest) -> Result<Watching, ClientError> {
        let (requests, outgoing) = stream_of(first);
        let mut request = Request::new(outgoing);
        request
            .metadata_mut()
            .insert("hasleader", MetadataValue::from_static("true"));
        let mut service = self.watch.clone();
        let responses = self.answer(service.watch(request)).await?;
        Ok(Watching {
            endpoint: self.endpoint.clone(),
            requests,
            responses,
        })
    }

    /// Opens a stream that renews leases; `first` is sent at once.
    pub async fn keep_alive(
        &self,
        first: pb::LeaseKeepAliveRequest,
    ) -> Result<KeepingAlive, ClientError> {
        let (requests, outgoing) = stream_of(first);
        let mut service = self.lease.clone();
        let responses = self.answer(service.lease_keep_alive(outgoing)).await?;
        Ok(KeepingAlive {
            requests,
            responses,
        })
    }

    /// Opens the stream of a whole snapshot.
    pub async fn snapshot(&self) -> Result<Streaming<pb::SnapshotResponse>, ClientError> {
        let mut service = self.maintenance.clone();
        self.answer(service.snapshot(pb::SnapshotRequest {})).await
    }
}

fn stream_of<T: Send + 'static>(first: T) -> (mpsc::Sender<T>, ReceiverStream<T>) {
    let (sender, receiver) = mpsc::channel(STREAM_REQUESTS_MAX);
    sender.try_send(first).expect("a new channel has room");
    (sender, ReceiverStream::new(receiver))
}

/// A byte stream of either kind.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(super) async fn open(
    address: Address,
    tls: Option<tls::Client>,
    limit: Duration,
) -> std::io::Result<TokioIo<Corked<Box<dyn Duplex>>>> {
    let stream: Box<dyn Duplex> = match address {
        Address::Tls { host, port } => match tls {
            Some(tls) => secure(&tls, &host, port, limit).await?,
            None => return Err(std::io::Error::other(NO_TLS)),
        },
        Address::Tcp { host, port } | Address::Either { host, port } => {
            Box::new(net::connect(&host, port).await?)
        }
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
    };
    Ok(TokioIo::new(Corked::new(stream)))
}

impl ClientError {
    /// Whether what answers does not speak as an etcd v3 server does.
    pub fn is_foreign(&self) -> bool {
        match self {
            Self::Lost(status) => {
                let source = std::error::Error::source(status.as_ref());
                let mut causes = std::iter::successors(source, |error| error.source());
                causes.any(breaks_protocol)
            }
            // The library's words for an answer that has no status of gRPC.
            Self::Status(status) => {
                let message = status.message();
                message.starts_with("grpc-status header missing")
                    || message.starts_with("protocol error: received message")
            }
            _ => false,
        }
    }
}

/// Whether an error is that the peer broke the rules of HTTP/2; which of both errors a request that
/// waited meets is chance.
fn breaks_protocol(error: &(dyn std::error::Error + 'static)) -> bool {
    let reason = error
        .downcast_ref::<h2::Error>()
        .and_then(h2::Error::reason);
    let foreign = [h2::Reason::FRAME_SIZE_ERROR, h2::Reason::PROTOCOL_ERROR];
    let closed = error.downcast_ref::<hyper::Error>();
    reason.is_some_and(|reason| foreign.contains(&reason))
        || closed.is_some_and(|error| error.is_closed() || error.is_canceled())
}

async fn secure(
    tls: &tls::Client,
    host: &str,
    port: u16,
    limit: Duration,
) -> std::io::Result<Box<dyn Duplex>> {
    let stream = net::connect(host, port).await?;
    match tls.connect(host, stream, limit).await {
        Ok(secured) => Ok(Box::new(secured)),
        // As text: whoever tells the innermost cause would tell the library's own words.
        Err(error @ TlsError::Ended(_)) => {
            let why = format!("{error}; if it speaks plain text, write http://");
            Err(std::io::Error::other(why))
        }
        Err(error) => Err(std::io::Error::other(error)),
    }
}

/// The page at `path`, headers included, of a server that also speaks plain HTTP.
pub async fn page(
    endpoint: &Endpoint,
    limits: &Limits,
    path: &str,
    patience: Duration,
) -> std::io::Result<String> {
    let address = endpoint.address.clone().settled(limits.prefers_tls);
    let fetch = async {
        let stream = open(address, limits.tls.clone(), limits.dial).await?;
        net::get(stream.into_inner(), path).await
    };
    timeout(patience, fetch)
        .await
        .unwrap_or_else(|late| Err(late.into()))
}

/// Whether it is TLS that failed, or the want of it. A server of TLS 1.3 refuses a client's
/// certificate after the handshake, when the first answer is waited for.
fn mistaken(endpoint: &str, error: &(dyn std::error::Error + 'static)) -> Option<ClientError> {
    let endpoint = endpoint.to_owned();
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| {
        let endpoint = endpoint.clone();
        let carried = cause.downcast_ref::<std::io::Error>();
        match carried.and_then(|error| error.get_ref()?.downcast_ref::<TlsError>()) {
            Some(TlsError::PlainText) => return Some(ClientError::PlainText { endpoint }),
            Some(TlsError::Late(_)) => return None,
            Some(error) => {
                let why = tls::chain(error);
                return Some(ClientError::Distrust { endpoint, why });
            }
            None => {}
        }
        let goaway = cause.downcast_ref::<h2::Error>();
        if goaway.is_some_and(|error| error.to_string().contains(SPEAKS_TLS)) {
            return Some(ClientError::SpeaksTls { endpoint });
        }
        // h2 passes on the words only of an error of the connection below it.
        let why = cause.to_string();
        let is_last = cause.source().is_none();
        (is_last && why.starts_with(OTHER_SIDE)).then_some(ClientError::Distrust { endpoint, why })
    })
}

/// Why there is no trust between the two sides, if that is what the error says.
pub(super) fn distrust(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    match mistaken("", error)? {
        ClientError::Distrust { why, .. } => Some(why),
        _ => None,
    }
}

/// The innermost error, which names the situation; tonic's outer ones say "transport error".
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<Address, AddressError> {
        text.parse::<Endpoint>().map(|endpoint| endpoint.address)
    }

    #[test]
    fn endpoint_forms_are_understood() {
        let tcp = |host: &str| Address::Tcp {
            host: host.to_owned(),
            port: 2379,
        };
        let bare = address("127.0.0.1:2379").expect("bare");
        assert_eq!(bare.clone().settled(false), tcp("127.0.0.1"));
        let secure = Address::Tls {
            host: "127.0.0.1".to_owned(),
            port: 2379,
        };
        assert_eq!(bare.settled(true), secure);
        assert_eq!(address("https://127.0.0.1:2379").expect("url"), secure);
        assert_eq!(address("http://db1:2379/").expect("url"), tcp("db1"));
        assert_eq!(address("http://[::1]:2379").expect("v6"), tcp("[::1]"));
        assert_eq!(
            address("unix:///run/x").expect("socket"),
            Address::Unix("/run/x".into())
        );
    }

    #[test]
    fn malformed_endpoints_are_refused_with_the_form_that_works() {
        for text in ["", "db1", ":1", "db1:x", "::1:2379", "ftp://db1:1"] {
            assert!(
                matches!(address(text), Err(AddressError::Form(_))),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn refused_endpoints_end_with_the_reason_of_the_last() {
        let endpoints =
            ["127.0.0.1:1", "unix:///nonexistent/x"].map(|text| text.parse().expect("an endpoint"));
        let error = Client::connect(&endpoints, &Limits::default())
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::Unavailable);
        assert!(
            error
                .to_string()
                .contains("unix:///nonexistent/x: No such file"),
            "{error}"
        );
    }
}
