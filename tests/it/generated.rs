//! Files that are made from other files and committed: each is compared, `BLESS=1` writes them.

use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::prost::Message;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares `content` with the committed file, or writes it when `BLESS` is set.
fn compare(path: &Path, content: &[u8], stale: &mut Vec<String>) {
    if fs::read(path).is_ok_and(|committed| committed == content) {
        return;
    }
    if env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("committed files have a folder")).expect("mkdir");
        fs::write(path, content).expect("write a generated file");
    } else {
        stale.push(path.display().to_string());
    }
}

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

    let mut stale = Vec::new();
    for entry in fs::read_dir(scratch.path()).expect("scratch folder") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("a file name");
        compare(
            &folder.join("generated").join(name),
            &fs::read(&path).expect("generated code"),
            &mut stale,
        );
    }
    compare(
        &folder.join("generated/descriptor.bin"),
        &files.encode_to_vec(),
        &mut stale,
    );
    assert!(stale.is_empty(), "stale, run with BLESS=1: {stale:#?}");
}
