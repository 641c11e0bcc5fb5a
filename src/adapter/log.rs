//! The daemon's own log: lines on standard error, for people and for the journal.

use std::io::IsTerminal;

pub use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Tells from now on what is at least as important as `level`. Of libraries only warnings are
/// told: h2 describes every frame. openraft warns of messages that its own start made pointless;
/// what ends it is an error, and the daemon says that itself.
pub fn start(level: Level) {
    let filter = Targets::new()
        .with_default(level.min(Level::WARN))
        .with_target("coracle", level)
        .with_target("openraft", Level::ERROR);
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
