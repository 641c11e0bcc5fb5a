//! The JSON gateway: `POST /v3/...` as etcd has it, for every method of the descriptor.
//!
//! Generic over the descriptor: JSON becomes a dynamic message, then a gRPC frame that is given to
//! the same gRPC service in process, and the answer goes the same way back. No method has code of
//! its own; `BINDINGS` is the only list.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use prost::Message;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions,
};
use serde_json::json;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use crate::adapter::http::methods::Methods;
use crate::adapter::http::objects::{Frames, Objects, Scan};

/// A gRPC service whose type does not matter here: a box per call is nothing beside the JSON.
pub(crate) type Calls = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// HTTP path and gRPC method. A method that has no path (RangeStream) is gRPC only.
const BINDINGS: &[(&str, &str)] = &[
    ("/v3/kv/range", "/etcdserverpb.KV/Range"),
    ("/v3/kv/put", "/etcdserverpb.KV/Put"),
    ("/v3/kv/deleterange", "/etcdserverpb.KV/DeleteRange"),
    ("/v3/kv/txn", "/etcdserverpb.KV/Txn"),
    ("/v3/kv/compaction", "/etcdserverpb.KV/Compact"),
    ("/v3/watch", "/etcdserverpb.Watch/Watch"),
    ("/v3/lease/grant", "/etcdserverpb.Lease/LeaseGrant"),
    ("/v3/lease/revoke", "/etcdserverpb.Lease/LeaseRevoke"),
    ("/v3/kv/lease/revoke", "/etcdserverpb.Lease/LeaseRevoke"),
    ("/v3/lease/keepalive", "/etcdserverpb.Lease/LeaseKeepAlive"),
    (
        "/v3/lease/timetolive",
        "/etcdserverpb.Lease/LeaseTimeToLive",
    ),
    (
        "/v3/kv/lease/timetolive",
        "/etcdserverpb.Lease/LeaseTimeToLive",
    ),
    ("/v3/lease/leases", "/etcdserverpb.Lease/LeaseLeases"),
    ("/v3/kv/lease/leases", "/etcdserverpb.Lease/LeaseLeases"),
    (
        "/v3/cluster/member/list",
        "/etcdserverpb.Cluster/MemberList",
    ),
    ("/v3/cluster/member/add", "/etcdserverpb.Cluster/MemberAdd"),
    (
        "/v3/cluster/member/remove",
        "/etcdserverpb.Cluster/MemberRemove",
    ),
    (
        "/v3/cluster/member/update",
        "/etcdserverpb.Cluster/MemberUpdate",
    ),
    (
        "/v3/cluster/member/promote",
        "/etcdserverpb.Cluster/MemberPromote",
    ),
    (
        "/v3/maintenance/transfer-leadership",
        "/etcdserverpb.Maintenance/MoveLeader",
    ),
    ("/v3/maintenance/alarm", "/etcdserverpb.Maintenance/Alarm"),
    ("/v3/maintenance/status", "/etcdserverpb.Maintenance/Status"),
    (
        "/v3/maintenance/defragment",
        "/etcdserverpb.Maintenance/Defragment",
    ),
    ("/v3/maintenance/hash", "/etcdserverpb.Maintenance/Hash"),
    ("/v3/maintenance/hashkv", "/etcdserverpb.Maintenance/HashKV"),
    (
        "/v3/maintenance/snapshot",
        "/etcdserverpb.Maintenance/Snapshot",
    ),
];
/// A request's body, or the first object of a stream, must be there within this.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// What JSON adds to a message besides base64's third: field names of the largest transaction.
const JSON_OVERHEAD_BYTES: usize = 64 * 1024;
/// Request headers with this prefix become gRPC metadata, as in grpc-gateway.
const METADATA_PREFIX: &str = "grpc-metadata-";

/// The gateway of one front.
pub(crate) struct Gateway {
    calls: Calls,
    bindings: BTreeMap<&'static str, (&'static str, MethodDescriptor)>,
    /// Of one encoded message; the JSON may be longer by what base64 and names cost.
    message_bytes_max: usize,
}

/// One call, with everything that it needs.
struct Call {
    calls: Calls,
    path: &'static str,
    method: MethodDescriptor,
    metadata: HeaderMap,
    message_bytes_max: usize,
}

/// The answers of a streaming call: response body, bytes not yet decoded, whether it is over.
struct Answers {
    body: Body,
    frames: Frames,
    descriptor: MessageDescriptor,
    over: bool,
}

impl Gateway {
    pub(crate) fn new(calls: Calls, methods: &Methods, message_bytes_max: usize) -> Self {
        let bindings = BINDINGS
            .iter()
            .filter_map(|(http, grpc)| Some((*http, (*grpc, methods.get(grpc)?.clone()))))
            .collect();
        Self {
            calls,
            bindings,
            message_bytes_max,
        }
    }

