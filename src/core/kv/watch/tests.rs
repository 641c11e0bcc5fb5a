//! The rules of watching, one test each, and a model test of them all under random interleaving.

use bytes::Bytes;

use super::*;
use crate::core::kv::machine::Machine;
use crate::core::kv::model::Numbers;
use crate::core::kv::request::{Command, DeleteRange, Operation, Put, Txn};
use crate::core::kv::store::Step;

fn put(key: &'static str, value: impl Into<Bytes>) -> Command {
    Command::Put(Put {
        key: key.into(),
        value: value.into(),
        ..Put::default()
    })
}

fn delete(key: &'static str) -> Command {
    Command::DeleteRange(DeleteRange {
        keys: KeyRange::key(key),
        prev_kv: false,
    })
}

fn request(key: &'static str, start_revision: i64) -> WatchRequest {
    WatchRequest {
        keys: KeyRange::key(key),
        start_revision,
        ..WatchRequest::default()
    }
}

fn everything(start_revision: i64) -> WatchRequest {
    WatchRequest {
        keys: KeyRange {
            start: Bytes::from_static(&[0]),
            end: Bytes::from_static(&[0]),
        },
        start_revision,
        ..WatchRequest::default()
    }
}

/// A machine and one stream that watches it.
#[derive(Default)]
struct Watched {
    machine: Machine,
    watchers: Watchers,
    registry: Registry,
}

const STREAM: u64 = 1;

impl Watched {
    fn apply(&mut self, command: &Command) {
        let from = self.machine.store.revision() + 1;
        self.machine.apply(command).expect("taken");
        for record in self.machine.store.changes(from) {
            let watchers = &mut self.watchers;
            self.registry
                .change(record.key, from, |_| watchers.mark(from));
        }
    }

    fn create(&mut self, request: WatchRequest) -> i64 {
        self.registry.add(STREAM, &request.keys);
        self.watchers
            .create(request, &self.machine.store)
            .expect("a free id")
    }

    fn step(&mut self) -> Vec<Delivery> {
        let last_changed = |keys: &KeyRange| self.registry.last_changed(STREAM, keys);
        self.watchers.step(&self.machine.store, last_changed)
    }

    fn compact(&mut self, revision: i64) {
        self.machine.store.compact(revision).expect("in bounds");
        while self.machine.store.drop_step(None) == Step::More {}
    }

    fn told(&mut self) -> Vec<Delivery> {
        let mut told = Vec::new();
        while self.watchers.has_work() {
            told.extend(self.step());
        }
        told
    }

    /// What each delivery says: id, revision and the keys with their revisions.
    fn events(&mut self) -> Vec<(i64, Vec<(String, i64)>)> {
        let name = |event: &Arc<Event>| {
            let key = String::from_utf8_lossy(&event.kv.key).into_owned();
            (key, event.kv.mod_revision)
        };
        let told = self.told().into_iter();
        told.map(|it| (it.watch_id, it.events.iter().map(name).collect()))
            .collect()
    }
}

fn seen(key: &str, revision: i64) -> (String, i64) {
    (key.to_owned(), revision)
}

#[test]
fn start_revision_zero_tells_only_what_comes_next() {
    let mut watched = Watched::default();
    watched.apply(&put("k", "old"));
    watched.create(request("k", 0));
    assert!(watched.told().is_empty());
    watched.apply(&put("k", "new"));
    assert_eq!(watched.events(), [(0, vec![seen("k", 3)])]);
}

#[test]
fn start_in_the_past_tells_what_was_and_what_comes() {
    let mut watched = Watched::default();
    (0..3).for_each(|_| watched.apply(&put("k", "v")));
    watched.create(request("k", 3));
    assert_eq!(watched.events(), [(0, vec![seen("k", 3), seen("k", 4)])]);
    watched.apply(&put("k", "v"));
    assert_eq!(watched.events(), [(0, vec![seen("k", 5)])]);
}

