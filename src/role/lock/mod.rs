//! `lockctl`: the reboot semaphore of each group, and locks for scripts; `locksmithctl` beside it.

mod exec;
mod line;
mod locksmith;
mod named;
pub(crate) mod places;
mod reboot;
mod want;

use crate::adapter::guard;
use crate::adapter::rpc::inside::Inside;
use crate::cli::lock::locksmith::IMITATION;
use crate::cli::{Matches, asking};
use crate::core::lock::reboot::Urgency;
use crate::error::{Exit, Failure};
use crate::role::client;
use crate::role::lock::places::PlaceError;

/// Whether this process is the one that a holder started to end its command in time.
pub fn is_guard() -> bool {
    guard::is_asked_for()
}

/// Guards a command until its holder has gone.
pub fn guard() -> Result<Exit, Failure> {
    let served = guard::serve();
    served.map_err(|error| Failure::new(Exit::FAILED, "the guard failed", error))?;
    Ok(Exit::DONE)
}

/// Runs the verb that `matches` names.
pub fn run(face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let (verb, matches) = matches.subcommand().expect("clap requires a verb");
    client::runtime()?.block_on(async {
        if face == IMITATION {
            return locksmith::run(verb, matches).await;
        }
        let asking = asking::read(matches);
        match verb {
            "status" => reboot::status(&asking, matches).await,
            "lock" => reboot::lock(&asking, matches).await,
            "unlock" => reboot::unlock(&asking, matches).await,
            "set-max" => reboot::set_max(&asking, matches).await,
            "groups" => reboot::groups(&asking).await,
            "reboot" => want::want(&asking, matches, Urgency::Now).await,
            "need-reboot" => want::want(&asking, matches, Urgency::Agreed).await,
            "exec" => exec::exec(&asking, matches).await,
            "run-once" => named::run_once(&asking, matches).await,
            "held" => named::held(&asking, matches).await,
            "list" => named::list(&asking).await,
            "info" => named::info(&asking, matches).await,
            "break" => named::break_lock(&asking, matches).await,
            verb => unreachable!("the command line has {verb}, which has no role"),
        }
    })
}

/// What kept us from a place, as a failure of `what`.
fn failure(what: &str, error: &PlaceError) -> Failure {
    match error {
        PlaceError::Ask(error) => client::unasked(what, error),
        PlaceError::Damaged { key, .. } => Failure::new(Exit::FAILED, what, error).hint(format!(
            "see it with `kvctl get {key}`, and begin anew with `kvctl del {key}` once nobody \
             reboots"
        )),
        PlaceError::Contended => Failure::new(Exit::UNAVAILABLE, what, error).hint("ask again"),
        PlaceError::Name(error) => Failure::usage(what, error),
    }
}

/// Asks a question and tells the failure of `what`.
async fn ask<T>(
    what: &str,
    question: impl Future<Output = Result<T, PlaceError>>,
) -> Result<T, Failure> {
    question.await.map_err(|error| failure(what, &error))
}

/// A way to the cluster.
async fn inside(asking: &asking::Asking) -> Result<Inside, Failure> {
    client::asker(asking).await
}
