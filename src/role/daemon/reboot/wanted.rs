//! Who wants a reboot of this machine: files, and whoever writes it into the store.
//!
//! A program of ours that wants one, an update, writes it there too.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::adapter::disk;
use crate::adapter::rpc::inside::{Change, Guard, Inside};
use crate::core::lock::reboot::{StoredWant, Urgency, Want};

/// Before a cluster that does not answer, or whose watch broke, is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// What stands in the store for this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) want: StoredWant,
    pub(super) mod_revision: i64,
}

/// What stands in the store; none before somebody has answered.
pub(super) type Note = Option<Option<Noted>>;

/// Keeps what stands under `key` in `noted`, for ever.
pub(super) async fn follow(inside: Inside, key: String, noted: watch::Sender<Note>) {
    loop {
        if let Ok((found, revision)) = inside.look(&key).await {
            let now = found.and_then(|found| {
                // Whoever wrote something else wants it read by people.
                let want = StoredWant::decode(&found.value);
                let want = want.inspect_err(|error| {
                    tracing::warn!(key, %error, "what stands there is no want of a reboot");
                });
                Some(Noted {
                    want: want.ok()?,
                    mod_revision: found.mod_revision,
                })
            });
            let now = Some(now);
            noted.send_if_modified(|known| std::mem::replace(known, now.clone()) != now);
            if inside.changed(&key, revision).await.is_ok() {
                // At most one look in that time, whatever somebody writes there.
                sleep(PAUSE / 10).await;
                continue;
            }
        }
        sleep(PAUSE).await;
    }
}

impl Noted {
    fn mark(&self) -> String {
        format!("note {}", self.mod_revision)
    }
}

/// Everything that wants a reboot now.
pub(super) fn wants(files: &[PathBuf], noted: Option<&Noted>) -> Vec<Want> {
    let mut wants = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files {
        // One file may have two names.
        let Some(stamp) = disk::stamp(path).filter(|stamp| seen.insert(*stamp)) else {
            continue;
        };
        wants.push(Want {
            by: path.display().to_string(),
            mark: format!("file {} {stamp:?}", path.display()),
            urgency: Urgency::Agreed,
        });
    }
    wants.extend(noted.map(|noted| Want {
        by: noted.want.reason.clone(),
        mark: noted.mark(),
        urgency: noted.want.urgency,
    }));
    wants
}

/// Takes what was done out of the store, unless it was written anew.
pub(super) async fn settle(inside: &Inside, key: &str, noted: &Noted) {
    let guard = Guard {
        key: key.to_owned(),
        mod_revision: noted.mod_revision,
    };
    let delete = Change::Delete {
        key: key.to_owned(),
    };
    // It is tried again with the next look.
    let _ = inside.change(&[guard], vec![delete]).await;
}

/// Whether that is what was noted.
pub(super) fn is_noted(noted: &Noted, is_done: impl Fn(&str) -> bool) -> bool {
    is_done(&noted.mark())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_two_names_wants_one_reboot_and_one_that_is_written_anew_another() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let run = folder.path().join("run");
        std::fs::create_dir(&run).expect("is made");
        let other = folder.path().join("var-run");
        std::os::unix::fs::symlink(&run, &other).expect("is made");
        let files = [run.join("reboot-required"), other.join("reboot-required")];
        assert!(wants(&files, None).is_empty());
        std::fs::write(&files[0], "").expect("is written");
        let [first] = &wants(&files, None)[..] else {
            panic!("one");
        };
        std::fs::remove_file(&files[0]).expect("is removed");
        std::fs::write(&files[0], "kernel").expect("is written");
        let [second] = &wants(&files, None)[..] else {
            panic!("one");
        };
        assert_eq!(first.by, second.by);
        assert_ne!(first.mark, second.mark);
    }
}
