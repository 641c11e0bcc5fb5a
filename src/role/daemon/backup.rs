//! Backups that nobody has to think of: snapshots of the store, taken, proved and kept by each
//! member for itself.
//!
//! Slow on purpose: handles on the state are taken in a moment, and written a step at a time. The
//! oldest goes only when the new one was read back from the disk.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::adapter::backup::{Progress, Shelf, Verifying, age};
use crate::cli::config::BackupSettings;
use crate::core::kv::backup::{expendable, file_name, surplus, wait};
use crate::core::kv::machine::Machine;
use crate::core::kv::snapshot::{self, Head};
use crate::core::units::Size;
use crate::role::daemon::node::Node;

/// With [`STEP_PAUSE`] 32 MiB a second: a GiB in half a minute, little beside what a disk gives.
const STEP_BYTES: usize = 1 << 20;
const STEP_PAUSE: Duration = Duration::from_millis(31);

/// What a backup leaves free for the log, which prepares 64 MiB at a time, and for checkpoints.
const FREE_BYTES_MIN: u64 = 512 << 20;

/// After one that could not be taken, where the interval is not shorter.
const RETRY: Duration = Duration::from_secs(600);

/// Why there is none this time.
#[derive(Debug, thiserror::Error)]
enum NoBackup {
    #[error("the disk has {} free, and it needs {} and leaves {}", Size(*free), Size(*needed),
        Size(FREE_BYTES_MIN))]
    Space { free: u64, needed: u64 },
    #[error("this member's state is said to be corrupt")]
    Corrupt,
    #[error("what was written does not read back")]
    Damaged,
    #[error("{0}")]
    Disk(#[from] std::io::Error),
    #[error("its thread ended: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

enum Taken {
    Written {
        name: String,
        bytes: u64,
    },
    /// The last one still says it all.
    Unchanged {
        name: String,
    },
}

/// Takes a backup whenever one is due.
pub(super) async fn keep(node: Arc<Node>, settings: BackupSettings, data_dir: std::path::PathBuf) {
    let Some(interval) = settings.interval else {
        return;
    };
    let shelf = Shelf::new(&settings.directory);
    let mut pause = wait(last_age(&shelf, &data_dir), interval);
    loop {
        tokio::time::sleep(pause).await;
        let disk = &node.metrics.disk;
        let started = Instant::now();
        pause = match take(&node, &shelf, settings.keep).await {
            Ok(taken) => {
                disk.backup_success_seconds.set(Shelf::now() as i64);
                match taken {
                    Taken::Written { name, bytes } => {
                        disk.backups.inc();
                        disk.backup_bytes
                            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
                        let took = started.elapsed();
                        tracing::info!(name, bytes, ?took, "took a backup and read it back");
                    }
                    Taken::Unchanged { name } => {
                        tracing::info!(name, "nothing has changed since the last backup");
                    }
                }
                interval
            }
            Err(error) => {
                disk.backup_failures.inc();
                let directory = shelf.directory().display();
                tracing::warn!(%error, %directory, "no backup was taken; it is tried again later");
                interval.min(RETRY)
            }
        };
    }
}

/// How old the newest backup is, or the member where there is none.
fn last_age(shelf: &Shelf, data_dir: &Path) -> Option<Duration> {
    match shelf.names().unwrap_or_default().last() {
        Some(newest) => shelf.age(newest),
        None => age(&data_dir.join("member")),
    }
}

async fn take(node: &Node, shelf: &Shelf, keep: usize) -> Result<Taken, NoBackup> {
    let member = node.identity.member_id;
    let image = {
        let state = node.consensus.state();
        if state.machine.is_corrupt(member) {
            return Err(NoBackup::Corrupt);
        }
        Machine::image(&state.machine)
    };
    let cluster_id = node.identity.cluster_id;
    let head = Head {
        cluster_id,
        member_id: member,
        machine: image.meta.clone(),
        chunks: 0,
    };
    if let Some(name) = unchanged(shelf, head).await? {
        return Ok(Taken::Unchanged { name });
    }
    let pieces = snapshot::outgoing(cluster_id, member, &image);
    let bytes = pieces.remaining_bytes();
    blocking(shelf, Shelf::prepare).await?;
    let free = blocking(shelf, Shelf::free_bytes).await?;
    if free < bytes + FREE_BYTES_MIN {
        let needed = bytes;
        return Err(NoBackup::Space { free, needed });
    }
    let name = file_name(Shelf::now(), image.meta.revision);
    drop(image);
    write(shelf, &name, pieces).await?;
    clear(shelf, &name, keep, bytes).await?;
    Ok(Taken::Written { name, bytes })
}

/// The newest backup, if it says the same of the store and is still what was written; it counts as
/// new then.
async fn unchanged(shelf: &Shelf, head: Head) -> Result<Option<String>, NoBackup> {
    let same = move |shelf: &Shelf| {
        let newest = shelf.names()?.pop_last();
        let Some(name) = newest else {
            return Ok(None);
        };
        let same = snapshot::begins_with(&shelf.beginning(&name)?, &head);
        Ok(same.then_some(name))
    };
    let Some(name) = blocking(shelf, same).await? else {
        return Ok(None);
    };
    let opened = name.clone();
    let verifying = blocking(shelf, move |shelf| shelf.verify(&opened)).await?;
    if !is_sound(verifying).await? {
        tracing::warn!(name, "a backup is damaged: another one is taken");
        return Ok(None);
    }
    let renewed = name.clone();
    blocking(shelf, move |shelf| shelf.renew(&renewed)).await?;
    Ok(Some(name))
}

/// Writes a backup, reads it back, and only then gives it its name.
async fn write(shelf: &Shelf, name: &str, pieces: snapshot::Outgoing) -> Result<(), NoBackup> {
    let owned = name.to_owned();
    let mut writing = blocking(shelf, move |shelf| shelf.write(&owned, pieces)).await?;
    loop {
        let step = move || {
            let progress = writing.step(STEP_BYTES);
            (writing, progress)
        };
        let progress;
        (writing, progress) = tokio::task::spawn_blocking(step).await?;
        match progress {
            Ok(Progress::More) => tokio::time::sleep(STEP_PAUSE).await,
            Ok(Progress::Done(())) => break,
            Err(error) => {
                writing.give_up();
                return Err(error.into());
            }
        }
    }
    if !is_sound(writing.verify()?).await? {
        writing.give_up();
        return Err(NoBackup::Damaged);
    }
    Ok(tokio::task::spawn_blocking(move || writing.finish()).await??)
}

async fn is_sound(mut verifying: Verifying) -> Result<bool, NoBackup> {
    loop {
        let step = move || {
            let progress = verifying.step(STEP_BYTES);
            (verifying, progress)
        };
        let progress;
        (verifying, progress) = tokio::task::spawn_blocking(step).await?;
        match progress? {
            Progress::More => tokio::time::sleep(STEP_PAUSE).await,
            Progress::Done(sound) => return Ok(sound),
        }
    }
}

/// Removes what is too old now that `written` is there, and what is in the way of the next one.
async fn clear(shelf: &Shelf, written: &str, keep: usize, bytes: u64) -> Result<(), NoBackup> {
    let written = written.to_owned();
    blocking(shelf, move |shelf| {
        for name in surplus(&shelf.names()?, &written, keep) {
            shelf.remove(&name)?;
        }
        loop {
            let all = shelf.names()?;
            let is_tight = shelf.free_bytes()? < bytes + FREE_BYTES_MIN;
            match expendable(&all, &written).filter(|_| is_tight) {
                Some(name) => shelf.remove(name)?,
                None => return Ok(()),
            }
        }
    })
    .await
}

/// On a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    shelf: &Shelf,
    act: impl FnOnce(&Shelf) -> std::io::Result<T> + Send + 'static,
) -> Result<T, NoBackup> {
    let shelf = shelf.clone();
    Ok(tokio::task::spawn_blocking(move || act(&shelf)).await??)
}
