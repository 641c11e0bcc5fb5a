//! openraft's log on the write-ahead log: which entries are remembered, and what goes to disk.
//!
//! - Votes, appends, truncations and purges reach the disk in the order in which openraft made
//!   them, because all go through the one queue of the write-ahead log.
//! - Entries are readable as soon as they are appended: those that may not be on disk yet are in
//!   memory, and the newest ones stay there, because applying reads them next.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{OptionalSend, RaftLogReader};
use tokio::sync::oneshot;

use crate::adapter::raft::aside;
use crate::adapter::raft::types::{
    Entry, EntryPayload, LogId, TypeConfig, Vote, decode_entry, encode_entry, log_id,
};
use crate::adapter::wal::{Purged, Record, Recovered, Wal, WalError};

/// Entries that are on disk are remembered up to this much content, so that applying and
/// replicating what is new does not read it back.
const REMEMBERED_BYTES_MAX: usize = 4 << 20;

/// Where openraft allows a read to end early, as for replication, it ends with the entry that
/// reaches this. Elsewhere it asks for what it wants whole: at the start for 64 entries at a time,
/// and to apply for what was committed since, which is in memory, or is what came within about
/// [`crate::adapter::wal::LAZY_DELAY`] before a crash.
const READ_BYTES_MAX: u64 = 8 << 20;

#[derive(Clone)]
pub(super) struct LogStore {
    wal: Arc<Wal>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    last: Option<LogId>,
    /// The newest entries, without gaps, up to `last`.
    recent: VecDeque<Entry>,
    recent_bytes: usize,
    /// Entries up to this index are on disk.
    flushed: u64,
    /// How often entries were cut off: what was written before says nothing of those after.
    truncations: u64,
    appended: Appended,
}

/// How much was appended since the checkpoint that the member started from. What the log held
/// already at the start counts, each entry as one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    pub commands: u64,
    pub bytes: u64,
}

