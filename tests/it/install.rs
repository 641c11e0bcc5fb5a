//! install.sh: twice gives the same tree, --uninstall leaves nothing, the links are the table's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use coracle::applet::APPLETS;

use crate::rig::has_tool;

fn script(destination: &Path, arguments: &[&str]) -> Output {
    Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"))
        .args(arguments)
        .env("DESTDIR", destination)
        .output()
        .expect("sh runs")
}

fn installed(destination: &Path, arguments: &[&str]) {
    let output = script(destination, arguments);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
}

/// Every file below `folder`: a link's target, or the length of a file.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.expect("the entry is readable").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8")
            .to_owned();
        if let Ok(target) = fs::read_link(&path) {
            found.insert(name, format!("-> {}", target.display()));
        } else if path.is_dir() {
            let inside = tree(&path).into_iter();
            found.extend(inside.map(|(below, content)| (format!("{name}/{below}"), content)));
        } else {
            let length = fs::metadata(&path).expect("the file is there").len();
            found.insert(name, length.to_string());
        }
    }
    found
}

#[test]
fn installing_twice_changes_nothing_and_uninstalling_leaves_nothing() {
    let scratch = tempfile::tempdir().expect("scratch folder");
    let install = [
        "--prefix",
        "/opt/c",
        "--binary",
        env!("CARGO_BIN_EXE_coracle"),
    ];
    installed(scratch.path(), &install);
    let once = tree(scratch.path());
    installed(scratch.path(), &install);
    assert_eq!(tree(scratch.path()), once);

    let links: Vec<&String> = once
        .keys()
        .filter(|path| once[*path] == "-> coracle")
        .collect();
    let mut expected: Vec<String> = APPLETS
        .iter()
        .filter_map(|applet| applet.symlink)
        .map(|link| format!("opt/c/bin/{link}"))
        .collect();
    expected.sort();
    assert_eq!(links, expected.iter().collect::<Vec<_>>());
    for path in [
        "bin/coracle",
        "share/man/man1/coracle.1",
        "lib/systemd/system/coracle.service",
    ] {
        assert!(
            once.contains_key(&format!("opt/c/{path}")),
            "{path} is not in {once:#?}"
        );
    }

    let foreign = scratch.path().join("opt/c/bin/other");
    fs::write(&foreign, "not ours").expect("a foreign file");
    installed(scratch.path(), &["--prefix", "/opt/c", "--uninstall"]);
    let left: Vec<_> = tree(scratch.path()).into_keys().collect();
    assert_eq!(left, ["opt/c/bin/other"]);
    installed(scratch.path(), &["--prefix", "/opt/c", "--uninstall"]);
}

#[test]
fn a_wrong_command_line_changes_nothing() {
    let scratch = tempfile::tempdir().expect("scratch folder");
    let usage: [&[&str]; 3] = [&["--prefx", "/x"], &["--prefix"], &["--prefix", "relative"]];
    for arguments in usage {
        let output = script(scratch.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stderr.starts_with(b"error: "), "{arguments:?}");
    }
    let absent = script(scratch.path(), &["--binary", "/nonexistent"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(tree(scratch.path()).is_empty());
}

#[test]
fn systemd_accepts_the_unit() {
    if !has_tool("systemd-analyze") {
        return;
    }
    // systemd-analyze looks for the executable, so this one is installed where the unit says.
    let scratch = tempfile::tempdir().expect("scratch folder");
    let prefix = scratch.path().join("p");
    let prefix = prefix.to_str().expect("UTF-8");
    let home = scratch.path().join("home");
    let status = Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"))
        .args([
            "--prefix",
            prefix,
            "--binary",
            env!("CARGO_BIN_EXE_coracle"),
        ])
        .env("HOME", home)
        .env_remove("DESTDIR")
        .output()
        .expect("sh runs")
        .status;
    assert!(status.success());
    let unit = ["lib/systemd/system", "share/systemd/user"]
        .map(|folder| Path::new(prefix).join(folder).join("coracle.service"))
        .into_iter()
        .find(|unit| unit.exists())
        .expect("the unit is installed");
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(unit)
        .output()
        .expect("systemd-analyze runs");
    let talk = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = talk
        .lines()
        .filter(|line| line.contains("coracle"))
        .collect();
    assert!(ours.is_empty(), "{talk}");
}
