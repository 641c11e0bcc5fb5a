//! A snapshot on its way to a file, which gets its name only when it is whole and on the disk.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::adapter::disk;
use crate::adapter::rpc::client::{Client, ClientError};

/// etcd's pages have this size, and the hash of a snapshot stands after the last one.
const PAGE_BYTES: u64 = 512;
const HASH_BYTES: u64 = 32;

#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("cannot write {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the snapshot ended {missing} bytes early")]
    Short { missing: u64 },
    #[error("the snapshot does not match the hash at its end")]
    Hash,
}

/// Saves the store of `client` at `path`; until it is whole it is at `path` with `.part` added.
pub async fn save(client: &Client, path: &Path) -> Result<(), SaveError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let saved = match download(client, &part).await {
        Ok(()) => disk::rename(&part, path).map_err(at(path)),
        Err(error) => Err(error),
    };
    if saved.is_err() {
        // What is left is half a snapshot; that it stays, if it does, changes nothing.
        drop(std::fs::remove_file(&part));
    }
    saved
}

fn at(path: &Path) -> impl Fn(io::Error) -> SaveError {
    let path = path.to_owned();
    move |source| SaveError::File {
        path: path.clone(),
        source,
    }
}

async fn download(client: &Client, part: &Path) -> Result<(), SaveError> {
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(part)
        .map_err(at(part))?;
    let mut stream = client.snapshot().await?;
    let mut missing = 0;
    while let Some(blob) = stream.message().await.map_err(ClientError::from)? {
        file.write_all(&blob.blob).map_err(at(part))?;
        missing = blob.remaining_bytes;
    }
    if missing > 0 {
        return Err(SaveError::Short { missing });
    }
    verify(&mut file)
        .map_err(at(part))?
        .then_some(())
        .ok_or(SaveError::Hash)?;
    file.sync_all().map_err(at(part))
}

/// Whether the hash at the end, if there is one, is that of everything before it.
fn verify(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    if length % PAGE_BYTES != HASH_BYTES {
        return Ok(true);
    }
    file.rewind()?;
    let mut hasher = Sha256::new();
    let mut rest = length - HASH_BYTES;
    let mut chunk = vec![0; 64 << 10];
    while rest > 0 {
        let want = chunk.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        file.read_exact(&mut chunk[..want])?;
        hasher.update(&chunk[..want]);
        rest -= want as u64;
    }
    let mut expected = [0; HASH_BYTES as usize];
    file.read_exact(&mut expected)?;
    Ok(hasher.finalize()[..] == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("scratch file");
        file.write_all(content).expect("write");
        file
    }

    #[test]
    fn a_snapshot_is_compared_with_the_hash_at_its_end() {
        let mut content = vec![7; PAGE_BYTES as usize];
        content.extend_from_slice(&Sha256::digest(&content));
        assert!(verify(&mut file(&content)).expect("readable"));
        content[3] ^= 1;
        assert!(!verify(&mut file(&content)).expect("readable"));
    }

    #[test]
    fn a_snapshot_without_a_hash_is_taken_as_it_is() {
        assert!(verify(&mut file(b"short")).expect("readable"));
    }
}
