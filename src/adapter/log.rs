//! The daemon's own log: lines on standard error, for people and for the journal.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Between two lines of one kind that anybody who can connect is able to cause.
const RARELY: Duration = Duration::from_secs(10);

/// Keeps what others cause from filling the log.
#[derive(Debug, Default)]
pub struct Rarely(Mutex<(Option<Instant>, u64)>);

impl Rarely {
    /// Whether it may be told now: then how often it was not since the last time.
    pub fn due(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (told, untold) = &mut *state;
        if told.is_some_and(|told| told.elapsed() < RARELY) {
            *untold += 1;
            return None;
        }
        *told = Some(Instant::now());
        Some(std::mem::take(untold))
    }
}

/// Tells from now on what is at least as important as `level`. Of libraries only warnings are
/// told: h2 describes every frame. openraft calls errors what every change of leaders or members
/// brings about, so it is heard by who wants to know everything; what ends it the daemon says.
pub fn start(level: Level) {
    let openraft = match level {
        Level::DEBUG => LevelFilter::WARN,
        _ => LevelFilter::OFF,
    };
    let filter = Targets::new()
        .with_default(level.min(Level::WARN))
        .with_target("coracle", level)
        .with_target("openraft", openraft);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // It tells of a line that could not be written by `eprintln!`, which panics then.
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
}
