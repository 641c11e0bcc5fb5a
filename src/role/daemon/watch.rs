//! One task per watch stream: commands in, answers out, woken only for changes it watches.
//!
//! What waits for a slow client is bounded: while its answers are not taken, the task neither
//! looks at the history nor reads commands; the history keeps the events meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::adapter::rpc::server::{
    BoxStream, WatchAnswer, WatchCommand, event_bytes, fragment_bytes_max,
};
use crate::core::kv::request::{KeyRange, KvError};
use crate::core::kv::watch::{Delivery, WatchRequest, Watchers, fragments};
use crate::role::daemon::hub::Signal;
use crate::role::daemon::node::Node;

/// Batches of answers on their way to the client: one being sent and one ready behind it.
pub(super) const ANSWERS_MAX: usize = 2;

/// What etcd answers where a watcher could not be made.
const NO_WATCHER: i64 = -1;

pub(super) struct StreamTask {
    node: Arc<Node>,
    stream: u64,
    signal: Arc<Signal>,
    watchers: Watchers,
    commands: BoxStream<WatchCommand>,
    answers: mpsc::Sender<Vec<WatchAnswer>>,
    outgoing: VecDeque<WatchAnswer>,
    /// A client asked for progress and is told once everything was delivered.
    progress_wanted: bool,
    progress: Interval,
}

enum Event {
    Command(WatchCommand),
    CommandsOver,
    /// The client takes more answers.
    Room,
    Marked,
    ProgressDue,
    Ended,
}

