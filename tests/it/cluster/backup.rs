//! Backups that a daemon takes by itself, and what they are good for.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cluster::{page, put_through};
use crate::rig::{PATIENCE, Rig, coracle, flip, output};

/// The backups in a directory, the oldest first.
fn backups(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.expect("listed").path());
    let mut names: Vec<PathBuf> = names
        .filter(|path| path.extension().is_some_and(|it| it == "snapshot"))
        .collect();
    names.sort();
    names
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_taken_when_something_changed_and_the_oldest_go() {
    let mut rig = Rig::new();
    let config = rig.path("config.toml");
    std::fs::write(&config, "[backup]\ninterval = \"1s\"\nkeep = 2\n").expect("written");
    rig.flags = vec!["--config".into(), config.into()];
    let directory = rig.data.join("backup");
    let daemon = rig.start();
    let mut seen = Vec::new();
    for number in 0..4 {
        put_through(&daemon, "k", &number.to_string()).await;
        let last = wait_for("no backup", || {
            let last = backups(&directory).pop()?;
            let suffix = format!("-r{}.snapshot", number + 2);
            last.to_string_lossy().ends_with(&suffix).then_some(last)
        });
        seen.push(last);
    }
    wait_for("the oldest stay", || {
        (backups(&directory) == seen[2..]).then_some(())
    });
    wait_for("it is not told", || {
        let told = daemon.told();
        (told.contains("took a backup and read it back")
            && told.contains("nothing has changed since the last backup"))
        .then_some(())
    });
    assert_eq!(
        backups(&directory),
        seen[2..],
        "nothing was written for no change"
    );

    // A damaged one is no reason to take none.
    flip(&seen[3], 300);
    wait_for("it is not replaced", || {
        (backups(&directory).pop()? != seen[3]).then_some(())
    });
    let before = daemon.everything().await;
    drop(daemon);
    let newest = backups(&directory).pop().expect("is there");
    let other = Rig::new();
    let (file, data) = (
        newest.display().to_string(),
        other.data.display().to_string(),
    );
    let restored = output(&mut coracle(&[
        "cluster",
        "restore",
        &file,
        "--data-dir",
        &data,
    ]));
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(other.start().everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_cannot_be_taken_is_told_and_counted() {
    let mut rig = Rig::new();
    let file = rig.path("file");
    std::fs::write(&file, b"").expect("written");
    let place = file.join("backup");
    rig.flags = vec![
        "--backup-interval".into(),
        "1s".into(),
        "--backup-dir".into(),
        place.into(),
    ];
    let daemon = rig.start();
    put_through(&daemon, "a", "1").await;
    wait_for("it is not told", || {
        daemon.told().contains("no backup was taken").then_some(())
    });
    let metrics = page(&daemon, "/metrics");
    let counted = metrics
        .lines()
        .find_map(|line| line.strip_prefix("coracle_backup_failures_total"));
    let counted = counted.and_then(|rest| rest.rsplit(' ').next());
    assert_ne!(counted.expect("is a metric"), "0", "{metrics}");
}
