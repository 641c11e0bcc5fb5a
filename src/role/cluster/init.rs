//! cluster init: the authority of a new cluster.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::json;

use crate::adapter::authority::Authority;
use crate::adapter::data_directory::{self, DataError};
use crate::adapter::local;
use crate::adapter::trust_folder::TrustFolder;
use crate::cli::Matches;
use crate::cli::asking::{self, Format};
use crate::cli::cluster::init::read;
use crate::error::{Exit, Failure, chain, tell};
use crate::role::client::print;

const WHAT: &str = "cannot make the authority of a cluster";

pub(super) fn init(matches: &Matches) -> Result<Exit, Failure> {
    let asked = read(matches);
    let data_dir = data_dir(asked.data_dir, WHAT)?;
    let place = data_dir.display();
    // Held until the end: a daemon that starts meanwhile would begin without TLS.
    let _lock = data_directory::take(&data_dir).map_err(|error| unusable(&error))?;
    let folder = TrustFolder::of(&data_dir);
    let has_member = data_directory::member(&data_dir).map_err(|error| unusable(&error))?;
    let occupied = match (folder.is_there(), has_member) {
        (true, _) => Some(format!("\"{}\" is there already", folder.path().display())),
        (false, Some(_)) => Some(format!("\"{place}\" holds a cluster already")),
        (false, None) if data_dir.join("cluster").exists() => {
            Some(format!("the machine of \"{place}\" has joined a cluster"))
        }
        (false, None) => None,
    };
    if let Some(why) = occupied {
        return Err(Failure::new(Exit::CONFLICT, WHAT, why)
            .hint("give a new directory with --data-dir DIR"));
    }
    let authority = Authority::found(&asked.name, SystemTime::now())
        .map_err(|error| Failure::new(Exit::FAILED, WHAT, chain(&error)))?;
    let kept = folder.found(&authority);
    kept.map_err(|error| Failure::new(Exit::FAILED, WHAT, chain(&error)))?;
    let fingerprint = authority.fingerprint();
    print(&match asking::read(matches).format {
        Format::Text => format!(
            "made authority {fingerprint} in {}\n",
            folder.path().display()
        ),
        Format::Json => {
            let document = json!({
                "authority": folder.authority_file().display().to_string(),
                "fingerprint": fingerprint.to_string(),
            });
            format!("{document:#}\n")
        }
    })?;
    tell(format_args!(
        "start the first member with `coracle daemon --data-dir {place} --listen-peer-urls \
         https://ADDRESS:2380 --listen-client-urls http://127.0.0.1:2379,https://ADDRESS:2379`, \
         and let others in with `coracle cluster token create`"
    ));
    Ok(Exit::DONE)
}

/// The directory that was named, or that of the daemon which nobody told where.
pub(super) fn data_dir(named: Option<PathBuf>, what: &'static str) -> Result<PathBuf, Failure> {
    named.or_else(local::data_dir).ok_or_else(|| {
        Failure::usage(what, "the home of this user is not known")
            .hint("name the directory with --data-dir DIR")
    })
}

fn unusable(error: &DataError) -> Failure {
    let exit = match error {
        DataError::InUse | DataError::Unfinished => Exit::CONFLICT,
        _ => Exit::FAILED,
    };
    let failure = Failure::new(exit, WHAT, chain(error));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
