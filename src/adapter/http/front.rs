//! The listeners of one front, its connections, and its orderly end.
//!
//! One task owns the listeners and the set of connection tasks; nothing else starts or ends one.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::body::Body;

use crate::adapter::http::connection;
use crate::adapter::http::dispatch::{Dispatch, Phase};
use crate::adapter::http::methods::Methods;
use crate::adapter::http::routes::{Calls, Routes};
use crate::adapter::http::secure::Doorman;
use crate::adapter::http::socket::Socket;
use crate::adapter::log::Rarely;
use crate::adapter::tls;

/// After an accept that failed for want of descriptors or memory: long enough that the loop does
/// not spin, short enough that nobody notices once there is room again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that takes connections.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, tls::Server),
    Unix(UnixListener),
}

impl Listener {
    /// The same socket once more: connections go to whichever of the two accepts them, and wait
    /// while neither does. So a front can give way to another and nobody is refused in between.
    pub fn again(&self) -> io::Result<Self> {
        let tcp = |listener: &TcpListener| {
            let socket = listener.as_fd().try_clone_to_owned()?;
            TcpListener::from_std(socket.into())
        };
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(tcp(listener)?),
            Self::Tls(listener, tls) => Self::Tls(tcp(listener)?, tls.clone()),
            Self::Unix(listener) => {
                let socket = listener.as_fd().try_clone_to_owned()?;
                Self::Unix(UnixListener::from_std(socket.into())?)
            }
        })
    }
}

/// The bounds of one front.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls that one connection may have open at a time.
    pub concurrent_streams_max: u32,
    /// Connections at a time; one more is closed at once.
    pub connections_max: usize,
    /// TLS handshakes at a time; one more waits until its own time is over.
    pub handshakes_max: usize,
    /// From the first byte of a connection to the end of its handshake.
    pub handshake_timeout: Duration,
    /// How long calls in progress may take to finish once the server stops.
    pub drain_timeout: Duration,
    /// A peer that connects and says nothing gives its place back after this.
    pub first_byte_timeout: Duration,
    /// The head of an HTTP/1.1 request, the next one on the same connection as well.
    pub head_timeout: Duration,
    /// Each next part of a unary call's request; a stream's requests may take for ever.
    pub body_timeout: Duration,
    /// A peer that takes nothing of what is written to it loses its connection after this.
    pub stall_timeout: Duration,
}

/// Why a front stopped without having been asked to.
#[derive(Debug, Error)]
pub enum FrontError {
    #[error("a front needs at least one listener")]
    NoListener,
}

/// What was left when a front had stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not ended within the drain timeout and were cut.
    pub cut: usize,
}

/// One gRPC service and one set of routes, ready to be served on any number of listeners.
pub struct Front<S> {
    grpc: S,
    methods: Arc<Methods>,
    routes: Arc<Routes>,
    limits: Limits,
    connections: Arc<AtomicUsize>,
}

/// The gRPC service of a front that has none: every call is unknown.
#[derive(Debug, Clone, Copy)]
pub struct NoCalls;

impl tower::Service<Request<Body>> for NoCalls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        let status = tonic::Status::unimplemented("this address serves monitoring only");
        std::future::ready(Ok(status.into_http()))
    }
}

/// What a connection asks of its service; only here to be written once.
pub(crate) trait ServeCall:
    hyper::service::Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Send
    + 'static
{
}

impl<T> ServeCall for T where
    T: hyper::service::Service<
            Request<Incoming>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Send
        + 'static
{
}

/// What the loop of a front waits for.
enum Event {
    Accepted(Socket, Option<tls::Server>),
    AcceptFailed(io::Error),
    ConnectionEnded,
    Stop,
}

/// One connection, counted for as long as this lives.
struct OpenConnection(Arc<AtomicUsize>);

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_streams_max: 65_536,
            connections_max: 65_536,
            // What they hold is 40 KiB each at most: 10 MiB.
            handshakes_max: 256,
            handshake_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_millis(700),
            first_byte_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            // A client that is stopped (Ctrl-Z) for a while finds its watch still there.
            stall_timeout: Duration::from_secs(10 * 60),
        }
    }
}

