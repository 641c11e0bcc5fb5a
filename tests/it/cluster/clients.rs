//! Clients that ask members at random and note what they were told, for `history` to judge.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use coracle::adapter::rpc::proto::mvccpb;
use coracle::core::bench::input::Source;
use pb::compare::{CompareResult, CompareTarget, TargetUnion};
use pb::kv_client::KvClient;
use pb::lease_client::LeaseClient;
use pb::request_op::Request as Op;
use pb::response_op::Response as Done;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::history::{
    Answer, Call, Change, Found, Key, Kind, Micros, Pair, Renewal, Revision, Step, Value,
};

/// Few, so that clients meet.
const KEYS: u64 = 6;

/// The first key that hangs on a lease; each of those is written once.
const LEASED: Key = 1_000;
/// How many of them a client has.
const LEASED_EACH: Key = 2_000;

const LEASE_SECONDS: i64 = 2;

/// What a learner says to all that it is asked.
const LEARNS: &str = "etcdserver: rpc not supported for learner";

/// A request that takes longer has an unknown outcome.
const CALL_LIMIT: Duration = Duration::from_secs(4);

/// The longest pause after an answer, and the pause after an error: a busy machine, not a busy
/// cluster, is what more calls would test.
const PAUSE_MS_MAX: u64 = 40;
pub(crate) const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// What all who take part share.
pub(crate) struct Stage {
    begun: Instant,
    has_ended: AtomicBool,
    /// The last revision, for watchers that leave with it; 0: not known yet.
    last: AtomicI64,
    /// Where each member serves; empty: not yet, or not now.
    urls: Mutex<Vec<String>>,
}

impl Stage {
    pub(crate) fn new(members: usize) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            has_ended: AtomicBool::new(false),
            last: AtomicI64::new(0),
            urls: Mutex::new(vec![String::new(); members]),
        })
    }

    pub(crate) fn now(&self) -> Micros {
        self.begun.elapsed().as_micros() as Micros
    }

    /// Clients ask no more.
    pub(crate) fn ends(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn tell_last(&self, revision: Revision) {
        self.last.store(revision, Ordering::Relaxed);
    }

    /// The last revision, once it is known.
    pub(crate) fn last(&self) -> Option<Revision> {
        Some(self.last.load(Ordering::Relaxed)).filter(|it| *it != 0)
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.has_ended.load(Ordering::Relaxed)
    }

    pub(crate) fn serves_at(&self, member: usize, url: &str) {
        url.clone_into(&mut self.urls.lock().expect("nobody panics with it")[member]);
    }

    pub(crate) fn url(&self, member: usize) -> String {
        self.urls.lock().expect("nobody panics with it")[member].clone()
    }

    pub(crate) fn members(&self) -> usize {
        self.urls.lock().expect("nobody panics with it").len()
    }
}

fn name(key: Key) -> Bytes {
    format!("k{key:05}").into()
}

pub(crate) fn pair(kv: &mvccpb::KeyValue) -> Pair {
    Pair {
        value: number(&kv.value),
        created: kv.create_revision,
        modified: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
    }
}

fn number(text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).expect("is ours");
    text.parse().expect("is ours")
}

pub(crate) fn key(name: &[u8]) -> Key {
    let number = number(&name[1..]);
    number.try_into().expect("is ours")
}

pub(crate) fn change(event: &mvccpb::Event) -> Change {
    let kv = event.kv.as_ref().expect("has one");
    Change {
        key: key(&kv.key),
        revision: kv.mod_revision,
        after: (event.r#type() == mvccpb::event::EventType::Put).then(|| pair(kv)),
        before: event.prev_kv.as_ref().map(pair),
    }
}

/// What one client noted.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) calls: Vec<Call>,
    pub(crate) renewals: Vec<Renewal>,
}

