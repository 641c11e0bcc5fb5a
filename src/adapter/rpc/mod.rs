//! gRPC: etcd's v3 API on the wire.
//!
//! The `.proto` files in `proto/` are written from etcd's published names and numbers. The code in
//! `generated/` is made from them by `BLESS=1 cargo test --test it generated` and compared by the
//! same test, so that building needs neither protoc nor a build script.

pub mod client;
mod convert;
pub mod inside;
pub mod join;
pub mod load;
pub mod peer;
pub mod relay;
pub mod server;
pub mod snapshot_file;

/// Messages, clients and servers made from `proto/`.
#[allow(unreachable_pub, clippy::all, clippy::pedantic, clippy::use_self)]
pub mod proto {
    pub mod mvccpb {
        include!("generated/mvccpb.rs");
    }
    pub mod etcdserverpb {
        include!("generated/etcdserverpb.rs");
    }
    pub mod peer {
        include!("generated/coracle.peer.v1.rs");
    }
    pub mod join {
        include!("generated/coracle.join.v1.rs");
    }
    pub mod health {
        include!("generated/grpc.health.v1.rs");
    }
    /// The version of etcd's API that these messages are, and that is served.
    pub const API_VERSION: &str = "3.7.0";
    /// The encoded `google.protobuf.FileDescriptorSet` of what clients are served.
    pub const DESCRIPTOR: &[u8] = include_bytes!("generated/descriptor.bin");
    /// The same of what members and machines that join say to each other.
    pub const PEER_DESCRIPTOR: &[u8] = include_bytes!("generated/peer_descriptor.bin");
}

/// The metadata of a refusal that says why in figures: the message is etcd's, because its clients
/// compare it.
const WHY_KEY: &str = "coracle-why";

/// Where an answer about a server says which version of this program it is; etcd has its own.
const VERSION_KEY: &str = "coracle-version";

/// A header is to stay small.
const WHY_BYTES_MAX: usize = 1024;

/// The bytes of a message on the wire.
pub fn encode(message: &impl prost::Message) -> Vec<u8> {
    message.encode_to_vec()
}
