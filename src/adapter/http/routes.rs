//! What is answered to requests that are not gRPC.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use http::{Request, Response};
use tonic::body::Body;

/// The answer to one request, in the making.
pub type RouteFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A set of HTTP routes; answers every request, if only with 404.
pub trait Routes: Send + Sync + 'static {
    fn answer(&self, request: Request<Body>) -> RouteFuture;
}
