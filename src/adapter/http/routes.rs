//! What is answered to requests that are not gRPC: gateway, health pages, metrics, or 404.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;

use crate::adapter::http::fleetlock::FleetLock;
use crate::adapter::http::gateway::{Gateway, not_found};
use crate::adapter::http::health::{self, Probe};
use crate::adapter::http::methods::Methods;
use crate::adapter::metrics::Metrics;
use crate::core::lock::fleetlock::Ask;

/// The answer to one request, in the making.
pub(crate) type RouteFuture =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The HTTP side of one front.
pub struct Routes {
    gateway: Option<Arc<Gateway>>,
    fleetlock: Option<FleetLock>,
    probe: Arc<dyn Probe>,
    metrics: Arc<Metrics>,
}

/// A service of gRPC calls as a front takes it; only here to be written once.
pub trait Calls:
    tower::Service<
        Request<Body>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<T> Calls for T where
    T: tower::Service<
            Request<Body>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

impl Routes {
    /// Everything: `grpc` answers what comes through the JSON gateway. `message_bytes_max` bounds
    /// one request message, as the same figure does for gRPC (etcd: request limit + 512 KiB).
    pub fn all<S>(
        grpc: S,
        message_bytes_max: usize,
        probe: Arc<dyn Probe>,
        metrics: Arc<Metrics>,
    ) -> Self
    where
        S: Calls,
    {
        let calls = BoxCloneSyncService::new(grpc);
        let gateway = Gateway::new(calls, &Methods::new(), message_bytes_max);
        Self {
            gateway: Some(Arc::new(gateway)),
            fleetlock: None,
            probe,
            metrics,
        }
    }

    /// Also serves FleetLock.
    #[must_use]
    pub fn with_fleetlock(mut self, fleetlock: FleetLock) -> Self {
        self.fleetlock = Some(fleetlock);
        self
    }

    /// Health and metrics only, for a listener that monitoring may reach and clients may not.
    pub fn monitoring(probe: Arc<dyn Probe>, metrics: Arc<Metrics>) -> Self {
        Self {
            gateway: None,
            fleetlock: None,
            probe,
            metrics,
        }
    }

    pub(crate) fn answer(&self, request: Request<Body>) -> RouteFuture {
        let path = request.uri().path();
        if let Some(gateway) = &self.gateway
            && (path.starts_with("/v3/") || path.starts_with("/v3beta/"))
        {
            return Box::pin(gateway.answer(request).map(Ok));
        }
        if let Some(fleetlock) = &self.fleetlock
            && let Some(ask) = Ask::of_path(path)
        {
            return Box::pin(fleetlock.clone().answer(ask, request).map(Ok));
        }
        let (probe, metrics) = (self.probe.clone(), self.metrics.clone());
        let (head, _) = request.into_parts();
        Box::pin(async move {
            if head.uri.path() == "/metrics" && head.method == Method::GET {
                return Ok(render(&metrics));
            }
            let answer = health::answer(probe.as_ref(), &head.method, &head.uri).await;
            if let ("/health", Some(answer)) = (head.uri.path(), &answer) {
                match answer.status() {
                    StatusCode::OK => metrics.server.health_success.inc(),
                    StatusCode::SERVICE_UNAVAILABLE => metrics.server.health_failures.inc(),
                    _ => {}
                }
            }
            Ok(answer.unwrap_or_else(not_found))
        })
    }
}

fn render(metrics: &Metrics) -> Response<Body> {
    let (status, body) = match metrics.render() {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    };
    let mut response = Response::new(Body::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
