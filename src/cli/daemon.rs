//! The command line of `coracle daemon`: one flag per key of `cli::config`, and the file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::config::{CONFIG_VARIABLE, KEYS, variable_name};

/// What the command line says, before the file and the environment are joined with it.
#[derive(Debug, PartialEq, Eq)]
pub struct DaemonFlags {
    /// The flags that were given, by key.
    pub values: BTreeMap<String, String>,
    /// The file to read; a file that was asked for must exist.
    pub config: Option<PathBuf>,
    /// Print the settings and end.
    pub check_config: bool,
}

pub fn command(face: &'static str) -> Command {
    let command = Command::new(face)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Runs every server role of this machine")
        .long_about(
            "Runs every server role of this machine: the API of etcd 3.7.0 over gRPC and HTTP.\n\n\
             Without any configuration it serves this machine only. Settings come from the \
             configuration file, the environment and the command line; the last one wins.\n\n\
             SIGTERM, SIGINT and SIGHUP end it in order: answers on their way are sent first. \
             Certificates are read again when their files change, and nothing else while it runs.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .env(CONFIG_VARIABLE)
                .value_parser(clap::value_parser!(PathBuf))
                .help("TOML file with any of the settings below, by the name of the flag"),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Print the settings that would be used, and end"),
        );
    command.args(KEYS.iter().map(|key| {
        let help = format!(
            "{} [default: {}] [env: {}]",
            key.help,
            key.default,
            variable_name(key.name)
        );
        let arg = Arg::new(key.name).long(key.name).help(help);
        match key.value {
            Some(value) if !key.choices.is_empty() => arg
                .value_name(value)
                .value_parser(PossibleValuesParser::new(key.choices)),
            // Negative numbers mean "no limit".
            Some(value) => arg.value_name(value).allow_negative_numbers(true),
            // etcd's command lines say `=true`.
            None => arg
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(["true", "false"])
                .hide_possible_values(true),
        }
    }))
}

/// What was given; a flag that was not given is left to the file and the environment.
pub fn flags(matches: &ArgMatches) -> DaemonFlags {
    let mut values = BTreeMap::new();
    for key in KEYS {
        if let Some(value) = matches.get_one::<String>(key.name) {
            values.insert(key.name.to_owned(), value.clone());
        }
    }
    DaemonFlags {
        values,
        config: matches.get_one::<PathBuf>("config").cloned(),
        check_config: matches.get_flag("check-config"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<DaemonFlags, clap::Error> {
        let line = ["daemon"].iter().chain(line);
        command("daemon")
            .try_get_matches_from(line)
            .map(|matches| flags(&matches))
    }

    #[test]
    fn only_what_was_given_is_set() {
        assert_eq!(read(&[]).expect("reads").values, BTreeMap::new());
        let given = read(&["--name", "a", "--quota-backend-bytes", "-1", "--insecure"]);
        let given: Vec<_> = given.expect("reads").values.into_iter().collect();
        let expected = [
            ("insecure", "true"),
            ("name", "a"),
            ("quota-backend-bytes", "-1"),
        ];
        assert_eq!(
            given,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn the_command_line_is_sound() {
        command("daemon").debug_assert();
        assert!(read(&["--datadir", "x"]).is_err());
        let given = read(&["--check-config", "--config", "c.toml"]).expect("reads");
        assert!(given.check_config);
        assert_eq!(given.config, Some(PathBuf::from("c.toml")));
    }
}
