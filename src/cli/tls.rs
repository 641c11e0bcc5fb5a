//! The flags by which a client says whom it believes and who it is, the same for every client.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};

/// What the flags say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFlags {
    pub authorities: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Believe every server.
    pub unverified: bool,
    /// Speak TLS to endpoints that do not say what they speak.
    pub is_usual: bool,
}

/// The flags with the variables that may stand for them: the name is the flag's in capitals.
pub fn flags(prefix: &'static str) -> [Arg; 5] {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .help(help)
    };
    let switch = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .help(help)
            .value_parser(value_parser!(bool))
            .num_args(0..=1)
            .require_equals(true)
            .default_value(default)
            .default_missing_value("true")
            .hide_possible_values(true)
            .value_name("BOOL")
            .action(ArgAction::Set)
    };
    let flags = [
        file(
            "cacert",
            match prefix {
                "CORACLE" => {
                    "PEM authorities whose servers are believed over https [default: the \
                     cluster's where its node runs, else this machine's]"
                }
                _ => {
                    "PEM authorities whose servers are believed over https [default: this \
                     machine's]"
                }
            },
        ),
        file("cert", "PEM certificate to show to servers over https"),
        file("key", "PEM key of --cert"),
        switch(
            "insecure-skip-tls-verify",
            "false",
            "Believe every server over https: whoever is in between can read and change everything",
        )
        .hide_default_value(true),
        switch(
            "insecure-transport",
            "true",
            "Speak plain text to endpoints without a scheme, unless --cacert or --cert is given",
        ),
    ];
    flags.map(|flag| {
        let variable = variable(prefix, flag.get_id().as_str());
        flag.env(variable)
    })
}

/// The variable that may stand for a flag.
fn variable(prefix: &str, flag: &str) -> String {
    format!("{prefix}_{}", flag.to_uppercase().replace('-', "_"))
}

/// What was given; an empty file is none.
pub fn read(matches: &ArgMatches) -> TlsFlags {
    let file = |name| {
        let text = matches.get_one::<String>(name);
        text.filter(|text| !text.is_empty()).map(PathBuf::from)
    };
    let switch = |name| matches.get_one::<bool>(name).copied();
    let (authorities, certificate, key) = (file("cacert"), file("cert"), file("key"));
    let is_asked_for = [&authorities, &certificate, &key]
        .iter()
        .any(|file| file.is_some());
    TlsFlags {
        is_usual: is_asked_for || switch("insecure-transport") == Some(false),
        unverified: switch("insecure-skip-tls-verify") == Some(true),
        authorities,
        certificate,
        key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &[&str]) -> TlsFlags {
        let command = clap::Command::new("kvctl").args(flags("TESTED"));
        read(&command.get_matches_from(["kvctl"].iter().chain(line)))
    }

    #[test]
    fn nothing_given_is_plain_text() {
        assert_eq!(said(&[]), TlsFlags::default());
        assert_eq!(said(&["--cacert="]), TlsFlags::default());
    }

    #[test]
    fn an_authority_or_a_certificate_means_tls() {
        assert!(said(&["--cacert", "a"]).is_usual);
        assert!(said(&["--cert", "a", "--key", "b"]).is_usual);
        assert!(said(&["--insecure-transport=false"]).is_usual);
        let unverified = said(&["--insecure-skip-tls-verify"]);
        assert!(unverified.unverified && !unverified.is_usual);
    }

    #[test]
    fn variables_are_the_flags_in_capitals() {
        assert_eq!(
            variable("ETCDCTL", "insecure-skip-tls-verify"),
            "ETCDCTL_INSECURE_SKIP_TLS_VERIFY"
        );
    }
}
