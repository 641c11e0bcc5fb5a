//! Watches: which stream must look, and what each watcher on it must be told.
//!
//! A watcher is a cursor over the shared history, so however many there are, events are stored
//! once, and a slow one costs the writer nothing.
//!
//! - [`Registry`] maps a changed key to the streams that watch it; nobody else is woken.
//! - [`Watchers`] are the watchers of one stream. Those that are up to date share one position;
//!   those that start in the past catch up in turns of one bounded step each.
//! - All events of one revision reach a watcher in one [`Delivery`], in order, exactly once.
//! - A watcher that needs what was dropped after a compaction is ended and told from where it could
//!   go on. Nobody else is: streams that are up to date say from where on they must still read, and
//!   of a stream that was not waited for only those watchers end whose keys have changed.

mod ranges;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::core::kv::history::Record;
use crate::core::kv::request::{KeyRange, KeyValue};
use crate::core::kv::store::Store;
use crate::core::kv::watch::ranges::RangeMap;

/// Changes that one step looks at: about a millisecond of work while the store is held.
const STEP_CHANGES: usize = 1_000;

/// Bytes of changed keys and values that one step collects, so that a stream's memory is bounded.
const STEP_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub no_put: bool,
    pub no_delete: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub deleted: bool,
    pub kv: KeyValue,
    pub prev_kv: Option<KeyValue>,
}

/// What a client asks for when it creates a watcher.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchRequest {
    pub keys: KeyRange,
    /// The first revision to deliver; 0 is the next one.
    pub start_revision: i64,
    pub filter: EventFilter,
    pub prev_kv: bool,
    pub progress_notify: bool,
    pub fragment: bool,
    /// The id the client wants; 0 lets the stream choose.
    pub watch_id: i64,
}

/// What a watcher is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub watch_id: i64,
    /// Everything up to here has been delivered.
    pub revision: i64,
    pub events: Vec<Arc<Event>>,
    /// Not 0: the watcher has ended, because its events before this revision are gone.
    pub compact_revision: i64,
}

#[derive(Clone, Debug)]
struct Watcher {
    request: WatchRequest,
    /// The first revision that may be delivered.
    next: i64,
    /// When it was created, its first revision was compacted already.
    too_late: bool,
}

/// The watchers of one stream.
#[derive(Clone, Debug, Default)]
pub struct Watchers {
    watchers: BTreeMap<i64, Watcher>,
    /// Those that are not behind, by what they watch.
    current: RangeMap<BTreeSet<i64>>,
    /// Watchers that are behind the shared position, and catch up by themselves.
    lagging: BTreeSet<i64>,
    /// The one of them that had the last step; the next one has the next.
    lagging_served: Option<i64>,
    /// Changes before this revision have been delivered to all that are not lagging.
    position: i64,
    /// There are changes at or after `position` that concern this stream.
    pending: bool,
    /// The next step is one for those that lag, if there are any.
    lagging_turn: bool,
    next_id: i64,
}

/// Which streams watch which keys.
#[derive(Clone, Debug, Default)]
pub struct Registry(RangeMap<Streams>);

/// The streams that watch one range.
type Streams = BTreeMap<u64, Interest>;

#[derive(Clone, Copy, Debug, Default)]
struct Interest {
    /// Watchers of the stream on the same range.
    watchers: usize,
    /// The last main revision that changed a key of the range, since the first of them.
    changed: i64,
}

impl Registry {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add(&mut self, stream: u64, keys: &KeyRange) {
        self.0.entry(keys).entry(stream).or_default().watchers += 1;
    }

    pub fn remove(&mut self, stream: u64, keys: &KeyRange) {
        let streams = self.0.entry(keys);
        if let Some(interest) = streams.get_mut(&stream) {
            interest.watchers -= 1;
            if interest.watchers == 0 {
                streams.remove(&stream);
            }
        }
        if streams.is_empty() {
            self.0.remove(keys);
        }
    }

    /// Notes that main revision `main` changed a key, and wakes the streams that watch it; one may
    /// be woken twice.
    pub fn change(&mut self, key: &[u8], main: i64, mut wake: impl FnMut(u64)) {
        self.0.change_holding(key, |streams| {
            for (stream, interest) in streams {
                interest.changed = main;
                wake(*stream);
            }
        });
    }

    /// Notes that any key may have changed up to main revision `main`.
    pub fn change_all(&mut self, main: i64) {
        self.0
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .for_each(|interest| interest.changed = main);
    }

    /// The last main revision that changed a key of a range which the stream watches; 0 if none
    /// has since the stream watches it.
    pub fn last_changed(&self, stream: u64, keys: &KeyRange) -> i64 {
        let interest = self.0.get(keys).and_then(|streams| streams.get(&stream));
        interest.map_or(0, |interest| interest.changed)
    }
}

impl Watchers {
    pub fn is_empty(&self) -> bool {
        self.watchers.is_empty()
    }

    pub fn len(&self) -> usize {
        self.watchers.len()
    }