pub(crate) struct Client {
    number: usize,
    random: Source,
    stage: Arc<Stage>,
    channels: BTreeMap<usize, (String, Channel)>,
    notes: Notes,
    /// The values it saw last.
    seen: BTreeMap<Key, Value>,
    written: Value,
    /// The lease that it has, and how often it will keep it alive yet.
    lease: Option<(i64, u64)>,
}

/// Why there is no answer.
enum Silence {
    /// Nothing was sent, or it was refused.
    NotMade,
    Unknown,
}

impl Client {
    pub(crate) fn new(number: usize, seed: u64, stage: &Arc<Stage>) -> Self {
        Self {
            number,
            random: Source::new(seed, 1 + number as u64),
            stage: Arc::clone(stage),
            channels: BTreeMap::new(),
            notes: Notes::default(),
            seen: BTreeMap::new(),
            written: 0,
            lease: None,
        }
    }

    /// Asks until the stage has ended.
    pub(crate) async fn run(mut self) -> Notes {
        while self.stage.goes_on() {
            let member = self.random.below(self.stage.members() as u64) as usize;
            let Some(channel) = self.channel(member) else {
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                continue;
            };
            let answered = match self.random.below(10) {
                0 => self.use_lease(member, channel).await,
                _ => {
                    let (kind, steps) = self.choose();
                    self.call(member, channel, kind, steps).await
                }
            };
            let pause = match answered {
                true => Duration::from_millis(self.random.below(PAUSE_MS_MAX)),
                false => PAUSE_AFTER_ERROR,
            };
            tokio::time::sleep(pause).await;
        }
        self.notes
    }

    fn channel(&mut self, member: usize) -> Option<Channel> {
        let url = self.stage.url(member);
        let known = self.channels.get(&member);
        if let Some((_, channel)) = known.filter(|(known, _)| *known == url) {
            return Some(channel.clone());
        }
        let channel = channel(&url)?;
        self.channels.insert(member, (url, channel.clone()));
        Some(channel)
    }

    fn new_value(&mut self) -> Value {
        self.written += 1;
        (1 + self.number as Value) * 1_000_000 + self.written
    }

    fn choose(&mut self) -> (Kind, Vec<Step>) {
        let key = self.random.below(KEYS) as Key;
        let other = ((u64::from(key) + 1 + self.random.below(KEYS - 1)) % KEYS) as Key;
        match self.random.below(20) {
            0..6 => (Kind::Plain, vec![Step::Get(key)]),
            6 => (Kind::Serializable, vec![Step::Get(key)]),
            7 | 8 => (Kind::Plain, vec![Step::Get(key), Step::Get(other)]),
            9 | 10 => (Kind::Plain, vec![Step::Delete(key)]),
            11..14 => {
                let from = self.seen.get(&key).copied();
                (Kind::If(from), vec![Step::Put(key, self.new_value(), 0)])
            }
            14 | 15 => {
                let puts = [key, other].map(|key| Step::Put(key, self.new_value(), 0));
                (Kind::Plain, puts.into())
            }
            _ => (Kind::Plain, vec![Step::Put(key, self.new_value(), 0)]),
        }
    }

    /// Makes a call and notes it; whether it was answered.
    async fn call(
        &mut self,
        member: usize,
        channel: Channel,
        kind: Kind,
        steps: Vec<Step>,
    ) -> bool {
        let begun = self.stage.now();
        let answer = match timeout(CALL_LIMIT, ask(channel, kind, &steps)).await {
            Ok(Ok((revision, succeeded, found))) => Ok(Answer {
                ended: self.stage.now(),
                revision,
                succeeded,
                found,
            }),
            Ok(Err(status)) => Err(silence(&status)),
            Err(_) => Err(Silence::Unknown),
        };
        if let Ok(answer) = &answer {
            self.remember(&steps, answer);
        }
        let reads = steps.iter().all(|it| matches!(it, Step::Get(_)));
        let says_nothing = matches!(answer, Err(Silence::NotMade)) || answer.is_err() && reads;
        let answered = answer.is_ok();
        if !says_nothing || matches!(kind, Kind::Revoke(_)) {
            self.notes.calls.push(Call {
                client: self.number,
                member,
                begun,
                kind,
                steps,
                answer: answer.ok(),
            });
        }
        answered
    }

