//! A disk in memory that fails and forgets on command: after [`SimulatedDisk::crash`] only what
//! was synced is sure, and of each unsynced sector either the old content, the new one, or the
//! new one's beginning is found. One seed gives one run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::adapter::wal::files::{Directory, File};
use crate::adapter::wal::room::Helper;
use crate::adapter::wal::writer::{Shared, Writer};
use crate::adapter::wal::{Options, Recovered, Wal, WalError, open_parts};
use crate::core::bench::input::Source;

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    unsynced: BTreeSet<usize>,
}

pub(super) const EIO: i32 = 5;
pub(super) const ENOSPC: i32 = 28;

#[derive(Clone)]
struct State {
    names: BTreeMap<String, usize>,
    inodes: Vec<Inode>,
    random: Source,
    /// Writes, syncs and changes of names until the machine stops.
    steps_left: Option<u64>,
    full: bool,
    /// Fail the writes or syncs from this many on, with this error.
    fail_write: Option<(u64, i32)>,
    fail_sync: Option<(u64, i32)>,
    short_writes: bool,
    fail_reads: bool,
}

/// The disk; clones are the same disk.
#[derive(Clone)]
pub(in crate::adapter) struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    pub(in crate::adapter) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            names: BTreeMap::new(),
            inodes: Vec::new(),
            random: Source::new(seed, 0),
            steps_left: None,
            full: false,
            fail_write: None,
            fail_sync: None,
            short_writes: false,
            fail_reads: false,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while the disk is held")
    }

    /// Stops the machine after `steps` more changes; the last one is done in part.
    pub(super) fn stop_after(&self, steps: u64) {
        self.state().steps_left = Some(steps);
    }

    pub(super) fn stopped(&self) -> bool {
        self.state().steps_left == Some(0)
    }

    pub(super) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    pub(super) fn set_short_writes(&self) {
        self.state().short_writes = true;
    }

    pub(super) fn fail_write_after(&self, writes: u64, errno: i32) {
        self.state().fail_write = Some((writes, errno));
    }

    pub(in crate::adapter) fn fail_sync_after(&self, syncs: u64) {
        self.state().fail_sync = Some((syncs, EIO));
    }

    /// Fails every read from now on.
    pub(in crate::adapter) fn fail_reads(&self) {
        self.state().fail_reads = true;
    }

    /// The disk after a power cut; who still holds the old one changes nothing any more.
    pub(in crate::adapter) fn crash(&self) -> Self {
        let mut state = self.state();
        state.steps_left = Some(0);
        let mut after = state.clone();
        after.steps_left = None;
        after.fail_write = None;
        after.fail_sync = None;
        after.full = false;
        after.fail_reads = false;
        let State { inodes, random, .. } = &mut after;
        for inode in inodes {
            inode.settle(random);
        }
        Self(Arc::new(Mutex::new(after)))
    }

    /// An independent copy of what is there now, as after a kill of the process alone.
    pub(super) fn copy(&self) -> Self {
        let mut state = self.state().clone();
        state.steps_left = None;
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.inodes[state.names[name]].content.clone()
    }

    pub(super) fn flip(&self, name: &str, offset: usize, bits: u8) {
        let mut state = self.state();
        let inode = state.names[name];
        state.inodes[inode].content[offset] ^= bits;
    }

    /// The newest segment that holds a record.
    pub(super) fn last_begun(&self) -> String {
        let begun = |name: &String| {
            let content = self.content(name);
            name.ends_with(".wal") && content.get(4104..4108) == Some(&content[16..20])
        };
        self.names()
            .into_iter()
            .rfind(begun)
            .expect("a log that was written")
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }
}

/// The writer of a log that has no thread: it writes when it is told to.
pub(in crate::adapter) struct Driver {
    shared: Arc<Shared>,
    writer: Writer,
}

/// Opens a log whose writer is driven by the caller.
pub(in crate::adapter) fn open(
    disk: &SimulatedDisk,
    options: &Options,
) -> Result<(Wal, Recovered, Driver), WalError> {
    let directory = Arc::new(disk.clone());
    let (shared, writer, recovered) = open_parts(directory, options, Helper::Inline)?;
    let wal = Wal {
        shared: Arc::clone(&shared),
        queue_bytes_max: options.queue_bytes_max,
        threads: Mutex::default(),
    };
    Ok((wal, recovered, Driver { shared, writer }))
}

