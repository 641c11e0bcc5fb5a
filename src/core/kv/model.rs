//! The machine against a naive model: whole maps per revision, nothing packed, nothing clever.
//!
//! Each seed is one run of random requests on two replicas that drop and sweep at different times.
//! A failure prints its seed; the same seed gives the same run.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::core::bench::input::Source;
use crate::core::cluster::comparison::{Fingerprint, Mark};
use crate::core::kv::history::{Chunk, Record};
use crate::core::kv::machine::{Image, Machine};
use crate::core::kv::request::{
    Command, Compare, Comparison, DeleteRange, DeleteReply, Detail, KeyRange, KeyValue, KvError,
    Operation, OperationReply, Put, PutReply, Range, RangeReply, Reply, RevisionFilter, SortOrder,
    SortTarget, Target, Txn, TxnReply,
};
use crate::core::kv::store::digest::DigestProgress;
use crate::core::kv::store::{Budget, Step};
use crate::core::kv::txn::check_txn;
use crate::core::kv::txn::read::TxnRead;

const SEEDS: u64 = 200;
const STEPS: usize = 150;

/// Choices from a seed, so that a failure repeats.
pub(crate) struct Numbers(Source);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Source::new(seed, 0))
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    pub(crate) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn key(&mut self) -> Bytes {
        vec![b'a' + self.below(6) as u8].into()
    }

    pub(crate) fn keys(&mut self) -> KeyRange {
        let start = self.key();
        let end = match self.below(6) {
            0..=2 => Bytes::new(),
            3 => Bytes::from_static(&[0]),
            // Inverted now and then.
            _ => self.key(),
        };
        KeyRange { start, end }
    }
}

type Keys = BTreeMap<Bytes, KeyValue>;

/// Every state there ever was.
struct Model {
    states: BTreeMap<i64, Keys>,
    revision: i64,
    compacted: i64,
    leases: BTreeMap<i64, i64>,
}

/// A transaction of the model under way.
struct Change {
    keys: Keys,
    main: i64,
    before: i64,
    changed: bool,
}

impl Change {
    fn revision(&self) -> i64 {
        if self.changed { self.main } else { self.before }
    }
}

impl Model {
    fn new() -> Self {
        Self {
            states: BTreeMap::from([(1, Keys::new())]),
            revision: 1,
            compacted: -1,
            leases: BTreeMap::new(),
        }
    }

    fn keys(&self) -> &Keys {
        &self.states[&self.revision]
    }

    fn begin(&self) -> Change {
        Change {
            keys: self.keys().clone(),
            main: self.revision + 1,
            before: self.revision,
            changed: false,
        }
    }

    fn commit(&mut self, change: Change) {
        if change.changed {
            self.revision = change.main;
            self.states.insert(change.main, change.keys);
        }
    }

    fn readable(&self, revision: i64) -> Result<(), KvError> {
        if revision > self.revision {
            Err(KvError::FutureRevision)
        } else if revision > 0 && revision < self.compacted {
            Err(KvError::Compacted)
        } else {
            Ok(())
        }
    }

    fn apply(&mut self, command: &Command) -> Result<Reply, KvError> {
        match command {
            Command::Put(put) => {
                self.check_put(put)?;
                let mut change = self.begin();
                let reply = model_put(&mut change, put);
                self.commit(change);
                return Ok(Reply::Put(reply));
            }
            Command::DeleteRange(delete) => {
                let mut change = self.begin();
                let reply = model_delete(&mut change, delete);
                self.commit(change);
                return Ok(Reply::DeleteRange(reply));
            }
            Command::Txn(txn) => {
                self.check_txn(txn)?;
                let mut change = self.begin();
                let reply = self.run(&mut change, txn);
                self.commit(change);
                return Ok(Reply::Txn(reply));
            }
            Command::Compact { revision } if *revision <= self.compacted => {
                return Err(KvError::Compacted);
            }
            Command::Compact { revision } if *revision > self.revision => {
                return Err(KvError::FutureRevision);
            }
            Command::Compact { revision } => self.compacted = *revision,
            Command::LeaseGrant { id, .. } if self.leases.contains_key(id) => {
                return Err(KvError::LeaseExists);
            }
            Command::LeaseGrant { id, ttl_seconds } => {
                self.leases.insert(*id, *ttl_seconds);
            }
            Command::LeaseRevoke { id } => {
                self.leases.remove(id).ok_or(KvError::LeaseNotFound)?;
                let mut change = self.begin();
                change.keys.retain(|_, kv| kv.lease != *id);
                change.changed = change.keys.len() != self.keys().len();
                self.commit(change);
            }
            Command::RaiseAlarm(_) | Command::ClearAlarm(_) => unreachable!("not generated"),
        }
        Ok(Reply::Done {
            revision: self.revision,
        })
    }

