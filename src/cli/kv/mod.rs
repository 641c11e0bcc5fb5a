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

use crate::cli::Matches;
use clap::{Arg, ArgAction, Command, value_parser};

/// The name under which etcdctl's manners apply.
pub const IMITATION: &str = "etcdctl";

/// The whole command line of `face`.
pub fn command(face: &'static str) -> Command {
    let imitating = face == IMITATION;
    let verbs = [put(), get(), del(), txn(), watch(), lease(), compaction()]
        .into_iter()
        .chain([
            endpoint(),
            member(),
            snapshot(),
            alarm(),
            defrag(),
            check(),
            version(),
        ]);
    let command = Command::new(face)
        .about("Reads and writes the key-value store of coracle or of any etcd v3 server")
        .args_override_self(true)
        .disable_version_flag(imitating)
        .args(global(imitating).map(|flag| flag.global(true)))
        .subcommands(verbs);
    if imitating {
        return command;
    }
    command
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(output().global(true))
        .subcommand(ls())
        .subcommand(bench::BenchCommand::verb())
        .mut_subcommand("get", |get| get.arg(exists()))
        .mut_subcommand("put", |put| put.arg(ttl()))
        .mut_subcommand("watch", |watch| watch.args([forever(), exec()]))
}

/// The commands that a transaction script may use: the flags are those of the verbs.
pub fn operations() -> Command {
    Command::new("txn")
        .no_binary_name(true)
        .subcommands([put(), get(), del()])
}

/// The `watch` line of interactive mode.
pub fn watch_line() -> Command {
    watch().no_binary_name(false)
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

fn number(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    text(name, value, help)
        .value_parser(|text: &str| go::integer(text, 10))
        .default_value("0")
}

fn time(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    text(name, "TIME", help)
        .value_parser(go::parse_duration)
        .default_value(default)
}

/// Positional arguments are byte strings and counted by the verb, which knows what to say.
fn positional(value: &'static str, help: &'static str) -> Arg {
    Arg::new("arguments")
        .value_name(value)
        .help(help)
        .num_args(0..)
        .value_parser(value_parser!(OsString))
}

fn global(imitating: bool) -> [Arg; 8] {
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
            "Servers to try in turn, separated by commas: HOST:PORT, http://HOST:PORT or \
             unix:///PATH. Without it the socket of the daemon on this machine is used, else \
             http://127.0.0.1:2379",
        )
    };
    let formats = "Format of the answer: simple, json, fields, table or protobuf, as etcdctl has";
    let flags = [
        endpoints,
        time(
            "dial-timeout",
            "2s",
            "How long one server may take to accept a connection",
        ),
        time("command-timeout", "5s", "How long one answer may take"),
        time(
            "keepalive-time",
            "2s",
            "How often an idle connection is probed",
        ),
        time(
            "keepalive-timeout",
            "6s",
            "How long a probe may stay without an answer",
        ),
        text("write-out", "FORMAT", formats).short('w'),
        flag("hex", "Print byte strings as hexadecimal escapes"),
        number("max-request-bytes", "BYTES", "Largest request to send")
            .default_value("2097152")
            .hide(imitating),
    ];
    if !imitating {
        return flags;
    }
    flags.map(
        |flag| match ENVIRONMENT.iter().find(|(name, _)| flag.get_id() == name) {
            Some((_, variable)) => flag.env(*variable),
            None => flag,
        },
    )
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

