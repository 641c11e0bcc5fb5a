//! Passes gRPC calls on to the members of a cluster, as they are: a worker's way to serve clients.
//!
//! - One connection is used at a time, and all calls share it. When it breaks, the next member is
//!   tried; a call that was not sent goes there, one that may have been sent never does.
//! - A call that was cut off ends with `Unavailable`, whether it streams or not: the client never
//!   sees an answer that only looks complete.
//! - Messages are not looked into: what a member understands, its worker passes on.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, Uri, Version, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;

use crate::adapter::rpc::client::{Endpoint, open, root_cause};
use crate::adapter::tls;

/// Members that one call is offered to before it is given up: all of the largest cluster.
const TRIES_MAX: usize = 7;
/// For one member to accept a connection.
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two signs of life of a member while calls are open: one that is paused or cut off is
/// given up after two of these.
const SILENCE: Duration = Duration::from_secs(2);
/// What may be on its way unread on one stream, and on all of them together.
const STREAM_WINDOW_BYTES: u32 = 2 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// A member that clients may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub member: u64,
    pub endpoints: Vec<Endpoint>,
}

/// The way to the members. Clones share it.
#[derive(Clone)]
pub struct Relay(Arc<Shared>);

struct Shared {
    tls: Option<tls::Client>,
    state: Mutex<State>,
    /// One task connects at a time; the others then find the connection that it made.
    connecting: tokio::sync::Mutex<()>,
}

struct State {
    /// In the order in which they are tried.
    targets: Vec<Target>,
    way: Option<Way>,
    /// Where to look first when there is no way: behind the member that failed last.
    next: usize,
    /// How often all were tried in vain, and why the last time.
    failures: u64,
    refused: String,
}

/// A connection to a member.
#[derive(Clone)]
struct Way {
    member: u64,
    endpoint: String,
    authority: Authority,
    sender: SendRequest<Body>,
    /// Ends the connection, and with it all calls on it.
    connection: AbortHandle,
}

/// An answer that says so when it is cut off.
struct Passed {
    body: Incoming,
    endpoint: String,
    /// Whether the status has gone out: it came in the head, or in the trailers.
    has_ended: bool,
}

impl Relay {
    /// Members whose URLs say `https` are reached with `tls` only.
    pub fn new(targets: Vec<Target>, tls: Option<tls::Client>) -> Self {
        Self(Arc::new(Shared {
            tls,
            state: Mutex::new(State {
                targets,
                way: None,
                next: 0,
                failures: 0,
                refused: String::new(),
            }),
            connecting: tokio::sync::Mutex::default(),
        }))
    }

    /// Who may be asked from now on. What runs goes on, unless its member is no longer there.
    pub fn set_targets(&self, targets: Vec<Target>) {
        let mut state = self.state();
        let gone = |way: &Way| !targets.iter().any(|target| target.member == way.member);
        if state.way.as_ref().is_some_and(gone) {
            state.leave();
        }
        state.targets = targets;
        state.next = 0;
    }

    /// The member that calls go to, if there is a connection.
    pub fn member(&self) -> Option<u64> {
        let state = self.state();
        let way = state.way.as_ref().filter(|way| !way.sender.is_closed());
        way.map(|way| way.member)
    }

    /// Gives up the member that calls go to: it answers, but it cannot serve. All calls on the way
    /// end, and the next one goes to the next member.
    pub fn move_on(&self) {
        self.state().leave();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut headers = head.headers;
        // They are about the connection that the call came on.
        for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        let mut body = body;
        let mut refused = "none is known".to_owned();
        for _ in 0..TRIES_MAX {
            let mut way = match self.way().await {
                Ok(way) => way,
                Err(why) => {
                    refused = why;
                    break;
                }
            };
            let mut request = Request::new(body);
            *request.method_mut() = Method::POST;
            *request.uri_mut() = uri(&way.authority, &path);
            *request.version_mut() = Version::HTTP_2;
            *request.headers_mut() = headers.clone();
            match way.sender.try_send_request(request).await {
                Ok(answer) => return passed(answer, way.endpoint),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        refused = format!("{}: {}", way.endpoint, root_cause(error.error()));
                        body = unsent.into_body();
                        self.state().leave_if(way.member);
                    }
                    None => return cut_off(&way.endpoint, error.error()).into_http(),
                },
            }
        }
        let why = format!("no member of the cluster can be reached: {refused}");
        Status::unavailable(why).into_http()
    }

    /// A connection that is open, made now if there is none. Those who wait for one share the
    /// outcome: a thousand calls that each tried members that are cut off, one after the other,
    /// would wait for hours.
    async fn way(&self) -> Result<Way, String> {
        let asked_at = {
            let state = self.state();
            if let Some(way) = state.open_way() {
                return Ok(way);
            }
            state.failures
        };
        let _one_at_a_time = self.0.connecting.lock().await;
        let (targets, next) = {
            let mut state = self.state();
            if let Some(way) = state.open_way() {
                return Ok(way);
            }
            // The first may have begun before this call.
            if state.failures >= asked_at + 2 {
                return Err(state.refused.clone());
            }
            state.leave();
            (state.targets.clone(), state.next)
        };
        let mut refused = "none is known".to_owned();
        for step in 0..targets.len().min(TRIES_MAX) {
            let at = (next + step) % targets.len();
            for endpoint in &targets[at].endpoints {
                match dial(targets[at].member, endpoint, &self.0.tls).await {
                    Ok(way) => {
                        let mut state = self.state();
                        state.next = at;
                        state.way = Some(way.clone());
                        return Ok(way);
                    }
                    Err(why) => refused = format!("{endpoint}: {why}"),
                }
            }
        }
        let mut state = self.state();
        state.failures += 1;
        state.refused.clone_from(&refused);
        Err(refused)
    }
}

