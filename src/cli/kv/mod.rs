//! The command line of the key-value client, as `kvctl` and as an imitation of `etcdctl`.
//!
//! Flags are declared once and read by name; both faces share verbs and flags, and what only one
//! of them has is added where its name is tested. Parsing is as lenient as etcdctl's: switches
//! take `=false`, a repeated flag overrides, values may begin with a hyphen.

pub mod bench;
pub mod go;
pub mod script;
pub mod table;

use std::ffi::OsString;
use std::time::Duration;

use crate::cli::restore;
use crate::cli::{Matches, tls};
use crate::core::lock::name::{LockName, NameError};
use crate::core::units;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint, value_parser};

/// The name under which etcdctl's manners apply.
pub const IMITATION: &str = "etcdctl";

/// Whose manners apply: what is refused by name, and how a complaint is worded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Own,
    Imitation,
}

/// What a positional argument is called, `[NAME]` if it may be left out, and what it is.
type Position = (&'static str, &'static str);

/// The values of `--write-out`, as etcdctl has them.
const FORMATS: [&str; 5] = ["simple", "json", "fields", "table", "protobuf"];

impl Face {
    pub fn named(face: &str) -> Self {
        match face {
            IMITATION => Self::Imitation,
            _ => Self::Own,
        }
    }

    /// Positional arguments are byte strings. etcdctl's verbs count them themselves and have their
    /// own words for it; ours are refused before a verb sees them.
    fn positions(self, positions: &[Position]) -> Vec<Arg> {
        let position = |id, value: &'static str, help: &'static str| {
            Arg::new(id)
                .value_name(value.trim_matches(['[', ']']))
                .required(self == Self::Own && !value.starts_with('['))
                .help(help)
                .value_hint(match value {
                    "FILE" => ValueHint::FilePath,
                    _ => ValueHint::Unknown,
                })
                .value_parser(value_parser!(OsString))
        };
        match self {
            Self::Imitation => vec![
                position("arguments", "ARGUMENT", "What it is about")
                    .num_args(0..)
                    .hide(positions.is_empty()),
            ],
            Self::Own => ["arguments", "more"]
                .into_iter()
                .zip(positions)
                .map(|(id, (value, help))| position(id, value, help))
                .collect(),
        }
    }

    /// A flag that has one of `values`: etcdctl's verbs look at it when they need it.
    fn choice(
        self,
        name: &'static str,
        value: &'static str,
        values: &[&'static str],
        help: &'static str,
    ) -> Arg {
        let choice = text(name, value, help);
        match self {
            Self::Imitation => choice,
            Self::Own => choice.value_parser(PossibleValuesParser::new(values)),
        }
    }

    fn number(self, name: &'static str, value: &'static str, help: &'static str) -> Arg {
        let number = text(name, value, help).default_value("0");
        match self {
            Self::Imitation => number.value_parser(|text: &str| go::integer(text, 10)),
            Self::Own => number.value_parser(whole_number).hide_default_value(true),
        }
    }

    fn time(self, name: &'static str, default: &'static str, help: &'static str) -> Arg {
        let time = text(name, "TIME", help).default_value(default);
        match self {
            Self::Imitation => time.value_parser(go::parse_duration),
            Self::Own => time.value_parser(units::duration),
        }
    }
}

/// The whole command line of `face`.
pub fn command(name: &'static str) -> Command {
    let face = Face::named(name);
    let imitating = face == Face::Imitation;
    // What etcdctl does not have. Not `mut_subcommand`, which would move the verb to the end.
    let and_ours = |verb: Command, flags: Vec<Arg>| match face {
        Face::Imitation => verb,
        Face::Own => verb.args(flags),
    };
    let verbs = [
        and_ours(put(face), [vec![ttl(face)], if_held()].concat()),
        and_ours(get(face), vec![exists()]),
        del(face),
        and_ours(txn(face), if_held()),
        and_ours(watch(face), vec![forever(), exec()]),
        lease(face),
        compaction(face),
        endpoint(face),
        member(face),
        move_leader(face),
        snapshot(face),
        alarm(face),
        defrag(face),
        check(face),
        version(face),
    ];
    let heading = "Global options";
    let command = Command::new(name)
        .about("Reads and writes the key-value store of coracle or of any etcd v3 server")
        .args_override_self(true)
        .disable_version_flag(imitating)
        .args(
            global(face)
                .into_iter()
                .map(|flag| flag.global(true).help_heading(heading)),
        )
        .subcommands(verbs);
    if imitating {
        return command;
    }
    command
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(output().global(true).help_heading(heading))
        .subcommand(ls())
        .subcommand(bench::BenchCommand::verb())
}

/// The commands that a transaction script may use: the flags are those of the verbs.
pub fn operations(face: Face) -> Command {
    Command::new("txn")
        .no_binary_name(true)
        .subcommands([put(face), get(face), del(face)])
}

/// The `watch` line of interactive mode.
pub fn watch_line(face: Face) -> Command {
    watch(face).no_binary_name(false)
}

fn whole_number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "write a whole number".to_owned())
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .value_parser(value_parser!(bool))
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("BOOL")
        .action(ArgAction::Set)
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .help(help)
        .allow_hyphen_values(true)
}

