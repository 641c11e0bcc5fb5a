//! The one integration binary: each module is one seam of the product.

mod bench;
mod checkpoint;
mod etcdctl;
mod etcdctl_cases;
mod generated;
mod install;
mod tidy;
