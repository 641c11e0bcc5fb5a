//! People who are logged in to this machine, and a word to all of them.
//!
//! Who is there is read from logind's session files (/run/systemd/sessions) and from utmp(5);
//! either may be missing. A word goes to their terminals, as wall(1) does it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// Size and places of fields of a record of utmp(5) on Linux.
const UTMP_BYTES: usize = 384;
const USER_PROCESS: u16 = 7;
const PID: std::ops::Range<usize> = 4..8;
const LINE: std::ops::Range<usize> = 8..40;
/// A file that only grows would be somebody's mistake.
const UTMP_RECORDS_MAX: usize = 10_000;

/// Where it is read, and where the terminals are.
#[derive(Clone, Debug)]
pub struct Sessions {
    utmp: PathBuf,
    logind: PathBuf,
    devices: PathBuf,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            utmp: "/run/utmp".into(),
            logind: "/run/systemd/sessions".into(),
            devices: "/dev".into(),
        }
    }
}

impl Sessions {
    /// The terminals on which somebody is logged in, each once: `pts/3`, or `:1` for a display.
    pub fn terminals(&self) -> BTreeSet<String> {
        let mut terminals = of_utmp(&fs::read(&self.utmp).unwrap_or_default());
        let entries = fs::read_dir(&self.logind).into_iter().flatten().flatten();
        // Beside each session lies a pipe by which it is held.
        let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let texts = files.filter_map(|entry| fs::read_to_string(entry.path()).ok());
        terminals.extend(texts.filter_map(|text| of_logind(&text)));
        terminals
    }

    /// Writes `text` on each of the terminals that takes it at once; how many did.
    pub fn tell(&self, terminals: &BTreeSet<String>, text: &str) -> usize {
        let told = terminals.iter().filter(|terminal| {
            let is_inside = Path::new(terminal)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_)));
            is_inside && write(&self.devices.join(terminal), text).is_ok()
        });
        told.count()
    }
}

fn write(device: &Path, text: &str) -> std::io::Result<()> {
    // A terminal that nobody reads must not hold us up, and must not become ours.
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut terminal = fs::File::from(rustix::fs::open(device, flags, Mode::empty())?);
    terminal.write_all(format!("\r\n\x07{text}\r\n").as_bytes())
}

fn of_utmp(bytes: &[u8]) -> BTreeSet<String> {
    let records = bytes.chunks_exact(UTMP_BYTES).take(UTMP_RECORDS_MAX);
    let line = |record: &[u8]| {
        let kind = u16::from_ne_bytes([record[0], record[1]]);
        let pid = record[PID].try_into().map(i32::from_ne_bytes).ok()?;
        // Who was killed could not sign off.
        let lives = Path::new("/proc").join(pid.to_string()).exists();
        let line = record[LINE].split(|byte| *byte == 0).next()?;
        let line = String::from_utf8_lossy(line).into_owned();
        (kind == USER_PROCESS && lives && !line.is_empty()).then_some(line)
    };
    records.filter_map(line).collect()
}

/// The terminal of a person's session, or its display.
fn of_logind(text: &str) -> Option<String> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.strip_prefix('=').filter(|value| !value.is_empty())
    };
    let is_person = value("CLASS") == Some("user") && value("STATE") != Some("closing");
    let place = value("TTY").or(value("DISPLAY"))?;
    is_person.then(|| place.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, pid: i32, line: &str) -> Vec<u8> {
        let mut record = vec![0; UTMP_BYTES];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[PID].copy_from_slice(&pid.to_ne_bytes());
        record[LINE][..line.len()].copy_from_slice(line.as_bytes());
        record
    }

    fn own_pid() -> i32 {
        i32::try_from(std::process::id()).expect("it fits")
    }

    #[test]
    fn people_are_those_whose_process_lives() {
        let bytes = [
            record(USER_PROCESS, own_pid(), "pts/3"),
            record(USER_PROCESS, own_pid(), "pts/3"),
            record(USER_PROCESS, i32::MAX, "pts/4"),
            record(6, own_pid(), "tty1"),
            vec![7; 100],
        ]
        .concat();
        assert_eq!(of_utmp(&bytes), BTreeSet::from(["pts/3".to_owned()]));
    }

    #[test]
    fn sessions_of_logind_are_people_on_a_terminal_or_a_display() {
        let session = |lines: &str| of_logind(&format!("UID=1000\n{lines}\n"));
        let there = |text: &str| Some(text.to_owned());
        assert_eq!(
            session("CLASS=user\nSTATE=active\nTTY=pts/1"),
            there("pts/1")
        );
        assert_eq!(session("CLASS=user\nDISPLAY=:1"), there(":1"));
        assert_eq!(session("CLASS=user\nSTATE=closing\nTTY=pts/1"), None);
        assert_eq!(session("CLASS=greeter\nTTY=tty1"), None);
        assert_eq!(session("CLASS=user"), None, "a job of cron");
    }

    #[test]
    fn a_word_goes_to_each_terminal_and_nowhere_else() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let devices = folder.path().join("dev");
        fs::create_dir_all(devices.join("pts")).expect("is made");
        fs::write(devices.join("pts/1"), "").expect("is written");
        fs::write(folder.path().join("secret"), "").expect("is written");
        let sessions = Sessions {
            utmp: folder.path().join("none"),
            logind: folder.path().join("none"),
            devices: devices.clone(),
        };
        assert!(sessions.terminals().is_empty());
        let terminals = ["pts/1", "pts/2", ":1", "../secret"].map(str::to_owned);
        assert_eq!(sessions.tell(&BTreeSet::from(terminals), "hello"), 1);
        let told = fs::read_to_string(devices.join("pts/1")).expect("reads");
        assert_eq!(told, "\r\n\x07hello\r\n");
    }
}