impl LogStore {
    /// `applied` is where the checkpoint stands.
    pub(super) fn new(
        wal: Arc<Wal>,
        recovered: &Recovered,
        applied: Option<LogId>,
    ) -> io::Result<Self> {
        let decode = |bytes: &[u8]| postcard::from_bytes(bytes).map_err(io::Error::other);
        let purged = recovered
            .purged
            .as_ref()
            .map(|purged| log_id(purged.term, purged.index));
        let last = recovered
            .last
            .as_ref()
            .map(|last| log_id(last.term, last.index));
        let last = last.or(purged);
        let shared = Shared {
            vote: recovered.vote.as_deref().map(decode_vote).transpose()?,
            committed: recovered.committed.as_deref().map(decode).transpose()?,
            purged,
            last,
            recent: VecDeque::new(),
            recent_bytes: 0,
            flushed: last.map_or(0, |last| last.index),
            truncations: 0,
            appended: Appended::beyond(applied, &recovered.entries, |first| wal.bytes_from(first)),
        };
        Ok(Self {
            wal,
            shared: Arc::new(Mutex::new(shared)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Nothing that holds the lock can panic half-way through a change.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn appended(&self) -> Appended {
        self.lock().appended
    }
}

/// Has `records` written; returns once they and all that was submitted before are on the disk.
pub(super) async fn written(wal: &Wal, records: Vec<Record>) -> io::Result<()> {
    let (sender, receiver) = oneshot::channel();
    // A receiver that is gone belongs to a node that is shutting down.
    wal.submit(records, Box::new(move |written| drop(sender.send(written))));
    match receiver.await {
        Ok(written) => written.map_err(to_io),
        Err(_) => Err(io::Error::other("the write-ahead log ended")),
    }
}

impl Appended {
    /// What the log holds that a checkpoint at `applied` does not.
    fn beyond(
        applied: Option<LogId>,
        entries: &Range<u64>,
        bytes_from: impl FnOnce(u64) -> u64,
    ) -> Self {
        let first = applied.map_or(0, |applied| applied.index + 1);
        let first = first.max(entries.start);
        Self {
            commands: entries.end.saturating_sub(first),
            bytes: bytes_from(first),
        }
    }
}

impl Shared {
    fn first_recent(&self) -> u64 {
        self.recent
            .front()
            .map_or(u64::MAX, |entry| entry.log_id.index)
    }

    fn remember(&mut self, entry: Entry) {
        self.last = Some(entry.log_id);
        if let EntryPayload::Normal(batch) = &entry.payload {
            self.appended.commands += batch.commands.len() as u64;
            self.appended.bytes += batch.bytes() as u64;
        }
        self.recent_bytes += entry_bytes(&entry);
        self.recent.push_back(entry);
    }

    /// Notes that an append, made after so many truncations, is on disk up to `last`.
    fn written(&mut self, last: u64, truncations: u64) {
        if self.truncations == truncations {
            self.flushed = self.flushed.max(last);
            self.trim();
        }
    }

    /// Forgets what is on disk and beyond the bound.
    fn trim(&mut self) {
        while self.recent_bytes > REMEMBERED_BYTES_MAX && self.first_recent() <= self.flushed {
            let Some(entry) = self.recent.pop_front() else {
                return;
            };
            self.recent_bytes -= entry_bytes(&entry);
        }
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last + 1,
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        let (old_end, mut recent) = {
            let shared = self.lock();
            let end = end.min(shared.last.map_or(0, |last| last.index + 1));
            let first = shared.first_recent();
            let skip = usize::try_from(start.saturating_sub(first)).unwrap_or(usize::MAX);
            let recent = shared.recent.iter().skip(skip);
            let recent: Vec<Entry> = recent
                .take_while(|entry| entry.log_id.index < end)
                .cloned()
                .collect();
            (end.min(first), recent)
        };
        if start >= old_end {
            return Ok(recent);
        }
        let mut entries = self.read_disk(start, old_end, u64::MAX).await?;
        entries.append(&mut recent);
        Ok(entries)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        let first = self.lock().first_recent();
        if start < first && start < end {
            let end = end.min(first);
            return self.read_disk(start, end, READ_BYTES_MAX).await;
        }
        let mut entries = self.try_get_log_entries(start..end).await?;
        let mut bytes = 0;
        let last = entries.iter().position(|entry| {
            bytes += content_bytes(entry) as u64;
            bytes >= READ_BYTES_MAX
        });
        entries.truncate(last.map_or(entries.len(), |last| last + 1));
        Ok(entries)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.lock().vote)
    }
}

impl LogStore {
    /// A disk may take long, and a thread that serves has others waiting.
    async fn read_disk(&self, start: u64, end: u64, bytes_max: u64) -> io::Result<Vec<Entry>> {
        let wal = Arc::clone(&self.wal);
        let read = move || {
            let records = wal.read(start..end, bytes_max).map_err(io::Error::other)?;
            let entries = records.into_iter().map(decode_entry);
            entries.map(|it| it.map_err(io::Error::other)).collect()
        };
        aside(read).await?
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let shared = self.lock();
        Ok(LogState {
            last_purged_log_id: shared.purged,
            last_log_id: shared.last,
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.lock().vote = Some(*vote);
        written(&self.wal, vec![Record::Vote(encode(vote))]).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.lock().committed = committed;
        if let Some(committed) = committed {
            // Needed only to answer reads sooner after a restart: it must not cost a sync.
            self.wal
                .submit_lazily(vec![Record::Committed(encode(&committed))]);
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut records = Vec::new();
        let mut last = 0;
        let truncations = {
            let mut shared = self.lock();
            for entry in entries {
                last = entry.log_id.index;
                records.push(Record::Entry {
                    term: entry.log_id.leader_id.term,
                    index: last,
                    payload: encode_entry(&entry),
                });
                shared.remember(entry);
            }
            shared.truncations
        };
        let shared = Arc::clone(&self.shared);
        let done = move |written: Result<(), Arc<WalError>>| {
            if written.is_ok() {
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.written(last, truncations);
            }
            callback.io_completed(written.map_err(to_io));
        };
        self.wal.submit(records, Box::new(done));
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> io::Result<()> {
        let from = last_log_id.map_or(0, |last| last.index + 1);
        {
            let mut shared = self.lock();
            while shared
                .recent
                .back()
                .is_some_and(|entry| entry.log_id.index >= from)
            {
                let Some(entry) = shared.recent.pop_back() else {
                    break;
                };
                shared.recent_bytes -= entry_bytes(&entry);
            }
            // Where the log ends before, nothing is cut off.
            shared.last = shared.last.min(last_log_id).max(shared.purged);
            shared.flushed = shared.flushed.min(from.saturating_sub(1));
            shared.truncations += 1;
        }
        written(&self.wal, vec![Record::Truncate { from }]).await
    }

    async fn purge(&mut self, purged: LogId) -> io::Result<()> {
        {
            let mut shared = self.lock();
            while shared
                .recent
                .front()
                .is_some_and(|entry| entry.log_id.index <= purged.index)
            {
                let Some(entry) = shared.recent.pop_front() else {
                    break;
                };
                shared.recent_bytes -= entry_bytes(&entry);
            }
            shared.purged = shared.purged.max(Some(purged));
            shared.last = shared.last.max(Some(purged));
        }
        let (term, index) = (purged.leader_id.term, purged.index);
        let purged = Record::Purge(Purged {
            term,
            index,
            payload: Vec::new(),
        });
        written(&self.wal, vec![purged]).await
    }
}

fn entry_bytes(entry: &Entry) -> usize {
    // What an entry without commands takes is small change.
    const FIXED_BYTES: usize = 128;
    // Held decoded as well as encoded.
    FIXED_BYTES + 2 * content_bytes(entry)
}

fn content_bytes(entry: &Entry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(batch) => batch.bytes(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    }
}

fn encode<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("log ids and votes have no unencodable part")
}

fn decode_vote(bytes: &[u8]) -> io::Result<Vote> {
    postcard::from_bytes(bytes).map_err(io::Error::other)
}

fn to_io(error: Arc<WalError>) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::raft::types::Batch;
    use crate::adapter::wal::Options;
    use crate::adapter::wal::simulation::{SimulatedDisk, open};
    use crate::core::kv::request::{Command, Put};

    #[test]
    fn log_found_at_the_start_counts_from_the_checkpoint_on() {
        // The first half is of small entries.
        let bytes_from = |first: u64| (first..110).map(|at| if at < 60 { 1 } else { 100 }).sum();
        let beyond = |index: Option<u64>| {
            let applied = index.map(|index| log_id(1, index));
            let Appended { commands, bytes } = Appended::beyond(applied, &(10..110), bytes_from);
            (commands, bytes)
        };
        assert_eq!(beyond(None), (100, 5_050));
        assert_eq!(beyond(Some(9)), (100, 5_050));
        assert_eq!(beyond(Some(89)), (20, 2_000));
        assert_eq!(beyond(Some(200)), (0, 0));
    }

    #[tokio::test]
    async fn what_is_in_memory_is_sent_in_parts_like_what_is_on_the_disk() {
        let options = Options::default();
        let (wal, recovered, _) = open(&SimulatedDisk::new(1), &options).expect("opens");
        let mut store = LogStore::new(Arc::new(wal), &recovered, None).expect("reads");
        let large = Put {
            value: vec![0; 5 << 20].into(),
            ..Put::default()
        };
        let batch = Batch::new(vec![Command::Put(large)], &mut Vec::new());
        for index in 0..5 {
            store.lock().remember(Entry {
                log_id: log_id(1, index),
                payload: EntryPayload::Normal(batch.clone()),
            });
        }
        let mut next = 0;
        for sent in [2, 2, 1] {
            let part = store.limited_get_log_entries(next, 5).await.expect("reads");
            assert_eq!(part.len(), sent);
            assert_eq!(part[0].log_id.index, next);
            next += sent as u64;
        }
    }

    #[test]
    fn a_late_notice_of_a_truncated_append_says_nothing_of_its_successors() {
        let mut shared = Shared {
            vote: None,
            committed: None,
            purged: None,
            last: None,
            recent: VecDeque::new(),
            recent_bytes: 0,
            flushed: 4,
            truncations: 1,
            appended: Appended::default(),
        };
        shared.written(10, 0);
        assert_eq!(shared.flushed, 4);
        shared.written(6, 1);
        assert_eq!(shared.flushed, 6);
    }
}
