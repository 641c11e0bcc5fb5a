//! The reboot of this machine.

use std::io;

use rustix::system::RebootCommand;

/// Begins a reboot; returns when it has begun.
pub async fn reboot() -> io::Result<()> {
    by_kernel()
}

/// Reboots by the kernel, after what was written is on the disks. Services are not asked.
fn by_kernel() -> io::Result<()> {
    rustix::fs::sync();
    Ok(rustix::system::reboot(RebootCommand::Restart)?)
}
