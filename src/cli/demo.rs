//! The command line of `coracle demo`.

use clap::{Args, Command, FromArgMatches};

/// What the tour is asked to do.
#[derive(Debug, Args)]
pub struct DemoFlags {
    /// End after the tour, with exit code 0 if every step did what it shows
    #[arg(long)]
    pub once: bool,
}

pub fn command(face: &'static str) -> Command {
    // The flags first: clap takes the comment on them for what the command is about.
    DemoFlags::augment_args(Command::new(face))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Starts a member in a temporary directory and shows what it can do")
        .long_about(
            "Starts a member in a temporary directory and shows what it can do: put and get a key, \
             watch it change, let a key go with its lease. Afterwards the member stays up until \
             Ctrl-C, so that you can try for yourself; then everything is removed.",
        )
}

pub fn flags(matches: &clap::ArgMatches) -> DemoFlags {
    DemoFlags::from_arg_matches(matches).expect("the flags are those of the command")
}
