//! Asks a server of somebody else one thing over HTTP or HTTPS, within a time and a size.
//!
//! Each question has a connection of its own: they are minutes apart.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::adapter::net;
use crate::adapter::tls::{self, ClientFiles};

/// Of Prometheus's alerts a few thousand.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// For the handshake.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked; a body makes it a POST.
#[derive(Debug, Default)]
pub struct Question<'a> {
    pub url: &'a str,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: Option<String>,
}

/// The status and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{0:?} is no URL")]
    Url(String),
    #[error("cannot connect to {host}: {why}")]
    Connect { host: String, why: String },
    #[error("no answer from {host}: {why}")]
    Talk { host: String, why: String },
    #[error("no answer within {0:?}")]
    Late(Duration),
}

/// Asks once.
pub async fn ask(question: Question<'_>, patience: Duration) -> Result<Answer, HttpError> {
    timeout(patience, ask_in_time(question))
        .await
        .unwrap_or(Err(HttpError::Late(patience)))
}

async fn ask_in_time(question: Question<'_>) -> Result<Answer, HttpError> {
    let wrong = || HttpError::Url(question.url.to_owned());
    let uri: Uri = question.url.parse().map_err(|_| wrong())?;
    let host = uri.host().ok_or_else(wrong)?.to_owned();
    let is_secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let connect = |why: String| HttpError::Connect {
        host: host.clone(),
        why,
    };
    let stream = net::connect(&host, port).await;
    let stream = stream.map_err(|error| connect(error.to_string()))?;
    if !is_secure {
        return talk(stream, Version::Http1, &uri, &host, question).await;
    }
    let client = tls::Client::of_files(ClientFiles::default());
    let client = client.map_err(|error| connect(tls::chain(&error)))?;
    let secured = client.connect(&host, stream, TLS_TIMEOUT).await;
    let secured = secured.map_err(|error| connect(tls::chain(&error)))?;
    let version = match secured.speaks_http2() {
        true => Version::Http2,
        false => Version::Http1,
    };
    talk(secured, version, &uri, &host, question).await
}

/// What a connection speaks.
enum Version {
    Http1,
    Http2,
}

async fn talk<IO>(
    stream: IO,
    version: Version,
    uri: &Uri,
    host: &str,
    question: Question<'_>,
) -> Result<Answer, HttpError>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let talk = |error: &dyn std::error::Error| HttpError::Talk {
        host: host.to_owned(),
        why: tls::chain(error),
    };
    let request = request(uri, &question, &version)?;
    let io = TokioIo::new(stream);
    // Each ends when its sender is dropped, or with the connection.
    let answer = match version {
        Version::Http1 => {
            let made = http1::handshake(io).await;
            let (mut sender, connection) = made.map_err(|error| talk(&error))?;
            tokio::spawn(connection);
            sender.send_request(request).await
        }
        Version::Http2 => {
            let made = http2::handshake(TokioExecutor::new(), io).await;
            let (mut sender, connection) = made.map_err(|error| talk(&error))?;
            tokio::spawn(connection);
            sender.send_request(request).await
        }
    };
    let (head, body) = answer.map_err(|error| talk(&error))?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| talk(&*error))?;
    Ok(Answer {
        status: head.status.as_u16(),
        body: body.to_bytes(),
    })
}

fn request(
    uri: &Uri,
    question: &Question<'_>,
    version: &Version,
) -> Result<Request<Full<Bytes>>, HttpError> {
    let wrong = || HttpError::Url(question.url.to_owned());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let target = match version {
        Version::Http1 => path.parse().map_err(|_| wrong())?,
        Version::Http2 => uri.clone(),
    };
    let body = question.body.clone();
    let method = match body {
        Some(_) => Method::POST,
        None => Method::GET,
    };
    let mut request = Request::new(Full::from(body.unwrap_or_default()));
    (*request.method_mut(), *request.uri_mut()) = (method, target);
    let authority = uri.authority().ok_or_else(wrong)?.as_str();
    let headers = request.headers_mut();
    if matches!(version, Version::Http1) {
        let authority = HeaderValue::from_str(authority).map_err(|_| wrong())?;
        headers.insert(header::HOST, authority);
    }
    let agent = concat!("coracle/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in question.headers {
        let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}