    fn remember(&mut self, steps: &[Step], answer: &Answer) {
        for (step, found) in steps.iter().zip(&answer.found) {
            match (step, found) {
                (Step::Put(key, ..) | Step::Get(key), Found::Got(Some(pair))) => {
                    self.seen.insert(*key, pair.value);
                }
                (Step::Put(key, value, _), _) => drop(self.seen.insert(*key, *value)),
                (Step::Get(key) | Step::Delete(key), _) => drop(self.seen.remove(key)),
            }
        }
    }

    /// Grants a lease and hangs a key on it, keeps it alive for a while, and then revokes it or
    /// lets it end.
    async fn use_lease(&mut self, member: usize, channel: Channel) -> bool {
        let begun = self.stage.now();
        match self.lease.take() {
            None => {
                let grant = pb::LeaseGrantRequest {
                    ttl: LEASE_SECONDS,
                    id: 0,
                };
                let mut leases = LeaseClient::new(channel.clone());
                let granted = timeout(CALL_LIMIT, leases.lease_grant(grant)).await;
                let Ok(Ok(granted)) = granted else {
                    return false;
                };
                let granted = granted.into_inner();
                self.renewed(granted.id, begun, granted.ttl);
                self.lease = Some((granted.id, self.random.below(8)));
                let own = self.written as Key % LEASED_EACH;
                let key = LEASED + self.number as Key * LEASED_EACH + own;
                let put = vec![Step::Put(key, self.new_value(), granted.id)];
                self.call(member, channel, Kind::Plain, put).await
            }
            Some((lease, 0)) => match self.random.below(2) {
                0 => {
                    self.call(member, channel, Kind::Revoke(lease), Vec::new())
                        .await
                }
                _ => true,
            },
            Some((lease, left)) => {
                self.lease = Some((lease, left - 1));
                let one = tokio_stream::iter([pb::LeaseKeepAliveRequest { id: lease }]);
                let mut leases = LeaseClient::new(channel);
                let told = timeout(CALL_LIMIT, async {
                    let mut answers = leases.lease_keep_alive(one).await.ok()?.into_inner();
                    answers.message().await.ok()?
                });
                let Ok(Some(told)) = told.await else {
                    return false;
                };
                self.renewed(lease, begun, told.ttl);
                true
            }
        }
    }

    fn renewed(&mut self, lease: i64, begun: Micros, seconds: i64) {
        self.notes.renewals.push(Renewal {
            lease,
            begun,
            ended: self.stage.now(),
            seconds,
        });
    }
}

/// `None`: nobody serves there.
pub(crate) fn channel(url: &str) -> Option<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned()).ok()?;
    Some(endpoint.connect_timeout(CALL_LIMIT).connect_lazy())
}

fn silence(status: &Status) -> Silence {
    let mut never = false;
    let mut cause: Option<&(dyn Error + 'static)> = Some(status);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        never |= io.is_some_and(|it| it.kind() == io::ErrorKind::ConnectionRefused);
        cause = error.source();
    }
    match status.code() {
        Code::NotFound => Silence::NotMade,
        // It has joined, and not been given its vote.
        Code::FailedPrecondition if status.message() == LEARNS => Silence::NotMade,
        Code::Unavailable if never => Silence::NotMade,
        // A leader that left, a quorum that is away, a connection that broke, a member that ends.
        Code::Unavailable | Code::DeadlineExceeded | Code::Unknown | Code::Cancelled => {
            Silence::Unknown
        }
        code => panic!("no fault leads to {code:?}: {status}"),
    }
}