#[test]
fn start_in_the_future_tells_nothing_earlier() {
    let mut watched = Watched::default();
    watched.create(request("k", 4));
    watched.apply(&put("k", "2"));
    watched.apply(&put("k", "3"));
    assert!(watched.told().is_empty());
    watched.apply(&put("k", "4"));
    assert_eq!(watched.events(), [(0, vec![seen("k", 4)])]);
}

#[test]
fn start_in_the_future_gets_no_progress_before_it() {
    let mut watched = Watched::default();
    watched.create(WatchRequest {
        progress_notify: true,
        ..request("k", 4)
    });
    let progress = |it: &Watched| it.watchers.progress(&it.machine.store).count();
    assert_eq!(progress(&watched), 0);
    let current = |it: &Watched| it.watchers.are_current(&it.machine.store);
    watched.apply(&put("other", "2"));
    watched.apply(&put("other", "3"));
    // Revision 3 is still before the start.
    assert!(progress(&watched) == 0 && !current(&watched));
    watched.apply(&put("other", "4"));
    assert!(progress(&watched) == 1 && current(&watched));
}

#[test]
fn start_at_the_compaction_revision_still_works() {
    let mut watched = Watched::default();
    watched.apply(&put("k", "2"));
    watched.apply(&delete("k"));
    watched.apply(&put("k", "4"));
    watched.compact(3);
    watched.create(request("k", 3));
    let told = watched.told();
    assert_eq!(told[0].events.len(), 2);
    assert!(told[0].events[0].deleted);
    assert_eq!(told[0].compact_revision, 0);
}

#[test]
fn what_is_compacted_before_it_was_told_ends_the_watcher() {
    let mut watched = Watched::default();
    (0..4).for_each(|_| watched.apply(&put("k", "v")));
    watched.create(request("k", 2));
    watched.compact(4);
    let told = watched.told();
    assert_eq!((told.len(), told[0].compact_revision), (1, 4));
    assert!(told[0].events.is_empty());
}

#[test]
fn a_stream_that_falls_behind_a_compaction_is_ended_only_where_it_missed_something() {
    let mut watched = Watched::default();
    watched.create(request("k", 0));
    let later = watched.create(request("k", 5));
    (0..4).for_each(|_| watched.apply(&put("k", "v")));
    watched.compact(4);
    let told = watched.told();
    let ended: Vec<i64> = told
        .iter()
        .filter(|it| it.compact_revision == 4)
        .map(|it| it.watch_id)
        .collect();
    assert_eq!(ended, [0]);
    let rest: Vec<i64> = told
        .iter()
        .filter(|it| !it.events.is_empty())
        .map(|it| it.watch_id)
        .collect();
    assert_eq!(rest, [later]);
}

/// What a current stream had no chance to look at yet, because it comes together with its
/// compaction, is told as if there had been none.
#[test]
fn a_current_stream_is_told_what_is_compacted_in_the_same_moment() {
    let mut watched = Watched::default();
    watched.create(request("k", 0));
    watched.create(request("other", 0));
    (0..4).for_each(|_| watched.apply(&put("k", "v")));
    watched.machine.store.compact(5).expect("in bounds");
    assert_eq!(watched.watchers.needs(), Some(1));
    while watched.machine.store.drop_step(watched.watchers.needs()) == Step::More {}
    let told = watched.events();
    assert_eq!(told, [(0, (2..6).map(|main| seen("k", main)).collect())]);
    assert_eq!(watched.watchers.needs(), None);
}

#[test]
fn a_watcher_whose_keys_did_not_change_outlives_what_its_stream_missed() {
    let mut watched = Watched::default();
    let changed = watched.create(request("k", 0));
    let unchanged = watched.create(request("other", 0));
    let changed_range = watched.create(WatchRequest {
        keys: KeyRange {
            start: "j".into(),
            end: "l".into(),
        },
        ..WatchRequest::default()
    });
    (0..4).for_each(|_| watched.apply(&put("k", "v")));
    // Not waited for: the stream had its time.
    watched.compact(4);
    let told = watched.told();
    let ended = told.iter().map(|it| (it.watch_id, it.compact_revision));
    let ended: Vec<_> = ended.collect();
    assert_eq!(ended, [(changed, 4), (changed_range, 4)]);
    for (id, _) in ended {
        watched.watchers.cancel(id);
    }
    watched.apply(&put("other", "v"));
    assert_eq!(watched.events(), [(unchanged, vec![seen("other", 6)])]);
}

