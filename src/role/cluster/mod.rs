//! `coracle cluster`: the cluster as a whole, as a client of its members.

mod certificate;
mod change;
mod init;
mod nodes;
mod restore;
mod status;
mod token;
mod transfer;

use crate::cli::Matches;
use crate::cli::asking;
use crate::cli::cluster;
use crate::error::{Exit, Failure};
use crate::role::client;

/// Runs the verb that `matches` names.
pub fn run(_face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let (verb, matches) = matches.subcommand().expect("clap requires a verb");
    match verb {
        "restore" => return restore::restore(matches),
        "init" => return init::init(matches),
        "certificate" => return certificate::run(matches),
        _ => {}
    }
    let runtime = client::runtime()?;
    let asking = asking::read(matches);
    runtime.block_on(async {
        match verb {
            "status" => status::status(&asking).await,
            "health" => status::health(&asking).await,
            "members" => nodes::members(&asking).await,
            "token" => token::run(&asking, matches).await,
            "remove" => change::remove(&asking, node(matches)).await,
            "demote" => change::demote(&asking, node(matches)).await,
            "promote" => change::promote(&asking, matches).await,
            "replace" => change::replace(&asking, matches).await,
            "transfer-leader" => {
                transfer::transfer(&asking, cluster::change::named(matches, "NODE")).await
            }
            verb => unreachable!("the command line has {verb}, which has no role"),
        }
    })
}

/// The node that a verb is about.
fn node(matches: &Matches) -> &str {
    cluster::change::named(matches, "NODE").expect("it is required")
}