    fn check_put(&self, put: &Put) -> Result<(), KvError> {
        let needs_key = put.ignore_value || put.ignore_lease;
        if needs_key && !self.keys().contains_key(&put.key) {
            return Err(KvError::KeyNotFound);
        }
        if put.lease != 0 && !self.leases.contains_key(&put.lease) {
            return Err(KvError::LeaseNotFound);
        }
        Ok(())
    }

    fn branch<'a>(&self, txn: &'a Txn) -> (bool, &'a [Operation]) {
        let holds = |compare: &Compare| {
            let keys = self.keys().values();
            let inside: Vec<&KeyValue> = keys
                .filter(|kv| model_contains(&compare.keys, &kv.key))
                .collect();
            match inside[..] {
                [] => model_holds(None, compare),
                _ => inside.iter().all(|kv| model_holds(Some(kv), compare)),
            }
        };
        if txn.compares.iter().all(holds) {
            (true, &txn.success)
        } else {
            (false, &txn.failure)
        }
    }

    fn check_txn(&self, txn: &Txn) -> Result<(), KvError> {
        for operation in self.branch(txn).1 {
            match operation {
                Operation::Range(range) => self.readable(range.revision)?,
                Operation::Put(put) => self.check_put(put)?,
                Operation::DeleteRange(_) => {}
                Operation::Txn(nested) => self.check_txn(nested)?,
            }
        }
        Ok(())
    }

    fn run(&self, change: &mut Change, txn: &Txn) -> TxnReply {
        let (succeeded, operations) = self.branch(txn);
        let mut replies = Vec::new();
        for operation in operations {
            replies.push(match operation {
                Operation::Range(range) => {
                    let keys = match range.revision {
                        ..=0 => &change.keys,
                        at => &self.states[&at],
                    };
                    OperationReply::Range(model_range(keys, range, change.revision()))
                }
                Operation::Put(put) => OperationReply::Put(model_put(change, put)),
                Operation::DeleteRange(delete) => {
                    OperationReply::DeleteRange(model_delete(change, delete))
                }
                Operation::Txn(nested) => OperationReply::Txn(self.run(change, nested)),
            });
        }
        TxnReply {
            succeeded,
            replies,
            revision: change.revision(),
        }
    }

    fn range(&self, range: &Range) -> Result<RangeReply, KvError> {
        self.readable(range.revision)?;
        let keys = match range.revision {
            ..=0 => self.keys(),
            at => &self.states[&at],
        };
        Ok(model_range(keys, range, self.revision))
    }
}

fn model_contains(range: &KeyRange, key: &Bytes) -> bool {
    match range.end.as_ref() {
        [] => *key == range.start,
        [0] => *key >= range.start,
        _ => *key >= range.start && *key < range.end,
    }
}

fn model_holds(kv: Option<&KeyValue>, compare: &Compare) -> bool {
    let absent = KeyValue::default();
    let known = kv.unwrap_or(&absent);
    let ordering = match &compare.target {
        Target::Version(version) => known.version.cmp(version),
        Target::Create(revision) => known.create_revision.cmp(revision),
        Target::Mod(revision) => known.mod_revision.cmp(revision),
        Target::Lease(lease) => known.lease.cmp(lease),
        Target::Value(_) if kv.is_none() => return false,
        Target::Value(value) => known.value.cmp(value),
        Target::Unknown => Ordering::Equal,
    };
    match compare.comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::Less => ordering.is_lt(),
        Comparison::Unknown => true,
    }
}

fn model_put(change: &mut Change, put: &Put) -> PutReply {
    let before = change.keys.get(&put.key).cloned();
    let kv = KeyValue {
        key: put.key.clone(),
        value: match &before {
            Some(before) if put.ignore_value => before.value.clone(),
            _ => put.value.clone(),
        },
        create_revision: before.as_ref().map_or(change.main, |kv| kv.create_revision),
        mod_revision: change.main,
        version: before.as_ref().map_or(0, |kv| kv.version) + 1,
        lease: match &before {
            Some(before) if put.ignore_lease => before.lease,
            _ => put.lease,
        },
    };
    change.keys.insert(put.key.clone(), kv);
    change.changed = true;
    PutReply {
        prev_kv: before.filter(|_| put.prev_kv),
        revision: change.main,
    }
}

