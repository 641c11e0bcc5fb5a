//! The one integration binary: each module is one seam of the product.

mod bench;
mod checkpoint;
mod client;
mod cluster;
mod daemon;
mod demo;
mod etcdctl;
mod etcdctl_cases;
mod faults;
mod generated;
mod history;
mod hostile;
mod install;
mod lease;
mod lock;
mod python;
mod regressions;
mod rig;
mod tidy;
mod tls;
mod wire;
