//! The snapshot file: a machine at one revision, whole, in one stream of bytes.
//!
//! Layout: magic (8 bytes), format version (u32), length of the head (u32), head, then for each
//! chunk its length (u32) and its bytes, then zeros up to a multiple of 512, then the SHA-256 of
//! everything before it. Integers are little endian. Padding and trailing digest are etcd's form,
//! by which its clients judge whether a snapshot is whole.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::kv::history::{Chunk, ChunkError};
use crate::core::kv::machine::{Image, Machine, Meta, PartsError};

const MAGIC: &[u8; 8] = b"coraclSN";
const FORMAT: u32 = 1;
const BLOCK_BYTES: usize = 512;
pub const DIGEST_BYTES: usize = 32;

/// By which a database of etcd is known: bbolt's first meta page, after the head of the page.
const ETCD_MAGIC: [u8; 4] = 0xED0C_DAED_u32.to_le_bytes();
const ETCD_MAGIC_AT: usize = 16;

/// What a snapshot says of itself before its chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub cluster_id: u64,
    pub member_id: u64,
    pub machine: Meta,
    pub chunks: u32,
}

/// A snapshot on its way out: gives its pieces in order, and at last the digest of them all.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pieces: std::vec::IntoIter<Bytes>,
    /// None: the digest is out.
    digest: Option<Sha256>,
    /// Bytes of the pieces that are still in, and of the digest.
    remaining_bytes: u64,
}

impl Outgoing {
    /// Bytes that are still to come.
    pub fn remaining_bytes(&self) -> u64 {
        self.remaining_bytes
    }
}

impl Iterator for Outgoing {
    /// A piece, and how many bytes come after it.
    type Item = (Bytes, u64);

    fn next(&mut self) -> Option<(Bytes, u64)> {
        let piece = match self.pieces.next() {
            Some(piece) => {
                self.digest
                    .iter_mut()
                    .for_each(|digest| digest.update(&piece));
                piece
            }
            None => Bytes::copy_from_slice(&self.digest.take()?.finalize()),
        };
        self.remaining_bytes -= piece.len() as u64;
        Some((piece, self.remaining_bytes))
    }
}

/// Whether what is read must match the digest at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestCheck {
    Required,
    /// For a file of which somebody knows better; its content must still fit together.
    Skipped,
}