    /// The answer to a request under `/v3/` or `/v3beta/`.
    pub(crate) fn answer(
        self: &Arc<Self>,
        request: Request<Body>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static {
        let gateway = self.clone();
        async move {
            let path = request.uri().path();
            let path = path
                .strip_prefix("/v3beta/")
                .map_or(path.to_owned(), |rest| format!("/v3/{rest}"));
            let Some((grpc, method)) = gateway.bindings.get(path.as_str()) else {
                return not_found();
            };
            if request.method() != Method::POST {
                return failure(&Status::unimplemented("Method Not Allowed"));
            }
            let call = Call {
                calls: gateway.calls.clone(),
                path: grpc,
                method: method.clone(),
                metadata: metadata(request.headers()),
                message_bytes_max: gateway.message_bytes_max,
            };
            let answer = if method.is_server_streaming() || method.is_client_streaming() {
                call.stream(request.into_body()).await
            } else {
                call.unary(request.into_body()).await
            };
            answer.unwrap_or_else(|status| failure(&status))
        }
    }
}

impl Call {
    async fn unary(self, body: Body) -> Result<Response<Body>, Status> {
        let json = timeout(BODY_TIMEOUT, self.read_all(body))
            .await
            .map_err(|_| late())??;
        let frame = self.encode(&json)?;
        let descriptor = self.method.output();
        let mut body = self.send(Body::new(Full::new(frame))).await?.into_body();
        let mut frames = Frames::default();
        let Some(message) = next_frame(&mut body, &mut frames).await? else {
            return Err(Status::internal("the call ended without an answer"));
        };
        let json = to_json(&descriptor, message)?;
        // The status that follows may still be an error.
        while next_frame(&mut body, &mut frames).await?.is_some() {}
        Ok(json_response(StatusCode::OK, json))
    }

    async fn stream(self, body: Body) -> Result<Response<Body>, Status> {
        let bytes_max = self.json_bytes_max();
        let mut objects = Objects::new(body, bytes_max);
        let requests = if self.method.is_client_streaming() {
            let first = timeout(BODY_TIMEOUT, objects.next())
                .await
                .map_err(|_| late())?;
            let first = first.and_then(|json| json.map(|json| self.encode(&json)).transpose());
            let first = first.map_err(unreadable)?;
            let input = self.method.input();
            let message_max = self.message_bytes_max;
            let rest = stream::unfold(objects, move |mut objects| {
                let input = input.clone();
                async move {
                    let json = objects.next().await.transpose()?;
                    let frame = json.and_then(|json| encode(&input, &json, message_max));
                    match frame {
                        // As in etcd, what is no request ends the requests and not the answers.
                        Err(status) if status.code() == Code::InvalidArgument => {
                            tracing::debug!(%status, "a request was not read");
                            None
                        }
                        frame => Some((frame, objects)),
                    }
                }
            });
            let requests = stream::iter(first.map(Ok)).chain(rest);
            Body::new(StreamBody::new(
                requests.map(|frame| frame.map(Frame::data)),
            ))
        } else {
            let json = timeout(BODY_TIMEOUT, objects.next())
                .await
                .map_err(|_| late())??;
            Body::new(Full::new(self.encode(&json.unwrap_or_default())?))
        };
        let descriptor = self.method.output();
        let body = self.send(requests).await?.into_body();
        let mut answers = Answers {
            body,
            frames: Frames::default(),
            descriptor,
            over: false,
        };
        // An error in place of the first answer still has an HTTP status of its own.
        let first = answers.next().await.transpose()?;
        let rest = stream::unfold(answers, |mut answers| async move {
            let line = match answers.next().await? {
                Ok(line) => line,
                Err(status) => error_line(&status),
            };
            Some((line, answers))
        });
        let lines = stream::iter(first).chain(rest);
        let body = StreamBody::new(lines.map(|line| Ok::<_, Status>(Frame::data(line))));
        let mut response = Response::new(Body::new(body));
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        Ok(response)
    }

    async fn send(self, body: Body) -> Result<Response<Body>, Status> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = http::Uri::from_static(self.path);
        *request.headers_mut() = self.metadata;
        let response = match self.calls.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        match Status::from_header_map(response.headers()) {
            Some(status) if status.code() != Code::Ok => Err(status),
            _ => Ok(response),
        }
    }

    async fn read_all(&self, mut body: Body) -> Result<Bytes, Status> {
        let mut json = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                if json.len() + data.len() > self.json_bytes_max() {
                    return Err(too_large(json.len() + data.len(), self.message_bytes_max));
                }
                json.extend_from_slice(&data);
            }
        }
        Ok(json.freeze())
    }

    fn json_bytes_max(&self) -> usize {
        self.message_bytes_max / 3 * 4 + JSON_OVERHEAD_BYTES
    }

    fn encode(&self, json: &[u8]) -> Result<Bytes, Status> {
        encode(&self.method.input(), json, self.message_bytes_max)
    }
}

impl Answers {
    /// The next `{"result":...}` line, or the status that ended the call.
    async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        if self.over {
            return None;
        }
        let line = match next_frame(&mut self.body, &mut self.frames).await {
            Ok(None) => {
                self.over = true;
                return None;
            }
            Ok(Some(message)) => to_json(&self.descriptor, message).map(|json| {
                let mut line = BytesMut::with_capacity(json.len() + 12);
                line.put_slice(b"{\"result\":");
                line.put_slice(&json);
                line.put_slice(b"}\n");
                line.freeze()
            }),
            Err(status) => Err(status),
        };
        self.over = line.is_err();
        Some(line)
    }
}