fn global(face: Face) -> Vec<Arg> {
    let imitating = face == Face::Imitation;
    let endpoints = text(
        "endpoints",
        "LIST",
        "Servers to try in turn, separated by commas",
    )
    .value_delimiter(',');
    let endpoints = if imitating {
        endpoints.default_value("127.0.0.1:2379")
    } else {
        endpoints.env("CORACLE_ENDPOINTS").long_help(
            "Servers to try in turn, separated by commas: HOST:PORT, http://HOST:PORT, \
             https://HOST:PORT or unix:///PATH. Without it the socket of the daemon on this \
             machine is used, else http://127.0.0.1:2379",
        )
    };
    let formats = match face {
        Face::Own => "Format of the answer, as etcdctl has it",
        Face::Imitation => "Format: simple, json, fields, table or protobuf",
    };
    let flags = [
        endpoints,
        face.time(
            "dial-timeout",
            "2s",
            "How long one server may take to accept a connection",
        ),
        face.time("command-timeout", "5s", "How long one answer may take"),
        face.time(
            "keepalive-time",
            "2s",
            "How often an idle connection is probed",
        ),
        face.time(
            "keepalive-timeout",
            "6s",
            "How long a probe may stay without an answer",
        ),
        face.choice("write-out", "FORMAT", &FORMATS, formats)
            .short('w'),
        flag("hex", "Print byte strings as hexadecimal escapes"),
        face.number("max-request-bytes", "BYTES", "Largest request to send")
            .default_value("2097152")
            .hide_default_value(false)
            .hide(imitating),
    ];
    let prefix = if imitating { "ETCDCTL" } else { "CORACLE" };
    let flags = flags.into_iter().chain(tls::flags(prefix));
    if !imitating {
        return flags.collect();
    }
    flags
        .map(
            |flag| match ENVIRONMENT.iter().find(|(name, _)| flag.get_id() == name) {
                Some((_, variable)) => flag.env(*variable),
                None => flag,
            },
        )
        .collect()
}

/// Where etcdctl reads each global flag when the command line does not have it.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("endpoints", "ETCDCTL_ENDPOINTS"),
    ("dial-timeout", "ETCDCTL_DIAL_TIMEOUT"),
    ("command-timeout", "ETCDCTL_COMMAND_TIMEOUT"),
    ("keepalive-time", "ETCDCTL_KEEPALIVE_TIME"),
    ("keepalive-timeout", "ETCDCTL_KEEPALIVE_TIMEOUT"),
    ("write-out", "ETCDCTL_WRITE_OUT"),
    ("hex", "ETCDCTL_HEX"),
    ("max-request-bytes", "ETCDCTL_MAX_REQUEST_BYTES"),
    ("cacert", "ETCDCTL_CACERT"),
    ("cert", "ETCDCTL_CERT"),
    ("key", "ETCDCTL_KEY"),
    (
        "insecure-skip-tls-verify",
        "ETCDCTL_INSECURE_SKIP_TLS_VERIFY",
    ),
    ("insecure-transport", "ETCDCTL_INSECURE_TRANSPORT"),
];

