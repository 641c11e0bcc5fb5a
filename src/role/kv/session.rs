//! What every verb needs: the servers, the format of the answer, and how to fail on either face.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::cli::Matches;
use bytes::Bytes;

use crate::adapter::local;
use crate::adapter::rpc::client::{Client, ClientError, Code, Endpoint, Limits};
use crate::cli;
use crate::cli::kv::{ENVIRONMENT, Face, IMITATION, duration, go, on_command_line};
use crate::cli::tls::TlsFlags;
use crate::error::{self, Exit, Failure, tell};
use crate::role::kv::format::{Answer, Format, Kind};
use crate::role::kv::secure::Encryption;

/// etcdctl's exit codes, where they differ from plain failure.
pub(super) const BAD_CONNECTION: u8 = 2;
pub(super) const BAD_INPUT: u8 = 3;
pub(super) const BAD_FEATURE: u8 = 4;
pub(super) const INTERRUPTED: u8 = 5;
pub(super) const BAD_ARGUMENTS: u8 = 128;

/// etcd's words for a full store, which every server of its kind uses.
const NO_SPACE: &str = "etcdserver: mvcc: database space exceeded";

/// etcd's words for a request that the server does not take.
const TOO_LARGE: &str = "etcdserver: request is too large";

/// What servers say of a change of the members that could leave too few of them.
const COSTS_MAJORITY: [&str; 2] = [
    "etcdserver: re-configuration failed due to not enough started members",
    "etcdserver: unhealthy cluster",
];

/// One run of one verb.
pub(super) struct Session {
    pub(super) imitating: bool,
    /// The innermost verb: `grant` of `lease grant`.
    pub(super) verb: String,
    pub(super) endpoints: Vec<String>,
    pub(super) format: Format,
    pub(super) limits: Limits,
    tls: TlsFlags,
    /// Whether `--write-out` names a format that exists; told only when a server is asked.
    format_known: bool,
}

/// A failure as both faces tell it.
#[derive(Debug)]
pub(super) struct Trouble {
    failure: Failure,
    exit: u8,
    text: String,
}

impl Trouble {
    /// A command line that etcdctl refuses with `exit` and `text`.
    pub(super) fn misuse(exit: u8, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            failure: Failure::usage(text.clone(), ""),
            exit,
            text,
        }
    }

    /// An operation `what` that the server refused or could not be asked for.
    pub(super) fn rpc(what: impl Into<String>, error: &ClientError) -> Self {
        let exit = match error.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Exit::UNAVAILABLE,
            Code::NotFound => Exit::NO,
            Code::Unauthenticated | Code::PermissionDenied => Exit::REFUSED,
            Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => Exit::CONFLICT,
            _ => Exit::FAILED,
        };
        // In figures, with the words that etcd has for it.
        let why = error.why().map(|why| format!("{why} ({error})"));
        let mut failure = Failure::new(exit, what, why.unwrap_or_else(|| error.to_string()));
        match error {
            ClientError::Distrust { .. } => failure.exit = Exit::REFUSED,
            ClientError::Status(status) if COSTS_MAJORITY.contains(&status.message()) => {
                failure.exit = Exit::CONFLICT;
            }
            _ => {}
        }
        if let Some(hint) = remedy(error) {
            failure = failure.hint(hint);
        }
        Self {
            failure,
            exit: 1,
            text: words(error),
        }
    }

    /// A failure that etcdctl tells with the same text and exit code 1.
    pub(super) fn plain(failure: Failure, exit: u8) -> Self {
        let text = match failure.why.as_str() {
            "" => failure.what.clone(),
            why => format!("{}: {why}", failure.what),
        };
        Self {
            failure,
            exit,
            text,
        }
    }

    /// Everything has been told; only the exit codes remain.
    pub(super) fn told(ours: Exit, theirs: u8) -> Self {
        Self {
            failure: Failure::silent(ours),
            exit: theirs,
            text: String::new(),
        }
    }

    /// Changes what etcdctl says and how it exits.
    pub(super) fn imitated(mut self, exit: u8, text: impl FnOnce(&str) -> String) -> Self {
        self.text = text(&self.text);
        self.exit = exit;
        self
    }

    /// Says `what`, `why` and a hint on our own face instead of etcdctl's text.
    pub(super) fn ours(mut self, what: impl Into<String>, why: impl fmt::Display) -> Self {
        self.failure = Failure::new(self.failure.exit, what, why);
        self
    }

    /// A command that helps, which etcdctl does not have.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.failure = self.failure.hint(hint);
        self
    }

    /// Whether the same command may succeed later.
    pub(super) fn is_temporary(&self) -> bool {
        self.failure.exit == Exit::UNAVAILABLE
    }

    pub(super) fn into_failure(self, face: &str) -> Failure {
        if face != IMITATION || self.failure.exit == Exit::DONE {
            return self.failure;
        }
        if !self.text.is_empty() {
            tell(format_args!("Error: {}", self.text));
        }
        Failure::silent(Exit(self.exit))
    }
}