fn put() -> Command {
    Command::new("put")
        .about("Writes a value under a key; without VALUE it is read from stdin")
        .args([
            positional("KEY [VALUE]", "The key and its value"),
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

fn ttl() -> Arg {
    time(
        "ttl",
        "0",
        "Let the key end after this time: grants a lease for it alone",
    )
    .hide_default_value(true)
    .conflicts_with_all(["lease", "ignore-value", "ignore-lease"])
}

fn get() -> Command {
    Command::new("get")
        .about("Shows a key or a range of keys")
        .args([
            positional(
                "KEY [RANGE_END]",
                "The key, or the first key and the one after the last",
            ),
            flag("prefix", "Show all keys that begin with KEY"),
            flag("from-key", "Show all keys from KEY on"),
            text(
                "consistency",
                "MODE",
                "l reads what a majority has, s what the server has",
            )
            .default_value("l"),
            text("order", "ORDER", "ASCEND or DESCEND")
                .default_value("")
                .hide_default_value(true),
            text("sort-by", "FIELD", "CREATE, KEY, MODIFY, VALUE or VERSION")
                .default_value("")
                .hide_default_value(true),
            number("limit", "COUNT", "Show at most so many keys; 0 shows all"),
            number(
                "rev",
                "REVISION",
                "Read the store as it was at this revision; 0 is now",
            ),
            number(
                "min-mod-rev",
                "REVISION",
                "Leave out keys changed before it",
            ),
            number("max-mod-rev", "REVISION", "Leave out keys changed after it"),
            number(
                "min-create-rev",
                "REVISION",
                "Leave out keys created before it",
            ),
            number(
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
        .args([
            positional("PREFIX", "The folder to list; without it the top"),
            flag("recursive", "List every key below it"),
        ])
}

fn del() -> Command {
    Command::new("del")
        .about("Deletes a key or a range of keys and says how many")
        .args([
            positional(
                "KEY [RANGE_END]",
                "The key, or the first key and the one after the last",
            ),
            flag("prefix", "Delete all keys that begin with KEY"),
            flag("from-key", "Delete all keys from KEY on"),
            flag("prev-kv", "Show the deleted pairs"),
        ])
}

fn txn() -> Command {
    Command::new("txn")
        .about("Applies requests from stdin as one transaction")
        .long_about(
            "Applies requests from stdin as one transaction.\n\nThe input has three parts, each \
             ended by an empty line: conditions, one a line, such as mod(\"key\") > \"0\" on \
             ver, create, mod, val or lease with =, !=, < or >; the put, get and del commands to \
             run if all of them hold; those to run otherwise.",
        )
        .args([
            positional("", "").hide(true),
            flag("interactive", "Name each part before it is read").short('i'),
        ])
}

fn watch() -> Command {
    Command::new("watch")
        .about("Shows changes of a key or a range of keys as they happen")
        .args([
            positional(
                "KEY [RANGE_END]",
                "The key, or the first key and the one after the last",
            ),
            Arg::new("command")
                .value_name("COMMAND")
                .help("Run this for every event, which its ETCD_WATCH_ variables describe")
                .num_args(1..)
                .last(true)
                .value_parser(value_parser!(OsString)),
            flag("interactive", "Read watch and progress commands from stdin").short('i'),
            flag("prefix", "Watch all keys that begin with KEY"),
            number(
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
    text("exec", "COMMAND", "Run this with sh for every event").conflicts_with("command")
}

fn lease() -> Command {
    let id = || positional("ID", "The lease in hexadecimal");
    Command::new("lease")
        .about("Grants, renews and ends leases")
        .subcommands([
            Command::new("grant")
                .about("Makes a lease")
                .arg(positional("TTL", "Its time to live in seconds")),
            Command::new("revoke")
                .about("Ends a lease and deletes its keys")
                .arg(id()),
            Command::new("timetolive")
                .about("Shows how long a lease still lives")
                .args([id(), flag("keys", "Show the keys that it holds")]),
            Command::new("list")
                .about("Lists all leases")
                .arg(positional("", "").hide(true)),
            Command::new("keep-alive")
                .about("Renews a lease until it ends or the command is stopped")
                .args([id(), flag("once", "Renew it once")]),
        ])
}

fn compaction() -> Command {
    Command::new("compaction")
        .about("Forgets the history before a revision")
        .args([
            positional("REVISION", "The oldest revision to keep"),
            flag("physical", "Wait until the space is free"),
        ])
}

fn endpoint() -> Command {
    let ignored = || positional("", "").hide(true);
    Command::new("endpoint")
        .about("Asks each server about itself")
        .arg(flag("cluster", "Ask every member of the cluster").global(true))
        .subcommands([
            Command::new("health")
                .about("Shows whether it can commit")
                .arg(ignored()),
            Command::new("status")
                .about("Shows version, size and Raft state")
                .arg(ignored()),
            Command::new("hashkv")
                .about("Shows the hash of its key history")
                .args([
                    ignored(),
                    number("rev", "REVISION", "Hash up to this revision; 0 is all"),
                ]),
        ])
}

fn member() -> Command {
    Command::new("member")
        .about("Shows the members of the cluster")
        .subcommand(
            Command::new("list")
                .about("Lists them")
                .arg(positional("", "").hide(true)),
        )
}

fn snapshot() -> Command {
    Command::new("snapshot")
        .about("Saves the whole store, and looks at what was saved")
        .subcommand(
            Command::new("status")
                .about("Checks a snapshot FILE and prints its hash, revision, keys and size")
                .arg(positional("FILE", "The snapshot")),
        )
        .subcommand(
            Command::new("save")
                .about("Writes a snapshot to FILE, which appears only when it is whole")
                .arg(positional("FILE", "Where to write it")),
        )
}

fn alarm() -> Command {
    let ignored = || positional("", "").hide(true);
    Command::new("alarm")
        .about("Shows and clears alarms")
        .subcommands([
            Command::new("list")
                .about("Lists raised alarms")
                .arg(ignored()),
            Command::new("disarm")
                .about("Clears all alarms")
                .arg(ignored()),
        ])
}

fn defrag() -> Command {
    Command::new("defrag")
        .about("Lets each server give back unused space")
        .args([
            positional("", "").hide(true),
            flag("cluster", "Ask every member of the cluster"),
        ])
}

fn check() -> Command {
    let flags = |prefix| {
        [
            positional("", "").hide(true),
            text("load", "SIZE", "How much: s, m, l or xl").default_value("s"),
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
                .args(flags("/etcdctl-check-perf/")),
            Command::new("datascale")
                .about("Writes many keys and shows how much memory they take")
                .args(flags("/etcdctl-check-datascale/")),
        ])
}

fn version() -> Command {
    Command::new("version")
        .about("Shows the version of the client and of the API")
        .arg(positional("", "").hide(true))
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
