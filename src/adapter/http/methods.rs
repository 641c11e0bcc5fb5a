//! The table of gRPC methods, read from the descriptor: what is served, and what streams.
//!
//! A path that is not in the table never reaches the service: it is answered with the code and the
//! text that a grpc-go server (and so etcd) gives.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::Status;

use crate::adapter::metrics::ServedMethod;
use crate::adapter::rpc::proto;

/// Every method of every service, by its path `/package.Service/Method`.
#[derive(Debug, Clone)]
pub(crate) struct Methods {
    by_path: BTreeMap<String, MethodDescriptor>,
    streams: Vec<String>,
}

/// Whether a path is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One answer: it may be waited for when the server stops.
    Unary,
    /// Any number of answers: it is ended when the server stops.
    Stream,
    Unknown,
}

/// Every method of every service, for those who count calls.
pub fn served_methods() -> Vec<ServedMethod> {
    let served = |method: MethodDescriptor| ServedMethod {
        service: method.parent_service().full_name().to_owned(),
        name: method.name().to_owned(),
        kind: match (method.is_client_streaming(), method.is_server_streaming()) {
            (false, false) => "unary",
            (true, false) => "client_stream",
            (false, true) => "server_stream",
            (true, true) => "bidi_stream",
        },
    };
    Methods::new().by_path.into_values().map(served).collect()
}

impl Methods {
    /// What clients are served.
    pub(crate) fn new() -> Self {
        Self::of(proto::DESCRIPTOR)
    }

    /// What the other members are served.
    pub(crate) fn of_peers() -> Self {
        Self::of(proto::PEER_DESCRIPTOR)
    }

    /// Reads a compiled-in descriptor.
    fn of(descriptor: &'static [u8]) -> Self {
        let pool = DescriptorPool::decode(descriptor)
            .expect("the committed descriptor is compared with the proto files by a test");
        let mut by_path = BTreeMap::new();
        let mut streams = Vec::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                if method.is_server_streaming() {
                    streams.push(path.clone());
                }
                by_path.insert(path, method);
            }
        }
        Self { by_path, streams }
    }

    pub(crate) fn get(&self, path: &str) -> Option<&MethodDescriptor> {
        self.by_path.get(path)
    }

    /// All of them, for the tests that compare other lists with this one.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(String::as_str)
    }

    /// What a path is. A handful of comparisons, no allocation: this is on the path of every call.
    pub(crate) fn kind(&self, path: &str) -> Kind {
        if !self.by_path.contains_key(path) {
            Kind::Unknown
        } else if self.streams.iter().any(|stream| stream == path) {
            Kind::Stream
        } else {
            Kind::Unary
        }
    }

    /// The status for a path that is not served.
    pub(crate) fn unimplemented(&self, path: &str) -> Status {
        let Some((service, method)) = path
            .strip_prefix('/')
            .and_then(|path| path.rsplit_once('/'))
        else {
            return Status::unimplemented(format!("malformed method name: {path:?}"));
        };
        let known = self
            .by_path
            .values()
            .any(|known| known.parent_service().full_name() == service);
        Status::unimplemented(if known {
            format!("unknown method {method} for service {service}")
        } else {
            format!("unknown service {service}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_method_is_told_apart() {
        let methods = Methods::new();
        assert_eq!(methods.kind("/etcdserverpb.KV/Put"), Kind::Unary);
        assert_eq!(methods.kind("/etcdserverpb.Watch/Watch"), Kind::Stream);
        assert_eq!(
            methods.kind("/etcdserverpb.Lease/LeaseKeepAlive"),
            Kind::Stream
        );
        assert_eq!(
            methods.kind("/etcdserverpb.Maintenance/Snapshot"),
            Kind::Stream
        );
        assert_eq!(methods.kind("/etcdserverpb.KV/Move"), Kind::Unknown);
        assert_eq!(methods.kind("/etcdserverpb.KV/Put/"), Kind::Unknown);
    }

    #[test]
    fn unserved_path_is_named_as_grpc_go_names_it() {
        let methods = Methods::new();
        let text = |path| methods.unimplemented(path).message().to_owned();
        assert_eq!(text("/a.B/C"), "unknown service a.B");
        assert_eq!(
            text("/etcdserverpb.KV/Move"),
            "unknown method Move for service etcdserverpb.KV"
        );
        assert_eq!(text("/nothing"), "malformed method name: \"/nothing\"");
    }
}