/// What to type about it, where that is known.
fn remedy(error: &ClientError) -> Option<&'static str> {
    let hint = match error {
        ClientError::Connect { .. } => {
            "start one with `coracle daemon`, or name another with `--endpoints LIST`"
        }
        ClientError::Late { .. } => {
            "see what is wrong with `coracle cluster status`, or wait longer with \
             --command-timeout"
        }
        ClientError::PlainText { .. } => "name it with `--endpoints http://HOST:PORT`",
        ClientError::SpeaksTls { .. } => {
            "write https:// instead of http://: `--endpoints https://HOST:PORT --cacert FILE`"
        }
        ClientError::Distrust { .. } => {
            "name the server's authority with `--cacert FILE`, and a certificate of your own, if \
             it wants one, with `--cert FILE --key FILE`"
        }
        error if error.is_foreign() => {
            "perhaps it is no etcd v3 server that listens there: look with \
             `curl http://HOST:PORT/version`, or name another with `--endpoints LIST`"
        }
        ClientError::TooLarge { .. } => {
            "send more with --max-request-bytes BYTES; the daemon's own limit is its \
             --max-request-bytes"
        }
        ClientError::Status(status) if status.message() == TOO_LARGE => {
            "make it smaller, or give the daemon a larger --max-request-bytes (1572864 unless it \
             was told otherwise)"
        }
        ClientError::Status(status) if status.message() == NO_SPACE => {
            "make space with `kvctl del` and `kvctl compaction REVISION`, or give the daemon a \
             larger --quota-backend-bytes; the alarm then clears itself"
        }
        ClientError::Status(status) if COSTS_MAJORITY.contains(&status.message()) => {
            "see who is down with `coracle cluster status`, and start or replace it first"
        }
        ClientError::Status(status) if status.message().starts_with("unknown service ") => {
            "that may be a peer URL: name a client URL with `--endpoints LIST`"
        }
        _ => return None,
    };
    Some(hint)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure.why)
    }
}

/// The error as etcd's Go client words it: known texts alone, the rest with their code.
pub(super) fn words(error: &ClientError) -> String {
    match error {
        ClientError::Late { .. }
        | ClientError::Connect { .. }
        | ClientError::Distrust { .. }
        | ClientError::PlainText { .. }
        | ClientError::SpeaksTls { .. } => "context deadline exceeded".into(),
        ClientError::Closed { .. } => error.to_string(),
        ClientError::NoEndpoint => "etcdclient: no available endpoints".into(),
        ClientError::Status(status) if status.message().starts_with("etcdserver: ") => {
            status.message().to_owned()
        }
        ClientError::Status(status)
        | ClientError::Lost(status)
        | ClientError::TooLarge { status, .. } => {
            format!(
                "rpc error: code = {:?} desc = {}",
                status.code(),
                status.message()
            )
        }
    }
}

