//! Holds writes back while the log outgrows the checkpoint that is being written, or one that a
//! killed member has missed.
//!
//! What a start must read again is then bounded by what the checkpoint takes at most, not by how
//! much faster than it the clients write. A held write is late, never refused.

use std::time::Duration;

use tokio::sync::watch;

/// How long one write is held at most: far below what clients take for a time-out. Where even that
/// does not slow them down enough, the next start takes longer, and that is all.
const HOLD_MAX: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct Brake {
    /// A watch channel, because one word must wake all who are held.
    on: watch::Sender<bool>,
}

impl Brake {
    /// Holds writes from now on, or lets them go on.
    pub(super) fn set(&self, on: bool) {
        self.on
            .send_if_modified(|is_on| std::mem::replace(is_on, on) != on);
    }

    /// Returns when a write may be made.
    pub(super) async fn pass(&self) {
        if *self.on.borrow() {
            let mut on = self.on.subscribe();
            // Released or not, it has waited long enough.
            let _ = tokio::time::timeout(HOLD_MAX, on.wait_for(|on| !on)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn writes_pass_until_the_brake_is_on_and_when_it_is_released() {
        let brake = Arc::new(Brake::default());
        let begun = Instant::now();
        brake.pass().await;
        brake.set(true);
        let held = tokio::spawn({
            let brake = Arc::clone(&brake);
            async move { brake.pass().await }
        });
        while brake.on.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!held.is_finished());
        brake.set(false);
        held.await.expect("does not panic");
        brake.pass().await;
        assert!(begun.elapsed() < HOLD_MAX, "nobody waited for the limit");
    }

    #[tokio::test]
    async fn a_write_is_late_by_a_bounded_time() {
        let brake = Brake::default();
        brake.set(true);
        let begun = Instant::now();
        brake.pass().await;
        assert!(begun.elapsed() >= HOLD_MAX);
    }
}
