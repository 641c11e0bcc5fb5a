//! What runs on this machine and can run elsewhere: it goes before a reboot and comes back after.
//!
//! The seam between reboots and the fleet.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The units of this machine. Each call may be made again.
pub(in crate::role::daemon) trait Units: Send + Sync + 'static {
    /// Returns when nothing runs here any more that should run while the machine is away, or why
    /// that cannot be.
    fn drain(&self) -> BoxFuture<'_, Result<(), String>>;
    /// From now on units may come again.
    fn resume(&self) -> BoxFuture<'_, ()>;
    /// Whether what ran here runs somewhere.
    fn are_well(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// A machine without any.
pub(in crate::role::daemon) struct NoUnits;

impl Units for NoUnits {
    fn drain(&self) -> BoxFuture<'_, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }

    fn resume(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn are_well(&self) -> BoxFuture<'_, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }
}