/// Writes an answer to standard output; a closed pipe ends the verb quietly.
pub(super) fn print(bytes: &[u8]) -> Result<(), Trouble> {
    error::answer(bytes).map_err(|error| {
        let failure = Failure::output(&error);
        Trouble {
            exit: failure.exit.0,
            text: error.to_string(),
            failure,
        }
    })
}

/// The positional arguments as byte strings.
pub(super) fn arguments(matches: &Matches) -> Vec<Bytes> {
    let values = |name| matches.try_get_many::<OsString>(name).ok().flatten();
    let values = ["arguments", "more"].map(values).into_iter().flatten();
    values
        .flatten()
        .map(|value| Bytes::copy_from_slice(value.as_bytes()))
        .collect()
}

pub(super) fn text<'a>(matches: &'a Matches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

pub(super) fn number(matches: &Matches, name: &str) -> i64 {
    matches.get_one(name).copied().unwrap_or(0)
}

/// A switch that perhaps only one face has.
pub(super) fn switch(matches: &Matches, name: &str) -> bool {
    matches
        .try_get_one(name)
        .ok()
        .flatten()
        .copied()
        .unwrap_or(false)
}

/// A whole number; `refused` is how etcdctl exits and what it says of Go's complaint.
pub(super) fn whole_number(
    argument: &[u8],
    what: &str,
    refused: (u8, impl FnOnce(&str) -> String),
) -> Result<i64, Trouble> {
    let (exit, words) = refused;
    go::integer(&String::from_utf8_lossy(argument), 10).map_err(|why| {
        Trouble::misuse(exit, words(&why)).ours(
            format!("{} is no {what}", go::quote(argument)),
            "write a whole number",
        )
    })
}

/// A lease id in hexadecimal; `what` is how etcdctl calls the argument.
pub(super) fn lease_id(argument: &[u8], what: &str) -> Result<i64, Trouble> {
    go::integer(&String::from_utf8_lossy(argument), 16).map_err(|why| {
        Trouble::misuse(
            BAD_ARGUMENTS,
            format!("bad lease ID{what} ({why}), expecting ID in Hex"),
        )
        .ours(
            format!("{} is no lease", go::quote(argument)),
            "write its ID in hexadecimal",
        )
        .hint("see the leases with `kvctl lease list`")
    })
}

impl Session {
    pub(super) fn new(face: &str, matches: &Matches) -> Result<Self, Trouble> {
        let imitating = face == IMITATION;
        let verb = matches.subcommand_name().unwrap_or_default().to_owned();
        let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
        if imitating {
            refuse_shadowing(matches)?;
        }
        let command = duration(matches, "command-timeout");
        let endpoints = endpoints(face, matches);
        let limits = Limits {
            dial: duration(matches, "dial-timeout"),
            patience: if imitating { command } else { Duration::ZERO },
            command,
            keepalive_interval: duration(matches, "keepalive-time"),
            keepalive_timeout: duration(matches, "keepalive-timeout"),
            request_bytes_max: usize::try_from(number(matches, "max-request-bytes")).unwrap_or(0),
            tls: None,
            prefers_tls: false,
        };
        let output = if imitating {
            ""
        } else {
            text(matches, "output")
        };
        let (kind, format_known) = match (output, text(matches, "write-out")) {
            ("json", _) => (Kind::Plain, true),
            (_, "") => (Kind::Simple, true),
            (_, name) => (
                Kind::parse(name).unwrap_or(Kind::Simple),
                Kind::parse(name).is_some(),
            ),
        };
        let value_only = switch(matches, "print-value-only");
        let format = Format {
            kind,
            hex: switch(matches, "hex"),
            value_only,
        };
        let verb = if verb.is_empty() {
            face.to_owned()
        } else {
            verb
        };
        Ok(Self {
            imitating,
            verb,
            endpoints,
            format,
            limits,
            tls: cli::tls::read(matches),
            format_known,
        })
    }

    /// The limits, with whom to believe. Files are read here and not before: a verb that asks no
    /// server needs none.
    pub(super) fn dialing(&self) -> Result<Limits, Trouble> {
        let encryption = Encryption::of(&self.tls, &self.endpoints, self.imitating)?;
        Ok(Limits {
            tls: encryption.client,
            prefers_tls: encryption.is_usual,
            ..self.limits.clone()
        })
    }

