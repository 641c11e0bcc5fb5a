//! Loads of one call after the other: put, range, mixed, txn and lease cycles.
//!
//! Each client is a task with a closed loop. An answer counts only if it says what it must say.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::timeout;

use crate::adapter::rpc::load::{CallError, CallStream, Caller, Method};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::kv::bench::Workload;
use crate::core::bench::input::{KeySpace, Source};
use crate::role::kv::bench::drive::{CALL_TIMEOUT, Load, Next, Shared, Tasks, Turn};

/// Long enough that no lease ends during its cycle.
const LEASE_TTL_S: i64 = 60;
/// Keys deleted at once when a run is cleared away.
const CLEAR_KEYS: u64 = 1000;

/// Starts all clients, spread evenly over the connections.
pub(crate) fn start(
    shared: &Rc<Shared>,
    callers: &[Caller],
    tasks: &mut Tasks,
) -> Result<(), CallError> {
    for (number, caller) in (0..shared.load.clients).zip(callers.iter().cycle()) {
        let client = Client::new(&shared.load, caller.clone(), number.into())?;
        tasks.spawn_local(client.run(shared.clone()));
    }
    Ok(())
}

/// One caller of a load.
struct Client {
    caller: Caller,
    source: Source,
    put: Method,
    range: Method,
    txn: Method,
    grant: Method,
    keep_alive: Method,
    revoke: Method,
    /// Like etcd's own client, one stream carries all keep-alives.
    keep_alives: Option<CallStream>,
}

impl Client {
    fn new(load: &Load, caller: Caller, number: u64) -> Result<Self, CallError> {
        Ok(Self {
            source: Source::new(load.seed, number),
            put: caller.method("/etcdserverpb.KV/Put")?,
            range: caller.method("/etcdserverpb.KV/Range")?,
            txn: caller.method("/etcdserverpb.KV/Txn")?,
            grant: caller.method("/etcdserverpb.Lease/LeaseGrant")?,
            keep_alive: caller.method("/etcdserverpb.Lease/LeaseKeepAlive")?,
            revoke: caller.method("/etcdserverpb.Lease/LeaseRevoke")?,
            keep_alives: None,
            caller,
        })
    }

    async fn run(mut self, shared: Rc<Shared>) {
        while let Some(turn) = shared.turn().await {
            let outcome = self.operation(&shared.load, &turn).await;
            if shared.outcome(&turn, outcome).await == Next::Stop {
                return;
            }
        }
    }

    async fn operation(&mut self, load: &Load, turn: &Turn) -> Result<(), CallError> {
        let number = match load.command.sequential {
            true => turn.number,
            false => self.source.below(load.keys.keys()),
        };
        match load.workload {
            Workload::Put => self.put(load, number).await,
            Workload::Range => self.range(load, number, false).await,
            Workload::Serializable => self.range(load, number, true).await,
            Workload::Mixed => match self.source.below(200) {
                draw if draw < u64::from(load.command.reads) => {
                    self.range(load, number, false).await
                }
                draw if draw < u64::from(load.command.reads) * 2 => {
                    self.range(load, number, true).await
                }
                _ => self.put(load, number).await,
            },
            Workload::Txn => self.txn(load, number).await,
            Workload::Lease => self.lease().await,
            Workload::Watch => unreachable!("watch loads have clients of their own"),
        }
    }

    fn put_request(&mut self, load: &Load, number: u64) -> pb::PutRequest {
        pb::PutRequest {
            key: load.keys.key(number),
            value: self.source.value(load.value_bytes()),
            ..Default::default()
        }
    }

    async fn put(&mut self, load: &Load, number: u64) -> Result<(), CallError> {
        let request = self.put_request(load, number);
        let answer: pb::PutResponse = self.caller.unary(&self.put, &request).await?;
        require(
            answer.header.is_some_and(|header| header.revision > 0),
            "the put has no revision",
        )
    }

