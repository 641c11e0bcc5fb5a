//! The key-value client: one verb, one file; tiny verbs of one subject share theirs.
//!
//! A verb reads its flags, asks the server, and answers in the chosen format. As `etcdctl` it ends
//! with etcdctl's words and exit codes, else with [`Failure`] and ours; [`session::Trouble`] holds
//! both, so that no verb needs to know which face it has.

mod bench;
mod check;
mod endpoint;
mod format;
mod held;
mod lease;
mod ls;
mod maintenance;
mod member;
mod pair;
mod secure;
mod session;
mod snapshot;
mod txn;
mod watch;

use serde_json::json;

use crate::adapter::rpc::proto::API_VERSION;
use crate::cli::kv::IMITATION;
use crate::cli::kv::bench::Format;
use crate::cli::{Matches, tls};
use crate::error::{Exit, Failure, tell};
use crate::role::client;
use crate::role::kv::secure::Encryption;
use crate::role::kv::session::{Session, Trouble};

/// Words that need another one after them.
const GROUPS: [&str; 6] = ["lease", "endpoint", "member", "snapshot", "alarm", "check"];

/// Runs the verb that `matches` names.
pub fn run(face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let Some((verb, matches)) = matches.subcommand() else {
        return help(face, &[]);
    };
    if GROUPS.contains(&verb) && matches.subcommand().is_none() {
        return help(face, &[verb]);
    }
    if verb == "bench" {
        return load(matches);
    }
    let runtime = client::runtime()?;
    let done = runtime.block_on(async {
        let session = Session::new(face, matches)?;
        dispatch(&session, verb, matches).await
    });
    // Standard input may be read by a thread that nothing can interrupt.
    runtime.shutdown_background();
    done.map_err(|trouble| trouble.into_failure(face))
}

/// `bench` brings a runtime of its own: it must share the machine with the server it loads.
fn load(matches: &Matches) -> Result<Exit, Failure> {
    let endpoints = session::endpoints("kvctl", matches);
    let json = matches
        .get_one::<String>("output")
        .is_some_and(|format| format == "json");
    let format = if json { Format::Json } else { Format::Text };
    let every = bench::servers(matches, &endpoints);
    let encryption = Encryption::of(&tls::read(matches), &every, false)
        .map_err(|trouble| trouble.into_failure("kvctl"))?;
    bench::execute(matches, &endpoints, &encryption, format)
}

async fn dispatch(session: &Session, verb: &str, matches: &Matches) -> Result<Exit, Trouble> {
    let (group, matches) = (
        verb,
        matches.subcommand().map_or(matches, |(_, inner)| inner),
    );
    match (group, session.verb.as_str()) {
        ("put", _) => pair::put(session, matches).await,
        ("get", _) => pair::get(session, matches).await,
        ("del", _) => pair::del(session, matches).await,
        ("ls", _) => ls::ls(session, matches).await,
        ("txn", _) => txn::txn(session, matches).await,
        ("watch", _) => watch::watch(session, matches).await,
        ("lease", "grant") => lease::grant(session, matches).await,
        ("lease", "revoke") => lease::revoke(session, matches).await,
        ("lease", "timetolive") => lease::time_to_live(session, matches).await,
        ("lease", "list") => lease::list(session).await,
        ("lease", "keep-alive") => lease::keep_alive(session, matches).await,
        ("compaction", _) => maintenance::compaction(session, matches).await,
        ("endpoint", "health") => endpoint::health(session, matches).await,
        ("endpoint", "status") => endpoint::status(session, matches).await,
        ("endpoint", "hashkv") => endpoint::hash(session, matches).await,
        ("member", "list") => member::list(session).await,
        ("member", "add") => member::add(session, matches).await,
        ("member", "remove") => member::remove(session, matches).await,
        ("member", "update") => member::update(session, matches).await,
        ("member", "promote") => member::promote(session, matches).await,
        ("move-leader", _) => member::move_leader(session, matches).await,
        ("snapshot", "save") => snapshot::save(session, matches).await,
        ("snapshot", "status") => snapshot::status(session, matches),
        ("snapshot", "restore") => snapshot::restore(session, matches),
        ("alarm", "list") => maintenance::alarm_list(session, matches).await,
        ("alarm", "disarm") => maintenance::alarm_disarm(session, matches).await,
        ("defrag", _) => maintenance::defrag(session, matches).await,
        ("check", "perf") => check::perf(session, matches).await,
        ("check", "datascale") => check::datascale(session, matches).await,
        ("version", _) => version(session),
        (group, verb) => unreachable!("the command line has {group} {verb}, which has no role"),
    }
}

/// A group without a verb: etcdctl shows help and is content, we call it a usage error.
fn help(face: &'static str, path: &[&str]) -> Result<Exit, Failure> {
    let mut command = crate::cli::kv::command(face);
    command.build();
    let mut command = &mut command;
    for name in path {
        command = command
            .find_subcommand_mut(name)
            .expect("the verb was parsed");
    }
    let text = command.render_help().to_string();
    if face == IMITATION {
        session::print(text.as_bytes()).map_err(|trouble| trouble.into_failure(face))?;
        return Ok(Exit::DONE);
    }
    tell(text.trim_end());
    Err(Failure::silent(Exit::USAGE))
}

/// etcdctl says which etcdctl it is; scripts test for it.
fn version(session: &Session) -> Result<Exit, Trouble> {
    let (own, api) = (env!("CARGO_PKG_VERSION"), API_VERSION);
    let text = match session.imitating {
        true => format!("{IMITATION} version: 3.5.1\nAPI version: 3.5\n"),
        false if session.wants_document() => {
            format!("{}\n", json!({"version": own, "etcd_api_version": api}))
        }
        false => format!("kvctl version: {own}\netcd API version: {api}\n"),
    };
    session::print(text.as_bytes())?;
    Ok(Exit::DONE)
}
