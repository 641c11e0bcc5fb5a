//! What a face reports when it cannot do its work: one failure type and the documented exit codes.
//!
//! Both streams may be closed by whoever reads them: an answer that nobody takes ends a face
//! quietly, and talk that nobody takes is lost. `println!` and `eprintln!` panic there.
//!
//! Every failure says what failed, why, and a command that helps; every exit code a script can see
//! is a constant here, and the man pages are written from [`Exit::TABLE`].

use std::fmt;
use std::io::{self, Write};

/// The exit code of a process. `0` to `7` mean the same on every face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    pub const DONE: Self = Self(0);
    pub const FAILED: Self = Self(1);
    pub const USAGE: Self = Self(2);
    pub const NO: Self = Self(3);
    pub const UNAVAILABLE: Self = Self(4);
    pub const REFUSED: Self = Self(5);
    pub const CONFLICT: Self = Self(6);
    pub const PENDING: Self = Self(7);

    /// Every documented code with its meaning, in the order of the manual.
    pub const TABLE: &'static [(Self, &'static str)] = &[
        (Self::DONE, "done"),
        (Self::FAILED, "failed"),
        (
            Self::USAGE,
            "usage: the command line is wrong and nothing was done",
        ),
        (Self::NO, "no: absent, not held, not active, nothing newer"),
        (
            Self::UNAVAILABLE,
            "unavailable: no daemon, no quorum, or a time-out",
        ),
        (
            Self::REFUSED,
            "refused: authentication, permission, signature or trust",
        ),
        (
            Self::CONFLICT,
            "conflict: held by another, exists, or changed meanwhile",
        ),
        (
            Self::PENDING,
            "pending: a wave, window, lock or reboot is awaited",
        ),
    ];
}

/// Writes an answer to standard output.
pub fn answer(bytes: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
}

/// Tells people a line on standard error.
pub fn tell(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// An error with its causes.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Why a face ends with another code than [`Exit::DONE`].
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// What could not be done: `cannot open data directory "/x"`. Empty means: say nothing.
    pub what: String,
    /// The cause, in the words of whoever reported it.
    pub why: String,
    /// A sentence with a command to type.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self {
            exit,
            what: what.into(),
            why: why.to_string(),
            hint: None,
        }
    }

    pub fn usage(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::new(Exit::USAGE, what, why)
    }

    /// A failure that has been told already, or that nobody is there to read.
    pub fn silent(exit: Exit) -> Self {
        Self {
            exit,
            what: String::new(),
            why: String::new(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells it, unless there is nothing to say.
    pub fn tell(&self) {
        if !self.what.is_empty() {
            tell(self);
        }
    }

    /// A failure to write the answer: a closed pipe ends the face quietly, as `head` expects.
    pub fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(Exit::DONE),
            _ => Self::new(Exit::FAILED, "cannot write to standard output", error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if !self.why.is_empty() {
            write!(f, ": {}", self.why)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