    async fn range(
        &mut self,
        load: &Load,
        number: u64,
        serializable: bool,
    ) -> Result<(), CallError> {
        let key = load.keys.key(number);
        let request = pb::RangeRequest {
            key: key.clone(),
            serializable,
            ..Default::default()
        };
        let answer: pb::RangeResponse = self.caller.unary(&self.range, &request).await?;
        let [pair] = &answer.kvs[..] else {
            return Err(CallError::Answer("the key was put and is not there"));
        };
        require(
            pair.key == key && pair.value.len() == load.value_bytes(),
            "another key, or a value of another length than was put",
        )
    }

    /// The guarded write that locks and schedulers are made of; the guard always holds.
    async fn txn(&mut self, load: &Load, number: u64) -> Result<(), CallError> {
        let put = self.put_request(load, number);
        let compare = pb::Compare {
            result: pb::compare::CompareResult::Greater.into(),
            target: pb::compare::CompareTarget::Version.into(),
            key: put.key.clone(),
            target_union: Some(pb::compare::TargetUnion::Version(0)),
            ..Default::default()
        };
        let put = pb::RequestOp {
            request: Some(pb::request_op::Request::RequestPut(put)),
        };
        let request = pb::TxnRequest {
            compare: vec![compare],
            success: vec![put],
            failure: vec![],
        };
        let answer: pb::TxnResponse = self.caller.unary(&self.txn, &request).await?;
        require(
            answer.succeeded && answer.responses.len() == 1,
            "the guard of a txn did not hold",
        )
    }

    async fn lease(&mut self) -> Result<(), CallError> {
        let grant = pb::LeaseGrantRequest {
            ttl: LEASE_TTL_S,
            ..Default::default()
        };
        let granted: pb::LeaseGrantResponse = self.caller.unary(&self.grant, &grant).await?;
        require(
            granted.id != 0 && granted.ttl > 0,
            "a lease without id or time",
        )?;
        let alive = self.keep_alive(granted.id).await;
        if alive.is_err() {
            // The next cycle opens a stream of its own.
            self.keep_alives = None;
        }
        let revoke = pb::LeaseRevokeRequest { id: granted.id };
        let _: pb::LeaseRevokeResponse = self.caller.unary(&self.revoke, &revoke).await?;
        alive
    }

    async fn keep_alive(&mut self, id: i64) -> Result<(), CallError> {
        let request = pb::LeaseKeepAliveRequest { id };
        let stream = match &mut self.keep_alives {
            Some(stream) => {
                stream.send(&request)?;
                stream
            }
            opened => opened.insert(self.caller.stream(&self.keep_alive, &request).await?),
        };
        let answer: Option<pb::LeaseKeepAliveResponse> = stream.receive().await?;
        require(
            answer.is_some_and(|answer| answer.id == id && answer.ttl > 0),
            "the lease was not kept alive",
        )
    }
}

/// Puts the keys that no other task has taken from `next` yet.
pub(crate) async fn fill(
    caller: Caller,
    load: Load,
    client: u64,
    next: Rc<Cell<u64>>,
) -> Result<(), CallError> {
    // Streams of the seed that no client of a load has.
    let mut client = Client::new(&load, caller, u64::MAX - client)?;
    while next.get() < load.keys.keys() && !load.is_interrupted.get() {
        let number = next.replace(next.get() + 1);
        within_limit(client.put(&load, number)).await?;
    }
    Ok(())
}

/// Deletes all keys of the space.
pub(crate) async fn clear(caller: &mut Caller, keys: &KeySpace) -> Result<(), CallError> {
    let method = caller.method("/etcdserverpb.KV/DeleteRange")?;
    let mut from = 0;
    while from < keys.keys() {
        let until = (from + CLEAR_KEYS).min(keys.keys());
        let request = pb::DeleteRangeRequest {
            key: keys.key(from),
            range_end: keys.edge(until),
            ..Default::default()
        };
        let _: pb::DeleteRangeResponse = within_limit(caller.unary(&method, &request)).await?;
        from = until;
    }
    Ok(())
}

/// For calls outside of a run, which no end of a phase cuts off.
async fn within_limit<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let late = |_| CallError::Answer("it did not come in time");
    timeout(CALL_TIMEOUT, call).await.map_err(late)?
}

fn require(holds: bool, what: &'static str) -> Result<(), CallError> {
    if holds {
        Ok(())
    } else {
        Err(CallError::Answer(what))
    }
}