fn output() -> Arg {
    text(
        "output",
        "FORMAT",
        "Format of the answer: text, or json with plain UTF-8 strings",
    )
    .short('o')
    .value_parser(["text", "json"])
    .conflicts_with("write-out")
}

fn put(face: Face) -> Command {
    Command::new("put")
        .about("Writes a value under a key; without VALUE it is read from stdin")
        .args(face.positions(&[
            ("KEY", "The key"),
            (
                "[VALUE]",
                "Its value; without it standard input is the value",
            ),
        ]))
        .args([
            text(
                "lease",
                "ID",
                "Lease in hexadecimal whose end deletes the key",
            ),
            flag("prev-kv", "Show the pair as it was before"),
            flag("ignore-value", "Keep the value and change only the lease"),
            flag("ignore-lease", "Keep the lease and change only the value"),
        ])
}

const RANGE: [Position; 2] = [
    ("KEY", "The key, or the first key of a range"),
    ("[RANGE_END]", "The first key behind the range"),
];
/// The variables of `watch` may stand for its arguments.
const WATCHED: [Position; 2] = [("[KEY]", RANGE[0].1), RANGE[1]];
const ORDERS: [&str; 2] = ["ASCEND", "DESCEND"];
const FIELDS: [&str; 5] = ["CREATE", "KEY", "MODIFY", "VALUE", "VERSION"];

fn ttl(face: Face) -> Arg {
    face.time(
        "ttl",
        "0",
        "Let the key end after this time: grants a lease for it alone",
    )
    .hide_default_value(true)
    .conflicts_with_all(["lease", "ignore-value", "ignore-lease"])
}

/// What a write under a lock is told.
fn if_held() -> Vec<Arg> {
    vec![
        Arg::new("if-held")
            .long("if-held")
            .value_name("NAME")
            .value_parser(|text: &str| -> Result<LockName, NameError> { text.parse() })
            .help("Write only if this lock, see lockctl(1), is held under the fence still"),
        Arg::new("fence")
            .long("fence")
            .value_name("N")
            .env("CORACLE_LOCK_FENCE")
            .value_parser(value_parser!(i64).range(1..))
            .help("The fence of --if-held"),
    ]
}

fn get(face: Face) -> Command {
    Command::new("get")
        .about("Shows a key or a range of keys")
        .args(face.positions(&RANGE))
        .args([
            flag("prefix", "Show all keys that begin with KEY"),
            flag("from-key", "Show all keys from KEY on"),
            face.choice(
                "consistency",
                "MODE",
                &["l", "s"],
                "l reads what a majority has, s what the server has",
            )
            .default_value("l"),
            face.choice("order", "ORDER", &ORDERS, "Which end comes first")
                .ignore_case(true),
            face.choice("sort-by", "FIELD", &FIELDS, "What the order is of")
                .ignore_case(true),
            face.number("limit", "COUNT", "Show at most so many keys; 0 shows all"),
            face.number(
                "rev",
                "REVISION",
                "Read the store as it was at this revision; 0 is now",
            ),
            face.number(
                "min-mod-rev",
                "REVISION",
                "Leave out keys changed before it",
            ),
            face.number("max-mod-rev", "REVISION", "Leave out keys changed after it"),
            face.number(
                "min-create-rev",
                "REVISION",
                "Leave out keys created before it",
            ),
            face.number(
                "max-create-rev",
                "REVISION",
                "Leave out keys created after it",
            ),
            flag("keys-only", "Leave the values out"),
            flag("count-only", "Show how many keys there are"),
            flag("print-value-only", "Leave the keys out"),
        ])
}

fn exists() -> Arg {
    flag("exists", "Exit with 3 when there is no such key")
}

fn ls() -> Command {
    Command::new("ls")
        .about("Lists keys as files and folders, with / between names")
        .args([flag("recursive", "List every key below it")])
        .args(Face::Own.positions(&[("[PREFIX]", "The folder to list; without it the top")]))
}

fn del(face: Face) -> Command {
    Command::new("del")
        .about("Deletes a key or a range of keys and says how many")
        .args(face.positions(&RANGE))
        .args([
            flag("prefix", "Delete all keys that begin with KEY"),
            flag("from-key", "Delete all keys from KEY on"),
            flag("prev-kv", "Show the deleted pairs"),
        ])
}

