//! The command line of `coracle demo`.

use clap::{Args, Command, FromArgMatches};

/// What the tour is asked to do.
#[derive(Debug, Args)]
pub struct DemoFlags {
    /// End after the tour, with exit code 0 if every step did what it shows
    #[arg(long)]
    pub once: bool,
    /// How many members: 3 form a cluster, whose leader is killed before your eyes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = odd)]
    pub nodes: u8,
}

pub fn command(face: &'static str) -> Command {
    // The flags first: clap takes the comment on them for what the command is about.
    DemoFlags::augment_args(Command::new(face))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Starts a member or a cluster in a temporary directory and shows what it can do")
        .long_about(
            "Starts a member in a temporary directory and shows what it can do: put and get a key, \
             watch it change, let a key go with its lease. With --nodes 3 the members form a \
             cluster, the one that leads is killed, and the others go on. Afterwards everything \
             stays up until Ctrl-C, so that you can try for yourself; then everything is removed.",
        )
}

pub fn flags(matches: &clap::ArgMatches) -> DemoFlags {
    DemoFlags::from_arg_matches(matches).expect("the flags are those of the command")
}

/// An even number bears no more losses than the odd one below it.
fn odd(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(count @ (1 | 3 | 5 | 7)) => Ok(count),
        _ => Err("write 1, 3, 5 or 7".to_owned()),
    }
}
