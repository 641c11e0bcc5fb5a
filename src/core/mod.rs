//! Pure decisions: what happened and the time go in, what to do comes out.

pub mod bench;
pub mod cluster;
pub mod kv;
pub mod lock;
pub mod paths;
pub mod units;