#[test]
fn a_start_before_the_compaction_ends_the_watcher_even_where_nothing_is_dropped_yet() {
    let mut watched = Watched::default();
    (0..4).for_each(|_| watched.apply(&put("k", "v")));
    watched.machine.store.compact(4).expect("in bounds");
    watched.create(request("k", 3));
    let told = watched.told();
    assert_eq!((told.len(), told[0].compact_revision), (1, 4));
    watched.create(request("k", 4));
    assert_eq!(watched.events(), [(1, vec![seen("k", 4), seen("k", 5)])]);
}

#[test]
fn filters_leave_out_puts_or_deletions() {
    let mut watched = Watched::default();
    for (no_put, no_delete) in [(true, false), (false, true), (true, true)] {
        watched.create(WatchRequest {
            filter: EventFilter { no_put, no_delete },
            ..request("k", 0)
        });
    }
    watched.apply(&put("k", "v"));
    watched.apply(&delete("k"));
    let expected = [(0, vec![seen("k", 3)]), (1, vec![seen("k", 2)])];
    assert_eq!(watched.events(), expected);
}

#[test]
fn the_previous_value_comes_with_the_event_that_asked_for_it() {
    let mut watched = Watched::default();
    watched.create(request("k", 0));
    watched.create(WatchRequest {
        prev_kv: true,
        ..request("k", 0)
    });
    watched.apply(&put("k", "1"));
    watched.apply(&put("k", "2"));
    watched.apply(&delete("k"));
    let told = watched.told();
    assert!(told[0].events.iter().all(|event| event.prev_kv.is_none()));
    let previous: Vec<Option<Bytes>> = told[1]
        .events
        .iter()
        .map(|event| event.prev_kv.clone().map(|kv| kv.value))
        .collect();
    assert_eq!(previous, [None, Some("1".into()), Some("2".into())]);
    let deletion = &told[1].events[2].kv;
    assert_eq!(
        (
            deletion.mod_revision,
            deletion.version,
            deletion.create_revision
        ),
        (4, 0, 0)
    );
}

#[test]
fn the_previous_value_is_absent_where_it_is_compacted() {
    let mut watched = Watched::default();
    (0..3).for_each(|_| watched.apply(&put("k", "v")));
    watched.compact(3);
    watched.create(WatchRequest {
        prev_kv: true,
        ..request("k", 3)
    });
    let told = watched.told();
    let has: Vec<bool> = told[0]
        .events
        .iter()
        .map(|event| event.prev_kv.is_some())
        .collect();
    assert_eq!(has, [false, true]);
}

#[test]
fn fragments_hold_every_event_once_and_in_order() {
    let mut watched = Watched::default();
    watched.create(everything(2));
    (0..10).for_each(|_| watched.apply(&put("k", vec![0; 100])));
    let delivery = watched.told().remove(0);
    let bytes_of = |event: &Event| event.kv.value.len();
    let parts = fragments(delivery.clone(), 250, bytes_of);
    assert_eq!(parts.len(), 5);
    assert!(parts.iter().all(|part| part.events.len() == 2));
    assert_eq!(fragments(delivery.clone(), 1, bytes_of).len(), 10);
    let joined: Vec<Arc<Event>> = parts.into_iter().flat_map(|part| part.events).collect();
    assert_eq!(joined, delivery.events);
    assert_eq!(fragments(delivery.clone(), 1 << 20, bytes_of), [delivery]);
}