    /// Adds a watcher; its id, or `None` if the wanted one is taken. One that starts before what
    /// is readable ends with the next step that is its own.
    pub fn create(&mut self, request: WatchRequest, store: &Store) -> Option<i64> {
        let id = match request.watch_id {
            0 => {
                while self.watchers.contains_key(&self.next_id) {
                    self.next_id += 1;
                }
                self.next_id
            }
            wanted if self.watchers.contains_key(&wanted) => return None,
            wanted => wanted,
        };
        if request.watch_id == 0 {
            self.next_id += 1;
        }
        if !self.pending {
            self.position = store.revision() + 1;
        }
        let next = match request.start_revision {
            0 => store.revision() + 1,
            start => start,
        };
        let too_late = next < store.compacted();
        if next <= store.revision() {
            self.lagging.insert(id);
        } else {
            self.join(id, &request.keys);
        }
        let watcher = Watcher {
            request,
            next,
            too_late,
        };
        self.watchers.insert(id, watcher);
        Some(id)
    }

    /// Ends a watcher; the keys it watched.
    pub fn cancel(&mut self, id: i64) -> Option<KeyRange> {
        let watcher = self.watchers.remove(&id)?;
        self.lagging.remove(&id);
        self.leave(id, &watcher.request.keys);
        Some(watcher.request.keys)
    }

    pub fn request(&self, id: i64) -> Option<&WatchRequest> {
        self.watchers.get(&id).map(|watcher| &watcher.request)
    }

    /// The ranges of all watchers, once each watcher.
    pub fn key_ranges(&self) -> impl Iterator<Item = &KeyRange> {
        self.watchers.values().map(|watcher| &watcher.request.keys)
    }

    /// Notes that a watched key changed at main revision `from`, and perhaps others after it.
    pub fn mark(&mut self, from: i64) {
        if !self.pending {
            self.pending = true;
            self.position = self.position.max(from);
        }
    }

    /// Whether [`Self::step`] has something to look at.
    pub fn has_work(&self) -> bool {
        self.pending || !self.lagging.is_empty()
    }

    /// Whether every watcher has been told everything up to now and none starts in the future:
    /// then a notice to the whole stream is true for each.
    pub fn are_current(&self, store: &Store) -> bool {
        let revision = store.revision();
        !self.has_work() && self.watchers.values().all(|it| it.has_begun(revision))
    }

    /// Watchers that asked for progress notices and have been told everything up to now. One that
    /// starts in the future hears of no revision before its start (etcd's #20221).
    pub fn progress(&self, store: &Store) -> impl Iterator<Item = i64> {
        let told = !self.has_work();
        let revision = store.revision();
        let wanting = self
            .watchers
            .iter()
            .filter(move |(_, it)| it.request.progress_notify && it.has_begun(revision));
        wanting.filter(move |_| told).map(|(id, _)| *id)
    }

    /// The oldest revision that the watchers which are up to date still need: the one before the
    /// next change to be told, for previous values. Those that catch up take what is still there.
    pub fn needs(&self) -> Option<i64> {
        self.pending.then_some(self.position - 1)
    }

    /// Looks at the next changes, a bounded number of them, and says whom to tell what. While
    /// there are watchers of both kinds they take turns, so that steady writes starve nobody.
    /// `last_changed` is what [`Registry::last_changed`] says of this stream.
    pub fn step(
        &mut self,
        store: &Store,
        last_changed: impl Fn(&KeyRange) -> i64,
    ) -> Vec<Delivery> {
        if self.pending && self.position < store.held_from() {
            self.fall_behind(store.held_from(), last_changed);
        }
        let lagging = self.next_lagging();
        let lagging = lagging.filter(|_| !self.pending || self.lagging_turn);
        self.lagging_turn = lagging.is_none();
        match lagging {
            Some(id) => self.step_lagging(id, store),
            None if self.pending => self.step_shared(store),
            None => Vec::new(),
        }
    }

    /// Changes at the shared position were dropped: those whose keys changed lag behind, and end
    /// there; the others have missed nothing.
    fn fall_behind(&mut self, held_from: i64, last_changed: impl Fn(&KeyRange) -> i64) {
        let mut missed = Vec::new();
        for (id, watcher) in &mut self.watchers {
            let next = watcher.next.max(self.position);
            let changed = next < held_from && last_changed(&watcher.request.keys) >= next;
            if changed && self.lagging.insert(*id) {
                watcher.next = next;
                missed.push((*id, watcher.request.keys.clone()));
            }
        }
        for (id, keys) in missed {
            self.leave(id, &keys);
        }
        self.position = held_from;
    }

    fn step_shared(&mut self, store: &Store) -> Vec<Delivery> {
        let mut events: BTreeMap<i64, Vec<Arc<Event>>> = BTreeMap::new();
        let window = Window::read(store, self.position, |record| {
            let mut shared = SharedEvent::default();
            for id in self.current.holding(record.key).flatten() {
                if let Some(event) = shared.for_watcher(&self.watchers[id], record, store) {
                    events.entry(*id).or_default().push(event);
                }
            }
        });
        self.position = window.next;
        self.pending = !window.complete;
        let revision = window.next - 1;
        let delivery = |(watch_id, events)| Delivery {
            watch_id,
            revision,
            events,
            compact_revision: 0,
        };
        events.into_iter().map(delivery).collect()
    }

