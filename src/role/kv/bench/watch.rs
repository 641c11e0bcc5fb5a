//! The watch load: writers put one key, every watcher must get every put, once and in order.
//!
//! Like etcd's own client, the watchers of one stream are told apart by their numbers. Each value
//! starts with the time of its put, which makes the latency of each event.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use crate::adapter::rpc::load::{CallError, CallStream, Caller, Method};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::core::bench::input::Source;
use crate::role::kv::bench::drive::{CALL_TIMEOUT, DriveError, Next, Shared, Tasks};

/// Bytes at the front of a value: microseconds since the start of the run.
const STAMP_BYTES: usize = 8;

/// What writers and watchers share.
pub(crate) struct Fanout {
    started: Instant,
    watchers: u64,
    ready: Cell<u64>,
    /// Puts that were answered.
    put: Cell<u64>,
    /// Puts that were sent and may still be written, answered or not.
    sent: Cell<u64>,
    delivered: Cell<u64>,
    /// Writers wait here for deliveries; watchers wake them; the end of the run drops them.
    progress: Notify,
}

/// Starts watchers, waits until the server has confirmed all, then starts the writers.
pub(crate) async fn start(
    shared: &Rc<Shared>,
    callers: &[Caller],
    tasks: &mut Tasks,
) -> Result<Rc<Fanout>, DriveError> {
    let command = &shared.load.command;
    let watchers = u64::from(command.watchers);
    let fanout = Rc::new(Fanout {
        started: Instant::now(),
        watchers,
        ready: Cell::new(0),
        put: Cell::new(0),
        sent: Cell::new(0),
        delivered: Cell::new(0),
        progress: Notify::new(),
    });
    let streams = command
        .streams
        .map_or(callers.len() as u64, u64::from)
        .min(watchers);
    for (number, caller) in (0..streams).zip(callers.iter().cycle()) {
        let share = watchers / streams + u64::from(number < watchers % streams);
        let method = caller.method("/etcdserverpb.Watch/Watch")?;
        let stream = open(shared, caller.clone(), &method, share).await?;
        let watching = watch(shared.clone(), fanout.clone(), stream, share);
        tasks.spawn_local(watching);
    }
    let deadline = Instant::now() + CALL_TIMEOUT;
    while fanout.ready.get() < watchers {
        if timeout_at(deadline, fanout.progress.notified())
            .await
            .is_err()
        {
            let missing = watchers - fanout.ready.get();
            return Err(DriveError::NotReady {
                what: "watchers",
                missing,
                wanted: watchers,
            });
        }
    }
    for (number, caller) in (0..command.writers).zip(callers.iter().cycle()) {
        let put = caller.method("/etcdserverpb.KV/Put")?;
        let source = Source::new(shared.load.seed, number.into());
        tasks.spawn_local(write(
            shared.clone(),
            fanout.clone(),
            caller.clone(),
            put,
            source,
        ));
    }
    Ok(fanout)
}

impl Fanout {
    /// Waits for the events still on their way and counts those that do not come.
    pub(crate) async fn finish(&self, shared: &Shared, grace: Duration) {
        let complete = async {
            while self.delivered.get() < self.put.get() * self.watchers {
                self.progress.notified().await;
            }
        };
        if timeout(grace, complete).await.is_err() {
            let missing = self.put.get() * self.watchers - self.delivered.get();
            shared.failed("Undelivered".to_owned(), missing);
        }
    }

    /// Puts that are on their way to the slowest watchers, seen as an average over all.
    fn is_ahead(&self, lead: u32) -> bool {
        let wanted = self.sent.get() * self.watchers;
        wanted.saturating_sub(self.delivered.get()) >= u64::from(lead) * self.watchers
    }
}

async fn open(
    shared: &Shared,
    mut caller: Caller,
    method: &Method,
    watchers: u64,
) -> Result<CallStream, CallError> {
    let create = |number: u64| {
        let request = pb::WatchCreateRequest {
            key: shared.load.keys.key(0),
            watch_id: i64::try_from(number).expect("far fewer watchers"),
            ..Default::default()
        };
        let request = pb::watch_request::RequestUnion::CreateRequest(request);
        pb::WatchRequest {
            request_union: Some(request),
        }
    };
    let mut stream = caller.stream(method, &create(1)).await?;
    for number in 2..=watchers {
        stream.send(&create(number))?;
    }
    Ok(stream)
}

/// Receives for all watchers of one stream until the run ends this task.
async fn watch(shared: Rc<Shared>, fanout: Rc<Fanout>, mut stream: CallStream, watchers: u64) {
    // Revision of the last event of each watcher, by its number from 1.
    let mut seen = vec![0; usize::try_from(watchers).expect("fits memory") + 1];
    loop {
        let answer: pb::WatchResponse = match stream.receive().await {
            Ok(Some(answer)) => answer,
            Ok(None) => return shared.failed("StreamEnded".to_owned(), 1),
            Err(error) => return shared.failed(error.kind(), 1),
        };
        if answer.canceled {
            return shared.failed("WatchCanceled".to_owned(), 1);
        }
        if answer.created {
            fanout.ready.set(fanout.ready.get() + 1);
            fanout.progress.notify_waiters();
        }
        let Some(last) = usize::try_from(answer.watch_id)
            .ok()
            .and_then(|id| seen.get_mut(id))
        else {
            return shared.failed("UnknownWatcher".to_owned(), 1);
        };
        let now = Instant::now();
        for event in &answer.events {
            let Some(pair) = event.kv.as_ref().filter(|pair| pair.mod_revision > *last) else {
                shared.failed("OutOfOrder".to_owned(), 1);
                continue;
            };
            *last = pair.mod_revision;
            let Some(stamp) = pair.value.first_chunk::<STAMP_BYTES>() else {
                shared.failed("ForeignValue".to_owned(), 1);
                continue;
            };
            let sent = fanout.started + Duration::from_micros(u64::from_le_bytes(*stamp));
            shared.succeeded(sent, now);
        }
        if !answer.events.is_empty() {
            fanout
                .delivered
                .set(fanout.delivered.get() + answer.events.len() as u64);
            fanout.progress.notify_waiters();
        }
    }
}

/// Puts the watched key as fast as answers and watchers allow.
async fn write(
    shared: Rc<Shared>,
    fanout: Rc<Fanout>,
    mut caller: Caller,
    put: Method,
    mut source: Source,
) {
    while let Some(turn) = shared.turn().await {
        while fanout.is_ahead(shared.load.command.lead) && !shared.is_over() {
            fanout.progress.notified().await;
        }
        let stamp = fanout.started.elapsed().as_micros();
        let mut value = BytesMut::with_capacity(shared.load.value_bytes());
        value.put_u64_le(u64::try_from(stamp).expect("a run is shorter than an aeon"));
        source.append(&mut value, shared.load.value_bytes() - STAMP_BYTES);
        let request = pb::PutRequest {
            key: shared.load.keys.key(0),
            value: value.freeze(),
            ..Default::default()
        };
        fanout.sent.set(fanout.sent.get() + 1);
        match caller.unary::<pb::PutResponse>(&put, &request).await {
            Ok(_) => fanout.put.set(fanout.put.get() + 1),
            Err(error) => {
                fanout.sent.set(fanout.sent.get() - 1);
                if shared.outcome(&turn, Err(error)).await == Next::Stop {
                    return;
                }
            }
        }
    }
}
