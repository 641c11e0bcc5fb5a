//! The gRPC API of our daemon beside a real etcd's: the same requests, the same answers.
//!
//! A scenario runs against both and keeps what it is told; ids and terms are left out. Where etcd
//! 3.5.1 is wrong, the scenario is for our daemon alone and says so.

mod cluster;
mod errors;
mod gateway;
mod health;
mod kv;
mod lease;
mod maintenance;
mod watch;

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::kv_client::KvClient;
use pb::request_op::Request as Op;
use pb::watch_client::WatchClient;
use pb::watch_request::RequestUnion;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status, Streaming};

use crate::etcdctl::without_number;
use crate::rig::{Etcd, Rig};

/// How long an answer may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of one server, and what it was told.
pub(crate) struct Session {
    pub(crate) channel: Channel,
    told: Vec<String>,
}

/// A watch stream whose answers are kept in order.
pub(crate) struct Watching {
    requests: mpsc::Sender<pb::WatchRequest>,
    answers: Streaming<pb::WatchResponse>,
}

impl Session {
    pub(crate) fn new(url: &str) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned());
        let endpoint = endpoint.expect("an address").timeout(PATIENCE);
        Self {
            channel: endpoint.connect_lazy(),
            told: Vec::new(),
        }
    }

    fn keep<T: Debug>(&mut self, what: &str, answer: Result<Response<T>, Status>) -> Option<T> {
        let (text, value) = match answer {
            Ok(answer) => {
                let value = answer.into_inner();
                (format!("{value:?}"), Some(value))
            }
            Err(status) => (format!("{:?}: {}", status.code(), status.message()), None),
        };
        self.told.push(format!("{what}: {}", anonymous(&text)));
        value
    }

    pub(crate) async fn range(&mut self, request: pb::RangeRequest) {
        let what = format!("{request:?}");
        let answer = KvClient::new(self.channel.clone()).range(request).await;
        self.keep(&what, answer);
    }

    async fn put(&mut self, request: pb::PutRequest) {
        let what = format!("{request:?}");
        let answer = KvClient::new(self.channel.clone()).put(request).await;
        self.keep(&what, answer);
    }

    pub(crate) async fn set(&mut self, key: &'static str, value: &'static str) {
        self.put(put(key, value)).await;
    }

    pub(crate) async fn delete(&mut self, request: pb::DeleteRangeRequest) {
        let what = format!("{request:?}");
        let mut client = KvClient::new(self.channel.clone());
        let answer = client.delete_range(request).await;
        self.keep(&what, answer);
    }

    pub(crate) async fn txn(&mut self, request: pb::TxnRequest) {
        let what = format!("{request:?}");
        let answer = KvClient::new(self.channel.clone()).txn(request).await;
        self.keep(&what[..what.len().min(300)], answer);
    }

    pub(crate) async fn compact(&mut self, revision: i64) {
        let request = pb::CompactionRequest {
            revision,
            physical: true,
        };
        let answer = KvClient::new(self.channel.clone()).compact(request).await;
        self.keep(&format!("compact {revision}"), answer);
    }

    pub(crate) async fn watch(&self, create: pb::WatchCreateRequest) -> Watching {
        let (requests, outgoing) = mpsc::channel(8);
        requests
            .send(wrap(RequestUnion::CreateRequest(create)))
            .await
            .expect("room");
        let stream = ReceiverStream::new(outgoing);
        let mut client =
            WatchClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX);
        let answers = client.watch(stream).await.expect("a stream").into_inner();
        Watching { requests, answers }
    }

    /// Keeps the next events of a stream, however they are grouped.
    async fn hear_events(&mut self, watching: &mut Watching, mut events: usize) {
        while events > 0 {
            let answer = watching.next().await;
            if answer.events.is_empty() {
                self.told.push(anonymous(&format!("{answer:?}")));
                break;
            }
            let revision = answer.header.expect("one").revision;
            events = events.checked_sub(answer.events.len()).expect("no more");
            for event in answer.events {
                assert!(event.kv.as_ref().expect("one").mod_revision <= revision);
                self.told.push(format!("{event:?}"));
            }
        }
    }

    /// Keeps the next answers of a stream.
    pub(crate) async fn hear(&mut self, watching: &mut Watching, answers: usize) {
        for _ in 0..answers {
            let answer = watching.next().await;
            self.told.push(anonymous(&format!("{answer:?}")));
        }
    }
}

