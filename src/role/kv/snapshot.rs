//! snapshot save, status and restore: the whole store in one file.

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;

use crate::adapter::disk;
use crate::adapter::restore::{self, RestoreError};
use crate::adapter::rpc::snapshot_file::{self, SaveError};
use crate::cli::Matches;
use crate::cli::restore::{Restore, read};
use crate::core::kv::snapshot;
use crate::core::kv::store::Step;
use crate::error::{Exit, Failure, chain};
use crate::role::kv::format::{Answer, Snapshot};
use crate::role::kv::session::{BAD_ARGUMENTS, INTERRUPTED, Session, Trouble, print};

pub(super) async fn save(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let path = only_argument(matches, "snapshot save expects one argument")?;
    session.check_format()?;
    if session.endpoints.len() > 1 {
        let text = format!(
            "snapshot must be requested to one selected node, not multiple [{}]",
            session.endpoints.join(" ")
        );
        return Err(Trouble::misuse(INTERRUPTED, text));
    }
    let failed = |trouble: Trouble| trouble.imitated(INTERRUPTED, str::to_owned);
    let client = session.connect().await.map_err(failed)?;
    snapshot_file::save(&client, path).await.map_err(|error| {
        let what = format!("cannot save a snapshot at {}", path.display());
        failed(match &error {
            SaveError::Client(error) => Trouble::rpc(what, error),
            _ => Trouble::plain(Failure::new(Exit::FAILED, what, &error), 1),
        })
    })?;
    let text = match session.wants_document() {
        true => json!({"saved": path.display().to_string()}).to_string(),
        false => format!("Snapshot saved at {}", path.display()),
    };
    print(format!("{text}\n").as_bytes())?;
    Ok(Exit::DONE)
}

/// Reads the file whole: nothing is said of a snapshot that is damaged.
pub(super) fn status(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let path = only_argument(matches, "snapshot status requires exactly one argument")?;
    session.check_format()?;
    let failed = |why: String| {
        let what = format!("cannot use the snapshot {}", path.display());
        Trouble::plain(Failure::new(Exit::FAILED, what, why), 1)
    };
    let unusable = |error: RestoreError| Trouble::plain(restore_failure(&error), 1);
    let place = || path.to_owned();
    let file = disk::read_whole(path).map_err(|source| {
        let path = place();
        unusable(RestoreError::Read { path, source })
    })?;
    let (head, machine) = snapshot::read(&file).map_err(|source| {
        let path = place();
        unusable(RestoreError::Snapshot { path, source })
    })?;
    let store = &machine.store;
    let hashed = store.start_hash(0).and_then(|mut progress| {
        while store.hash_step(&mut progress)? == Step::More {}
        Ok(progress.hash())
    });
    session.answer(&Answer::Snapshot(Snapshot {
        hash: hashed.map_err(|error| failed(error.to_string()))?,
        revision: head.machine.revision,
        keys: store.keys(),
        bytes: file.len() as u64,
    }))
}

/// The verb that etcdctl had until etcdutl took it over; `coracle cluster restore` is the same.
pub(super) fn restore(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let file = only_argument(matches, "snapshot restore requires exactly one argument")?;
    let Restore { directory, plan } =
        read(session.face(), matches).map_err(|why| Trouble::misuse(BAD_ARGUMENTS, why))?;
    let restored = restore::restore(file, &directory, &plan)
        .map_err(|error| Trouble::plain(restore_failure(&error), 1))?;
    // etcdctl says nothing on standard output.
    if !session.imitating {
        let (keys, revision) = (restored.keys, restored.revision);
        let place = directory.display();
        let text = match session.wants_document() {
            true => json!({"data_dir": place.to_string(), "keys": keys, "revision": revision})
                .to_string(),
            false => format!("Restored {keys} keys at revision {revision} into {place}"),
        };
        print(format!("{text}\n").as_bytes())?;
    }
    Ok(Exit::DONE)
}

fn restore_failure(error: &RestoreError) -> Failure {
    let exit = match error {
        _ if error.is_refusal() => Exit::REFUSED,
        _ if error.is_conflict() => Exit::CONFLICT,
        _ => Exit::FAILED,
    };
    let why = std::error::Error::source(error).map_or_else(String::new, chain);
    let failure = Failure::new(exit, error.to_string(), why);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn only_argument<'a>(matches: &'a Matches, otherwise: &str) -> Result<&'a Path, Trouble> {
    let arguments = matches.get_many::<OsString>("arguments");
    let mut arguments = arguments.into_iter().flatten();
    match (arguments.next(), arguments.next()) {
        (Some(path), None) => Ok(Path::new(path)),
        _ => Err(Trouble::misuse(BAD_ARGUMENTS, otherwise)),
    }
}
