//! The front as a peer sees it, over real sockets, before a small service that is not a store.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http::{Request as HttpRequest, Response as HttpResponse};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::adapter::http::{
    Drained, Front, Limits, Listener, Probe, Routes, Versions, served_methods,
};
use crate::adapter::metrics::Metrics;
use crate::adapter::rpc::proto::etcdserverpb::kv_client::KvClient;
use crate::adapter::rpc::proto::etcdserverpb::kv_server::{Kv, KvServer};
use crate::adapter::rpc::proto::etcdserverpb::watch_client::WatchClient;
use crate::adapter::rpc::proto::etcdserverpb::watch_server::{Watch, WatchServer};
use crate::adapter::rpc::proto::etcdserverpb::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest,
    PutResponse, RangeRequest, RangeResponse, RangeStreamResponse, ResponseHeader, TxnRequest,
    TxnResponse, WatchRequest, WatchResponse,
};
use crate::adapter::rpc::proto::mvccpb::KeyValue;
use crate::core::kv::request::{Alarm, Consistency};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Answers with what it was asked; a watch never ends by itself.
#[derive(Clone, Default)]
struct Echo {
    watches: Arc<AtomicUsize>,
    /// Puts that wait for the gate.
    puts: Arc<AtomicUsize>,
    gate: Arc<Notify>,
}

/// One open watch of the service, for as long as the server keeps its answer.
struct OpenWatch(Arc<AtomicUsize>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Kv for Echo {
    async fn range(
        &self,
        request: Request<RangeRequest>,
    ) -> Result<Response<RangeResponse>, Status> {
        let request = request.into_inner();
        if request.key.is_empty() {
            return Err(Status::invalid_argument("etcdserver: key is not provided"));
        }
        let kv = KeyValue {
            key: request.key,
            value: request.range_end,
            create_revision: i64::MAX,
            lease: request.limit,
            version: i64::from(request.sort_order),
            ..KeyValue::default()
        };
        Ok(Response::new(RangeResponse {
            header: Some(ResponseHeader {
                cluster_id: u64::MAX,
                ..ResponseHeader::default()
            }),
            kvs: vec![kv],
            more: false,
            count: 1,
        }))
    }

    type RangeStreamStream = Answers<RangeStreamResponse>;

    async fn range_stream(
        &self,
        _: Request<RangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        Ok(Response::new(Box::pin(stream::pending())))
    }

    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        if request.into_inner().lease != 0 {
            self.puts.fetch_add(1, Ordering::SeqCst);
            self.gate.notified().await;
        }
        Ok(Response::new(PutResponse::default()))
    }

    async fn delete_range(
        &self,
        _: Request<DeleteRangeRequest>,
    ) -> Result<Response<DeleteRangeResponse>, Status> {
        Err(Status::resource_exhausted(
            "etcdserver: mvcc: database space exceeded",
        ))
    }

    async fn txn(&self, _: Request<TxnRequest>) -> Result<Response<TxnResponse>, Status> {
        Ok(Response::new(TxnResponse {
            succeeded: true,
            ..TxnResponse::default()
        }))
    }

    async fn compact(
        &self,
        _: Request<CompactionRequest>,
    ) -> Result<Response<CompactionResponse>, Status> {
        Err(Status::out_of_range(
            "etcdserver: mvcc: required revision has been compacted",
        ))
    }
}

#[tonic::async_trait]
impl Watch for Echo {
    type WatchStream = Answers<WatchResponse>;