impl State {
    fn open_way(&self) -> Option<Way> {
        self.way.clone().filter(|way| !way.sender.is_closed())
    }

    /// Ends the way, if there is one; the next member is then tried first.
    fn leave(&mut self) {
        if let Some(way) = self.way.take() {
            way.connection.abort();
            self.next += 1;
        }
    }

    fn leave_if(&mut self, member: u64) {
        if self.way.as_ref().is_some_and(|way| way.member == member) {
            self.leave();
        }
    }
}

async fn dial(member: u64, endpoint: &Endpoint, tls: &Option<tls::Client>) -> Result<Way, String> {
    let dialed = timeout(DIAL_TIMEOUT, async {
        let stream = open(endpoint.address.clone(), tls.clone(), DIAL_TIMEOUT);
        let stream = stream.await.map_err(|error| root_cause(&error))?;
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(SILENCE)
            .keep_alive_timeout(SILENCE)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .handshake::<_, Body>(stream);
        handshake.await.map_err(|error| root_cause(&error))
    });
    let (sender, connection) = dialed.await.map_err(|late| late.to_string())??;
    // Ends when the member closes it, when it is left, or with the last call after the relay.
    let connection = tokio::spawn(connection.map(drop)).abort_handle();
    let authority = endpoint.address.authority().parse();
    Ok(Way {
        member,
        endpoint: endpoint.text.clone(),
        authority: authority.unwrap_or_else(|_| Authority::from_static("localhost")),
        sender,
        connection,
    })
}

fn uri(authority: &Authority, path: &PathAndQuery) -> Uri {
    let parts = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority.clone());
    let uri = parts.path_and_query(path.clone()).build();
    uri.expect("all three parts are sound and there")
}

fn passed(answer: Response<Incoming>, endpoint: String) -> Response<Body> {
    let has_ended = answer.headers().contains_key(Status::GRPC_STATUS);
    answer.map(|body| {
        Body::new(Passed {
            body,
            endpoint,
            has_ended,
        })
    })
}

/// Whether the member has done what it was asked is not known.
fn cut_off(endpoint: &str, error: &(dyn std::error::Error + 'static)) -> Status {
    let why = root_cause(error);
    Status::unavailable(format!("the connection to member {endpoint} broke: {why}"))
}

impl Passed {
    fn end(&mut self, status: &Status) -> Frame<Bytes> {
        self.has_ended = true;
        let mut trailers = HeaderMap::new();
        let added = status.add_header(&mut trailers);
        added.expect("a text without control characters is a header value");
        Frame::trailers(trailers)
    }
}

impl hyper::body::Body for Passed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                self.has_ended |= frame.is_trailers();
                Some(Ok(frame))
            }
            _ if self.has_ended => None,
            Some(Err(error)) => {
                let status = cut_off(&self.endpoint, &error);
                Some(Ok(self.end(&status)))
            }
            None => {
                let why = format!("member {} ended its answer too early", self.endpoint);
                Some(Ok(self.end(&Status::unavailable(why))))
            }
        })
    }

    /// Only a status in the head makes an answer complete without trailers.
    fn is_end_stream(&self) -> bool {
        self.has_ended && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.has_ended {
            true => self.body.size_hint(),
            false => SizeHint::default(),
        }
    }
}

impl tower::Service<Request<Body>> for Relay {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let relay = self.clone();
        async move { Ok(relay.pass(request).await) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn calls_that_wait_for_a_member_that_is_away_share_the_outcome() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        let dialed = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&dialed);
        // It takes connections and ends them: a handshake of TLS fails.
        let member = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                drop(stream);
            }
        });
        let tls = tls::Client::new(tls::Servers::Unverified, None).expect("made");
        let target = Target {
            member: 1,
            endpoints: vec![format!("https://{address}").parse().expect("a URL")],
        };
        let relay = Relay::new(vec![target], Some(tls));
        let calls = join_all((0..100).map(|_| relay.way())).await;
        assert!(calls.iter().all(Result::is_err));
        assert!(relay.way().await.is_err(), "and the next call tries again");
        let dialed = dialed.load(Ordering::Relaxed);
        assert!((2..=3).contains(&dialed), "{dialed}");
        member.abort();
    }
}
