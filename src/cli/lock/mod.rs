//! The command line of the locks, as `lockctl` and as an imitation of `locksmithctl`.

pub mod locksmith;
pub mod named;
pub mod status;
pub mod want;

use std::time::Duration;

use clap::{Arg, Command, value_parser};

use crate::cli::Matches;
use crate::cli::asking;
use crate::core::lock::name::{DEFAULT_GROUP, Group, HolderId, NameError};
use crate::core::units;

/// What `lock` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// None: this machine.
    pub id: Option<HolderId>,
    pub group: Group,
    pub reason: String,
    /// None: a place that is not free is not waited for.
    pub wait: Option<Duration>,
}

pub fn command(face: &'static str) -> Command {
    if face == locksmith::IMITATION {
        return locksmith::command(face);
    }
    Command::new(face)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Reboots of machines one at a time, and locks that scripts can trust")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(asking::flags())
        .subcommand(
            Command::new("status")
                .about("Shows who holds a place of the reboot semaphore, and who waits")
                .arg(group()),
        )
        .subcommand(
            Command::new("lock")
                .about("Takes a place for a machine; one that holds a place holds it still")
                .arg(id("Machine, or whoever else is to hold it"))
                .args([group(), reason(), wait("Wait so long for a place, in line")]),
        )
        .subcommand(
            Command::new("unlock")
                .about("Gives the place of a machine back")
                .arg(id("Holder, or the name of its machine"))
                .arg(group()),
        )
        .subcommand(
            Command::new("set-max")
                .about("Sets how many machines of a group may hold a place at a time")
                .arg(
                    Arg::new("max")
                        .value_name("N")
                        .required(true)
                        .value_parser(value_parser!(u32))
                        .help("Places; 0 lets nobody reboot, less than are held takes none away"),
                )
                .arg(group()),
        )
        .subcommand(Command::new("groups").about("Lists the groups that were made"))
        .subcommands(want::commands())
        .subcommands(named::commands())
}

fn id(help: &'static str) -> Arg {
    Arg::new("id")
        .value_name("ID")
        .env("CORACLE_MACHINE_ID")
        .value_parser(|text: &str| text.parse::<HolderId>())
        .help(format!("{help} [default: this machine]"))
}

fn group() -> Arg {
    Arg::new("group")
        .long("group")
        .value_name("GROUP")
        .default_value(DEFAULT_GROUP)
        .value_parser(|text: &str| -> Result<Group, NameError> { text.parse() })
        .help("Group of machines that share a semaphore")
}

fn reason() -> Arg {
    Arg::new("reason")
        .long("reason")
        .value_name("TEXT")
        .default_value("")
        .hide_default_value(true)
        .help("What it is for, for those who look")
}

fn wait(help: &'static str) -> Arg {
    Arg::new("wait")
        .long("wait")
        .value_name("TIME")
        .value_parser(units::duration)
        .help(help)
}

/// Reads what `lock` takes.
pub fn lock(matches: &Matches) -> Lock {
    let reason = matches.get_one::<String>("reason");
    Lock {
        id: holder(matches),
        group: named_group(matches),
        reason: reason.cloned().unwrap_or_default(),
        wait: matches.get_one("wait").copied(),
    }
}

/// Whom a verb is about, if it says so.
pub fn holder(matches: &Matches) -> Option<HolderId> {
    matches.get_one("id").cloned()
}

/// Which group a verb is about.
pub fn named_group(matches: &Matches) -> Group {
    matches.get_one("group").cloned().expect("it has a default")
}

/// What `set-max` sets.
pub fn max(matches: &Matches) -> u32 {
    *matches.get_one("max").expect("clap requires it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_group_or_time_is_refused_before_anybody_is_asked() {
        let parse = |line: &[&str]| {
            let line = [&["lockctl"], line].concat();
            command("lockctl").try_get_matches_from(line)
        };
        assert!(parse(&["status", "--group", "a b"]).is_err());
        assert!(parse(&["lock", "--wait", "5"]).is_err());
        assert!(parse(&["set-max", "-1"]).is_err());
        let matches = parse(&["lock", "db1", "--wait", "5s"]).expect("parses");
        let (_, matches) = matches.subcommand().expect("a verb");
        let read = lock(matches);
        assert_eq!(read.id.as_ref().map(HolderId::as_str), Some("db1"));
        assert_eq!(read.wait, Some(Duration::from_secs(5)));
        assert_eq!(read.group, Group::default());
    }
}
