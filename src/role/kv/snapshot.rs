//! snapshot save: the whole store in one file.

use std::ffi::OsString;
use std::path::Path;

use crate::adapter::rpc::snapshot_file::{self, SaveError};
use crate::cli::Matches;
use crate::error::{Exit, Failure};
use crate::role::kv::session::{BAD_ARGUMENTS, INTERRUPTED, Session, Trouble, print};

pub(super) async fn save(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let mut arguments = matches
        .get_many::<OsString>("arguments")
        .into_iter()
        .flatten();
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        return Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "snapshot save expects one argument",
        ));
    };
    session.check_format()?;
    let path = Path::new(path);
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
    print(format!("Snapshot saved at {}\n", path.display()).as_bytes())?;
    Ok(Exit::DONE)
}
