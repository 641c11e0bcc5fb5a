//! locksmithctl's verbs, with its words and its exit codes: 0, or 1 for everything that fails.
//!
//! One thing is not as it was: a machine that locks again while it holds a place is content
//! (locksmith's issue 58).

use crate::adapter::host;
use crate::cli::Matches;
use crate::cli::lock::{self as form, locksmith};
use crate::core::lock::semaphore::Holder;
use crate::error::{Exit, Failure, tell};
use crate::role::client::print;
use crate::role::lock::places::{self, Answer, PlaceError};
use crate::role::lock::{inside, reboot};

pub(super) async fn run(verb: &str, matches: &Matches) -> Result<Exit, Failure> {
    let asking = locksmith::asking(matches);
    let group = form::named_group(matches);
    let failed = |failure: Failure| refused("Error initializing etcd client", failure.why);
    let inside = inside(&asking).await.map_err(failed)?;
    match verb {
        "status" => {
            let standing = places::read(&inside, &group).await;
            let standing = standing.map_err(|error| refused("Error getting status", error))?;
            let semaphore = standing.semaphore;
            let (free, held) = (i64::from(semaphore.max), semaphore.holders.len());
            // Negative where more are held than may be, as it always was.
            let free = free - i64::try_from(held).unwrap_or(i64::MAX);
            let ids = semaphore.holders.iter().map(|it| format!("{}\n", it.id));
            let ids: String = ids.collect();
            let table = match held {
                0 => String::new(),
                _ => format!("\nMACHINE ID\n{ids}"),
            };
            print(&format!(
                "Available: {free}\nMax: {}\n{table}",
                semaphore.max
            ))?;
        }
        "lock" => {
            let id = reboot::named(form::holder(matches))?;
            let holder = Holder::new(&id, host::now(), "");
            match places::take(&inside, &group, &holder).await {
                Ok(Answer::Held(_)) => {}
                Ok(Answer::Full(_)) => {
                    return Err(refused("Error locking", "semaphore is at 0"));
                }
                Err(error) => return Err(refused("Error locking", error)),
            }
        }
        "unlock" => {
            let id = reboot::named(form::holder(matches))?;
            match places::give_back(&inside, &group, id.as_str()).await {
                Ok(Some(_)) => {}
                Ok(None) => return Err(refused("Error unlocking", "holder does not exist")),
                Err(error) => return Err(refused("Error unlocking", error)),
            }
        }
        "set-max" => {
            let max = form::max(matches);
            let before = places::set_max(&inside, &group, max).await;
            let before =
                before.map_err(|error: PlaceError| refused("Error setting value", error))?;
            print(&format!("Old-Max: {before}\nMax: {max}\n"))?;
        }
        verb => unreachable!("the command line has {verb}, which has no role"),
    }
    Ok(Exit::DONE)
}

fn refused(what: &str, why: impl std::fmt::Display) -> Failure {
    tell(format_args!("{what}: {why}"));
    Failure::silent(Exit::FAILED)
}
