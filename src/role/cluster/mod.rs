//! `coracle cluster`: the cluster as a whole, as a client of its members.

mod nodes;
mod restore;
mod status;
mod token;

use crate::adapter::local;
use crate::adapter::rpc::client::{AddressError, Client, ClientError, Code, Endpoint, Limits};
use crate::adapter::rpc::inside::{AskError, Inside};
use crate::adapter::rpc::relay::{Relay, Target};
use crate::adapter::tls::{self, ClientFiles};
use crate::cli::Matches;
use crate::cli::cluster::{self, Asking};
use crate::cli::tls::TlsFlags;
use crate::error::{Exit, Failure, answer};

/// Runs the verb that `matches` names.
pub fn run(_face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let (verb, matches) = matches.subcommand().expect("clap requires a verb");
    if verb == "restore" {
        return restore::restore(matches);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FAILED, "cannot start the runtime", error))?;
    let asking = cluster::asking(matches);
    runtime.block_on(async {
        match verb {
            "status" => status::status(&asking).await,
            "health" => status::health(&asking).await,
            "members" => nodes::members(&asking).await,
            "token" => token::run(&asking, matches).await,
            verb => unreachable!("the command line has {verb}, which has no role"),
        }
    })
}

/// Prints an answer.
fn print(text: &str) -> Result<(), Failure> {
    answer(text.as_bytes()).map_err(|error| Failure::output(&error))
}

/// Connects to the first member that accepts, of those that are named or else this machine's.
async fn connect(asking: &Asking) -> Result<Client, Failure> {
    let endpoints = endpoints(asking)?;
    let connected = Client::connect(&endpoints, &limits(asking)?).await;
    connected.map_err(|error| failure("cannot reach the cluster", &error))
}

fn endpoints(asking: &Asking) -> Result<Vec<Endpoint>, Failure> {
    let endpoints = match asking.endpoints.as_slice() {
        [] => vec![local::endpoint()],
        named => named.to_vec(),
    };
    let endpoints: Result<Vec<Endpoint>, AddressError> =
        endpoints.iter().map(|text| text.parse()).collect();
    endpoints.map_err(|error| Failure::usage("cannot use --endpoints", error))
}

/// A client that asks one member after the other, until one can be reached.
fn asker(asking: &Asking) -> Result<Inside, Failure> {
    let limits = limits(asking)?;
    let endpoints = endpoints(asking)?.into_iter().enumerate();
    let targets = endpoints.map(|(at, endpoint)| Target {
        // Only to tell them apart: who they are is not known yet.
        member: at as u64,
        endpoints: vec![endpoint.settled(limits.prefers_tls)],
    });
    let relay = Relay::new(targets.collect(), limits.tls);
    Ok(Inside::over(relay, asking.timeout))
}

/// That the cluster could not be asked, or did not do as it was asked, as a failure of `what`.
fn unasked(what: &str, error: &AskError) -> Failure {
    let exit = match error {
        AskError::Late(_) | AskError::Unavailable(_) => Exit::UNAVAILABLE,
        AskError::Refused(_) | AskError::NoLease => Exit::FAILED,
    };
    let failure = Failure::new(exit, what, error);
    match error {
        AskError::Unavailable(_) => {
            failure.hint("start the daemon here, or name members with `--endpoints LIST`")
        }
        _ => failure,
    }
}

fn limits(asking: &Asking) -> Result<Limits, Failure> {
    let TlsFlags {
        authorities,
        certificate,
        key,
        unverified,
        is_usual,
    } = &asking.tls;
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        _ => {
            let why = "a certificate is of no use without its key, nor the other way round";
            return Err(Failure::usage("cannot use the certificates", why)
                .hint("give both --cert and --key"));
        }
    };
    let is_wanted = asking
        .endpoints
        .iter()
        .any(|text| text.starts_with("https://"));
    let tls = (*is_usual || is_wanted).then(|| {
        tls::Client::of_files(ClientFiles {
            authorities: authorities.clone(),
            identity,
            unverified: *unverified,
        })
    });
    let tls = tls.transpose().map_err(|error| {
        Failure::usage("cannot use the certificates", tls::chain(&error))
            .hint("see --cacert, --cert and --key")
    })?;
    Ok(Limits {
        dial: asking.timeout,
        command: asking.timeout,
        tls,
        prefers_tls: *is_usual,
        ..Limits::default()
    })
}

/// What a member said, or that it said nothing, as a failure of `what`.
fn failure(what: &str, error: &ClientError) -> Failure {
    let exit = match error.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Exit::UNAVAILABLE,
        Code::NotFound => Exit::NO,
        Code::Unauthenticated | Code::PermissionDenied => Exit::REFUSED,
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => Exit::CONFLICT,
        _ => Exit::FAILED,
    };
    let failure = Failure::new(exit, what, error);
    match error {
        ClientError::Connect { .. } => {
            failure.hint("start the daemon here, or name members with `--endpoints LIST`")
        }
        _ => failure,
    }
}