    async fn watch(
        &self,
        request: Request<Streaming<WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.watches.fetch_add(1, Ordering::SeqCst);
        let open = OpenWatch(self.watches.clone());
        let answers = request.into_inner().map(|request| {
            request.map(|_| WatchResponse {
                created: true,
                ..WatchResponse::default()
            })
        });
        let answers = answers.chain(stream::pending()).map(move |answer| {
            let _ = &open;
            answer
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Services(KvServer<Echo>, WatchServer<Echo>);

impl tower::Service<HttpRequest<Body>> for Services {
    type Response = HttpResponse<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        if request.uri().path().starts_with("/etcdserverpb.Watch/") {
            self.1.call(request)
        } else {
            self.0.call(request)
        }
    }
}

/// A healthy server, or one with an alarm and no leader.
struct Health {
    well: bool,
}

impl Probe for Health {
    fn read(&self, consistency: Consistency) -> BoxFuture<'_, Result<(), String>> {
        let well = self.well || consistency == Consistency::Serializable;
        let answer = if well {
            Ok(())
        } else {
            Err("etcdserver: no leader".to_owned())
        };
        async move { answer }.boxed()
    }

    fn alarms(&self) -> Vec<Alarm> {
        if self.well {
            Vec::new()
        } else {
            vec![Alarm::NoSpace]
        }
    }

    fn has_leader(&self) -> bool {
        self.well
    }

    fn is_learner(&self) -> bool {
        false
    }

    fn versions(&self) -> Versions {
        Versions {
            server: "3.6.0".into(),
            cluster: "3.6.0".into(),
            storage: "3.6.0".into(),
        }
    }
}

/// A front on a port of its own.
struct Server {
    address: String,
    echo: Echo,
    connections: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Drained>,
}

impl Server {
    async fn start() -> Self {
        Self::start_with(true, Vec::new(), Limits::default()).await
    }

    async fn start_with(well: bool, mut listeners: Vec<Listener>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        listeners.push(Listener::Tcp(listener));
        let echo = Echo::default();
        let services = Services(KvServer::new(echo.clone()), WatchServer::new(echo.clone()));
        let metrics = Arc::new(Metrics::new("3.6.0", served_methods()));
        let routes = Routes::all(
            services.clone(),
            MESSAGE_BYTES_MAX,
            Arc::new(Health { well }),
            metrics,
        );
        let front = Front::new(services, routes, limits);
        let connections = front.connections();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let served = front.serve(listeners, async move { drop(stopped.await) });
            served.await.expect("it has a listener")
        });
        Self {
            address,
            echo,
            connections,
            stop,
            task,
        }
    }

    async fn channel(&self) -> Channel {
        let url = format!("http://{}", self.address);
        Endpoint::new(url)
            .expect("a URL")
            .connect()
            .await
            .expect("connected")
    }

    async fn send(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.expect("connected");
        stream.write_all(text.as_bytes()).await.expect("written");
        stream
    }

    /// Status and body of one HTTP/1.1 request on a connection of its own.
    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let stream = self
            .send(&format!(
                "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                 content-length: {length}\r\n\r\n{body}"
            ))
            .await;
        let answer = read_to_end(stream).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    async fn ask_json(&self, path: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.ask("POST", path, body).await;
        (status, serde_json::from_str(&body).expect("JSON"))
    }
}

async fn read_to_end(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("in time")
        .expect("read");
    String::from_utf8(answer).expect("text")
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        let read = timeout(PATIENCE, stream.read_buf(&mut text))
            .await
            .expect("in time");
        assert!(
            read.expect("read") > 0,
            "ended early: {}",
            String::from_utf8_lossy(&text)
        );
    }
    String::from_utf8(text).expect("text")
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not come");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_port_serves_grpc_and_http1() {
    let server = Server::start().await;
    let mut client = KvClient::new(server.channel().await);
    let request = RangeRequest {
        key: Bytes::from_static(b"foo"),
        ..RangeRequest::default()
    };
    let answer = client.range(request).await.expect("answered").into_inner();
    assert_eq!(answer.kvs[0].key, "foo");
    let (status, body) = server.ask("GET", "/version", "").await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        r#"{"etcdserver":"3.6.0","etcdcluster":"3.6.0","storage":"3.6.0"}"#
    );
    let (status, body) = server.ask("GET", "/metrics", "").await;
    assert_eq!(status, 200);
    assert!(body.contains("coracle_build_info"));
}

#[tokio::test]
async fn unix_socket_is_served_beside_the_port() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("bound");
    let server = Server::start_with(true, vec![Listener::Unix(listener)], Limits::default()).await;
    let mut stream = UnixStream::connect(&path).await.expect("connected");
    let request = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("written");
    let answer = read_to_end(stream).await;
    assert!(
        answer.ends_with(r#"{"health":"true","reason":""}"#),
        "{answer}"
    );
    assert_eq!(server.ask("GET", "/health", "").await.0, 200);
}

#[tokio::test]
async fn unserved_method_is_unimplemented_with_its_name() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("ready");
    let codec = tonic_prost::ProstCodec::<PutRequest, PutResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/v3lockpb.Lock/Lock");
    let status = client
        .unary(Request::new(PutRequest::default()), path, codec)
        .await;
    let status = status.expect_err("refused");
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "unknown service v3lockpb.Lock");
}

