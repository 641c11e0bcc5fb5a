//! One connection: which protocol it speaks, and its life until the peer or the server ends it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_stream::wrappers::WatchStream;

use crate::adapter::cork::Corked;
use crate::adapter::http::dispatch::Phase;
use crate::adapter::http::front::{Limits, ServeCall};
use crate::adapter::http::secure::Doorman;
use crate::adapter::http::socket::{Replayed, Socket};
use crate::adapter::tls::{self, Caller};

/// What a client that speaks HTTP/2 with prior knowledge sends first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// etcd's server-side keep-alive: it finds a peer that vanished without a word.
const PING_INTERVAL: Duration = Duration::from_secs(2 * 60 * 60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// The head of a request: room for an 8 KiB token and the metadata of a proxy.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Flow-control windows: a request of the default size limit flows without waiting for an update,
/// and one connection cannot make the server hold more than the second figure.
const STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// Streams that the peer reset before they were accepted: a client whose 1000 calls time out
/// together is no attack, more than this is (CVE-2023-44487).
const RESET_STREAMS_MAX: usize = 1024;

/// Calls that whoever shows no certificate may have open at a time, where certificates are asked
/// for: a machine that wants to join makes one.
const NOBODY_STREAMS_MAX: u32 = 4;

/// Which protocol the first bytes are.
enum Speech {
    Http1(Bytes),
    Http2(Bytes),
}

/// A hyper connection, either protocol.
trait Conversation: Future<Output = hyper::Result<()>> {
    fn finish_up(self: Pin<&mut Self>);
}

/// Serves one connection until it ends; errors of the peer's making are only logged.
pub(crate) async fn serve<S: ServeCall>(
    socket: Socket,
    tls: Option<tls::Server>,
    doorman: Arc<Doorman>,
    service: impl FnOnce(Option<Caller>) -> S,
    mut phase: watch::Receiver<Phase>,
) {
    let entered = tokio::select! {
        entered = enter(socket, tls, &doorman) => entered,
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
    };
    let Some((speech, socket, caller)) = entered else {
        return;
    };
    let limits = limits_of(caller.as_ref(), doorman.limits);
    let service = service(caller);
    let replayed = |ahead| Replayed::new(ahead, socket, limits.stall_timeout);
    let ended = match speech {
        Speech::Http1(ahead) => {
            let io = TokioIo::new(replayed(ahead));
            converse(http1_settings(limits).serve_connection(io, service), phase).await
        }
        Speech::Http2(ahead) => {
            let io = TokioIo::new(Corked::new(replayed(ahead)));
            converse(http2_settings(limits).serve_connection(io, service), phase).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

fn limits_of(caller: Option<&Caller>, limits: Limits) -> Limits {
    match caller {
        Some(Caller(None)) => Limits {
            concurrent_streams_max: limits.concurrent_streams_max.min(NOBODY_STREAMS_MAX),
            ..limits
        },
        _ => limits,
    }
}

/// Finds out what a new connection speaks; none if it is not to be served.
async fn enter(
    socket: Socket,
    tls: Option<tls::Server>,
    doorman: &Doorman,
) -> Option<(Speech, Socket, Option<Caller>)> {
    let (socket, caller) = match tls {
        None => (socket, None),
        Some(tls) => doorman.secure(socket, &tls).await?,
    };
    let secured = matches!(socket, Socket::Tls(_));
    match timeout(doorman.limits.first_byte_timeout, listen(socket)).await {
        Ok(Ok((Speech::Http1(ahead), socket))) if !secured && ahead[0] == tls::FIRST_BYTE => {
            doorman.refuse_tls(socket).await;
            None
        }
        Ok(Ok((speech, socket))) => Some((speech, socket, caller)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "connection ended before a request");
            None
        }
        Err(_) => {
            tracing::debug!("connection closed: no first byte in time");
            None
        }
    }
}

/// Reads until the bytes can no longer be the preface, or are all of it.
async fn listen(mut socket: Socket) -> io::Result<(Speech, Socket)> {
    let mut ahead = BytesMut::with_capacity(4096);
    loop {
        if socket.read_buf(&mut ahead).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let known = ahead.len().min(PREFACE.len());
        if ahead[..known] != PREFACE[..known] {
            return Ok((Speech::Http1(ahead.freeze()), socket));
        }
        if known == PREFACE.len() {
            return Ok((Speech::Http2(ahead.freeze()), socket));
        }
    }
}

/// Drives a connection to its end. The phase is polled once to leave the waker behind and then only
/// when it has changed: polling it at each wake-up would take its lock for every call.
async fn converse(
    connection: impl Conversation,
    phase: watch::Receiver<Phase>,
) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    let mut changes = WatchStream::new(phase.clone());
    let mut registered = false;
    poll_fn(|context: &mut Context<'_>| {
        if !registered || phase.has_changed().unwrap_or(true) {
            registered = true;
            while let Poll::Ready(change) = changes.poll_next_unpin(context) {
                match change {
                    Some(Phase::Serving) => {}
                    Some(Phase::Draining) => connection.as_mut().finish_up(),
                    Some(Phase::Cut) | None => return Poll::Ready(Ok(())),
                }
            }
        }
        connection.as_mut().poll(context)
    })
    .await
}

fn http1_settings(limits: Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
}

fn http2_settings(limits: Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(limits.concurrent_streams_max)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .auto_date_header(false);
    builder
}

impl<S: ServeCall> Conversation for http1::Connection<TokioIo<Replayed>, S> {
    fn finish_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S: ServeCall> Conversation for http2::Connection<TokioIo<Corked<Replayed>>, S, TokioExecutor> {
    fn finish_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
