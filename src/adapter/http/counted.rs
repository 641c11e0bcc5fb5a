//! Counts the gRPC calls of a service by method and by how they ended.
//!
//! - A call counts as ended once, with the code that the client is sent; one that is dropped before
//!   it has a code, because its client went away, as cancelled.
//! - A unary call costs one look-up of its path, and its body goes out as it is. Only the body of a
//!   call that streams is wrapped, because its code comes last.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::adapter::metrics::{Metrics, RpcMetrics};

/// A gRPC service whose calls are counted, however they arrive.
#[derive(Clone)]
pub struct Counted<S> {
    grpc: S,
    metrics: Arc<Metrics>,
}

/// The answer to a counted call, in the making.
pub struct CountedCall<F> {
    call: F,
    /// None for a path that no metric knows, and once the call is answered.
    running: Option<Running>,
}

/// One call from its start to its end, which is when this is dropped.
struct Running {
    rpc: Arc<RpcMetrics>,
    code: i32,
}

/// The body of a call that streams; its trailers say how it ended.
struct CountedBody {
    body: Body,
    running: Option<Running>,
}

impl<S> Counted<S> {
    pub fn new(grpc: S, metrics: Arc<Metrics>) -> Self {
        Self { grpc, metrics }
    }
}

impl<S> tower::Service<Request<Body>> for Counted<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = CountedCall<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.grpc.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let running = self.metrics.rpc(request.uri().path()).map(Running::start);
        CountedCall {
            call: self.grpc.call(request),
            running,
        }
    }
}

impl<F> Future for CountedCall<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.call).poll(context));
        Poll::Ready(match self.running.take() {
            Some(running) => answer.map(|response| running.answered(response)),
            None => answer,
        })
    }
}

impl Running {
    fn start(rpc: &Arc<RpcMetrics>) -> Self {
        rpc.started.inc();
        Self {
            rpc: Arc::clone(rpc),
            code: Code::Cancelled as i32,
        }
    }

    /// An error is in the head of the response. Else a unary call has ended well, and a stream has
    /// begun.
    fn answered(self, response: Response<Body>) -> Response<Body> {
        match code(response.headers()) {
            Some(code) => self.end(code),
            None if self.rpc.streams => {
                return response.map(|body| {
                    Body::new(CountedBody {
                        body,
                        running: Some(self),
                    })
                });
            }
            None => self.end(Code::Ok as i32),
        }
        response
    }

    fn end(mut self, code: i32) {
        self.code = code;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.rpc.handled(self.code);
    }
}

impl hyper::body::Body for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let trailers = match &frame {
            Some(Ok(frame)) => frame.trailers_ref(),
            _ => None,
        };
        if let Some(code) = trailers.and_then(code)
            && let Some(running) = self.running.take()
        {
            running.end(code);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The status in a head or in trailers, by gRPC's number.
fn code(headers: &HeaderMap) -> Option<i32> {
    let text = headers.get(Status::GRPC_STATUS)?.to_str().ok();
    // A status that is no number says no more than that there is one.
    let number = text.and_then(|text| text.parse().ok());
    Some(number.unwrap_or(Code::Unknown as i32))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use http_body_util::{BodyExt, Full};
    use tower::{Service, service_fn};

    use super::*;
    use crate::adapter::http::served_methods;

    const PUT: &str = "/etcdserverpb.KV/Put";
    const WATCH: &str = "/etcdserverpb.Watch/Watch";

    fn request(path: &str) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().expect("a path");
        request
    }

    /// The shown line of one method and code.
    fn handled(metrics: &Metrics, method: &str, code: &str) -> String {
        let text = metrics.render().expect("rendered");
        let labels = [format!("\"{method}\""), format!("\"{code}\"")];
        let shown = text.lines().find(|line| {
            line.starts_with("grpc_server_handled_total")
                && labels.iter().all(|label| line.contains(label))
        });
        let value = shown.and_then(|line| line.rsplit(' ').next());
        value.expect("every code of every method is shown").into()
    }

    #[tokio::test]
    async fn unary_call_is_counted_with_the_code_in_its_head() {
        let metrics = Arc::new(Metrics::new("3.6.0", served_methods()));
        let grpc = service_fn(|request: Request<Body>| {
            ready(Ok(match request.headers().contains_key("token") {
                true => Status::out_of_range("compacted").into_http(),
                false => Response::new(Body::new(Full::new(Bytes::from_static(b"frame")))),
            }))
        });
        let mut counted = Counted::new(grpc, Arc::clone(&metrics));
        counted.call(request(PUT)).await.expect("answered");
        let mut refused = request(PUT);
        let token = http::HeaderValue::from_static("a");
        refused.headers_mut().insert("token", token);
        counted.call(refused).await.expect("answered");
        assert_eq!(handled(&metrics, "Put", "OK"), "1");
        assert_eq!(handled(&metrics, "Put", "OutOfRange"), "1");
        assert_eq!(metrics.rpc(PUT).expect("served").started.get(), 2);
    }

    #[tokio::test]
    async fn call_that_its_client_leaves_is_counted_as_canceled() {
        let metrics = Arc::new(Metrics::new("3.6.0", served_methods()));
        let grpc = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
        let mut counted = Counted::new(grpc, Arc::clone(&metrics));
        assert!(counted.call(request(PUT)).now_or_never().is_none());
        assert_eq!(handled(&metrics, "Put", "Canceled"), "1");
    }

    #[tokio::test]
    async fn stream_is_counted_with_the_code_in_its_trailers() {
        let metrics = Arc::new(Metrics::new("3.6.0", served_methods()));
        let grpc = service_fn(|_: Request<Body>| {
            let mut trailers = HeaderMap::new();
            let status = Status::unavailable("no leader");
            status.add_header(&mut trailers).expect("a header value");
            let body = Full::new(Bytes::from_static(b"frame"));
            let body = body.with_trailers(ready(Some(Ok(trailers))));
            ready(Ok(Response::new(Body::new(body))))
        });
        let mut counted = Counted::new(grpc, Arc::clone(&metrics));
        let answer = counted.call(request(WATCH)).await.expect("answered");
        assert_eq!(handled(&metrics, "Watch", "Unavailable"), "0");
        answer.into_body().collect().await.expect("read");
        let left = counted.call(request(WATCH)).await.expect("answered");
        drop(left);
        assert_eq!(handled(&metrics, "Watch", "Unavailable"), "1");
        assert_eq!(handled(&metrics, "Watch", "Canceled"), "1");
        assert_eq!(metrics.rpc(WATCH).expect("served").started.get(), 2);
    }
}
