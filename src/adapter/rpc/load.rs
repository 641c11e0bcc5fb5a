//! A gRPC client for load generators: the cheapest honest calls, written directly on `h2`.
//!
//! The generator shares the machine with the server that it measures, so what a call costs here is
//! subtracted from what the server can show. There is no retry, no balancing, no deadline and no
//! reconnecting: one TCP (or unix socket) connection, any number of callers on it, and every
//! failure goes back to the caller. Runs inside a tokio `LocalSet`; nothing here is `Send`.

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Uri};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::adapter::tls;

/// Connecting to a server on the same network takes far less; a listener that never accepts must
/// not hold the generator.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Wide enough that answers never wait for a window update.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 24;
/// The answer to one call or one message of a stream; etcd's own responses stay far below.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// gRPC's length-prefixed message: a compression flag and a big-endian length.
const PREFIX_BYTES: usize = 5;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(
        "endpoint {endpoint:?} is not of the form http://HOST:PORT, https://HOST:PORT or unix:/PATH"
    )]
    Endpoint { endpoint: String },
    #[error("cannot connect to {endpoint}")]
    Connect { endpoint: String, source: io::Error },
    #[error("the connection failed")]
    Connection(#[from] h2::Error),
    #[error("{code:?}: {message}")]
    Status { code: tonic::Code, message: String },
    #[error("the answer is not a gRPC message: {0}")]
    Answer(&'static str),
    #[error("the answer does not decode")]
    Decode(#[from] prost::DecodeError),
}

impl CallError {
    /// The name under which failures of this kind are counted.
    pub fn kind(&self) -> String {
        match self {
            Self::Status { code, .. } => format!("{code:?}"),
            Self::Endpoint { .. } | Self::Connect { .. } | Self::Connection(_) => {
                "Connection".to_owned()
            }
            Self::Answer(_) | Self::Decode(_) => "Answer".to_owned(),
        }
    }

    /// Whether further calls on the same connection cannot succeed either.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Status { .. })
    }
}

/// A gRPC method with its HTTP/2 headers made ready for one server.
#[derive(Clone)]
pub struct Method(Request<()>);

/// One connection; clone it for each task that calls.
#[derive(Clone)]
pub struct Caller {
    sender: SendRequest<Bytes>,
    authority: String,
}

impl Caller {
    /// Connects to `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT` or `unix:/PATH` and drives
    /// the connection in a task of the current `LocalSet`, which ends when the last clone is
    /// dropped. Without a scheme TLS is spoken if `prefers_tls`.
    pub async fn connect(
        endpoint: &str,
        tls: Option<&tls::Client>,
        prefers_tls: bool,
    ) -> Result<Self, CallError> {
        let failed = |source| CallError::Connect {
            endpoint: endpoint.to_owned(),
            source,
        };
        let late = |_| failed(io::ErrorKind::TimedOut.into());
        if let Some(path) = endpoint.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let connecting = timeout(CONNECT_TIMEOUT, UnixStream::connect(path));
            let stream = connecting.await.map_err(late)?.map_err(failed)?;
            return Self::handshake(stream, "localhost").await;
        }
        let (scheme, authority) = endpoint.split_once("://").unwrap_or(("", endpoint));
        let authority = authority.trim_end_matches('/');
        if !is_host_and_port(authority) {
            return Err(CallError::Endpoint {
                endpoint: endpoint.to_owned(),
            });
        }
        let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(authority));
        let stream = connecting.await.map_err(late)?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match (scheme, tls) {
            ("https", Some(tls)) => Self::secured(tls, stream, authority).await,
            ("", Some(tls)) if prefers_tls => Self::secured(tls, stream, authority).await,
            ("" | "http", _) => Self::handshake(stream, authority).await,
            _ => Err(CallError::Endpoint {
                endpoint: endpoint.to_owned(),
            }),
        }
    }

    async fn secured(
        tls: &tls::Client,
        stream: TcpStream,
        authority: &str,
    ) -> Result<Self, CallError> {
        let host = authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host);
        let secured = tls.connect(host, stream, CONNECT_TIMEOUT).await;
        let secured = secured.map_err(|error| CallError::Connect {
            endpoint: authority.to_owned(),
            source: io::Error::other(error),
        })?;
        Self::handshake(secured, authority).await
    }

    async fn handshake(
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
        authority: &str,
    ) -> Result<Self, CallError> {
        let (sender, connection) = Builder::new()
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await?;
        // Its error also reaches every call on the connection, which is where it is counted.
        tokio::task::spawn_local(connection);
        Ok(Self {
            sender,
            authority: authority.to_owned(),
        })
    }

    /// Makes `path` ready, for example `/etcdserverpb.KV/Put`.
    pub fn method(&self, path: &'static str) -> Result<Method, CallError> {
        let bad = |_| CallError::Endpoint {
            endpoint: self.authority.clone(),
        };
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.authority.as_str());
        let uri = uri.path_and_query(path).build().map_err(bad)?;
        let request = Request::post(uri)
            .version(http::Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        Ok(Method(request.body(()).map_err(bad)?))
    }

    /// Sends one message and waits for the one answer.
    pub async fn unary<Answer: Message + Default>(
        &mut self,
        method: &Method,
        message: &impl Message,
    ) -> Result<Answer, CallError> {
        futures_util::future::poll_fn(|context| self.sender.poll_ready(context)).await?;
        let (response, mut request) = self.sender.send_request(method.0.clone(), false)?;
        request.send_data(frame(message), true)?;
        let (head, mut body) = response.await?.into_parts();
        check(&head.headers, Status::MayBeAbsent)?;
        let mut received = BytesMut::new();
        let mut answer = None;
        while let Some(chunk) = body.data().await {
            let mut chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            // The usual answer is one small chunk: decoded in place, without being gathered.
            answer = match received
                .is_empty()
                .then(|| unframe(&mut chunk))
                .transpose()?
                .flatten()
            {
                Some(message) => Some(message),
                None => {
                    received.extend_from_slice(&chunk);
                    None
                }
            };
        }
        if let Some(trailers) = body.trailers().await? {
            check(&trailers, Status::Required)?;
        }
        let message = match answer {
            Some(message) => message,
            None => unframe(&mut received.freeze())?.ok_or(CallError::Answer("it is empty"))?,
        };
        Ok(Answer::decode(message)?)
    }

    /// Opens a two-way stream with its first message.
    pub async fn stream(
        &mut self,
        method: &Method,
        first: &impl Message,
    ) -> Result<CallStream, CallError> {
        futures_util::future::poll_fn(|context| self.sender.poll_ready(context)).await?;
        let (response, mut sender) = self.sender.send_request(method.0.clone(), false)?;
        sender.send_data(frame(first), false)?;
        Ok(CallStream {
            sender,
            receiver: Receiver::Opening(response),
            received: Bytes::new(),
        })
    }
}