#[tokio::test]
async fn gateway_speaks_protojson_as_etcd_does() {
    let server = Server::start().await;
    let want = json!({
        "header": {"cluster_id": "18446744073709551615"},
        "kvs": [{
            "key": "Zm9v", "create_revision": "9223372036854775807", "version": "2",
            "value": "+/8=", "lease": "7",
        }],
        "count": "1",
    });
    for body in [
        r#"{"key":"Zm9v","range_end":"+/8=","limit":"7","sort_order":"DESCEND"}"#,
        r#"{"key":"Zm9v","rangeEnd":"-_8=","limit":7,"sortOrder":2,"nobody_knows":[1]}"#,
        // An unknown name of an enum counts as unknown field, as protojson has it since etcd 3.6.
        r#"{"key":"Zm9v","range_end":"+/8=","limit":7,"sort_order":2,"sort_target":"UP"}"#,
        "{\"key\":\"Zm9v\",\"range_end\":\"+/8\",\"limit\":7,\"sort_order\":2} trailing",
    ] {
        assert_eq!(
            server.ask_json("/v3/kv/range", body).await,
            (200, want.clone()),
            "{body}"
        );
    }
    let (status, text) = server
        .ask(
            "POST",
            "/v3beta/kv/range",
            r#"{"key":"Zm9v","rangeEnd":"+/8=","limit":7}"#,
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        text,
        "{\"header\":{\"cluster_id\":\"18446744073709551615\"},\"kvs\":[{\"key\":\"Zm9v\",\
         \"create_revision\":\"9223372036854775807\",\"value\":\"+/8=\",\"lease\":\"7\"}],\
         \"count\":\"1\"}"
    );
}

#[tokio::test]
async fn gateway_error_has_the_keys_of_both_versions_and_its_http_status() {
    let server = Server::start().await;
    for (path, http, code, text) in [
        ("/v3/kv/range", 400, 3, "etcdserver: key is not provided"),
        (
            "/v3/kv/deleterange",
            429,
            8,
            "etcdserver: mvcc: database space exceeded",
        ),
        (
            "/v3/kv/compaction",
            400,
            11,
            "etcdserver: mvcc: required revision has been compacted",
        ),
        ("/v3/kv/nothing", 404, 5, "Not Found"),
        ("/nothing", 404, 5, "Not Found"),
        ("/v3/kv/range/", 404, 5, "Not Found"),
    ] {
        let want = json!({"error": text, "code": code, "message": text});
        assert_eq!(server.ask_json(path, "").await, (http, want), "{path}");
    }
    let (status, body) = server.ask("GET", "/v3/kv/range", "").await;
    assert_eq!(status, 501);
    assert!(
        body.contains(r#""code":12,"message":"Method Not Allowed""#),
        "{body}"
    );
}

#[tokio::test]
async fn malformed_gateway_request_is_refused() {
    let server = Server::start().await;
    for (body, text) in [
        (r#"{"key":"Zm9v""#, "unexpected EOF"),
        ("x", "invalid character 'x' looking for beginning of value"),
        (
            r#"{"key":"Zm9v",}"#,
            "invalid character '}' looking for beginning of object key string",
        ),
        (
            r#"{"key":"Zm9v" "limit":1}"#,
            "invalid character '\"' after object key:value pair",
        ),
    ] {
        let want = json!({"error": text, "code": 3, "message": text});
        let answer = server.ask_json("/v3/kv/range", body).await;
        assert_eq!(answer, (400, want), "{body}");
        // A method that takes any number of requests cannot tell whose fault it is.
        let want = json!({"error": text, "code": 2, "message": text});
        let answer = server.ask_json("/v3/watch", body).await;
        assert_eq!(answer, (500, want), "{body}");
    }
    for body in [
        r#"{"key":"Z!9v"}"#,
        r#"{"key":5}"#,
        r#"{"key":"Zm9v","limit":"x"}"#,
        r#"{"key":"Zm9v","limit":1.5}"#,
        "[]",
        "5",
    ] {
        let (status, answer) = server.ask_json("/v3/kv/range", body).await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(3)),
            "{body}: {answer}"
        );
        assert_ne!(answer["message"], "", "{body}");
    }
}

