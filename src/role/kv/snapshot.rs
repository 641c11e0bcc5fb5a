//! snapshot save and status: the whole store in one file.

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;

use crate::adapter::disk;
use crate::adapter::rpc::snapshot_file::{self, SaveError};
use crate::cli::Matches;
use crate::core::kv::snapshot;
use crate::core::kv::store::Step;
use crate::error::{Exit, Failure};
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
    let file = disk::read_whole(path).map_err(|error| failed(error.to_string()))?;
    let (head, machine) = snapshot::read(&file).map_err(|error| failed(error.to_string()))?;
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

fn only_argument<'a>(matches: &'a Matches, otherwise: &str) -> Result<&'a Path, Trouble> {
    let arguments = matches.get_many::<OsString>("arguments");
    let mut arguments = arguments.into_iter().flatten();
    match (arguments.next(), arguments.next()) {
        (Some(path), None) => Ok(Path::new(path)),
        _ => Err(Trouble::misuse(BAD_ARGUMENTS, otherwise)),
    }
}