#[test]
fn progress_is_told_only_when_everything_was() {
    let mut watched = Watched::default();
    watched.create(request("k", 0));
    let wanting = watched.create(WatchRequest {
        progress_notify: true,
        ..request("other", 0)
    });
    let progress = |it: &Watched| {
        it.watchers
            .progress(&it.machine.store)
            .collect::<Vec<i64>>()
    };
    assert_eq!(progress(&watched), [wanting]);
    watched.apply(&put("k", "v"));
    assert!(progress(&watched).is_empty());
    watched.told();
    assert_eq!(progress(&watched), [wanting]);
    watched.create(request("k", 2));
    assert!(progress(&watched).is_empty());
}

#[test]
fn a_cancelled_watcher_is_told_nothing_more() {
    let mut watched = Watched::default();
    let (single, range) = (
        watched.create(request("k", 0)),
        watched.create(everything(0)),
    );
    watched.create(everything(0));
    watched.apply(&put("k", "v"));
    assert_eq!(watched.watchers.cancel(single), Some(KeyRange::key("k")));
    assert!(watched.watchers.cancel(range).is_some());
    assert_eq!(watched.watchers.cancel(range), None);
    assert_eq!(watched.events(), [(2, vec![seen("k", 2)])]);
}

#[test]
fn a_taken_id_is_refused_and_a_chosen_one_is_free() {
    let mut watched = Watched::default();
    let wanted = WatchRequest {
        watch_id: 1,
        ..request("k", 0)
    };
    assert_eq!(watched.create(wanted.clone()), 1);
    assert_eq!(
        watched.watchers.create(wanted, &watched.machine.store),
        None
    );
    assert_eq!(watched.create(request("k", 0)), 0);
    assert_eq!(watched.create(request("k", 0)), 2);
}

#[test]
fn watchers_of_one_key_and_of_ranges_all_see_a_change() {
    let mut watched = Watched::default();
    let range = KeyRange {
        start: "a".into(),
        end: "l".into(),
    };
    watched.create(request("k", 0));
    watched.create(request("k", 0));
    watched.create(WatchRequest {
        keys: range,
        ..WatchRequest::default()
    });
    watched.create(everything(0));
    watched.create(request("z", 0));
    watched.apply(&put("k", "v"));
    let ids: Vec<i64> = watched.told().iter().map(|it| it.watch_id).collect();
    assert_eq!(ids, [0, 1, 2, 3]);
}

#[test]
fn one_revision_is_one_delivery_even_beyond_the_bounds_of_a_step() {
    let big = 3 * STEP_CHANGES as u32;
    let puts = (0..big).map(|number| {
        Operation::Put(Put {
            key: number.to_be_bytes().to_vec().into(),
            ..Put::default()
        })
    });
    let txn = Command::Txn(Txn {
        success: puts.collect(),
        ..Txn::default()
    });
    let mut watched = Watched::default();
    watched.create(everything(0));
    (0..STEP_CHANGES - 10).for_each(|_| watched.apply(&put("k", "v")));
    watched.apply(&txn);
    watched.apply(&put("k", "v"));
    watched.create(everything(2));
    let told = watched.told();
    let revision = STEP_CHANGES as i64 - 10 + 2;
    for id in [0, 1] {
        let of_txn = |it: &&Delivery| {
            let mut events = it.events.iter();
            it.watch_id == id && events.any(|event| event.kv.mod_revision == revision)
        };
        let with: Vec<&Delivery> = told.iter().filter(of_txn).collect();
        assert_eq!(with.len(), 1);
        let events = with[0].events.iter();
        let of_revision = events.filter(|event| event.kv.mod_revision == revision);
        assert_eq!(of_revision.count(), big as usize);
    }
}

#[test]
fn steps_are_bounded_in_bytes() {
    let mut watched = Watched::default();
    watched.create(everything(0));
    (0..8).for_each(|_| watched.apply(&put("k", vec![0; STEP_BYTES / 2])));
    let sizes: Vec<usize> = watched.told().iter().map(|it| it.events.len()).collect();
    assert_eq!(sizes, [2, 2, 2, 2]);
}