#[tokio::test]
async fn oversized_gateway_request_is_refused() {
    let server = Server::start().await;
    let fits = format!(
        r#"{{"value":"{}"}}"#,
        "AAAA".repeat((MESSAGE_BYTES_MAX - 16) / 3)
    );
    assert_eq!(server.ask_json("/v3/kv/put", &fits).await.0, 200);
    let long = format!(
        r#"{{"value":"{}"}}"#,
        "AAAA".repeat(MESSAGE_BYTES_MAX / 3 + 1)
    );
    let (status, answer) = server.ask_json("/v3/kv/put", &long).await;
    assert_eq!((status, &answer["code"]), (429, &json!(8)));
    let endless =
        server.send("POST /v3/kv/put HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n");
    let (mut reading, mut writing) = endless.await.into_split();
    let writer = tokio::spawn(async move {
        let spaces = vec![b' '; 64 * 1024];
        while writing.write_all(&spaces).await.is_ok() {}
    });
    let mut head = vec![0; 12];
    timeout(PATIENCE, reading.read_exact(&mut head))
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(head, b"HTTP/1.1 429");
    writer.abort();
}

#[tokio::test]
async fn watch_through_the_gateway_flushes_each_answer_and_ends_with_its_client() {
    let server = Server::start().await;
    let head = "POST /v3/watch HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut stream = server.send(head).await;
    for _ in 0..2 {
        let object = r#"{"create_request":{"key":"Zm9v"}}"#;
        let (front, back) = object.split_at(9);
        for piece in [front, back] {
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            stream.write_all(chunk.as_bytes()).await.expect("written");
        }
        read_until(&mut stream, "{\"result\":{\"created\":true}}\n").await;
    }
    assert_eq!(server.echo.watches.load(Ordering::SeqCst), 1);
    drop(stream);
    until("the end of the watch", || {
        server.echo.watches.load(Ordering::SeqCst) == 0
    })
    .await;
}

#[tokio::test]
async fn grpc_stream_ends_with_its_client() {
    let server = Server::start().await;
    let mut client = WatchClient::new(server.channel().await);
    let (requests, receiver) = mpsc::channel(1);
    requests.send(WatchRequest::default()).await.expect("room");
    let mut answers = client
        .watch(ReceiverStream::new(receiver))
        .await
        .expect("opened")
        .into_inner();
    assert!(
        answers
            .message()
            .await
            .expect("answered")
            .expect("created")
            .created
    );
    drop((requests, answers, client));
    until("the end of the watch", || {
        server.echo.watches.load(Ordering::SeqCst) == 0
    })
    .await;
    until("the end of the connection", || {
        server.connections.load(Ordering::SeqCst) == 0
    })
    .await;
}

#[tokio::test]
async fn stop_finishes_calls_ends_streams_and_keeps_its_deadline() {
    let server = Server::start().await;
    let mut watcher = WatchClient::new(server.channel().await);
    let requests = stream::iter([WatchRequest::default()]).chain(stream::pending());
    let mut answers = watcher.watch(requests).await.expect("opened").into_inner();
    assert!(
        answers
            .message()
            .await
            .expect("answered")
            .expect("created")
            .created
    );
    let mut gateway = server
        .send(
            "POST /v3/watch HTTP/1.1\r\nhost: a\r\ncontent-length: 21\r\n\r\n\
             {\"create_request\":{}}",
        )
        .await;
    read_until(&mut gateway, "created").await;
    let call = tokio::spawn({
        let mut client = KvClient::new(server.channel().await);
        async move {
            client
                .put(PutRequest {
                    lease: 1,
                    ..PutRequest::default()
                })
                .await
        }
    });
    until("the call", || server.echo.puts.load(Ordering::SeqCst) == 1).await;
    let begin = Instant::now();
    server.stop.send(()).expect("still serving");
    while TcpStream::connect(&server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.echo.gate.notify_one();
    let drained = timeout(PATIENCE, server.task)
        .await
        .expect("in time")
        .expect("no panic");
    assert_eq!(drained, Drained { cut: 0 });
    assert!(
        begin.elapsed() < Duration::from_millis(700),
        "{:?}",
        begin.elapsed()
    );
    call.await
        .expect("no panic")
        .expect("the running call was finished");
    let status = answers.message().await.expect_err("ended");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "etcdserver: server stopped");
    read_until(&mut gateway, "0\r\n\r\n").await;
}

