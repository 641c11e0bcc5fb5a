//! Files that are made from other files and committed: each is compared, `BLESS=1` writes them.

mod completions;
mod manual;
mod protocol;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

/// The content of each file that a generator makes, by its path from the top of the tree.
type Files = BTreeMap<String, Vec<u8>>;

/// Compares `files` with what is committed in `folders`, which hold nothing else.
///
/// With `BLESS` set it writes what differs and deletes what is superfluous.
fn compare(folders: &[&str], files: &Files) {
    let bless = env::var_os("BLESS").is_some();
    let mut stale = Vec::new();
    for (path, content) in files {
        let place = root().join(path);
        if fs::read(&place).is_ok_and(|committed| committed == *content) {
            continue;
        }
        stale.push(format!("{path} is missing or differs"));
        if bless {
            fs::create_dir_all(place.parent().expect("files have a folder")).expect("mkdir");
            fs::write(&place, content).expect("a generated file is written");
        }
    }
    for path in folders.iter().flat_map(|folder| committed(folder)) {
        if !files.contains_key(&path) {
            if bless {
                fs::remove_file(root().join(&path)).expect("a superfluous file is deleted");
            }
            stale.push(format!("{path} is superfluous"));
        }
    }
    let how = "regenerate with `BLESS=1 cargo test --test it generated`";
    assert!(bless || stale.is_empty(), "{}\n{how}", stale.join("\n"));
}

fn committed(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.expect("the entry is readable").file_name())
        .map(|name| format!("{folder}/{}", name.to_str().expect("names are UTF-8")))
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
