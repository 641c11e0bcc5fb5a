//! `/health`, `/livez`, `/readyz` and `/version`, as etcd answers them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Response, StatusCode, Uri, header};
use http_body_util::Full;
use serde_json::json;
use tokio::time::timeout;
use tonic::body::Body;

use crate::adapter::http::gateway::json_response;
use crate::core::kv::request::{Alarm, Consistency};

/// etcd's request timeout: 5 s and two election timeouts.
const READ_TIMEOUT: Duration = Duration::from_secs(7);

/// What these pages ask of the server.
pub trait Probe: Send + Sync + 'static {
    /// Reads one key; the error is the text that people see.
    fn read(&self, consistency: Consistency) -> BoxFuture<'_, Result<(), String>>;
    fn alarms(&self) -> Vec<Alarm>;
    fn has_leader(&self) -> bool;
    fn is_learner(&self) -> bool;
    fn versions(&self) -> Versions;
}

/// What `/version` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    pub server: String,
    pub cluster: String,
    pub storage: String,
}

/// One check of `/livez` or `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    DataCorruption,
    SerializableRead,
    LinearizableRead,
    NonLearner,
}

const LIVE: &[Check] = &[Check::SerializableRead];
const READY: &[Check] = &[
    Check::DataCorruption,
    Check::SerializableRead,
    Check::LinearizableRead,
    Check::NonLearner,
];

/// The answer, or none if the path is not one of these.
pub(crate) async fn answer(
    probe: &dyn Probe,
    method: &Method,
    uri: &Uri,
) -> Option<Response<Body>> {
    let path = uri.path();
    let query = Query(uri.query().unwrap_or_default());
    let (page, check) = match path.strip_prefix('/')?.split_once('/') {
        Some((page, check)) => (page, Some(check)),
        None => (path.strip_prefix('/')?, None),
    };
    let checks = match page {
        "health" | "version" if check.is_none() => &[],
        "livez" => LIVE,
        "readyz" => READY,
        _ => return None,
    };
    let checks: Vec<Check> = checks
        .iter()
        .copied()
        .filter(|known| check.is_none_or(|name| name == known.name()))
        .collect();
    if check.is_some() && checks.is_empty() {
        return None;
    }
    if *method != Method::GET {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "Method Not Allowed\n".into(),
        );
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET"));
        return Some(response);
    }
    Some(match page {
        "health" => health(probe, query).await,
        "version" => version(probe),
        _ => checked(probe, &checks, query).await,
    })
}

async fn health(probe: &dyn Probe, query: Query<'_>) -> Response<Body> {
    let serializable = query.values("serializable").any(|value| value == "true");
    let reason = match health_reason(probe, query, serializable).await {
        None => {
            return text(
                StatusCode::OK,
                json!({"health": "true", "reason": ""}).to_string(),
            );
        }
        Some(reason) => reason,
    };
    text(
        StatusCode::SERVICE_UNAVAILABLE,
        json!({"health": "false", "reason": reason}).to_string(),
    )
}

async fn health_reason(probe: &dyn Probe, query: Query<'_>, serializable: bool) -> Option<String> {
    for alarm in probe.alarms() {
        let alarm = name(alarm);
        if !query.values("exclude").any(|excluded| excluded == alarm) {
            return Some(format!("ALARM {alarm}"));
        }
    }
    if !serializable && !probe.has_leader() {
        return Some("RAFT NO LEADER".into());
    }
    let consistency = if serializable {
        Consistency::Serializable
    } else {
        Consistency::Linearizable
    };
    read(probe, consistency)
        .await
        .err()
        .map(|error| format!("RANGE ERROR:{error}"))
}

fn version(probe: &dyn Probe) -> Response<Body> {
    let Versions {
        server,
        cluster,
        storage,
    } = probe.versions();
    let body = json!({"etcdserver": server, "etcdcluster": cluster, "storage": storage});
    json_response(StatusCode::OK, body.to_string().into())
}

async fn checked(probe: &dyn Probe, checks: &[Check], query: Query<'_>) -> Response<Body> {
    let mut lines = String::new();
    let mut failed = false;
    for check in checks {
        let name = check.name();
        if query.values("exclude").any(|excluded| excluded == name) {
            lines.push_str(&format!("[+]{name} excluded: ok\n"));
            continue;
        }
        match check.run(probe).await {
            Ok(()) => lines.push_str(&format!("[+]{name} ok\n")),
            Err(error) => {
                failed = true;
                lines.push_str(&format!("[-]{name} failed: {error}\n"));
            }
        }
    }
    if failed {
        return text(StatusCode::SERVICE_UNAVAILABLE, lines);
    }
    let verbose = query.values("verbose").next().is_some();
    text(
        StatusCode::OK,
        if verbose {
            lines + "ok\n"
        } else {
            "ok\n".into()
        },
    )
}

async fn read(probe: &dyn Probe, consistency: Consistency) -> Result<(), String> {
    timeout(READ_TIMEOUT, probe.read(consistency))
        .await
        .unwrap_or_else(|_| Err("etcdserver: request timed out".into()))
}

impl Check {
    const fn name(self) -> &'static str {
        match self {
            Self::DataCorruption => "data_corruption",
            Self::SerializableRead => "serializable_read",
            Self::LinearizableRead => "linearizable_read",
            Self::NonLearner => "non_learner",
        }
    }

    async fn run(self, probe: &dyn Probe) -> Result<(), String> {
        match self {
            Self::DataCorruption if probe.alarms().contains(&Alarm::Corrupt) => {
                Err("alarm activated: CORRUPT".into())
            }
            Self::NonLearner if probe.is_learner() => Err("not supported for learner".into()),
            Self::SerializableRead => read(probe, Consistency::Serializable).await,
            Self::LinearizableRead => read(probe, Consistency::Linearizable).await,
            Self::DataCorruption | Self::NonLearner => Ok(()),
        }
    }
}

/// etcd's name, in answers and in `exclude`.
const fn name(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::NoSpace => "NOSPACE",
        Alarm::Corrupt => "CORRUPT",
    }
}

/// The part of a URL behind the question mark; no key or value of ours needs escaping.
#[derive(Debug, Clone, Copy)]
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn values(self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.split('&').filter_map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name == key).then_some(value)
        })
    }
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