/// The next message of a response, none at its good end.
async fn next_frame(body: &mut Body, frames: &mut Frames) -> Result<Option<Bytes>, Status> {
    loop {
        if let Some(message) = frames.next()? {
            return Ok(Some(message));
        }
        let Some(frame) = body.frame().await else {
            return Ok(None);
        };
        match frame?.into_data() {
            Ok(data) => frames.push(&data),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                match Status::from_header_map(&trailers) {
                    Some(status) if status.code() != Code::Ok => return Err(status),
                    _ => return Ok(None),
                }
            }
        }
    }
}

/// One JSON object as a gRPC frame; nothing at all is the empty message.
fn encode(descriptor: &MessageDescriptor, json: &[u8], bytes_max: usize) -> Result<Bytes, Status> {
    // What follows the value is not looked at, as in etcd.
    let end = Scan::default().last_value_end(json)?.unwrap_or_default();
    let json = json[..end].trim_ascii();
    let message = if json.is_empty() || json == b"null" {
        DynamicMessage::new(descriptor.clone())
    } else {
        let mut json = serde_json::Deserializer::from_slice(json);
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        DynamicMessage::deserialize_with_options(descriptor.clone(), &mut json, &options)
            .map_err(|error| Status::invalid_argument(error.to_string()))?
    };
    let length = message.encoded_len();
    if length > bytes_max {
        return Err(too_large(length, bytes_max));
    }
    let mut frame = BytesMut::with_capacity(length + Frames::HEAD_BYTES);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).map_err(|_| too_large(length, bytes_max))?);
    message
        .encode(&mut frame)
        .map_err(|error| Status::internal(error.to_string()))?;
    Ok(frame.freeze())
}

fn to_json(descriptor: &MessageDescriptor, message: Bytes) -> Result<Bytes, Status> {
    let message = DynamicMessage::decode(descriptor.clone(), message)
        .map_err(|error| Status::internal(error.to_string()))?;
    let mut json = Vec::new();
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)
        .map_err(|error| Status::internal(error.to_string()))?;
    Ok(json.into())
}

fn metadata(headers: &HeaderMap) -> HeaderMap {
    let mut metadata = HeaderMap::new();
    metadata.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/grpc"),
    );
    metadata.insert(header::TE, http::HeaderValue::from_static("trailers"));
    for (name, value) in headers {
        if *name == header::AUTHORIZATION || name == "grpc-timeout" {
            metadata.insert(name.clone(), value.clone());
        } else if let Some(key) = name.as_str().strip_prefix(METADATA_PREFIX)
            && let Ok(key) = HeaderName::from_bytes(key.as_bytes())
        {
            metadata.append(key, value.clone());
        }
    }
    metadata
}

const JSON: http::HeaderValue = http::HeaderValue::from_static("application/json");

pub(crate) fn json_response(status: StatusCode, json: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(json)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// The answer to a path that nobody serves.
pub(crate) fn not_found() -> Response<Body> {
    failure(&Status::not_found("Not Found"))
}

/// All three keys: `error` is read by clients of etcd 3.5, `code` and `message` by those of 3.6.
fn failure(status: &Status) -> Response<Body> {
    let body = json!({
        "error": status.message(),
        "code": status.code() as i32,
        "message": status.message(),
    });
    json_response(http_status(status.code()), body.to_string().into())
}

/// An error in the middle of a stream, with the keys of both versions.
fn error_line(status: &Status) -> Bytes {
    let http = http_status(status.code());
    let body = json!({"error": {
        "grpc_code": status.code() as i32,
        "http_code": http.as_u16(),
        "message": status.message(),
        "http_status": http.canonical_reason().unwrap_or_default(),
        "code": status.code() as i32,
    }});
    format!("{body}\n").into()
}

/// grpc-gateway's table.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub(crate) fn too_large(length: usize, bytes_max: usize) -> Status {
    Status::resource_exhausted(format!(
        "grpc: received message larger than max ({length} vs. {bytes_max})"
    ))
}

/// What etcd makes of a first request that cannot be read where more may follow: no fault of the
/// client's by its code, but the same text.
fn unreadable(status: Status) -> Status {
    match status.code() {
        Code::InvalidArgument => Status::unknown(status.message()),
        _ => status,
    }
}

fn late() -> Status {
    Status::deadline_exceeded("the request's body did not arrive in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_but_range_stream_has_a_path() {
        let methods = Methods::new();
        let bound: Vec<_> = BINDINGS.iter().map(|(_, grpc)| *grpc).collect();
        assert!(bound.iter().all(|path| methods.get(path).is_some()));
        let unbound: Vec<_> = methods
            .paths()
            .filter(|path| path.starts_with("/etcdserverpb.") && !bound.contains(path))
            .collect();
        assert_eq!(unbound, ["/etcdserverpb.KV/RangeStream"]);
    }
}