impl StreamTask {
    pub(super) fn new(
        node: Arc<Node>,
        commands: BoxStream<WatchCommand>,
        answers: mpsc::Sender<Vec<WatchAnswer>>,
    ) -> Self {
        let (stream, signal) = node.hub.open_stream();
        let period = node.settings.watch_progress.max(PROGRESS_MIN);
        let mut progress = tokio::time::interval_at(Instant::now() + period, period);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            node,
            stream,
            signal,
            watchers: Watchers::default(),
            commands,
            answers,
            outgoing: VecDeque::new(),
            progress_wanted: false,
            progress,
        }
    }

    /// Runs until the client no longer takes answers. That it has no more commands does not end its
    /// watchers, as in etcd: through the JSON gateway the request's body ends at once.
    pub(super) async fn run(mut self) {
        loop {
            match self.select().await {
                Event::Command(command) => self.command(command),
                Event::CommandsOver => self.commands = Box::pin(stream::pending()),
                Event::Room => {}
                Event::Marked => {}
                Event::ProgressDue => self.tell_progress(),
                Event::Ended => break,
            }
            self.look();
        }
        self.node
            .hub
            .close_stream(self.stream, self.watchers.key_ranges());
    }

    async fn select(&mut self) -> Event {
        if !self.outgoing.is_empty() {
            return match self.answers.reserve().await {
                Ok(permit) => {
                    permit.send(self.outgoing.drain(..).collect());
                    Event::Room
                }
                Err(_) => Event::Ended,
            };
        }
        tokio::select! {
            command = self.commands.next() => command.map_or(Event::CommandsOver, Event::Command),
            () = self.signal.marked.notified() => Event::Marked,
            _ = self.progress.tick() => Event::ProgressDue,
            () = self.answers.closed() => Event::Ended,
        }
    }

    fn command(&mut self, command: WatchCommand) {
        match command {
            WatchCommand::Create(request) => self.create(request),
            WatchCommand::Cancel(watch_id) => {
                if let Some(keys) = self.watchers.cancel(watch_id) {
                    self.node.hub.remove_watcher(self.stream, &keys);
                    let revision = self.node.newest_revision();
                    self.outgoing.push_back(canceled(watch_id, revision, 0));
                }
            }
            WatchCommand::Progress => self.progress_wanted = true,
        }
    }

    fn create(&mut self, request: WatchRequest) {
        let state = self.node.consensus.state();
        // What is marked so far belongs to the watchers before this one.
        take_mark(&self.signal, &mut self.watchers);
        let store = &state.machine.store;
        let revision = store.revision();
        let refusal = if request.start_revision < 0 {
            Some(KvError::Compacted.to_string())
        } else if is_empty(&request) {
            Some("mvcc: watcher range is empty".to_owned())
        } else {
            None
        };
        let created = match refusal {
            Some(reason) => Err(reason),
            None => {
                let keys = request.keys.clone();
                let created = self.watchers.create(request, store);
                if created.is_some() {
                    self.node.hub.add_watcher(self.stream, &keys);
                }
                let duplicate = "mvcc: duplicate watch ID provided on the WatchStream";
                created.ok_or_else(|| duplicate.to_owned())
            }
        };
        self.outgoing.push_back(match created {
            Ok(watch_id) => WatchAnswer::Created { watch_id, revision },
            Err(reason) => WatchAnswer::Canceled {
                watch_id: NO_WATCHER,
                revision,
                created: true,
                compact_revision: 0,
                reason,
            },
        });
    }

    /// Looks at the history for what there is to tell, as long as the last answers are taken.
    fn look(&mut self) {
        if !self.outgoing.is_empty() && self.answers.capacity() == 0 {
            return;
        }
        let (deliveries, current, revision) = {
            let state = self.node.consensus.state();
            take_mark(&self.signal, &mut self.watchers);
            let store = &state.machine.store;
            let last_changed = |keys: &KeyRange| self.node.hub.last_changed(self.stream, keys);
            let deliveries = self.watchers.step(store, last_changed);
            self.signal.hold(self.watchers.needs());
            let current = self.progress_wanted && self.watchers.are_current(store);
            (deliveries, current, store.revision())
        };
        for delivery in deliveries {
            self.tell(delivery);
        }
        if self.watchers.has_work() {
            // Looks again after the answers so far are taken or, without any, at once.
            self.signal.marked.notify_one();
        } else if current {
            self.progress_wanted = false;
            self.outgoing.push_back(WatchAnswer::Progress {
                watch_id: NO_WATCHER,
                revision,
            });
        }
    }

    fn tell(&mut self, delivery: Delivery) {
        let Delivery {
            watch_id,
            compact_revision,
            ..
        } = delivery;
        if compact_revision > 0 {
            if let Some(keys) = self.watchers.cancel(watch_id) {
                self.node.hub.remove_watcher(self.stream, &keys);
            }
            // As in etcd, the answer has no revision: nothing was read at any.
            self.outgoing
                .push_back(canceled(watch_id, 0, compact_revision));
            return;
        }
        let events = delivery.events.len() as u64;
        self.node.metrics.store.events.inc_by(events);
        let fragment = self
            .watchers
            .request(watch_id)
            .is_some_and(|request| request.fragment);
        if !fragment {
            self.outgoing.push_back(WatchAnswer::Events(delivery));
            return;
        }
        let bytes_max = fragment_bytes_max(self.node.settings.request_bytes_max);
        let mut parts = fragments(delivery, bytes_max, event_bytes);
        let last = parts.pop();
        self.outgoing
            .extend(parts.into_iter().map(WatchAnswer::Fragment));
        self.outgoing.extend(last.map(WatchAnswer::Events));
    }

    fn tell_progress(&mut self) {
        let state = self.node.consensus.state();
        take_mark(&self.signal, &mut self.watchers);
        let store = &state.machine.store;
        let revision = store.revision();
        let told = self.watchers.progress(store);
        let answers = told.map(|watch_id| WatchAnswer::Progress { watch_id, revision });
        self.outgoing.extend(answers);
    }
}

/// Takes over what was marked. Every look at the watchers with the state held begins with this: a
/// watcher that is created moves the shared position to the newest revision, past what is marked.
fn take_mark(signal: &Signal, watchers: &mut Watchers) {
    if let Some(from) = signal.take() {
        watchers.mark(from);
        signal.hold(watchers.needs());
    }
}

/// etcd's bound: more frequent notices would cost more than they tell.
const PROGRESS_MIN: Duration = Duration::from_millis(100);

fn canceled(watch_id: i64, revision: i64, compact_revision: i64) -> WatchAnswer {
    let reason = String::new();
    WatchAnswer::Canceled {
        watch_id,
        revision,
        created: false,
        compact_revision,
        reason,
    }
}

/// Whether no key can be in the range.
fn is_empty(request: &WatchRequest) -> bool {
    let keys = &request.keys;
    !keys.is_single() && !keys.is_open() && keys.start >= keys.end
}
