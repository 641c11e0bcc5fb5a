//! What is done to a member's log and state while nobody runs it.
//!
//! [`found`] lays out a member that begins with a given machine: as if the machine had been
//! compacted into a checkpoint at [`FOUNDING`], where the cluster's members are set too. All
//! founders lay out the same, so they agree on their past without ever having spoken.
//! [`make_only_voter`] ends a lost cluster's membership: one more entry in the log, of a term that
//! nobody else has seen. Nothing of the log is cut: what was acknowledged is kept, and so is what
//! nobody can know the fate of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use openraft::Membership;
use serde::Serialize;

use crate::adapter::checkpoint::worker::Worker;
use crate::adapter::checkpoint::{CheckpointError, Checkpoints, LogReach, Pace, Shelf};
use crate::adapter::raft::messages::{Question, decode, encode};
use crate::adapter::raft::saved::{Saved, to_checkpoint};
use crate::adapter::raft::state_machine::State;
use crate::adapter::raft::types::{
    self, Entry, EntryPayload, Member, StoredMembership, Vote, decode_membership, log_id,
};
use crate::adapter::rpc::peer::{Couriers, PeerError};
use crate::adapter::wal::{self, Purged, Record, Recovered, Wal, WalError};
use crate::core::kv::machine::Machine;

/// Term and index at which every restored member begins.
const FOUNDING: (u64, u64) = (1, 1);

/// Of the log, read at a time.
const READ_BYTES_MAX: u64 = 8 << 20;

/// How long another member may take to say that it lives.
const ALIVE_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    #[error("cannot open the log")]
    Open(#[source] WalError),
    #[error("cannot use the log")]
    Log(#[source] Arc<WalError>),
    #[error("cannot write the checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error("the log says something that does not decode: {0}")]
    Content(String),
}

/// Who is in the cluster, by what one member's disk says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    pub voters: BTreeSet<u64>,
    pub members: BTreeMap<u64, Member>,
}

/// Lays out log and checkpoint of founder `own` in `directory`, which has neither.
pub fn found(
    directory: &Path,
    own: u64,
    members: BTreeMap<u64, Member>,
    machine: Machine,
    worker: Worker,
) -> Result<(), OfflineError> {
    let at = log_id(FOUNDING.0, FOUNDING.1);
    let voters: BTreeSet<u64> = members.keys().copied().collect();
    let membership = membership(voters, members)?;
    let state = State {
        machine,
        applied: Some(at),
        membership: StoredMembership::new(Some(at), membership),
    };
    let path = directory.join("state");
    let (mut checkpoints, ..) = Checkpoints::open(&path, worker, LogReach::Beginning)?;
    checkpoints.write(
        &to_checkpoint(&state.meta(), &state.machine.image()),
        Pace::Prompt,
    )?;
    let path = directory.join("log");
    let (wal, _) = Wal::open(&path, wal::Options::default()).map_err(OfflineError::Open)?;
    let purged = Purged {
        term: FOUNDING.0,
        index: FOUNDING.1,
        payload: Vec::new(),
    };
    let vote = Record::Vote(plain(&Vote::new(FOUNDING.0, own)));
    write(&wal, vec![vote, Record::Purge(purged)])
}

/// Whether the log is as [`found`] wrote it: the member has taken part in nothing since.
pub(super) fn is_as_founded(recovered: &Recovered) -> bool {
    let purged = recovered.purged.as_ref();
    let purged = purged.map(|purged| (purged.term, purged.index));
    let vote = recovered.vote.as_deref().map(postcard::from_bytes::<Vote>);
    let voted = vote.and_then(Result::ok).map(|vote| vote.leader_id.term);
    recovered.last.is_none() && purged == Some(FOUNDING) && voted == Some(FOUNDING.0)
}

/// Who is in the cluster: what the log says last, or else the checkpoint.
pub fn roll(wal: &Wal, recovered: &Recovered, saved: &Saved) -> Result<Roll, OfflineError> {
    let mut roll = Roll::of(saved.membership());
    let applied = saved.applied().map_or(0, |applied| applied.index + 1);
    let mut next = applied.max(recovered.entries.start);
    while next < recovered.entries.end {
        let read = wal.read(next..recovered.entries.end, READ_BYTES_MAX);
        let records = read.map_err(|error| OfflineError::Log(Arc::new(error)))?;
        let Some(last) = records.last() else {
            break;
        };
        next = last.index + 1;
        for record in records {
            let found = decode_membership(&record);
            let found = found.map_err(|error| OfflineError::Content(error.to_string()))?;
            if let Some(found) = found {
                roll = Roll::of(&StoredMembership::new(None, found));
            }
        }
    }
    Ok(roll)
}

/// Makes member `own` the only one of its cluster, with everything that its log holds.
pub fn make_only_voter(
    wal: &Wal,
    recovered: &Recovered,
    own: u64,
    member: Member,
) -> Result<(), OfflineError> {
    let vote = recovered.vote.as_deref().map(postcard::from_bytes::<Vote>);
    let vote = vote.transpose();
    let vote = vote.map_err(|error| OfflineError::Content(error.to_string()))?;
    let last = recovered.last.as_ref().map(|last| (last.term, last.index));
    let purged = recovered.purged.as_ref();
    let last = last.max(purged.map(|purged| (purged.term, purged.index)));
    let (last_term, index) = last.map_or((0, 0), |(term, index)| (term, index + 1));
    let voted = vote.map_or(0, |vote| vote.leader_id.term);
    let term = last_term.max(voted) + 1;
    let members = BTreeMap::from([(own, member)]);
    let entry = Entry {
        log_id: log_id(term, index),
        payload: EntryPayload::Membership(membership(BTreeSet::from([own]), members)?),
    };
    let records = vec![
        Record::Vote(plain(&Vote::new(term, own))),
        Record::Entry {
            term,
            index,
            payload: types::encode_entry(&entry),
        },
    ];
    write(wal, records)
}

/// Which of the members other than `own` answer.
pub async fn alive(
    links: &dyn Couriers,
    own: u64,
    members: &BTreeMap<u64, Member>,
) -> BTreeSet<u64> {
    let others = members.iter().filter(|(id, _)| **id != own);
    let asked = others.map(|(id, member)| async move {
        let link = links.to(*id, &member.peer_urls)?;
        let answer = link.ask(encode(&Question::Knows(own)), ALIVE_PATIENCE);
        decode::<bool>(&answer.await?)?;
        Ok::<u64, PeerError>(*id)
    });
    let answers = futures_util::future::join_all(asked).await;
    answers.into_iter().filter_map(Result::ok).collect()
}

impl Roll {
    fn of(membership: &StoredMembership) -> Self {
        let members = membership.nodes().map(|(id, node)| (*id, node.clone()));
        Self {
            voters: membership.voter_ids().collect(),
            members: members.collect(),
        }
    }
}

fn membership(
    voters: BTreeSet<u64>,
    members: BTreeMap<u64, Member>,
) -> Result<Membership<u64, Member>, OfflineError> {
    Membership::new(vec![voters], members).map_err(|error| OfflineError::Content(error.to_string()))
}

/// Writes records and waits until they are on the disk.
fn write(wal: &Wal, records: Vec<Record>) -> Result<(), OfflineError> {
    let (sender, written) = mpsc::channel();
    wal.submit(records, Box::new(move |done| drop(sender.send(done))));
    let done = written.recv().unwrap_or(Err(Arc::new(WalError::Closed)));
    done.and_then(|()| wal.close()).map_err(OfflineError::Log)
}

fn plain(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("votes have no unencodable part")
}