#[test]
fn a_watcher_that_catches_up_is_not_starved_by_steady_writes() {
    let mut watched = Watched::default();
    (0..10).for_each(|_| watched.apply(&put("k", "v")));
    watched.create(request("k", 0));
    let past = watched.create(request("k", 2));
    let mut told = Vec::new();
    for _ in 0..4 {
        watched.apply(&put("k", "v"));
        told.extend(watched.step());
    }
    assert!(told.iter().any(|it| it.watch_id == past));
}

#[test]
fn watchers_that_catch_up_take_turns_of_one_step() {
    let mut watched = Watched::default();
    for _ in 0..3 * STEP_CHANGES {
        watched.apply(&put("k", "v"));
    }
    for _ in 0..3 {
        watched.create(everything(2));
    }
    let step = |watched: &mut Watched| {
        let told = watched.step();
        told.into_iter().map(|it| it.watch_id).collect::<Vec<_>>()
    };
    assert_eq!(step(&mut watched), [0]);
    assert_eq!(step(&mut watched), [1]);
    // One that has little to catch up waits for one turn of each of the others.
    let late = watched.create(everything(3 * STEP_CHANGES as i64));
    assert_eq!(step(&mut watched), [2]);
    assert_eq!(step(&mut watched), [late]);
    assert_eq!(step(&mut watched), [0]);
    watched.watchers.cancel(1);
    let ids = watched.told().into_iter().map(|it| it.watch_id);
    assert_eq!(ids.collect::<Vec<_>>(), [2, 0, 2]);
}

#[test]
fn only_streams_that_watch_a_key_are_woken() {
    let mut registry = Registry::default();
    let range = KeyRange {
        start: "a".into(),
        end: "c".into(),
    };
    let wakes = |it: &Registry, key: &str| {
        let mut woken = BTreeSet::new();
        it.clone().change(key.as_bytes(), 2, |stream| {
            woken.insert(stream);
        });
        woken
    };
    registry.add(1, &KeyRange::key("a"));
    registry.add(1, &KeyRange::key("a"));
    registry.add(2, &range);
    assert_eq!(wakes(&registry, "a"), [1, 2].into());
    assert_eq!(wakes(&registry, "b"), [2].into());
    assert!(wakes(&registry, "c").is_empty());
    registry.remove(1, &KeyRange::key("a"));
    assert_eq!(wakes(&registry, "a"), [1, 2].into());
    registry.remove(1, &KeyRange::key("a"));
    registry.remove(2, &range);
    assert!(registry.is_empty());
}

/// What a watcher of the model must have been told, and whether it has ended.
struct Expected {
    request: WatchRequest,
    from: i64,
    told: Vec<(i64, Bytes, bool)>,
    last: i64,
    ended: bool,
    /// It asked for what was there already, which nobody keeps for it.
    from_the_past: bool,
    /// Compactions waited for streams that are up to date.
    waited_for: bool,
}

/// Every change there ever was: revision, key, whether it was a deletion.
type Log = Vec<(i64, Bytes, bool)>;

impl Expected {
    fn note(&mut self, delivery: Delivery, log: &Log, compacted: i64) {
        assert!(!self.ended, "told after the end");
        if delivery.compact_revision != 0 {
            assert_eq!(delivery.compact_revision, compacted);
            self.ended = true;
            let untold = self.from.max(self.last + 1);
            let keys = &self.request.keys;
            let missed = log
                .iter()
                .any(|(revision, key, _)| *revision >= untold && keys.contains(key));
            let asked_too_late = self.from_the_past && self.from < compacted;
            assert!(asked_too_late || (missed && !self.waited_for));
            return;
        }
        for event in &delivery.events {
            let kv = &event.kv;
            assert!(kv.mod_revision > self.last, "a revision in two deliveries");
            self.told
                .push((kv.mod_revision, kv.key.clone(), event.deleted));
        }
        self.last = self.told.last().map_or(0, |(revision, ..)| *revision);
        let up_to_here = self.wanted(log, delivery.revision);
        assert_eq!(self.told, up_to_here, "told up to {}", delivery.revision);
    }