/// What a file holds, decoded and not yet put together.
#[derive(Clone, Debug)]
pub struct Parts {
    pub head: Head,
    pub chunks: Vec<Chunk>,
    /// Of all but the digest at the end, as it was found.
    pub digest: [u8; DIGEST_BYTES],
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("the file is no coracle snapshot")]
    Magic,
    #[error("the file is a database of etcd, and this program reads snapshots of coracle")]
    Etcd,
    #[error("the snapshot has format version {found}, this program reads version {FORMAT}")]
    Format { found: u32 },
    #[error("the snapshot ends too early, at byte {at}")]
    Short { at: usize },
    #[error("the snapshot's checksum is wrong: it was damaged or is not whole")]
    Digest,
    #[error("the snapshot's head does not decode")]
    Head(#[from] postcard::Error),
    #[error("the snapshot's content is not what was written")]
    Chunk(#[from] ChunkError),
    #[error("the snapshot's content does not fit together")]
    Parts(#[from] PartsError),
}

/// Lays out a snapshot; chunks are handles, nothing is copied.
pub fn outgoing(cluster_id: u64, member_id: u64, image: &Image) -> Outgoing {
    let chunks = u32::try_from(image.chunks.len()).expect("chunks of 64 KiB, so few");
    let head = Head {
        cluster_id,
        member_id,
        machine: image.meta.clone(),
        chunks,
    };
    let head = postcard::to_stdvec(&head).expect("a head has no unencodable part");
    let mut first = BytesMut::new();
    first.put_slice(MAGIC);
    first.put_u32_le(FORMAT);
    first.put_u32_le(u32::try_from(head.len()).expect("a head is small"));
    first.put_slice(&head);
    let mut pieces = vec![first.freeze()];
    for chunk in &image.chunks {
        let bytes = chunk.encoded();
        let length = u32::try_from(bytes.len()).expect("a chunk is a few MiB at most");
        pieces.push(Bytes::copy_from_slice(&length.to_le_bytes()));
        pieces.push(bytes);
    }
    let bytes: usize = pieces.iter().map(Bytes::len).sum();
    let padding = bytes.next_multiple_of(BLOCK_BYTES) - bytes;
    pieces.extend((padding > 0).then(|| vec![0; padding].into()));
    Outgoing {
        pieces: pieces.into_iter(),
        digest: Some(Sha256::new()),
        remaining_bytes: (bytes + padding + DIGEST_BYTES) as u64,
    }
}

/// Reads a whole snapshot; nothing of a damaged one is given out.
pub fn read(file: &[u8]) -> Result<(Head, Machine), SnapshotError> {
    let Parts { head, chunks, .. } = read_parts(file, DigestCheck::Required)?;
    let machine = Machine::from_parts(head.machine.clone(), chunks)?;
    Ok((head, machine))
}

/// Whether the file says the same of its state as `head` does. Only its beginning is needed.
pub fn begins_with(file: &[u8], head: &Head) -> bool {
    let mut at = MAGIC.len();
    let same = |found: &Head| found.cluster_id == head.cluster_id && found.machine == head.machine;
    file.starts_with(MAGIC)
        && take_u32(file, &mut at).is_ok_and(|found| found == FORMAT)
        && take(file, &mut at)
            .ok()
            .and_then(|bytes| postcard::from_bytes(bytes).ok())
            .is_some_and(|found| same(&found))
}

/// Reads the parts of a snapshot.
pub fn read_parts(file: &[u8], check: DigestCheck) -> Result<Parts, SnapshotError> {
    if !file.starts_with(MAGIC) {
        let etcd = file.get(ETCD_MAGIC_AT..).unwrap_or_default();
        return Err(match etcd.starts_with(&ETCD_MAGIC) {
            true => SnapshotError::Etcd,
            false => SnapshotError::Magic,
        });
    }
    // Cut anywhere but between two blocks, it says so by its length alone.
    let cut = file.len() % BLOCK_BYTES != DIGEST_BYTES;
    if cut && check == DigestCheck::Required {
        return Err(SnapshotError::Short { at: file.len() });
    }
    let (content, digest) = match cut {
        true => (file, [0; DIGEST_BYTES].as_slice()),
        false => file.split_at(file.len() - DIGEST_BYTES),
    };
    let found: [u8; DIGEST_BYTES] = Sha256::digest(content).into();
    if check == DigestCheck::Required && found != digest {
        return Err(SnapshotError::Digest);
    }
    let digest = found;
    let mut at = MAGIC.len();
    let found = take_u32(content, &mut at)?;
    if found != FORMAT {
        return Err(SnapshotError::Format { found });
    }
    let head: Head = postcard::from_bytes(take(content, &mut at)?)?;
    let mut chunks = Vec::new();
    for id in 0..head.chunks {
        let bytes = take(content, &mut at)?;
        chunks.push(Chunk::decode(u64::from(id), 0, bytes.to_vec())?);
    }
    Ok(Parts {
        head,
        chunks,
        digest,
    })
}

fn take_u32(content: &[u8], at: &mut usize) -> Result<u32, SnapshotError> {
    let rest = content.get(*at..).and_then(<[u8]>::first_chunk::<4>);
    let number = rest.ok_or(SnapshotError::Short { at: *at })?;
    *at += 4;
    Ok(u32::from_le_bytes(*number))
}

fn take<'a>(content: &'a [u8], at: &mut usize) -> Result<&'a [u8], SnapshotError> {
    let length = take_u32(content, at)? as usize;
    let end = at.checked_add(length);
    let bytes = end
        .and_then(|end| content.get(*at..end))
        .ok_or(SnapshotError::Short { at: *at })?;
    *at += length;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
