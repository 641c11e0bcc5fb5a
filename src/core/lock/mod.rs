//! Locks: the reboot semaphore of a group of machines, and locks that scripts take.

pub mod absence;
pub mod alerts;
pub mod fleetlock;
pub mod machines;
pub mod name;
pub mod reboot;
pub mod semaphore;
pub mod turn;
pub mod window;