/// A two-way stream of messages; dropping it resets the stream.
pub struct CallStream {
    sender: SendStream<Bytes>,
    receiver: Receiver,
    /// What has come and is not a whole message yet.
    received: Bytes,
}

enum Receiver {
    /// A server may hold its headers back until it has something to say.
    Opening(ResponseFuture),
    Open(RecvStream),
}

impl CallStream {
    pub fn send(&mut self, message: &impl Message) -> Result<(), CallError> {
        Ok(self.sender.send_data(frame(message), false)?)
    }

    /// The next message; `None` when the server ended the stream without an error.
    pub async fn receive<Answer: Message + Default>(
        &mut self,
    ) -> Result<Option<Answer>, CallError> {
        loop {
            if let Some(message) = unframe(&mut self.received)? {
                return Ok(Some(Answer::decode(message)?));
            }
            let body = match &mut self.receiver {
                Receiver::Open(body) => body,
                Receiver::Opening(response) => {
                    let (head, body) = response.await?.into_parts();
                    check(&head.headers, Status::MayBeAbsent)?;
                    self.receiver = Receiver::Open(body);
                    continue;
                }
            };
            let Some(chunk) = body.data().await else {
                if let Some(trailers) = body.trailers().await? {
                    check(&trailers, Status::Required)?;
                }
                return Ok(None);
            };
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            self.received = if self.received.is_empty() {
                chunk
            } else {
                let mut joined = BytesMut::with_capacity(self.received.len() + chunk.len());
                joined.extend_from_slice(&self.received);
                joined.extend_from_slice(&chunk);
                joined.freeze()
            };
        }
    }
}

