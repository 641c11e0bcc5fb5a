//! A progress bar on standard error, which shows nothing where no terminal is.

use indicatif::{ProgressBar, ProgressStyle};

/// Positions of the bar; a step is finer than the eye.
const STEPS: u64 = 1000;

/// One bar; it disappears when dropped.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar that `message` explains.
    pub fn start(message: String) -> Self {
        let style = ProgressStyle::with_template("{msg:40!} {wide_bar} {percent:>3} %")
            .expect("the template is constant and is exercised by a test");
        Self(
            ProgressBar::new(STEPS)
                .with_style(style)
                .with_message(message),
        )
    }

    /// Moves the bar to `part` of the way, from 0 to 1.
    pub fn set(&self, part: f64) {
        self.0
            .set_position((part.clamp(0.0, 1.0) * STEPS as f64) as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_beyond_the_end_stops_at_the_end() {
        let progress = Progress::start("put".to_owned());
        progress.set(7.0);
        assert_eq!(progress.0.position(), STEPS);
    }
}