fn model_delete(change: &mut Change, delete: &DeleteRange) -> DeleteReply {
    let keys = change.keys.clone().into_values();
    let gone: Vec<KeyValue> = keys
        .filter(|kv| model_contains(&delete.keys, &kv.key))
        .collect();
    for kv in &gone {
        change.keys.remove(&kv.key);
        change.changed = true;
    }
    DeleteReply {
        deleted: gone.len() as i64,
        prev_kvs: if delete.prev_kv { gone } else { Vec::new() },
        revision: change.revision(),
    }
}

fn model_range(keys: &Keys, range: &Range, revision: i64) -> RangeReply {
    let inside = keys
        .values()
        .filter(|kv| model_contains(&range.keys, &kv.key));
    let mut kvs: Vec<KeyValue> = inside.cloned().collect();
    let count = kvs.len() as i64;
    if range.detail == Detail::CountOnly {
        return RangeReply {
            count,
            revision,
            ..RangeReply::default()
        };
    }
    let RevisionFilter {
        min_mod,
        max_mod,
        min_create,
        max_create,
    } = range.filter;
    kvs.retain(|kv| max_mod == 0 || kv.mod_revision <= max_mod);
    kvs.retain(|kv| kv.mod_revision >= min_mod && kv.create_revision >= min_create);
    kvs.retain(|kv| max_create == 0 || kv.create_revision <= max_create);
    let unfiltered = range.filter == RevisionFilter::default();
    if range.limit > 0 && range.sort_order == SortOrder::None && unfiltered {
        kvs.truncate(range.limit as usize + 1);
    }
    // Reversed twice around a stable sort, keys that compare alike stay in their order.
    if range.sort_order == SortOrder::Descend {
        kvs.reverse();
    }
    match range.sort_target {
        SortTarget::Key => kvs.sort_by_key(|kv| kv.key.clone()),
        SortTarget::Version => kvs.sort_by_key(|kv| kv.version),
        SortTarget::Create => kvs.sort_by_key(|kv| kv.create_revision),
        SortTarget::Mod => kvs.sort_by_key(|kv| kv.mod_revision),
        SortTarget::Value => kvs.sort_by_key(|kv| kv.value.clone()),
    }
    if range.sort_order == SortOrder::Descend {
        kvs.reverse();
    }
    let more = range.limit > 0 && kvs.len() as i64 > range.limit;
    if more {
        kvs.truncate(range.limit as usize);
    }
    if range.detail == Detail::KeysOnly {
        kvs.iter_mut().for_each(|kv| kv.value.clear());
    }
    RangeReply {
        kvs,
        more,
        count,
        revision,
    }
}

/// Random requests against what the model holds.
struct Requests<'a> {
    numbers: &'a mut Numbers,
    revision: i64,
}

