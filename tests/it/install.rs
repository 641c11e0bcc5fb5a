//! install.sh: twice gives the same tree, --uninstall leaves nothing, the links are the table's;
//! what cannot be done is told before anything is built.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
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
    let again = script(scratch.path(), &["--prefix", "/opt/c", "--uninstall"]);
    assert!(again.status.success());
    assert!(again.stdout.starts_with(b"nothing of coracle is in "));
}

/// Installs for real, without DESTDIR, into `prefix` of a user whose home is `home`.
fn at_home(home: &Path, arguments: &[&str]) -> String {
    let output = Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"))
        .args(arguments)
        .env("HOME", home)
        .env_remove("DESTDIR")
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .expect("sh runs");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{talk}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_prefix_in_the_home_gets_a_unit_of_the_user_and_the_commands_to_start_it() {
    let home = tempfile::tempdir().expect("scratch folder");
    let binary = ["--binary", env!("CARGO_BIN_EXE_coracle")];
    let local = ["--prefix=~/.local", binary[0], binary[1]];
    let told = at_home(home.path(), &local);
    let unit = home
        .path()
        .join(".local/share/systemd/user/coracle.service");
    assert!(unit.exists());
    assert!(
        told.contains("systemctl --user daemon-reload && systemctl --user enable --now coracle\n"),
        "{told}"
    );
    assert!(told.contains(".config/coracle.env"), "{told}");
    assert!(told.contains("not in PATH yet"), "{told}");
    at_home(home.path(), &["--prefix=~/.local", "--uninstall"]);
    assert!(!home.path().join(".local").exists());

    // Where systemd does not look it is told the whole path.
    let elsewhere = home.path().join("my tools");
    let prefix = elsewhere.to_str().expect("UTF-8");
    let told = at_home(home.path(), &["--prefix", prefix, binary[0], binary[1]]);
    let unit = elsewhere.join("share/systemd/user/coracle.service");
    assert!(
        told.contains(&format!("enable --now '{}'\n", unit.display())),
        "{told}"
    );
    let text = fs::read_to_string(unit).expect("the unit is there");
    let start = format!("\nExecStart=\"{prefix}/bin/coracle\" daemon\n");
    assert!(text.contains(&start), "{text}");
    assert!(text.contains("\nEnvironmentFile=-%E/coracle.env\n"));
}

#[test]
fn a_program_of_somebody_else_is_not_replaced() {
    let scratch = tempfile::tempdir().expect("scratch folder");
    let bin = scratch.path().join("opt/c/bin");
    fs::create_dir_all(&bin).expect("a folder");
    fs::write(bin.join("kvctl"), "not ours").expect("a foreign file");
    let before = tree(scratch.path());
    // Without --binary it would build, if it came that far.
    let output = script(scratch.path(), &["--prefix", "/opt/c"]);
    assert_eq!(output.status.code(), Some(1));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(talk.contains("/bin/kvctl\" is not ours"), "{talk}");
    assert_eq!(tree(scratch.path()), before);
}

#[test]
fn a_prefix_that_cannot_be_written_is_told_before_building() {
    let scratch = tempfile::tempdir().expect("scratch folder");
    let prefix = scratch.path().join("prefix");
    fs::create_dir(&prefix).expect("a folder");
    for (folder, mode) in [(scratch.path(), 0o755), (&prefix, 0o555)] {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("is ours");
    }
    // By standard input, so that a user who cannot read this tree can run it; root can write
    // everywhere, so it runs it as nobody.
    let text = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"));
    let mut shell = Command::new("sh");
    shell
        .args(["-s", "--", "--prefix"])
        .arg(&prefix)
        .current_dir("/")
        .env_remove("DESTDIR")
        .stdin(text.expect("is readable"));
    if coracle::adapter::host::user_id() == 0 {
        shell.uid(65_534).gid(65_534);
    }
    let output = shell.output().expect("sh runs");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.starts_with("error: cannot write to "), "{talk}");
    assert!(talk.contains("--prefix ~/.local"), "{talk}");
}

#[test]
fn a_wrong_command_line_changes_nothing() {
    let scratch = tempfile::tempdir().expect("scratch folder");
    let usage: [&[&str]; 4] = [
        &["--prefx", "/x"],
        &["--prefix"],
        &["--prefix", "relative"],
        &["--prefix", "/a%b"],
    ];
    for arguments in usage {
        let output = script(scratch.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stderr.starts_with(b"error: "), "{arguments:?}");
    }
    for binary in ["/nonexistent", "/etc"] {
        let absent = script(scratch.path(), &["--binary", binary]);
        assert_eq!(absent.status.code(), Some(1));
        let talk = String::from_utf8_lossy(&absent.stderr);
        assert!(talk.contains("is no executable file"), "{talk}");
    }
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
