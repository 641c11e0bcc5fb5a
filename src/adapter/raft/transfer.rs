//! A whole state on its way from the leader to a member that is too far behind.
//!
//! The leader says what there is, the member which chunks of it it lacks, and only those are sent.
//! What arrived stays when the exchange breaks, so the next one goes on from there, even if the
//! state goes on meanwhile: a chunk is known by its checksum beside its id and version. It goes
//! when the member goes on by the log.
//! The leader sends handles on its own chunks; the member holds what it was sent, nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use openraft::raft::SnapshotResponse;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use crate::adapter::raft::aside;
use crate::adapter::raft::messages::{Offer, OfferedChunk, Wanted, decode, encode};
use crate::adapter::raft::types::{TypeConfig, Vote};
use crate::adapter::rpc::peer::{Bodies, Bytes, Courier, PeerError};
use crate::core::kv::history::Chunk;
use crate::core::kv::machine::Image;

pub(super) type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, Image>;

/// How long the member may take to say what it wants, or be silent while chunks are sent.
const STEP_LIMIT: Duration = Duration::from_secs(30);

/// How long installing may take: the member writes it all to its disk.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// Chunks that wait to be sent; they are handles.
const CHUNKS_AHEAD: usize = 16;

/// Sends what the other side lacks of a state; returns what it says once it is installed.
pub(super) async fn send(
    link: &dyn Courier,
    vote: Vote,
    snapshot: Snapshot,
) -> Result<SnapshotResponse<TypeConfig>, PeerError> {
    let image = snapshot.snapshot;
    let chunks = image.chunks.clone();
    let known = move || chunks.iter().map(OfferedChunk::of).collect();
    // A thread of its own: a large state takes a second. It ends with the sums.
    let known = aside(known).await;
    let offer = Offer {
        vote,
        meta: snapshot.meta,
        machine: image.meta,
        chunks: known.map_err(|error| PeerError::Refused(error.to_string()))?,
    };
    let (bodies, outgoing) = mpsc::channel(CHUNKS_AHEAD);
    let gone = || PeerError::Refused("the member ended the exchange of a state".to_owned());
    bodies.send(encode(&offer)).await.map_err(|_| gone())?;
    let mut answers = link
        .install(ReceiverStream::new(outgoing).boxed(), STEP_LIMIT)
        .await?;
    let wanted: Wanted = decode(&next(&mut answers, STEP_LIMIT).await?)?;
    for position in wanted {
        let chunk = usize::try_from(position)
            .ok()
            .and_then(|at| image.chunks.get(at));
        let chunk = chunk.ok_or_else(gone)?;
        match timeout(STEP_LIMIT, bodies.send(chunk.encoded())).await {
            Ok(Ok(())) => {}
            // The reason stands in the answers.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    drop(bodies);
    decode(&next(&mut answers, INSTALL_LIMIT).await?)
}

async fn next(bodies: &mut Bodies, limit: Duration) -> Result<Bytes, PeerError> {
    let late = |_| PeerError::Refused(format!("nothing was said for {limit:?} about a state"));
    let body = timeout(limit, bodies.next()).await.map_err(late)?;
    body.unwrap_or_else(|| {
        Err(PeerError::Refused(
            "the exchange of a state broke".to_owned(),
        ))
    })
}

/// What arrived of a state, kept between exchanges.
#[derive(Default)]
pub(super) struct Arrivals(Mutex<Partial>);

#[derive(Default)]
struct Partial {
    chunks: BTreeMap<OfferedChunk, Arc<Chunk>>,
}

impl Partial {
    /// Keeps what the offer has too; the positions of what is missing.
    fn accept(&mut self, offer: &Offer) -> Wanted {
        let offered: BTreeSet<OfferedChunk> = offer.chunks.iter().copied().collect();
        self.chunks.retain(|key, _| offered.contains(key));
        let missing = offer.chunks.iter().zip(0..);
        missing
            .filter(|(key, _)| !self.chunks.contains_key(key))
            .map(|(_, position)| position)
            .collect()
    }

    /// All chunks of an offer, in its order, if they are there; nothing is left then.
    fn complete(&mut self, offer: &Offer) -> Option<Vec<Arc<Chunk>>> {
        let all = offer.chunks.iter().map(|key| self.chunks.get(key).cloned());
        let all: Vec<Arc<Chunk>> = all.collect::<Option<_>>()?;
        *self = Self::default();
        Some(all)
    }
}

/// What was received, for openraft to install.
pub(super) struct Received {
    pub vote: Vote,
    pub snapshot: Snapshot,
}

impl Arrivals {
    fn with<T>(&self, look: impl FnOnce(&mut Partial) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives back the memory of what arrived.
    pub(super) fn forget(&self) {
        self.with(|partial| std::mem::take(&mut partial.chunks));
    }

    /// Receives a state. `say` gets what the other side must be told on the way.
    pub(super) async fn receive(
        &self,
        mut bodies: Bodies,
        say: &mpsc::Sender<Result<Bytes, PeerError>>,
    ) -> Result<Received, PeerError> {
        let gone = || PeerError::Refused("the sender of a state is gone".to_owned());
        let offer: Offer = decode(&next(&mut bodies, STEP_LIMIT).await?)?;
        let wanted = self.with(|partial| partial.accept(&offer));
        say.send(Ok(encode(&wanted))).await.map_err(|_| gone())?;
        for position in wanted {
            let key = offer.chunks[position as usize];
            let body = next(&mut bodies, STEP_LIMIT).await?;
            if crc32c::crc32c(&body) != key.crc32c {
                let why = format!("chunk {} of a state is not what was offered", key.id);
                return Err(PeerError::Refused(why));
            }
            let chunk = Chunk::decode(key.id, key.version, body.into())
                .map_err(|error| PeerError::Refused(error.to_string()))?;
            self.with(|partial| partial.chunks.insert(key, Arc::new(chunk)));
        }
        let chunks = self
            .with(|partial| partial.complete(&offer))
            .ok_or_else(|| {
                PeerError::Refused("another exchange of a state took over".to_owned())
            })?;
        let meta = offer.machine;
        Ok(Received {
            vote: offer.vote,
            snapshot: Snapshot {
                meta: offer.meta,
                snapshot: Image { meta, chunks },
            },
        })
    }
}

impl OfferedChunk {
    pub(super) fn of(chunk: &Arc<Chunk>) -> Self {
        Self {
            id: chunk.id(),
            version: chunk.version(),
            crc32c: crc32c::crc32c(&chunk.encoded()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::raft::saved::Saved;

    /// The state of a leader after some puts of one byte again and again, cut into chunks.
    fn offered(byte: u8, puts: i64) -> (Offer, Vec<Arc<Chunk>>) {
        use crate::core::kv::request::{Command, Put};
        let mut machine = Saved::beginning().into_state().machine;
        for number in 0..puts {
            let put = Put {
                key: format!("k{number}").into(),
                value: vec![byte; 20_000].into(),
                ..Put::default()
            };
            machine.apply(&Command::Put(put)).expect("is made");
        }
        let image = machine.image();
        let offer = Offer {
            vote: Vote::new(1, 1),
            meta: Saved::beginning().into_state().meta(),
            machine: image.meta,
            chunks: image.chunks.iter().map(OfferedChunk::of).collect(),
        };
        (offer, image.chunks)
    }

    /// Takes up to `most` chunks that are wanted; how many were.
    fn take(partial: &mut Partial, from: &(Offer, Vec<Arc<Chunk>>), most: usize) -> usize {
        let (offer, chunks) = from;
        let wanted = partial.accept(offer);
        for position in wanted.iter().take(most) {
            let at = *position as usize;
            partial
                .chunks
                .insert(offer.chunks[at], Arc::clone(&chunks[at]));
        }
        wanted.len()
    }

    #[test]
    fn what_arrived_before_an_exchange_broke_is_not_wanted_again() {
        let state = offered(1, 20);
        let mut partial = Partial::default();
        let all = take(&mut partial, &state, 3);
        assert!(all > 5 && partial.complete(&state.0).is_none());
        assert_eq!(take(&mut partial, &state, usize::MAX), all - 3);
        assert_eq!(partial.complete(&state.0).map(|it| it.len()), Some(all));
        assert!(partial.chunks.is_empty());
    }

    #[test]
    fn a_state_that_went_on_wants_only_what_changed() {
        let mut partial = Partial::default();
        let before = take(&mut partial, &offered(1, 60), usize::MAX);
        let after = offered(1, 66);
        let wanted = take(&mut partial, &after, usize::MAX);
        assert!(wanted < before / 2, "{wanted} of {before}");
        assert!(partial.complete(&after.0).is_some());
    }

    #[test]
    fn chunks_of_another_content_are_other_chunks() {
        let mut partial = Partial::default();
        let all = take(&mut partial, &offered(1, 20), usize::MAX);
        assert_eq!(take(&mut partial, &offered(2, 20), 0), all);
        assert!(partial.chunks.is_empty());
    }
}