impl Requests<'_> {
    fn some_revision(&mut self) -> i64 {
        self.numbers.below(self.revision as u64 + 3) as i64
    }

    fn put(&mut self) -> Put {
        let numbers = &mut *self.numbers;
        let (ignore_value, ignore_lease) = (numbers.one_in(6), numbers.one_in(6));
        let value = vec![b'0' + numbers.below(5) as u8; numbers.below(4) as usize];
        Put {
            key: numbers.key(),
            value: if ignore_value { vec![] } else { value }.into(),
            lease: match numbers.below(5) {
                lease @ 1..4 if !ignore_lease => lease as i64,
                _ => 0,
            },
            prev_kv: numbers.one_in(2),
            ignore_value,
            ignore_lease,
        }
    }

    fn delete(&mut self) -> DeleteRange {
        DeleteRange {
            keys: self.numbers.keys(),
            prev_kv: self.numbers.one_in(2),
        }
    }

    fn range(&mut self) -> Range {
        let past = self.some_revision();
        let bounds = [0; 4].map(|_| self.some_revision());
        let numbers = &mut *self.numbers;
        let mut bound = |bound: i64| if numbers.one_in(8) { bound } else { 0 };
        let filter = RevisionFilter {
            min_mod: bound(bounds[0]),
            max_mod: bound(bounds[1]),
            min_create: bound(bounds[2]),
            max_create: bound(bounds[3]),
        };
        let orders = [SortOrder::None, SortOrder::Ascend, SortOrder::Descend];
        let targets = [
            SortTarget::Key,
            SortTarget::Version,
            SortTarget::Create,
            SortTarget::Mod,
            SortTarget::Value,
        ];
        let details = [Detail::Full, Detail::KeysOnly, Detail::CountOnly];
        Range {
            keys: numbers.keys(),
            limit: numbers.below(5) as i64,
            revision: if numbers.one_in(2) { past } else { 0 },
            sort_order: orders[numbers.below(3) as usize],
            sort_target: targets[numbers.below(5) as usize],
            detail: details[numbers.below(3) as usize],
            filter,
        }
    }

    fn compare(&mut self) -> Compare {
        let revision = self.some_revision();
        let numbers = &mut *self.numbers;
        let small = numbers.below(3) as i64;
        let comparisons = [
            Comparison::Equal,
            Comparison::NotEqual,
            Comparison::Greater,
            Comparison::Less,
            Comparison::Unknown,
        ];
        Compare {
            keys: numbers.keys(),
            comparison: comparisons[numbers.below(5) as usize],
            target: match numbers.below(6) {
                0 => Target::Version(small),
                1 => Target::Create(revision),
                2 => Target::Mod(revision),
                3 => Target::Lease(small),
                4 => Target::Unknown,
                _ => Target::Value(vec![b'0' + small as u8].into()),
            },
        }
    }

    fn operations(&mut self, depth: u64) -> Vec<Operation> {
        let count = self.numbers.below(4);
        (0..count)
            .map(|_| match self.numbers.below(8) {
                0..=2 => Operation::Range(self.range()),
                3..=5 => Operation::Put(self.put()),
                7 if depth < 2 => Operation::Txn(self.txn(depth + 1)),
                _ => Operation::DeleteRange(self.delete()),
            })
            .collect()
    }

    fn txn(&mut self, depth: u64) -> Txn {
        let compares = self.numbers.below(3);
        Txn {
            compares: (0..compares).map(|_| self.compare()).collect(),
            success: self.operations(depth),
            failure: self.operations(depth),
        }
    }

    fn command(&mut self) -> Command {
        match self.numbers.below(20) {
            0..8 => Command::Put(self.put()),
            8..11 => Command::DeleteRange(self.delete()),
            11..16 => Command::Txn(self.txn(0)),
            16 => Command::Compact {
                revision: self.some_revision(),
            },
            17..19 => Command::LeaseGrant {
                id: 1 + self.numbers.below(3) as i64,
                ttl_seconds: 60,
            },
            _ => Command::LeaseRevoke {
                id: 1 + self.numbers.below(3) as i64,
            },
        }
    }
}

fn rebuilt(image: &Image) -> Machine {
    let decode = |chunk: &std::sync::Arc<Chunk>| {
        Chunk::decode(chunk.id(), chunk.version(), chunk.encoded().into()).expect("whole")
    };
    let chunks = image.chunks.iter().map(decode).collect();
    Machine::from_parts(image.meta.clone(), chunks).expect("what was written")
}

fn hash(machine: &Machine, revision: i64) -> Result<u32, KvError> {
    let mut progress = machine.store.start_hash(revision)?;
    while machine.store.hash_step(&mut progress)? == Step::More {}
    Ok(progress.hash())
}

/// As members compare it.
fn fingerprint(machine: &Machine) -> Fingerprint {
    let mark = Mark::of(0, machine);
    let mut progress = DigestProgress::new(mark.revision);
    let mut step = || {
        machine
            .store
            .digest_step(&mut progress, &mut Budget::step())
    };
    while step().expect("the newest revision is readable") == Step::More {}
    mark.with(progress.digest())
}

fn drop_all(machine: &mut Machine) {
    while machine.store.drop_step(None) == Step::More {}
}

/// The transaction with what it writes left out.
fn only_reads(txn: &Txn) -> Txn {
    let reads = |operations: &[Operation]| {
        let reads = operations.iter().filter_map(|operation| match operation {
            Operation::Range(_) => Some(operation.clone()),
            Operation::Txn(nested) => Some(Operation::Txn(only_reads(nested))),
            Operation::Put(_) | Operation::DeleteRange(_) => None,
        });
        reads.collect()
    };
    Txn {
        compares: txn.compares.clone(),
        success: reads(&txn.success),
        failure: reads(&txn.failure),
    }
}

/// Reads in the smallest steps while changes and dropping come in between.
fn read_slowly(
    machine: &mut Machine,
    txn: &Txn,
    mut meanwhile: impl FnMut(&mut Machine),
) -> Result<TxnReply, KvError> {
    let mut read = TxnRead::new(&machine.store, txn);
    let needs = read.needs(&machine.store);
    loop {
        let mut budget = Budget { keys: 1, bytes: 1 };
        if let Some(reply) = read.step(&machine.store, &mut budget)? {
            return Ok(reply);
        }
        meanwhile(machine);
        machine.store.drop_step(Some(needs));
    }
}