impl<S> Front<S>
where
    S: Calls,
{
    /// `grpc` must be ready at all times (its `poll_ready` is not asked).
    pub fn new(grpc: S, routes: Routes, limits: Limits) -> Self {
        Self {
            grpc,
            methods: Arc::new(Methods::new()),
            routes: Arc::new(routes),
            limits,
            connections: Arc::default(),
        }
    }

    /// A front for the other members instead of clients.
    pub fn for_peers(self) -> Self {
        Self {
            methods: Arc::new(Methods::of_peers()),
            ..self
        }
    }

    /// The number of open connections, for a gauge; stays valid after the front has gone.
    pub fn connections(&self) -> Arc<AtomicUsize> {
        self.connections.clone()
    }

    /// Serves until `stop` completes, then drains: takes no more connections, tells the peers, lets
    /// unary calls finish, ends streams, and cuts what remains after the drain timeout.
    pub async fn serve(
        self,
        mut listeners: Vec<Listener>,
        stop: impl Future<Output = ()>,
    ) -> Result<Drained, FrontError> {
        if listeners.is_empty() {
            return Err(FrontError::NoListener);
        }
        // Dropped at the end of this function; connections and streams hold receivers.
        let (phase, watched) = watch::channel(Phase::Serving);
        let dispatch = Dispatch {
            grpc: self.grpc,
            methods: self.methods,
            routes: self.routes,
            phase: watched.clone(),
            caller: None,
            body_timeout: self.limits.body_timeout,
        };
        let doorman = Arc::new(Doorman::new(self.limits));
        let mut tasks = JoinSet::new();
        let mut stop = pin!(stop);
        let mut next = 0;
        let complaint = Rarely::default();
        loop {
            match select(&mut listeners, &mut next, &mut tasks, &mut stop).await {
                Event::Accepted(socket, tls) => {
                    let open = OpenConnection::new(&self.connections);
                    if open.0.load(Ordering::Relaxed) > self.limits.connections_max {
                        if let Some(untold) = complaint.due() {
                            let max = self.limits.connections_max;
                            tracing::warn!(max, untold, "connections refused: too many are open");
                        }
                        continue;
                    }
                    // One task per connection, owned by `tasks`: ends with the peer or the phase.
                    let dispatch = dispatch.clone();
                    let run = connection::serve(
                        socket,
                        tls,
                        Arc::clone(&doorman),
                        move |caller| Dispatch { caller, ..dispatch },
                        watched.clone(),
                    );
                    tasks.spawn(async move {
                        run.await;
                        drop(open);
                    });
                }
                Event::AcceptFailed(error) => {
                    if let Some(untold) = complaint.due() {
                        tracing::warn!(%error, untold, "cannot accept connections");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
                Event::ConnectionEnded => {}
                Event::Stop => break,
            }
        }
        drop(listeners);
        phase.send_replace(Phase::Draining);
        let drained = timeout(self.limits.drain_timeout, async {
            while tasks.join_next().await.is_some() {}
        });
        let _ = drained.await;
        let cut = tasks.len();
        phase.send_replace(Phase::Cut);
        tasks.shutdown().await;
        Ok(Drained { cut })
    }
}

/// The only place where the loop waits.
async fn select(
    listeners: &mut [Listener],
    next: &mut usize,
    tasks: &mut JoinSet<()>,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Event {
    tokio::select! {
        biased;
        () = stop => Event::Stop,
        Some(_) = tasks.join_next() => Event::ConnectionEnded,
        accepted = poll_fn(|context| poll_accept(listeners, next, context)) => match accepted {
            Ok((socket, tls)) => Event::Accepted(socket, tls),
            Err(error) => Event::AcceptFailed(error),
        },
    }
}

/// Asks each listener in turn, beginning behind the last one that had something.
fn poll_accept(
    listeners: &mut [Listener],
    next: &mut usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<(Socket, Option<tls::Server>)>> {
    for _ in 0..listeners.len() {
        *next = (*next + 1) % listeners.len();
        let listener = &listeners[*next];
        let accepted = match listener {
            Listener::Tcp(listener) | Listener::Tls(listener, _) => listener
                .poll_accept(context)
                .map_ok(|(stream, _)| Socket::Tcp(stream)),
            Listener::Unix(listener) => listener
                .poll_accept(context)
                .map_ok(|(stream, _)| Socket::Unix(stream)),
        };
        if let Poll::Ready(accepted) = accepted {
            let tls = match listener {
                Listener::Tls(_, tls) => Some(tls.clone()),
                Listener::Tcp(_) | Listener::Unix(_) => None,
            };
            let socket = accepted.and_then(Socket::without_delay);
            return Poll::Ready(socket.map(|socket| (socket, tls)));
        }
    }
    Poll::Pending
}

impl OpenConnection {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
