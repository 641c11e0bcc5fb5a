//! The code and the descriptor of the gRPC protocol, from its proto files.

use std::fs;

use protox::prost::Message;

use crate::generated::{Files, compare, root};

#[test]
fn protocol_code_matches_the_proto_files() {
    let folder = root().join("src/adapter/rpc");
    let scratch = tempfile::tempdir().expect("scratch folder");
    let files = protox::compile(
        ["rpc.proto", "health.proto"].map(|name| folder.join("proto").join(name)),
        [folder.join("proto")],
    )
    .expect("the proto files compile");
    tonic_prost_build::configure()
        .bytes(".")
        .out_dir(scratch.path())
        .compile_fds(files.clone())
        .expect("code is generated");

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
    made.insert(format!("{generated}/descriptor.bin"), files.encode_to_vec());
    compare(&[generated], &made);
}