    fn wanted(&self, log: &Log, upto: i64) -> Log {
        let filter = self.request.filter;
        let wanted = log.iter().filter(|(revision, key, deleted)| {
            let filtered = if *deleted {
                filter.no_delete
            } else {
                filter.no_put
            };
            (self.from..=upto).contains(revision) && self.request.keys.contains(key) && !filtered
        });
        wanted.cloned().collect()
    }
}

fn random_write(numbers: &mut Numbers) -> Command {
    if numbers.one_in(3) {
        return Command::DeleteRange(DeleteRange {
            keys: numbers.keys(),
            prev_kv: false,
        });
    }
    Command::Put(Put {
        key: numbers.key(),
        // Large now and then, so that the bounds of a step are met.
        value: vec![0; if numbers.one_in(20) { STEP_BYTES } else { 1 }].into(),
        ..Put::default()
    })
}

fn random_request(numbers: &mut Numbers, store: &Store) -> WatchRequest {
    let (low, high) = (store.compacted(), store.revision() + 5);
    let start = low + numbers.below((high - low) as u64) as i64;
    WatchRequest {
        keys: numbers.keys(),
        start_revision: if numbers.one_in(3) { 0 } else { start },
        filter: EventFilter {
            no_put: numbers.one_in(6),
            no_delete: numbers.one_in(6),
        },
        prev_kv: numbers.one_in(2),
        ..WatchRequest::default()
    }
}

fn run(seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut watched = Watched::default();
    let mut log = Log::new();
    let mut expected: BTreeMap<i64, Expected> = BTreeMap::new();
    let waited_for = numbers.one_in(2);
    for _ in 0..120 {
        let revision = watched.machine.store.revision();
        match numbers.below(12) {
            0..5 => {
                watched.apply(&random_write(&mut numbers));
                let changes = watched.machine.store.changes(revision + 1);
                log.extend(changes.map(|it| {
                    (
                        it.revision.main,
                        Bytes::copy_from_slice(it.key),
                        it.tombstone,
                    )
                }));
            }
            5 => {
                let request = random_request(&mut numbers, &watched.machine.store);
                let from = match request.start_revision {
                    0 => revision + 1,
                    start => start,
                };
                let id = watched.create(request.clone());
                let watcher = Expected {
                    from_the_past: from <= revision,
                    request,
                    from,
                    told: Vec::new(),
                    last: 0,
                    ended: false,
                    waited_for,
                };
                expected.insert(id, watcher);
            }
            6 if numbers.one_in(2) => {
                let at = 1 + numbers.below(revision as u64) as i64;
                if watched.machine.store.compact(at).is_ok() && numbers.one_in(2) {
                    let needs = watched.watchers.needs().filter(|_| waited_for);
                    while watched.machine.store.drop_step(needs) == Step::More {}
                }
            }
            7 if numbers.one_in(4) => {
                let id = numbers.below(4) as i64;
                assert_eq!(
                    watched.watchers.cancel(id).is_some(),
                    expected.remove(&id).is_some()
                );
            }
            _ => watched.step_into(&mut expected, &log),
        }
    }
    while watched.watchers.has_work() {
        watched.step_into(&mut expected, &log);
    }
    for watcher in expected.values().filter(|watcher| !watcher.ended) {
        assert_eq!(watcher.told, watcher.wanted(&log, i64::MAX), "seed {seed}");
    }
}

impl Watched {
    fn step_into(&mut self, expected: &mut BTreeMap<i64, Expected>, log: &Log) {
        for delivery in self.step() {
            let id = delivery.watch_id;
            let ended = delivery.compact_revision != 0;
            let compacted = self.machine.store.compacted();
            let watcher = expected.get_mut(&id).expect("a watcher that was created");
            watcher.note(delivery, log, compacted);
            if ended {
                self.watchers.cancel(id);
                expected.remove(&id);
            }
        }
    }
}

#[test]
fn every_watcher_is_told_its_history_once_and_in_order_under_any_interleaving() {
    for seed in 0..200 {
        let run = std::panic::catch_unwind(|| run(seed));
        assert!(run.is_ok(), "seed {seed}");
    }
}
