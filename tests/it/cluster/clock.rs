//! A wall clock of its own for each member, which a test sets ahead and back while the member runs.
//!
//! It wants libfaketime, and a program that is linked dynamically. Monotonic clocks go on as they
//! are: those differ by `network`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use crate::cluster::page;
use crate::rig::{Daemon, PATIENCE, left_out, output};

const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Where the library puts what it shares with children of a process; it stays after a kill.
const SHARED: &str = "/dev/shm";

/// Between two looks at a clock.
const LOOK: Duration = Duration::from_millis(20);

/// How far a clock may be from where it was set: the header of an answer has whole seconds.
const APART_S_MAX: i64 = 5;

pub(crate) struct Clocks {
    library: PathBuf,
    folder: TempDir,
    pids: Mutex<Vec<u32>>,
}

impl Clocks {
    /// `None`, and said so, where there is no such library.
    pub(crate) fn new() -> Option<Self> {
        let folders = fs::read_dir("/usr/lib").ok()?.flatten();
        let folders = folders
            .map(|it| it.path())
            .chain([PathBuf::from("/usr/lib")]);
        let mut libraries = folders.map(|it| it.join(LIBRARY));
        let Some(library) = libraries.find(|it| it.exists()) else {
            left_out("no wall clock of its own for each member (apt-get install faketime)");
            return None;
        };
        let clocks = Self {
            library,
            folder: tempfile::tempdir().expect("scratch folder"),
            pids: Mutex::default(),
        };
        clocks.prove();
        Some(clocks)
    }

    /// The library sets clocks both ways here.
    fn prove(&self) {
        for seconds in [-7_200, 7_200] {
            self.set(0, seconds);
            let mut words = self.wrapper(0).into_iter();
            let mut command = Command::new(words.next().expect("a program"));
            let now = seconds_of(&output(command.args(words).args(["date", "+%s"])).stdout);
            assert!((now - self.time(seconds)).abs() <= APART_S_MAX, "{now}");
        }
        self.set(0, 0);
    }

    fn file(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("clock{at}"))
    }

    /// What starts a program with the clock of a member.
    pub(crate) fn wrapper(&self, at: usize) -> Vec<OsString> {
        let variable = |name: &str, path: &Path| {
            let mut word = OsString::from(name);
            word.push(path);
            word
        };
        let plain = [
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "NO_FAKE_STAT=1",
        ];
        let own = [
            variable("LD_PRELOAD=", &self.library),
            variable("FAKETIME_TIMESTAMP_FILE=", &self.file(at)),
        ];
        let words = ["env"].into_iter().chain(plain).map(OsString::from);
        words.chain(own).collect()
    }

    /// Sets a member's clock so many seconds ahead of the true time.
    pub(crate) fn set(&self, at: usize, ahead_s: i64) {
        // Never half of it: it is read at any time.
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{ahead_s:+}\n")).expect("is written");
        fs::rename(new, self.file(at)).expect("is renamed");
    }

    fn time(&self, ahead_s: i64) -> i64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.expect("after 1970").as_secs() as i64 + ahead_s
    }

    /// Waits until a daemon's answers have a time so far ahead at least. (Those of a clock that was
    /// set back have the former time until that is reached again.)
    pub(crate) fn until_ahead(&self, member: &Daemon, ahead_s: i64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = page(member, "/version");
            let mut lines = page.lines();
            let date = lines.find_map(|line| line.strip_prefix("date: "));
            let date = date.unwrap_or_else(|| panic!("no time in {page}"));
            let time = output(Command::new("date").args(["-d", date, "+%s"]));
            if seconds_of(&time.stdout) >= self.time(ahead_s) - APART_S_MAX {
                return;
            }
            assert!(Instant::now() < deadline, "its clock was not set: {date}");
            thread::sleep(LOOK);
        }
    }

    /// Notes a process that has one of the clocks.
    pub(crate) fn used_by(&self, pid: u32) {
        self.pids.lock().expect("nobody panics with it").push(pid);
    }
}

impl Drop for Clocks {
    fn drop(&mut self) {
        let pids = self.pids.lock().expect("nobody panics with it");
        for pid in pids.iter() {
            for kind in ["faketime_shm_", "sem.faketime_sem_"] {
                // Gone with the process, unless that was killed.
                let _ = fs::remove_file(format!("{SHARED}/{kind}{pid}"));
            }
        }
    }
}

fn seconds_of(text: &[u8]) -> i64 {
    let text = std::str::from_utf8(text).expect("is text");
    text.trim().parse().expect("a number")
}
