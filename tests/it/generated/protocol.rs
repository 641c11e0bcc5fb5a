//! The code and the descriptor of the gRPC protocol, from its proto files.

use std::fs;
use std::path::Path;

use protox::prost::Message;
use protox::prost_reflect::prost_types::FileDescriptorSet;

use crate::generated::{Files, compare, root};

#[test]
fn protocol_code_matches_the_proto_files() {
    let scratch = tempfile::tempdir().expect("scratch folder");
    let files = compile(&["rpc.proto", "health.proto"], scratch.path());
    let peer_files = compile(&["peer.proto", "join.proto"], scratch.path());

    let mut made = Files::new();
    let generated = "src/adapter/rpc/generated";
    for entry in fs::read_dir(scratch.path()).expect("scratch folder") {
        let path = entry.expect("entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a file name");
        made.insert(
            format!("{generated}/{name}"),
            fs::read(&path).expect("generated code"),
        );
    }
    for (name, files) in [("descriptor", files), ("peer_descriptor", peer_files)] {
        made.insert(format!("{generated}/{name}.bin"), files.encode_to_vec());
    }
    compare(&[generated], &made);
}

/// Writes the code of some proto files to `scratch`; their descriptor.
fn compile(names: &[&str], scratch: &Path) -> FileDescriptorSet {
    let folder = root().join("src/adapter/rpc/proto");
    let paths = names.iter().map(|name| folder.join(name));
    let files = protox::compile(paths, [&folder]).expect("the proto files compile");
    tonic_prost_build::configure()
        .bytes(".")
        .out_dir(scratch)
        .compile_fds(files.clone())
        .expect("code is generated");
    files
}
