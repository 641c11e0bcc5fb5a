//! What the kernel accounts to a process: processor time and memory, from `/proc` (proc(5)).

use std::time::Duration;
use std::{fs, io};

/// What a process has used up to now and holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all threads, the ended ones too; the kernel counts in 10 ms.
    pub cpu: Duration,
    pub resident_bytes: u64,
    /// The largest resident size since the process started.
    pub resident_peak_bytes: u64,
}

/// What the calling process is, for a monitor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Own {
    pub usage: Usage,
    pub virtual_bytes: u64,
    /// Since the epoch.
    pub started: Duration,
    pub descriptors: u64,
    /// None without a limit.
    pub descriptors_max: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    #[error("{path} has no {field}")]
    Field { path: String, field: &'static str },
}

/// Reads the usage of process `pid`; `None` means the calling process.
pub fn usage(pid: Option<u32>) -> Result<Usage, UsageError> {
    let folder = pid.map_or_else(|| "/proc/self".to_owned(), |pid| format!("/proc/{pid}"));
    let (stat_path, stat) = read(format!("{folder}/stat"))?;
    let ticks = cpu_ticks(&stat).ok_or(UsageError::Field {
        path: stat_path,
        field: "user and system time",
    })?;
    let (status_path, status) = read(format!("{folder}/status"))?;
    let bytes = |field| {
        status_bytes(&status, field).ok_or_else(|| UsageError::Field {
            path: status_path.clone(),
            field,
        })
    };
    Ok(Usage {
        cpu: time_of(ticks),
        resident_bytes: bytes("VmRSS:")?,
        resident_peak_bytes: bytes("VmHWM:")?,
    })
}

/// Whether whoever started this process wants it to outlive its terminal: SIGHUP is ignored.
/// Where the kernel does not say, it is not.
pub fn ignores_hangup() -> bool {
    /// The mask's lowest bit is signal 1.
    const HANGUP: u64 = 1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & HANGUP != 0)
}

/// Reads what the calling process is.
pub fn own() -> Result<Own, UsageError> {
    let (path, stat) = read("/proc/self/stat".to_owned())?;
    let missing = |field| UsageError::Field { path, field };
    let ticks = start_ticks(&stat).ok_or_else(|| missing("start time"))?;
    let (path, system) = read("/proc/stat".to_owned())?;
    let boot = number_after(&system, "btime");
    let boot = boot.ok_or(UsageError::Field {
        path,
        field: "btime",
    })?;
    let (path, status) = read("/proc/self/status".to_owned())?;
    let virtual_bytes = status_bytes(&status, "VmSize:");
    let (_, limits) = read("/proc/self/limits".to_owned())?;
    let open = fs::read_dir("/proc/self/fd").map_err(|source| UsageError::Read {
        path: "/proc/self/fd".to_owned(),
        source,
    })?;
    Ok(Own {
        usage: usage(None)?,
        virtual_bytes: virtual_bytes.ok_or(UsageError::Field {
            path,
            field: "VmSize:",
        })?,
        started: Duration::from_secs(boot) + time_of(ticks),
        // The listing itself holds one.
        descriptors: open.count().saturating_sub(1) as u64,
        descriptors_max: number_after(&limits, "Max open files"),
    })
}

fn read(path: String) -> Result<(String, String), UsageError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(source) => Err(UsageError::Read { path, source }),
    }
}

fn time_of(ticks: u64) -> Duration {
    Duration::from_micros(ticks * 1_000_000 / rustix::param::clock_ticks_per_second())
}

/// The first number on the line that begins so.
fn number_after(text: &str, start: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// Field 22 of `/proc/PID/stat`, counted as in [`cpu_ticks`].
fn start_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Fields 14 and 15 of `/proc/PID/stat`. The second field is a name in parentheses that may hold
/// blanks and parentheses itself, so fields are counted from the last closing one.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A size of `/proc/PID/status`, which writes `VmRSS:   1234 kB`.
fn status_bytes(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_with_blanks_and_parentheses_does_not_shift_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 5 0 0 0 120 34 0 0 20 0 1 0 9 1 2";
        assert_eq!(cpu_ticks(stat), Some(154));
        assert_eq!(start_ticks(stat), Some(9));
    }

    #[test]
    fn sizes_are_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), Some(1 << 20));
        assert_eq!(status_bytes(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(status_bytes(status, "VmSwap:"), None);
    }

    #[test]
    fn own_usage_is_there() {
        let own = usage(None).expect("/proc is mounted");
        assert!(own.resident_bytes > 0 && own.resident_peak_bytes >= own.resident_bytes);
        assert!(usage(Some(std::process::id())).expect("same").cpu >= own.cpu);
    }

    #[test]
    fn own_process_started_after_the_epoch_and_has_descriptors() {
        let own = own().expect("/proc is mounted");
        assert!(own.started > Duration::from_secs(1_600_000_000));
        assert!(own.descriptors >= 3 && own.descriptors_max.is_none_or(|max| max > 3));
        assert!(own.virtual_bytes >= own.usage.resident_bytes);
    }

    #[test]
    fn absent_process_is_named() {
        let error = usage(Some(u32::MAX)).expect_err("no such process");
        assert!(error.to_string().contains("/proc/4294967295/stat"));
    }
}