fn txn(face: Face) -> Command {
    Command::new("txn")
        .about("Applies requests from stdin as one transaction")
        .long_about(
            "Applies requests from stdin as one transaction.\n\nThe input has three parts, each \
             ended by an empty line: conditions, one a line, such as mod(\"key\") > \"0\" on \
             ver, create, mod, val or lease with =, !=, < or >; the put, get and del commands to \
             run if all of them hold; those to run otherwise.",
        )
        .args(face.positions(&[]))
        .args([flag("interactive", "Name each part before it is read").short('i')])
}

fn watch(face: Face) -> Command {
    Command::new("watch")
        .about("Shows changes of a key or a range of keys as they happen")
        .args(face.positions(&WATCHED))
        .args([
            Arg::new("command")
                .value_name("COMMAND")
                .help("Run this for every event, which its ETCD_WATCH_ variables describe")
                .num_args(1..)
                .last(true)
                .value_parser(value_parser!(OsString)),
            flag("interactive", "Read watch and progress commands from stdin").short('i'),
            flag("prefix", "Watch all keys that begin with KEY"),
            face.number(
                "rev",
                "REVISION",
                "Begin with this revision; 0 is from now on",
            ),
            flag("prev-kv", "Show each pair as it was before, too"),
            flag(
                "progress-notify",
                "Let the server report its revision when nothing happens",
            ),
        ])
}

fn forever() -> Arg {
    flag(
        "forever",
        "Reconnect when the connection ends and go on with the next revision",
    )
}

fn exec() -> Arg {
    text(
        "exec",
        "COMMAND",
        "Run this with sh for every event; a failure of it ends the watch with 1",
    )
    .conflicts_with("command")
}

fn lease(face: Face) -> Command {
    let id = || face.positions(&[("ID", "The lease in hexadecimal")]);
    Command::new("lease")
        .about("Grants, renews and ends leases")
        .subcommands([
            Command::new("grant")
                .about("Makes a lease")
                .args(face.positions(&[("TTL", "Its time to live in seconds")])),
            Command::new("revoke")
                .about("Ends a lease and deletes its keys")
                .args(id()),
            Command::new("timetolive")
                .about("Shows how long a lease still lives")
                .args(id())
                .arg(flag("keys", "Show the keys that it holds")),
            Command::new("list")
                .about("Lists all leases")
                .args(face.positions(&[])),
            Command::new("keep-alive")
                .about("Renews a lease until it ends or the command is stopped")
                .args(id())
                .arg(flag("once", "Renew it once")),
        ])
}

fn compaction(face: Face) -> Command {
    Command::new("compaction")
        .about("Forgets the history before a revision")
        .args(face.positions(&[("REVISION", "The oldest revision to keep")]))
        .arg(flag("physical", "Wait until the space is free"))
}

fn endpoint(face: Face) -> Command {
    let ignored = || face.positions(&[]);
    Command::new("endpoint")
        .about("Asks each server about itself")
        .arg(flag("cluster", "Ask every member of the cluster").global(true))
        .subcommands([
            Command::new("health")
                .about("Shows whether it can commit")
                .args(ignored()),
            Command::new("status")
                .about("Shows version, size and Raft state")
                .args(ignored()),
            Command::new("hashkv")
                .about("Shows the hash of its key history")
                .args(ignored())
                .arg(face.number("rev", "REVISION", "Hash up to this revision; 0 is all")),
        ])
}

fn member(face: Face) -> Command {
    let id = || face.positions(&[("ID", "The member in hexadecimal")]);
    let peer_urls = || {
        text(
            "peer-urls",
            "URLS",
            "Where the other members reach it, with commas",
        )
    };
    Command::new("member")
        .about("Shows and changes the members of the cluster")
        .subcommands([
            Command::new("list")
                .about("Lists them")
                .args(face.positions(&[])),
            Command::new("add")
                .about("Adds a member, and shows how to start it")
                .args(face.positions(&[("NAME", "What it is called")]))
                .arg(peer_urls())
                .arg(flag(
                    "learner",
                    "Ask for one without a vote, as every member of coracle begins",
                )),
            Command::new("remove")
                .about("Removes a member for ever")
                .args(id()),
            Command::new("update")
                .about("Changes where the other members reach a member")
                .args(id())
                .arg(peer_urls()),
            Command::new("promote")
                .about("Lets a learner vote that has caught up")
                .args(id()),
        ])
}