    /// Around in the order of the ids, so that a long way to catch up delays nobody else's.
    fn next_lagging(&self) -> Option<i64> {
        let after = self
            .lagging_served
            .map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = self.lagging.range((after, Bound::Unbounded));
        later.next().or(self.lagging.first()).copied()
    }

    fn step_lagging(&mut self, id: i64, store: &Store) -> Vec<Delivery> {
        self.lagging.remove(&id);
        self.lagging_served = Some(id);
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return Vec::new();
        };
        let mut delivery = Delivery {
            watch_id: id,
            revision: store.revision(),
            events: Vec::new(),
            compact_revision: 0,
        };
        if watcher.too_late || watcher.next < store.held_from() {
            delivery.compact_revision = store.compacted();
            return vec![delivery];
        }
        let window = Window::read(store, watcher.next, |record| {
            if watcher.request.keys.contains(record.key) {
                let event = SharedEvent::default().for_watcher(watcher, record, store);
                delivery.events.extend(event);
            }
        });
        delivery.revision = window.next - 1;
        watcher.next = window.next;
        if window.complete {
            let keys = watcher.request.keys.clone();
            self.join(id, &keys);
        } else {
            self.lagging.insert(id);
        }
        if delivery.events.is_empty() {
            Vec::new()
        } else {
            vec![delivery]
        }
    }

    fn join(&mut self, id: i64, keys: &KeyRange) {
        self.current.entry(keys).insert(id);
    }

    fn leave(&mut self, id: i64, keys: &KeyRange) {
        let ids = self.current.entry(keys);
        ids.remove(&id);
        if ids.is_empty() {
            self.current.remove(keys);
        }
    }
}

impl Watcher {
    /// Whether what it asked for is not all in the future.
    fn has_begun(&self, revision: i64) -> bool {
        self.request.start_revision <= revision
    }
}

/// Splits a delivery so that no part has more than `bytes_max`, unless one event alone has;
/// `bytes_of` says what an event takes on the wire.
pub fn fragments(
    delivery: Delivery,
    bytes_max: usize,
    bytes_of: impl Fn(&Event) -> usize,
) -> Vec<Delivery> {
    let Delivery {
        watch_id,
        revision,
        events,
        compact_revision,
    } = delivery;
    let part = |events| Delivery {
        watch_id,
        revision,
        events,
        compact_revision,
    };
    let (mut parts, mut current, mut bytes) = (Vec::new(), Vec::new(), 0);
    for event in events {
        let size = bytes_of(&event);
        if !current.is_empty() && bytes + size > bytes_max {
            parts.push(part(std::mem::take(&mut current)));
            bytes = 0;
        }
        bytes += size;
        current.push(event);
    }
    parts.push(part(current));
    parts
}

/// How far one step looked.
struct Window {
    /// The first revision that was not looked at.
    next: i64,
    /// There is nothing after it.
    complete: bool,
}

impl Window {
    /// Shows whole revisions from `from` on to `see`, until a step's bounds are reached.
    fn read<'a>(store: &'a Store, from: i64, mut see: impl FnMut(&Record<'a>)) -> Self {
        let (mut changes, mut bytes, mut main) = (0, 0, from);
        for record in store.changes(from) {
            let full = changes >= STEP_CHANGES || bytes >= STEP_BYTES;
            if full && record.revision.main > main {
                return Self {
                    next: record.revision.main,
                    complete: false,
                };
            }
            main = record.revision.main;
            changes += 1;
            bytes += record.bytes();
            see(&record);
        }
        Self {
            next: from.max(store.revision() + 1),
            complete: true,
        }
    }
}

/// One change as an event, made at most once with and once without the previous value.
#[derive(Default)]
struct SharedEvent {
    plain: Option<Arc<Event>>,
    with_prev: Option<Arc<Event>>,
}

impl SharedEvent {
    fn for_watcher(
        &mut self,
        watcher: &Watcher,
        record: &Record<'_>,
        store: &Store,
    ) -> Option<Arc<Event>> {
        let filter = watcher.request.filter;
        let filtered = if record.tombstone {
            filter.no_delete
        } else {
            filter.no_put
        };
        if filtered || record.revision.main < watcher.next {
            return None;
        }
        let event = |prev_kv| {
            Arc::new(Event {
                deleted: record.tombstone,
                kv: record.to_key_value(),
                prev_kv,
            })
        };
        let made = if watcher.request.prev_kv {
            self.with_prev.get_or_insert_with(|| {
                let before = record.revision.main - 1;
                let readable = before >= store.held_from();
                let prev = readable.then(|| store.get_at(record.key, before)).flatten();
                event(prev.map(Record::to_key_value))
            })
        } else {
            self.plain.get_or_insert_with(|| event(None))
        };
        Some(made.clone())
    }
}

#[cfg(test)]
mod tests;