fn is_host_and_port(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + length);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).expect("requests are far below 4 GiB"));
    message
        .encode(&mut framed)
        .expect("there is room for the encoded length");
    framed.freeze()
}

/// Takes one whole message off the front of `received`, if one is there.
fn unframe(received: &mut Bytes) -> Result<Option<Bytes>, CallError> {
    let Some((prefix, _)) = received.split_first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let [compressed, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if compressed != 0 {
        return Err(CallError::Answer(
            "it is compressed, which was not asked for",
        ));
    }
    if length > MESSAGE_BYTES_MAX {
        return Err(CallError::Answer("it is longer than 64 MiB"));
    }
    if received.len() < PREFIX_BYTES + length {
        return Ok(None);
    }
    received.advance(PREFIX_BYTES);
    Ok(Some(received.split_to(length)))
}

/// Whether these headers must carry a gRPC status: trailers must, leading headers need not.
#[derive(PartialEq)]
enum Status {
    Required,
    MayBeAbsent,
}

fn check(headers: &HeaderMap, status: Status) -> Result<(), CallError> {
    match headers.get("grpc-status").map(http::HeaderValue::as_bytes) {
        Some(b"0") => Ok(()),
        None if status == Status::MayBeAbsent => Ok(()),
        None => Err(CallError::Answer("its trailers have no grpc-status")),
        Some(code) => {
            let message = headers
                .get("grpc-message")
                .and_then(|text| text.to_str().ok());
            let message = message.unwrap_or_default().to_owned();
            Err(CallError::Status {
                code: tonic::Code::from_bytes(code),
                message,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::rpc::proto::etcdserverpb::PutRequest;

    fn put() -> PutRequest {
        PutRequest {
            key: "k".into(),
            value: "v".into(),
            ..Default::default()
        }
    }

    #[test]
    fn framed_message_comes_back_whole_and_leaves_the_rest() {
        let mut received = BytesMut::from(&frame(&put())[..]);
        received.extend_from_slice(b"rest");
        let mut received = received.freeze();
        let message = unframe(&mut received).expect("a message").expect("whole");
        assert_eq!(PutRequest::decode(message).expect("decodes"), put());
        assert_eq!(&received[..], b"rest");
    }

    #[test]
    fn part_of_a_message_waits_for_more() {
        let whole = frame(&put());
        for length in 0..whole.len() {
            let mut part = whole.slice(..length);
            assert!(unframe(&mut part).expect("no error").is_none());
            assert_eq!(part.len(), length);
        }
    }

    #[test]
    fn overlong_and_compressed_messages_are_refused() {
        for bytes in [&[0, 0xff, 0xff, 0xff, 0xff][..], &[1, 0, 0, 0, 0]] {
            assert!(unframe(&mut Bytes::copy_from_slice(bytes)).is_err());
        }
    }

    #[test]
    fn status_is_read_from_headers() {
        let mut headers = HeaderMap::new();
        assert!(check(&headers, Status::MayBeAbsent).is_ok());
        assert!(check(&headers, Status::Required).is_err());
        headers.insert("grpc-status", "8".parse().expect("header"));
        let error = check(&headers, Status::MayBeAbsent).expect_err("refused");
        assert_eq!(error.kind(), "ResourceExhausted");
        assert!(!error.is_fatal());
    }

    #[test]
    fn endpoint_needs_a_host_and_a_port() {
        assert!(is_host_and_port("127.0.0.1:2379"));
        assert!(is_host_and_port("[::1]:2379"));
        for bad in ["", "host", ":2379", "host:", "https://host:port"] {
            assert!(!is_host_and_port(bad), "{bad}");
        }
    }
}
