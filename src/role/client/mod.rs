//! The cluster as every face asks it: by the members that are named, or else by this machine's.

pub(crate) mod everybody;
pub(crate) mod interrupt;

use crate::adapter::local;
use crate::adapter::rpc::client::{AddressError, Client, ClientError, Code, Endpoint, Limits};
use crate::adapter::rpc::inside::{AskError, Inside};
use crate::adapter::rpc::relay::{Relay, Target};
use crate::adapter::tls::{self, ClientFiles};
use crate::cli::asking::Asking;
use crate::cli::tls::TlsFlags;
use crate::core::kv::request::KvError;
use crate::error::{Exit, Failure, answer};

const ASK_VOTERS: &str =
    "that member does not vote yet: name one that does with `--endpoints LIST`";

/// What a face runs on that asks others: one thread, as it waits more than it works.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    runtime.map_err(|error| Failure::new(Exit::FAILED, "cannot start the runtime", error))
}

/// Prints an answer.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    answer(text.as_bytes()).map_err(|error| Failure::output(&error))
}

/// Connects to the first member that accepts, of those that are named or else this machine's.
pub(crate) async fn connect(asking: &Asking) -> Result<Client, Failure> {
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

/// A client that asks one member after the other, until one can be reached that is no learner: a
/// learner refuses nearly everything, and whoever names several endpoints may name one.
pub(crate) async fn asker(asking: &Asking) -> Result<Inside, Failure> {
    let limits = limits(asking)?;
    let endpoints = endpoints(asking)?;
    let others = endpoints.len().saturating_sub(1);
    let targets = endpoints
        .into_iter()
        .enumerate()
        .map(|(at, endpoint)| Target {
            // Only to tell them apart: who they are is not known yet.
            member: at as u64,
            endpoints: vec![endpoint.settled(limits.prefers_tls)],
        });
    let relay = Relay::new(targets.collect(), limits.tls);
    let inside = Inside::over(relay.clone(), asking.timeout);
    for _ in 0..others {
        match inside.members().await {
            Err(AskError::Refused(why)) if is_learners(&why) => relay.move_on(),
            // What else is wrong, the question itself is told.
            _ => break,
        }
    }
    Ok(inside)
}

/// That the cluster could not be asked, or did not do as it was asked, as a failure of `what`.
pub(crate) fn unasked(what: &str, error: &AskError) -> Failure {
    let exit = match error {
        AskError::Late(_) | AskError::Unavailable(_) => Exit::UNAVAILABLE,
        AskError::Denied(_) | AskError::NoMember => Exit::CONFLICT,
        AskError::Refused(_) | AskError::NoLease => Exit::FAILED,
    };
    let failure = Failure::new(exit, what, error);
    match error {
        AskError::Late(_) => failure.hint("see what is wrong with `coracle cluster status`"),
        AskError::Refused(why) if is_learners(why) => failure.hint(ASK_VOTERS),
        AskError::Unavailable(_) => {
            failure.hint("start the daemon here, or name members with `--endpoints LIST`")
        }
        _ => failure,
    }
}

/// Whether it is what a learner says to nearly everything.
fn is_learners(why: &str) -> bool {
    why == KvError::NotForLearner.to_string()
}

pub(crate) fn limits(asking: &Asking) -> Result<Limits, Failure> {
    let flags = &asking.tls;
    let names_tls = |text: &String| text.starts_with("https://");
    let is_wanted = flags.is_usual || flags.unverified || asking.endpoints.iter().any(names_tls);
    let tls = match is_wanted {
        true => Some(speaker(flags)?),
        false => None,
    };
    Ok(Limits {
        dial: asking.timeout,
        command: asking.timeout,
        tls,
        prefers_tls: flags.is_usual,
        ..Limits::default()
    })
}

/// TLS by the files that the flags name.
fn speaker(flags: &TlsFlags) -> Result<tls::Client, Failure> {
    let what = "cannot use the certificates";
    let identity = match (flags.certificate.clone(), flags.key.clone()) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            let why = "of --cert and --key, one is missing";
            return Err(Failure::usage(what, why).hint("give both: `--cert FILE --key FILE`"));
        }
    };
    let is_told = flags.authorities.is_some() || identity.is_some() || flags.unverified;
    let own = local::trust().filter(|_| !is_told);
    let files = own.unwrap_or_else(|| ClientFiles {
        authorities: flags.authorities.clone(),
        identity,
        unverified: flags.unverified,
    });
    tls::Client::of_files(files).map_err(|error| {
        Failure::usage(what, tls::chain(&error)).hint("see --cacert, --cert and --key")
    })
}

/// What a member said, or that it said nothing, as a failure of `what`.
pub(crate) fn failure(what: &str, error: &ClientError) -> Failure {
    let exit = match error.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Exit::UNAVAILABLE,
        Code::NotFound => Exit::NO,
        Code::Unauthenticated | Code::PermissionDenied => Exit::REFUSED,
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => Exit::CONFLICT,
        _ => Exit::FAILED,
    };
    let failure = Failure::new(exit, what, error);
    match error {
        ClientError::Status(status) if is_learners(status.message()) => failure.hint(ASK_VOTERS),
        ClientError::Connect { .. } => {
            failure.hint("start the daemon here, or name members with `--endpoints LIST`")
        }
        ClientError::Late { .. } => failure.hint(
            "see its log: it may wait for a majority of the members; ask another one with \
             `--endpoints LIST`, or wait longer with --timeout",
        ),
        ClientError::PlainText { .. } => {
            failure.hint("name it with `--endpoints http://HOST:PORT`")
        }
        ClientError::SpeaksTls { .. } => failure.hint(
            "write https:// instead of http://: `--endpoints https://HOST:PORT --cacert FILE`",
        ),
        ClientError::Distrust { .. } => Failure {
            exit: Exit::REFUSED,
            ..failure
        }
        .hint(
            "name the members' authority with `--cacert FILE`, and a certificate of your own, if \
             they want one, with `--cert FILE --key FILE`",
        ),
        ClientError::Status(_) if exit == Exit::UNAVAILABLE => failure
            .hint("ask again in a moment, or see what is wrong with `coracle cluster status`"),
        _ => failure,
    }
}