#[tokio::test]
async fn call_that_hangs_is_cut_at_the_deadline() {
    let server = Server::start().await;
    let mut client = KvClient::new(server.channel().await);
    let call = tokio::spawn(async move {
        client
            .put(PutRequest {
                lease: 1,
                ..PutRequest::default()
            })
            .await
    });
    let mut second = KvClient::new(server.channel().await);
    second.put(PutRequest::default()).await.expect("answered");
    let silent = server.send("").await;
    until("the connections", || {
        server.connections.load(Ordering::SeqCst) == 3
    })
    .await;
    until("the call", || server.echo.puts.load(Ordering::SeqCst) == 1).await;
    let begin = Instant::now();
    server.stop.send(()).expect("still serving");
    let drained = timeout(PATIENCE, server.task)
        .await
        .expect("in time")
        .expect("no panic");
    assert_eq!(drained, Drained { cut: 1 });
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "{:?}",
        begin.elapsed()
    );
    assert!(call.await.expect("no panic").is_err());
    drop(silent);
}

#[tokio::test]
async fn a_thousand_connections_are_served_beside_one_that_dawdles() {
    let server = Server::start().await;
    let mut slow = server.send("PRI * HT").await;
    let mut open = Vec::new();
    for _ in 0..1000 {
        open.push(server.send("GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await);
    }
    for stream in &mut open {
        read_until(stream, "\r\n\r\nok\n").await;
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1001);
    slow.write_all(b"TP/1.0\r\n\r\n").await.expect("written");
    let answer = read_to_end(slow).await;
    assert!(
        answer.starts_with("HTTP/1.0 404") || answer.starts_with("HTTP/1.1 404"),
        "{answer}"
    );
    drop(open);
    until("the end of the connections", || {
        server.connections.load(Ordering::SeqCst) == 0
    })
    .await;
}

#[tokio::test]
async fn connection_that_says_nothing_is_closed() {
    let short = Duration::from_millis(100);
    let limits = Limits {
        first_byte_timeout: short,
        head_timeout: short,
        ..Limits::default()
    };
    let server = Server::start_with(true, Vec::new(), limits).await;
    let silent = server.send("").await;
    let half = server.send("PRI * HTTP/2.0\r\n\r\n").await;
    let slow = server.send("GET / HTTP/1.1\r\nhost:").await;
    for mut stream in [silent, half, slow] {
        let mut answer = Vec::new();
        let closed = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        closed.expect("in time").expect("closed");
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn call_whose_request_does_not_end_is_answered() {
    let limits = Limits {
        body_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start_with(true, Vec::new(), limits).await;
    let (mut client, connection) = h2::client::handshake(server.send("").await)
        .await
        .expect("is h2");
    tokio::spawn(connection);
    let request = HttpRequest::post("http://a/etcdserverpb.KV/Put")
        .header("content-type", "application/grpc")
        .body(())
        .expect("is sound");
    let (answer, mut sender) = client.send_request(request, false).expect("is sent");
    let half = b"\0\0\0\0\x02\x0a";
    sender.send_data(half[..].into(), false).expect("is sent");
    let answer = timeout(PATIENCE, answer).await.expect("in time");
    let answer = answer.expect("answered");
    assert_eq!(answer.headers()["grpc-status"], "4", "deadline exceeded");
}

#[tokio::test]
async fn health_pages_say_what_is_wrong() {
    let server = Server::start_with(false, Vec::new(), Limits::default()).await;
    for (path, status, body) in [
        (
            "/health",
            503,
            r#"{"health":"false","reason":"ALARM NOSPACE"}"#,
        ),
        (
            "/health?exclude=NOSPACE",
            503,
            r#"{"health":"false","reason":"RAFT NO LEADER"}"#,
        ),
        (
            "/health?serializable=true&exclude=NOSPACE",
            200,
            r#"{"health":"true","reason":""}"#,
        ),
        ("/livez", 200, "ok\n"),
        ("/livez?verbose", 200, "[+]serializable_read ok\nok\n"),
        ("/livez/serializable_read", 200, "ok\n"),
        (
            "/readyz",
            503,
            "[+]data_corruption ok\n[+]serializable_read ok\n\
             [-]linearizable_read failed: etcdserver: no leader\n[+]non_learner ok\n",
        ),
        ("/readyz?exclude=linearizable_read", 200, "ok\n"),
        (
            "/readyz/linearizable_read",
            503,
            "[-]linearizable_read failed: etcdserver: no leader\n",
        ),
    ] {
        assert_eq!(
            server.ask("GET", path, "").await,
            (status, body.to_owned()),
            "{path}"
        );
    }
    assert_eq!(server.ask("GET", "/readyz/nothing", "").await.0, 404);
    assert_eq!(server.ask("POST", "/health", "").await.0, 405);
    let answer = read_to_end(
        server
            .send("POST /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await,
    );
    assert!(answer.await.contains("allow: GET"));
}