impl Driver {
    /// Writes, syncs and answers what waits, and prepares room; false once the log is closed.
    pub(in crate::adapter) fn write(&mut self) -> bool {
        while self.shared.preparer.step() {}
        let (submissions, bytes, closed) = {
            let mut queue = self.shared.queue();
            queue.urgent = false;
            queue.lazy_since = None;
            (
                std::mem::take(&mut queue.waiting),
                queue.bytes,
                queue.closed,
            )
        };
        if !submissions.is_empty() {
            self.writer.commit(submissions);
            self.shared.queue().bytes -= bytes;
        }
        !closed
    }
}

impl Inode {
    fn settle(&mut self, random: &mut Source) {
        let mode = random.below(4);
        let sectors = std::mem::take(&mut self.unsynced);
        let mut prefix = random.below(sectors.len() as u64 + 1);
        let mut found = self.durable.clone();
        for sector in sectors {
            let kept = match mode {
                0 => 0,
                1 => SECTOR,
                2 if prefix > 0 => {
                    prefix -= 1;
                    SECTOR
                }
                2 => 0,
                _ => [0, SECTOR, random.below(SECTOR as u64) as usize][random.below(3) as usize],
            };
            let from = sector * SECTOR;
            let to = (from + kept).min(self.content.len());
            if kept == 0 || to <= from {
                continue;
            }
            if found.len() < to {
                found.resize(to, 0);
            }
            found[from..to].copy_from_slice(&self.content[from..to]);
        }
        self.content = found.clone();
        self.durable = found;
    }
}

impl State {
    /// Counts a change; false when this is the one during which the machine stops.
    fn step(&mut self) -> io::Result<bool> {
        match &mut self.steps_left {
            None => Ok(true),
            Some(0) => Err(io::Error::other("the machine has stopped")),
            Some(left) => {
                *left -= 1;
                Ok(*left > 0)
            }
        }
    }

    fn half(&mut self) -> bool {
        self.random.below(2) == 0
    }
}

fn stopped() -> io::Error {
    io::Error::other("the machine stops")
}

fn counted(counter: &mut Option<(u64, i32)>) -> io::Result<()> {
    match counter {
        Some((0, errno)) => Err(io::Error::from_raw_os_error(*errno)),
        Some((left, _)) => {
            *left -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

impl Directory for SimulatedDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let whole = state.step()?;
        if whole || state.half() {
            let (content, durable) = (bytes.to_vec(), bytes.to_vec());
            state.inodes.push(Inode {
                content,
                durable,
                unsynced: BTreeSet::new(),
            });
            let inode = state.inodes.len() - 1;
            state.names.insert(name.to_owned(), inode);
        } else if state.half() {
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            state.names.insert(format!(".{name}.tmp"), inode);
        }
        if whole { Ok(()) } else { Err(stopped()) }
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let inode = self.state().names.get(name).copied();
        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let whole = state.step()?;
        if whole || state.half() {
            let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), inode);
        }
        if whole { Ok(()) } else { Err(stopped()) }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let whole = state.step()?;
        if whole || state.half() {
            state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        }
        if whole { Ok(()) } else { Err(stopped()) }
    }

    fn nonce(&self) -> io::Result<u64> {
        Ok(self.state().random.next())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/simulated").join(name)
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    inode: usize,
}

impl File for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().inodes[self.inode].content.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        if state.fail_reads {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let content = &state.inodes[self.inode].content;
        let from = usize::try_from(offset).expect("small").min(content.len());
        let count = buffer.len().min(content.len() - from);
        buffer[..count].copy_from_slice(&content[from..from + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let from = usize::try_from(offset).expect("small");
        if state.full && from + bytes.len() > state.inodes[self.inode].content.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        counted(&mut state.fail_write)?;
        let whole = state.step()?;
        let short = !whole || (state.short_writes && bytes.len() > 1);
        let count = bytes.len() as u64;
        let count = if short {
            1 + state.random.below(count)
        } else {
            count
        };
        let count = usize::try_from(count).expect("small");
        let inode = &mut state.inodes[self.inode];
        if inode.content.len() < from + count {
            inode.content.resize(from + count, 0);
        }
        inode.content[from..from + count].copy_from_slice(&bytes[..count]);
        inode
            .unsynced
            .extend(from / SECTOR..(from + count).div_ceil(SECTOR));
        if whole { Ok(count) } else { Err(stopped()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        counted(&mut state.fail_sync)?;
        if !state.step()? {
            return Err(stopped());
        }
        let inode = &mut state.inodes[self.inode];
        inode.durable = inode.content.clone();
        inode.unsynced.clear();
        Ok(())
    }
}