fn assert_agrees(machine: &Machine, model: &Model) {
    let store = &machine.store;
    assert_eq!(store.revision(), model.revision);
    assert_eq!(store.compacted(), model.compacted);
    assert_eq!(store.keys(), model.keys().len());
    let live = model.keys().values().map(|kv| {
        let record = store.get(&kv.key).map(Record::to_key_value);
        assert_eq!(record.as_ref(), Some(kv));
        store.get(&kv.key).map_or(0, |record| record.bytes())
    });
    assert_eq!(store.live_bytes(), live.sum::<usize>());
    for (id, lease) in machine.leases().iter() {
        assert!(model.leases.contains_key(&id));
        let held = model.keys().values().filter(|kv| kv.lease == id);
        let held: Vec<&[u8]> = held.map(|kv| kv.key.as_ref()).collect();
        assert!(lease.keys.iter().map(AsRef::as_ref).eq(held));
    }
    assert_eq!(machine.leases().len(), model.leases.len());
}

/// One run; prints its seed when it ends in a panic.
struct Run(u64);

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

fn run(seed: u64) {
    let _printed_on_failure = Run(seed);
    let mut numbers = Numbers::new(seed);
    let mut model = Model::new();
    let (mut first, mut second) = (Machine::default(), Machine::default());
    for _ in 0..STEPS {
        let mut requests = Requests {
            numbers: &mut numbers,
            revision: model.revision,
        };
        let command = requests.command();
        let (range, past) = (requests.range(), requests.some_revision());
        if matches!(&command, Command::Txn(txn) if check_txn(txn, 128).is_err()) {
            continue;
        }
        let reply = model.apply(&command);
        assert_eq!(first.apply(&command), reply, "{command:?}");
        assert_eq!(second.apply(&command), reply, "{command:?}");
        if numbers.one_in(3) {
            first.store.drop_step(None);
        }
        if numbers.one_in(25) {
            drop_all(&mut second);
        }
        if numbers.one_in(40) {
            second = rebuilt(&second.image());
        }
        assert_eq!(first.store.range(&range), model.range(&range), "{range:?}");
        assert_eq!(second.store.range(&range), model.range(&range), "{range:?}");
        assert_eq!(hash(&first, past), hash(&second, past), "hash at {past}");
        // However each packs, drops and was rebuilt: members that differ are taken out.
        assert_eq!(fingerprint(&first), fingerprint(&second), "{command:?}");
        assert_agrees(&first, &model);
        assert_agrees(&second, &model);
    }
    drop_all(&mut first);
    drop_all(&mut second);
    let third = rebuilt(&first.image());
    assert_eq!(hash(&first, 0), hash(&third, 0));
    assert_eq!(hash(&first, 0), hash(&second, 0));
    assert_eq!(first.store.bytes_in_use(), third.store.bytes_in_use());
    assert_eq!(first.image().meta, third.image().meta);
}

/// A range of a revision that is compacted while the transaction is under way may be refused.
fn read_only_run(seed: u64) {
    let _printed_on_failure = Run(seed);
    let mut numbers = Numbers::new(seed);
    let mut machine = Machine::default();
    for _ in 0..STEPS {
        let mut requests = Requests {
            numbers: &mut numbers,
            revision: machine.store.revision(),
        };
        let (command, txn) = (requests.command(), only_reads(&requests.txn(0)));
        // Refused ones change nothing, which is as good.
        machine.apply(&command).ok();
        let expected = machine.clone().apply(&Command::Txn(txn.clone()));
        let mut slow = machine.clone();
        let mut compacted_between = false;
        let reply = read_slowly(&mut slow, &txn, |machine| {
            let revision = machine.store.revision();
            let mut requests = Requests {
                numbers: &mut numbers,
                revision,
            };
            let command = requests.command();
            let made = machine.apply(&command).is_ok();
            compacted_between |= made && matches!(command, Command::Compact { .. });
        });
        let refused = compacted_between && reply == Err(KvError::Compacted);
        assert!(refused || reply.map(Reply::Txn) == expected, "{txn:?}");
    }
}

#[test]
fn transactions_read_in_steps_are_answered_as_of_one_moment() {
    (0..SEEDS / 4).for_each(read_only_run);
}

#[test]
fn random_requests_are_answered_as_the_model_answers() {
    (0..SEEDS).for_each(run);
}