fn move_leader(face: Face) -> Command {
    Command::new("move-leader")
        .about("Gives the lead to another member")
        .args(face.positions(&[("ID", "The member that is to lead, in hexadecimal")]))
}

fn snapshot(face: Face) -> Command {
    Command::new("snapshot")
        .about("Saves the whole store, looks at what was saved, and restores it")
        .subcommand(
            Command::new("status")
                .about("Checks a snapshot FILE and prints its hash, revision, keys and size")
                .args(face.positions(&[("FILE", "The snapshot")])),
        )
        .subcommand(
            Command::new("save")
                .about("Writes a snapshot to FILE, which appears only when it is whole")
                .args(face.positions(&[("FILE", "Where to write it")])),
        )
        .subcommand(
            Command::new("restore")
                .about(restore::ABOUT)
                .long_about(restore::LONG_ABOUT)
                .args(face.positions(&[("FILE", "The snapshot")]))
                .args(restore::flags(face)),
        )
}

fn alarm(face: Face) -> Command {
    let ignored = || face.positions(&[]);
    Command::new("alarm")
        .about("Shows and clears alarms")
        .subcommands([
            Command::new("list")
                .about("Lists raised alarms")
                .args(ignored()),
            Command::new("disarm")
                .about("Clears all alarms")
                .args(ignored()),
        ])
}

fn defrag(face: Face) -> Command {
    Command::new("defrag")
        .about("Lets each server give back unused space")
        .args(face.positions(&[]))
        .arg(flag("cluster", "Ask every member of the cluster"))
}

fn check(face: Face) -> Command {
    let flags = |prefix| {
        [
            face.choice("load", "SIZE", &["s", "m", "l", "xl"], "How much to write")
                .default_value("s"),
            text(
                "prefix",
                "PREFIX",
                "Where to write, and to delete afterwards",
            )
            .default_value(prefix),
            flag("auto-compact", "Compact the history afterwards"),
            flag("auto-defrag", "Defragment afterwards"),
        ]
    };
    Command::new("check")
        .about("Measures a server against fixed marks")
        .subcommands([
            Command::new("perf")
                .about("Writes at a fixed rate for a minute and judges rate and latency")
                .args(face.positions(&[]))
                .args(flags("/etcdctl-check-perf/")),
            Command::new("datascale")
                .about("Writes many keys and shows how much memory they take")
                .args(face.positions(&[]))
                .args(flags("/etcdctl-check-datascale/")),
        ])
}

fn version(face: Face) -> Command {
    Command::new("version")
        .about("Shows the version of the client and of the etcd API that it speaks")
        .args(face.positions(&[]))
}

/// Whether the flag is given by hand and not by the environment or a default.
pub fn on_command_line(matches: &Matches, name: &str) -> bool {
    matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine)
}

/// The value of `--NAME` where the verb may not have the flag at all.
pub fn duration(matches: &Matches, name: &str) -> Duration {
    matches
        .try_get_one(name)
        .ok()
        .flatten()
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_are_consistent() {
        command("kvctl").debug_assert();
        command(IMITATION).debug_assert();
    }

    #[test]
    fn switches_and_repeats_are_taken_as_etcdctl_takes_them() {
        let line = [
            "etcdctl",
            "get",
            "k",
            "--prefix=false",
            "--limit",
            "-1",
            "--limit=2",
            "-wjson",
        ];
        let matches = command(IMITATION)
            .try_get_matches_from(line)
            .expect("valid");
        assert_eq!(
            matches.get_one::<String>("write-out").map(String::as_str),
            Some("json")
        );
        let get = matches.subcommand_matches("get").expect("get");
        assert!(!get.get_flag("prefix"));
        assert_eq!(get.get_one::<i64>("limit"), Some(&2));
    }
}
