//! The table of applets: the only place that knows the names that coracle answers to.
//!
//! Dispatch, help, completions/, man/ and the links that install.sh makes derive from [`APPLETS`]
//! or are compared with it by a test. An applet that is not built is not listed.

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use crate::error::{Exit, Failure, tell};
use crate::{cli, role};

/// One role of the executable and the names it is called by.
pub struct Applet {
    /// `coracle NAME …`
    pub name: &'static str,
    /// The link that install.sh makes; called by it, the applet is the whole command line.
    pub symlink: Option<&'static str>,
    /// Another program that the applet also answers as.
    pub imitates: Option<Imitation>,
    /// The command line, named after the face that was called.
    pub command: fn(face: &'static str) -> Command,
    pub run: fn(face: &'static str, matches: &ArgMatches) -> Result<Exit, Failure>,
}

/// The manners of another program.
pub struct Imitation {
    pub name: &'static str,
    /// For a command line that it does not understand.
    pub misuse: Exit,
    /// Whether its long flags may begin with one dash, as those of Go's package `flag`.
    pub single_dash: bool,
}

pub const APPLETS: &[Applet] = &[
    Applet {
        name: "kv",
        symlink: Some("kvctl"),
        imitates: Some(Imitation {
            name: cli::kv::IMITATION,
            misuse: Exit::FAILED,
            single_dash: false,
        }),
        command: cli::kv::command,
        run: role::kv::run,
    },
    Applet {
        name: "lock",
        symlink: Some("lockctl"),
        imitates: Some(Imitation {
            name: cli::lock::locksmith::IMITATION,
            misuse: Exit::USAGE,
            single_dash: true,
        }),
        command: cli::lock::command,
        run: role::lock::run,
    },
    Applet {
        name: "cluster",
        symlink: None,
        imitates: None,
        command: cli::cluster::command,
        run: role::cluster::run,
    },
    Applet {
        name: "daemon",
        symlink: None,
        imitates: None,
        command: cli::daemon::command,
        run: role::daemon::run,
    },
    Applet {
        name: "demo",
        symlink: None,
        imitates: None,
        command: cli::demo::command,
        run: role::demo::run,
    },
];

impl Applet {
    /// Every argv\[0\] that selects this applet.
    pub fn faces(&self) -> impl Iterator<Item = &'static str> {
        let imitated = self.imitates.as_ref().map(|it| it.name);
        self.symlink.into_iter().chain(imitated)
    }
}

/// The command line of `coracle` itself: one subcommand per applet.
pub fn root() -> Command {
    Command::new("coracle")
        .version(env!("CARGO_PKG_VERSION"))
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(APPLETS.iter().map(|applet| (applet.command)(applet.name)))
}

/// Runs the applet that `arguments` names, by argv\[0\] or by the first argument.
pub fn dispatch(arguments: Vec<OsString>) -> Result<Exit, Failure> {
    if role::lock::is_guard() {
        return role::lock::guard();
    }
    if role::daemon::is_worker() {
        return role::daemon::work();
    }
    let called = arguments
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or_default();
    for applet in APPLETS {
        if let Some(face) = applet.faces().find(|face| called == *face) {
            let imitated = applet.imitates.as_ref().filter(|it| it.name == face);
            let misuse = imitated.map_or(Exit::USAGE, |it| it.misuse);
            let arguments = match imitated {
                Some(imitated) if imitated.single_dash => two_dashes(arguments),
                _ => arguments,
            };
            let matches = parse((applet.command)(face), arguments, misuse)?;
            return (applet.run)(face, &matches);
        }
    }
    let matches = parse(root(), arguments, Exit::USAGE)?;
    let (name, matches) = matches.subcommand().expect("clap requires a subcommand");
    let applet = APPLETS
        .iter()
        .find(|applet| applet.name == name)
        .expect("made from the table");
    (applet.run)(applet.name, matches)
}

/// Writes `-group` as `--group`: clap would read one dash as short flags.
fn two_dashes(arguments: Vec<OsString>) -> Vec<OsString> {
    let is_long = |text: &str| {
        let rest = text.strip_prefix('-').unwrap_or_default();
        rest.len() > 1 && rest.starts_with(|first: char| first.is_ascii_alphabetic())
    };
    let written = arguments
        .into_iter()
        .map(|argument| match argument.to_str() {
            Some(text) if is_long(text) => format!("-{text}").into(),
            _ => argument,
        });
    written.collect()
}

/// Help and version are answers (exit 0, standard output); anything else is a misuse.
fn parse(
    mut command: Command,
    arguments: Vec<OsString>,
    misuse: Exit,
) -> Result<ArgMatches, Failure> {
    command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| {
            if error.kind() == ErrorKind::MissingSubcommand {
                // With a variable of the environment set, clap does not take it for an empty line.
                tell(command.render_help().to_string().trim_end());
                return Failure::silent(misuse);
            }
            let exit = if error.use_stderr() {
                misuse
            } else {
                Exit::DONE
            };
            match error.print() {
                Ok(()) => Failure::silent(exit),
                // Complaints that nobody reads are complaints all the same.
                Err(_) if error.use_stderr() => Failure::silent(exit),
                Err(broken) => Failure::output(&broken),
            }
        })
}
