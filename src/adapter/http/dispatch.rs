//! What happens to each request: gRPC calls go to the service, everything else to the routes.
//!
//! The future of a unary gRPC call is the service's own, unboxed. Only calls that stream, and the
//! HTTP routes, pay for a box.

use std::convert::Infallible;
use std::future::{self, Future, Ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use futures_util::{FutureExt, StreamExt};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tokio_stream::wrappers::WatchStream;
use tonic::Status;
use tonic::body::Body;
use tower::BoxError;

use crate::adapter::http::methods::{Kind, Methods};
use crate::adapter::http::routes::{Calls, RouteFuture, Routes};
use crate::adapter::tls::Caller;

/// How far the server is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// Running unary calls may finish, streams end.
    Draining,
    /// What still runs is dropped.
    Cut,
}

/// The service of one front; a clone per connection.
pub(crate) struct Dispatch<S> {
    pub(crate) grpc: S,
    pub(crate) methods: Arc<Methods>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) body_timeout: Duration,
    /// Who is at the other end, where certificates are asked for.
    pub(crate) caller: Option<Caller>,
}

/// The answer in the making.
pub(crate) type Answer<F> =
    Either<F, Either<Ready<Result<Response<Body>, Infallible>>, RouteFuture>>;

/// The request body of a unary call, of which each part must come in time.
struct Punctual {
    body: Incoming,
    patience: Duration,
    /// Set while a part is waited for: what has come already, as most have, costs no timer.
    late: Option<Pin<Box<Sleep>>>,
}

/// A response body that ends with `server stopped` when the server drains.
struct UntilStopped {
    body: Body,
    phase: WatchStream<Phase>,
    ended: bool,
}

impl<S: Clone> Clone for Dispatch<S> {
    fn clone(&self) -> Self {
        Self {
            grpc: self.grpc.clone(),
            methods: self.methods.clone(),
            routes: self.routes.clone(),
            phase: self.phase.clone(),
            body_timeout: self.body_timeout,
            caller: self.caller.clone(),
        }
    }
}

impl<S> hyper::service::Service<Request<Incoming>> for Dispatch<S>
where
    S: Calls,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    /// The service must be ready at all times, as generated tonic servers are: its `poll_ready` is
    /// not asked.
    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(caller) = &self.caller {
            request.extensions_mut().insert(caller.clone());
        }
        // Where it is open who may connect, those without a certificate get what a call of theirs
        // may give them, and no page.
        let is_nobody = matches!(self.caller, Some(Caller(None)));
        if is_nobody && !is_grpc(&request) {
            let answer = future::ready(Ok(forbidden()));
            return Either::Right(Either::Left(answer));
        }
        if !is_grpc(&request) {
            let answer = self.routes.answer(request.map(Body::new));
            let phase = self.phase.clone();
            return Either::Right(Either::Right(Box::pin(answer.map(|answer| {
                answer.map(|response| response.map(|body| UntilStopped::wrap(body, phase)))
            }))));
        }
        match self.methods.kind(request.uri().path()) {
            Kind::Unary => {
                let request = request.map(|body| Punctual::wrap(body, self.body_timeout));
                Either::Left(self.grpc.clone().call(request))
            }
            Kind::Stream => {
                let request = request.map(Body::new);
                let phase = self.phase.clone();
                let call = self.grpc.clone().call(request).map(|answer| {
                    answer.map(|response| response.map(|body| UntilStopped::wrap(body, phase)))
                });
                Either::Right(Either::Right(Box::pin(call)))
            }
            Kind::Unknown => {
                let status = self.methods.unimplemented(request.uri().path());
                Either::Right(Either::Left(future::ready(Ok(status.into_http()))))
            }
        }
    }
}

fn forbidden() -> Response<Body> {
    let text = Bytes::from_static(b"this wants a certificate of the cluster\n");
    let mut answer = Response::new(Body::new(Full::new(text)));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer
}

impl Punctual {
    fn wrap(body: Incoming, patience: Duration) -> Body {
        Body::new(Self {
            body,
            patience,
            late: None,
        })
    }
}

impl hyper::body::Body for Punctual {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.late = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let patience = self.patience;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(late.as_mut().poll(context));
        let status = Status::deadline_exceeded("the request did not come to its end in time");
        Poll::Ready(Some(Err(status.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl UntilStopped {
    fn wrap(body: Body, phase: watch::Receiver<Phase>) -> Body {
        if body.size_hint().exact().is_some() {
            return body;
        }
        Body::new(Self {
            body,
            phase: WatchStream::new(phase),
            ended: false,
        })
    }

    fn stopped(&mut self, context: &mut Context<'_>) -> bool {
        while let Poll::Ready(phase) = self.phase.poll_next_unpin(context) {
            if phase != Some(Phase::Serving) {
                return true;
            }
        }
        false
    }
}

impl hyper::body::Body for UntilStopped {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // What is ready goes out first, so that a stream ends after the last event it owes.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        if !self.stopped(context) {
            return Poll::Pending;
        }
        self.ended = true;
        Poll::Ready(Some(Ok(Frame::trailers(stopped_trailers()))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && request
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn stopped_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    Status::unavailable("etcdserver: server stopped")
        .add_header(&mut trailers)
        .expect("the text is a header value");
    trailers
}