async fn ask(
    channel: Channel,
    kind: Kind,
    steps: &[Step],
) -> Result<(Revision, bool, Vec<Found>), Status> {
    let mut client = KvClient::new(channel.clone());
    let revision = |header: Option<pb::ResponseHeader>| header.expect("has one").revision;
    match (kind, steps) {
        (Kind::Revoke(id), _) => {
            let request = pb::LeaseRevokeRequest { id };
            let revoked = LeaseClient::new(channel).lease_revoke(request).await?;
            Ok((revision(revoked.into_inner().header), true, Vec::new()))
        }
        (Kind::Plain | Kind::Serializable, [Step::Get(_)]) => {
            let request = pb::RangeRequest {
                serializable: kind == Kind::Serializable,
                ..range(&steps[0])
            };
            let got = client.range(request).await?.into_inner();
            let found = Found::Got(got.kvs.first().map(pair));
            Ok((revision(got.header), true, vec![found]))
        }
        (Kind::Plain, [Step::Put(key, value, lease)]) => {
            let done = client.put(put(*key, *value, *lease)).await?;
            Ok((revision(done.into_inner().header), true, vec![Found::Put]))
        }
        (Kind::Plain, [Step::Delete(key)]) => {
            let done = client.delete_range(delete(*key)).await?.into_inner();
            let found = Found::Deleted(done.deleted > 0);
            Ok((revision(done.header), true, vec![found]))
        }
        _ => {
            let done = client.txn(txn(kind, steps)).await?.into_inner();
            let found = done.responses.iter().map(done_as).collect();
            Ok((revision(done.header), done.succeeded, found))
        }
    }
}

fn done_as(response: &pb::ResponseOp) -> Found {
    match response.response.as_ref().expect("has one") {
        Done::ResponseRange(got) => Found::Got(got.kvs.first().map(pair)),
        Done::ResponsePut(_) => Found::Put,
        Done::ResponseDeleteRange(done) => Found::Deleted(done.deleted > 0),
        Done::ResponseTxn(_) => unreachable!("none was asked for"),
    }
}

fn range(step: &Step) -> pb::RangeRequest {
    let (Step::Get(key) | Step::Put(key, ..) | Step::Delete(key)) = step;
    pb::RangeRequest {
        key: name(*key),
        ..pb::RangeRequest::default()
    }
}

fn put(key: Key, value: Value, lease: i64) -> pb::PutRequest {
    pb::PutRequest {
        key: name(key),
        value: value.to_string().into(),
        lease,
        ..pb::PutRequest::default()
    }
}

fn delete(key: Key) -> pb::DeleteRangeRequest {
    pb::DeleteRangeRequest {
        key: name(key),
        ..pb::DeleteRangeRequest::default()
    }
}

fn txn(kind: Kind, steps: &[Step]) -> pb::TxnRequest {
    let operation = |request| pb::RequestOp {
        request: Some(request),
    };
    let success = steps.iter().map(|step| {
        operation(match step {
            Step::Get(_) => Op::RequestRange(range(step)),
            Step::Put(key, value, lease) => Op::RequestPut(put(*key, *value, *lease)),
            Step::Delete(key) => Op::RequestDeleteRange(delete(*key)),
        })
    });
    let mut txn = pb::TxnRequest {
        success: success.collect(),
        ..pb::TxnRequest::default()
    };
    if let Kind::If(from) = kind {
        let (target, union) = match from {
            Some(value) => (
                CompareTarget::Value,
                TargetUnion::Value(value.to_string().into()),
            ),
            None => (CompareTarget::Version, TargetUnion::Version(0)),
        };
        let read = range(&steps[0]);
        txn.compare = vec![pb::Compare {
            result: CompareResult::Equal.into(),
            target: target.into(),
            key: read.key.clone(),
            target_union: Some(union),
            ..pb::Compare::default()
        }];
        txn.failure = vec![operation(Op::RequestRange(read))];
    }
    txn
}