    /// Fails for a format that does not exist, which etcdctl notices after the arguments.
    pub(super) fn check_format(&self) -> Result<(), Trouble> {
        match self.format_known {
            true => Ok(()),
            // On our own face the command line knows the formats.
            false => Err(Trouble::misuse(BAD_FEATURE, "unsupported output format")),
        }
    }

    pub(super) fn face(&self) -> Face {
        match self.imitating {
            true => Face::Imitation,
            false => Face::Own,
        }
    }

    /// An error of one server among several, for people.
    pub(super) fn words(&self, error: &ClientError) -> String {
        match self.imitating {
            true => words(error),
            false => error.to_string(),
        }
    }

    /// A document of a verb that etcdctl answers with a line in every format: whether it is wanted.
    pub(super) fn wants_document(&self) -> bool {
        !self.imitating && matches!(self.format.kind, Kind::Json | Kind::Plain)
    }

    /// Connects to the first server that accepts.
    pub(super) async fn connect(&self) -> Result<Client, Trouble> {
        self.connect_for("cannot reach the key-value store").await
    }

    pub(super) async fn connect_for(&self, what: &str) -> Result<Client, Trouble> {
        self.check_format()?;
        let named = self.endpoints.iter().filter(|text| !text.is_empty());
        let endpoints = named
            .map(|text| endpoint(text))
            .collect::<Result<Vec<_>, _>>()?;
        Client::connect(&endpoints, &self.dialing()?)
            .await
            .map_err(|error| {
                let exit = if matches!(error, ClientError::NoEndpoint) {
                    BAD_CONNECTION
                } else {
                    1
                };
                Trouble::rpc(what, &error).imitated(exit, str::to_owned)
            })
    }

    /// A connection to one server alone, for questions that each server answers for itself.
    pub(super) async fn connect_to(
        &self,
        text: &str,
        limits: &Limits,
    ) -> Result<Client, ClientError> {
        let endpoint = endpoint(text).map_err(|trouble| ClientError::Connect {
            endpoint: text.to_owned(),
            why: trouble.text,
        })?;
        Client::connect(&[endpoint], limits).await
    }

    /// Prints the answer in the chosen format.
    pub(super) fn answer(&self, answer: &Answer) -> Result<Exit, Trouble> {
        let bytes = self
            .format
            .render(answer)
            .map_err(|unsupported| Trouble::misuse(BAD_FEATURE, unsupported.to_string()))?;
        print(&bytes)?;
        Ok(Exit::DONE)
    }
}

fn endpoint(text: &str) -> Result<Endpoint, Trouble> {
    text.parse()
        .map_err(|error: crate::adapter::rpc::client::AddressError| {
            Trouble::misuse(1, error.to_string())
        })
}

/// etcdctl refuses a flag that is also in the environment, rather than choose.
fn refuse_shadowing(matches: &Matches) -> Result<(), Trouble> {
    for (flag, variable) in ENVIRONMENT {
        let given = on_command_line(matches, flag);
        if given && std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
            let text = format!(
                "conflicting environment variable {variable} is shadowed by corresponding \
                 command-line flag (either unset environment variable or disable flag)"
            );
            return Err(Trouble::misuse(1, text));
        }
    }
    Ok(())
}

/// The servers that the command line or the environment names, else this machine's daemon; an empty
/// variable names none.
pub(super) fn endpoints(face: &str, matches: &Matches) -> Vec<String> {
    let given = matches
        .get_many::<String>("endpoints")
        .into_iter()
        .flatten();
    let given: Vec<String> = given.cloned().collect();
    let is_named = on_command_line(matches, "endpoints") || given.iter().any(|one| !one.is_empty());
    match is_named {
        true => given,
        false if face == IMITATION => vec![local::SERVER.to_owned()],
        false => vec![local::endpoint()],
    }
}
