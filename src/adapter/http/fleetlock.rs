//! `/v1/pre-reboot` and `/v1/steady-state`: FleetLock v1, for nodes that are no machines of ours.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tonic::body::Body;

use crate::adapter::http::gateway::json_response;
use crate::core::lock::fleetlock::{Ask, Client, HEADER, Refusal};

/// It has two names.
const BODY_BYTES_MAX: usize = 64 << 10;
/// For all of the body to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What decides.
pub trait Places: Send + Sync + 'static {
    fn answer(&self, ask: Ask, client: Client) -> BoxFuture<'_, Result<(), Refusal>>;
}

/// The pages of the protocol.
#[derive(Clone)]
pub struct FleetLock {
    places: Arc<dyn Places>,
    /// None: whoever can open a connection may ask.
    token: Option<String>,
}

impl FleetLock {
    pub fn new(places: Arc<dyn Places>, token: Option<String>) -> Self {
        Self { places, token }
    }

    pub(crate) async fn answer(self, ask: Ask, request: Request<Body>) -> Response<Body> {
        if request.method() != Method::POST {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let post = HeaderValue::from_static("POST");
            answer.headers_mut().insert(header::ALLOW, post);
            return answer;
        }
        match self.decide(ask, request).await {
            Ok(()) => json_response(StatusCode::OK, Bytes::new()),
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.code()).expect("a code of HTTP");
                json_response(status, refusal.body().into())
            }
        }
    }

    async fn decide(&self, ask: Ask, request: Request<Body>) -> Result<(), Refusal> {
        let (head, body) = request.into_parts();
        if let Some(token) = &self.token
            && !shows(&head.headers, token)
        {
            return Err(Refusal::Token);
        }
        let body = timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES_MAX).collect()).await;
        let body = match body {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(Refusal::Identity(format!("no body came: {error}"))),
            Err(_) => return Err(Refusal::Identity("the body came too slowly".to_owned())),
        };
        let header = head.headers.get(HEADER).map(HeaderValue::as_bytes);
        let client = Client::read(header, &body)?;
        self.places.answer(ask, client).await
    }
}

/// Whether the token is shown. Digests are compared: how long that takes tells nothing of it.
fn shows(headers: &HeaderMap, token: &str) -> bool {
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    shown.is_some_and(|shown| Sha256::digest(shown) == Sha256::digest(token))
}
