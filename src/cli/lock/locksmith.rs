//! locksmithctl's command line: its verbs, flags and variables.
//!
//! Its flags are Go's, which may have one dash or two; `applet` makes two of one.

use clap::{Arg, ArgAction, Command, value_parser};

use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::lock::{Lock, holder, named_group};
use crate::cli::tls::TlsFlags;
use crate::core::lock::name::{Group, HolderId, NameError};

/// The name under which locksmithctl's manners apply.
pub const IMITATION: &str = "locksmithctl";

pub(super) fn command(face: &'static str) -> Command {
    let id = || {
        Arg::new("id")
            .value_name("MACHINE_ID")
            .value_parser(|text: &str| text.parse::<HolderId>())
            .help("Machine [default: this one]")
    };
    Command::new(face)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Manages the reboot semaphore, in the manner of locksmithctl")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(flags())
        .subcommand(
            Command::new("lock")
                .about("Takes a place for a machine")
                .arg(id()),
        )
        .subcommand(
            Command::new("unlock")
                .about("Gives the place of a machine back")
                .arg(id()),
        )
        .subcommand(
            Command::new("set-max")
                .about("Sets how many may hold a place at a time")
                .arg(
                    Arg::new("max")
                        .value_name("N")
                        .required(true)
                        .value_parser(value_parser!(u32))
                        .help("Places"),
                ),
        )
        .subcommand(Command::new("status").about("Shows the places and who holds them"))
}

fn flags() -> Vec<Arg> {
    let flag = |name: &'static str, variable: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .global(true)
            .env(variable)
            .value_name("VALUE")
            .help(help)
    };
    vec![
        Arg::new("debug")
            .long("debug")
            .global(true)
            .action(ArgAction::SetTrue)
            .help("Accepted; there is nothing more to tell"),
        flag(
            "endpoint",
            "LOCKSMITHCTL_ENDPOINT",
            "Members to ask in turn",
        )
        .value_delimiter(',')
        .action(ArgAction::Append),
        flag(
            "etcd-cafile",
            "LOCKSMITHCTL_ETCD_CAFILE",
            "PEM authorities to believe",
        ),
        flag(
            "etcd-certfile",
            "LOCKSMITHCTL_ETCD_CERTFILE",
            "PEM certificate to show",
        ),
        flag(
            "etcd-keyfile",
            "LOCKSMITHCTL_ETCD_KEYFILE",
            "PEM key of -etcd-certfile",
        ),
        flag("group", "LOCKSMITHCTL_GROUP", "Group of machines")
            .value_parser(|text: &str| -> Result<Group, NameError> {
                match text {
                    "" => Ok(Group::default()),
                    text => text.parse(),
                }
            })
            .default_value("")
            .hide_default_value(true),
    ]
}

/// Reads whom to ask.
pub fn asking(matches: &Matches) -> Asking {
    let file = |name: &str| {
        let text = matches.get_one::<String>(name);
        text.filter(|text| !text.is_empty()).map(Into::into)
    };
    let (authorities, certificate, key) = (
        file("etcd-cafile"),
        file("etcd-certfile"),
        file("etcd-keyfile"),
    );
    let endpoints = matches.get_many::<String>("endpoint");
    Asking {
        endpoints: endpoints.into_iter().flatten().cloned().collect(),
        tls: TlsFlags {
            is_usual: authorities.is_some() || certificate.is_some(),
            unverified: false,
            authorities,
            certificate,
            key,
        },
        timeout: crate::cli::asking::TIMEOUT,
        format: Format::Text,
    }
}

/// Reads what `lock` takes.
pub fn lock(matches: &Matches) -> Lock {
    Lock {
        id: holder(matches),
        group: named_group(matches),
        reason: String::new(),
        wait: None,
    }
}