impl Watching {
    pub(crate) async fn next(&mut self) -> pb::WatchResponse {
        let answer = tokio::time::timeout(PATIENCE, self.answers.message()).await;
        let answer = answer.expect("an answer in time").expect("a stream");
        answer.expect("the stream goes on")
    }

    /// The status that ends the stream.
    async fn ended(&mut self) -> Status {
        let answer = tokio::time::timeout(PATIENCE, self.answers.message()).await;
        answer
            .expect("an end in time")
            .expect_err("it ends with an error")
    }

    pub(crate) async fn ask(&self, request: RequestUnion) {
        self.requests.send(wrap(request)).await.expect("room");
    }
}

fn wrap(request: RequestUnion) -> pb::WatchRequest {
    pb::WatchRequest {
        request_union: Some(request),
    }
}

fn anonymous(text: &str) -> String {
    let labels = ["cluster_id: ", "member_id: ", "raft_term: "];
    labels
        .iter()
        .fold(text.to_owned(), |text, label| without_number(&text, label))
}

/// Runs a scenario against both servers and compares what they told.
async fn side_by_side(scenario: impl AsyncFn(&mut Session)) {
    let Some(etcd) = Etcd::start() else {
        return;
    };
    let rig = Rig::new();
    let ours = rig.start();
    let mut told = Vec::new();
    for url in [&etcd.url, &ours.url] {
        let mut session = Session::new(url);
        ready(&session).await;
        scenario(&mut session).await;
        told.push(session.told);
    }
    let mut different = String::new();
    for (expected, seen) in told[0].iter().zip(&told[1]) {
        if expected != seen {
            different += &format!("etcd {expected}\nours {seen}\n\n");
        }
    }
    assert_eq!(told[0].len(), told[1].len());
    assert!(different.is_empty(), "{different}");
}

/// Runs a scenario against our daemon alone.
pub(crate) async fn ours(scenario: impl AsyncFnOnce(&mut Session)) {
    ours_with(&[], scenario).await;
}

/// The same with flags for the daemon.
pub(crate) async fn ours_with(flags: &[&str], scenario: impl AsyncFnOnce(&mut Session)) {
    let rig = Rig::with(flags);
    let daemon = rig.start();
    scenario(&mut Session::new(&daemon.url)).await;
}

/// etcd accepts connections before it has a leader.
async fn ready(session: &Session) {
    let mut client = KvClient::new(session.channel.clone());
    let answer = client.range(get("x")).await;
    answer.expect("serves");
}

pub(crate) fn put(key: &'static str, value: &'static str) -> pb::PutRequest {
    pb::PutRequest {
        key: key.into(),
        value: value.into(),
        ..Default::default()
    }
}

pub(crate) fn get(key: &'static str) -> pb::RangeRequest {
    pb::RangeRequest {
        key: key.into(),
        ..Default::default()
    }
}

pub(crate) fn everything() -> pb::RangeRequest {
    pb::RangeRequest {
        key: Bytes::from_static(b"\0"),
        range_end: Bytes::from_static(b"\0"),
        ..Default::default()
    }
}

pub(crate) fn del(key: &'static str) -> pb::DeleteRangeRequest {
    pb::DeleteRangeRequest {
        key: key.into(),
        ..Default::default()
    }
}

pub(crate) fn op(request: Op) -> pb::RequestOp {
    pb::RequestOp {
        request: Some(request),
    }
}

pub(crate) fn then(success: Vec<Op>) -> pb::TxnRequest {
    pb::TxnRequest {
        success: success.into_iter().map(op).collect(),
        ..Default::default()
    }
}

pub(crate) fn create(key: &'static str, start_revision: i64) -> pb::WatchCreateRequest {
    pb::WatchCreateRequest {
        key: key.into(),
        start_revision,
        ..Default::default()
    }
}
