//! cluster restore: a member's data directory from a snapshot.

use std::path::PathBuf;

use serde_json::json;

use crate::adapter::restore::{self, RestoreError, Restored};
use crate::cli::Matches;
use crate::cli::asking::{self, Format};
use crate::cli::kv::Face;
use crate::cli::restore::{Restore, read};
use crate::error::{Exit, Failure, chain, tell};
use crate::role::client::print;

pub(super) fn restore(matches: &Matches) -> Result<Exit, Failure> {
    let what = "cannot restore a snapshot";
    let Restore { directory, plan } =
        read(Face::Own, matches).map_err(|why| Failure::usage(what, why))?;
    let file = matches.get_one::<PathBuf>("file").expect("it is required");
    let restored = restore::restore(file, &directory, &plan).map_err(|error| failure(&error))?;
    let Restored {
        identity,
        revision,
        keys,
        members,
    } = restored;
    let (member, cluster) = (identity.member_id, identity.cluster_id);
    let place = directory.display();
    let text = match asking::read(matches).format {
        Format::Text => format!(
            "restored {keys} keys at revision {revision} into {place}: member {member:x} of \
             {members} in cluster {cluster:x}"
        ),
        Format::Json => json!({
            "data_dir": place.to_string(),
            "member_id": format!("{member:x}"),
            "cluster_id": format!("{cluster:x}"),
            "members": members,
            "revision": revision,
            "keys": keys,
        })
        .to_string(),
    };
    print(&format!("{text}\n"))?;
    match members {
        1 => tell(format_args!(
            "start it with `coracle daemon --data-dir {place}`"
        )),
        _ => tell(format_args!(
            "restore the same file for every other founder, and start each with `coracle daemon \
             --name {} --data-dir {place} --listen-peer-urls URL`",
            plan.name
        )),
    }
    Ok(Exit::DONE)
}

fn failure(error: &RestoreError) -> Failure {
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
