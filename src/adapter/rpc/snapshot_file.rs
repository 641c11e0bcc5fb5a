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
    #[error("what is there is no regular file, and is left as it is")]
    Special,
    #[error("cannot write {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the snapshot ended {missing} bytes early")]
    Short { missing: u64 },
    #[error("the server sent no snapshot")]
    Nothing,
    #[error("the snapshot has {length} bytes, which is not whole pages and a hash")]
    Unsigned { length: u64 },
    #[error("the snapshot does not match the hash at its end")]
    Hash,
}

/// Saves the store of `client` at `path`; until it is whole it is at `path` with `.part` added.
/// It replaces a file, and nothing else: renamed over `/dev/null`, it would be that to all.
pub async fn save(client: &Client, path: &Path) -> Result<(), SaveError> {
    if disk::is_special(path) {
        return Err(SaveError::Special);
    }
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
    let mut file = disk::create_file(part).map_err(at(part))?;
    let mut stream = client.snapshot().await?;
    let mut missing = None;
    while let Some(blob) = stream.message().await.map_err(ClientError::from)? {
        file.write_all(&blob.blob).map_err(at(part))?;
        missing = Some(blob.remaining_bytes);
    }
    let length = file.metadata().map_err(at(part))?.len();
    whole(missing, length)?;
    if !verify(&mut file, length).map_err(at(part))? {
        return Err(SaveError::Hash);
    }
    file.sync_all().map_err(at(part))
}

/// Judges by what the last message said to be missing, if there was one, and by the length.
fn whole(missing: Option<u64>, length: u64) -> Result<(), SaveError> {
    match missing {
        None => Err(SaveError::Nothing),
        Some(missing @ 1..) => Err(SaveError::Short { missing }),
        Some(0) if length <= HASH_BYTES || length % PAGE_BYTES != HASH_BYTES => {
            Err(SaveError::Unsigned { length })
        }
        Some(0) => Ok(()),
    }
}

/// Whether the hash at the end is that of everything before it.
fn verify(file: &mut File, length: u64) -> io::Result<bool> {
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
        let length = content.len() as u64;
        assert!(verify(&mut file(&content), length).expect("readable"));
        content[3] ^= 1;
        assert!(!verify(&mut file(&content), length).expect("readable"));
    }

    #[test]
    fn a_snapshot_that_is_not_whole_is_refused() {
        let refused = |missing, length| whole(missing, length).expect_err("refused").to_string();
        assert_eq!(refused(None, 0), "the server sent no snapshot");
        let short = "the snapshot ended 5 bytes early";
        assert_eq!(refused(Some(5), PAGE_BYTES + HASH_BYTES), short);
        for length in [0, HASH_BYTES, PAGE_BYTES, PAGE_BYTES + HASH_BYTES - 1] {
            let told = refused(Some(0), length);
            assert!(told.contains("not whole pages and a hash"), "{told}");
        }
        assert!(whole(Some(0), 3 * PAGE_BYTES + HASH_BYTES).is_ok());
    }
}
