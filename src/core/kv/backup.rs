//! The backups that a member keeps: what they are called, which ones go, and when the next is due.
//!
//! A name begins with the time, so the order of names is the order of age: nothing about a backup
//! is stored beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

/// As short as an interval may leave it: a member that was just started has better things to do.
const GRACE: Duration = Duration::from_secs(60);

/// Of those that are kept, so many stay even where there is no room for the next.
const KEPT_MIN: usize = 2;

const SUFFIX: &str = ".snapshot";
const STAMP_FORM: &str = "dddddddd'T'dddddd'Z'";

/// The name of a backup that was taken so many seconds after 1970 began, in UTC.
pub fn file_name(seconds: u64, revision: i64) -> String {
    format!("{}-r{revision}{SUFFIX}", stamp(seconds))
}

/// Whether a file is one of ours: others are left alone.
pub fn is_backup(name: &str) -> bool {
    let Some(rest) = name.strip_suffix(SUFFIX) else {
        return false;
    };
    let Some((stamp, revision)) = rest.split_once("-r") else {
        return false;
    };
    let form = STAMP_FORM.replace('\'', "");
    stamp.len() == form.len()
        && stamp
            .chars()
            .zip(form.chars())
            .all(|(found, form)| match form {
                'd' => found.is_ascii_digit(),
                form => found == form,
            })
        && !revision.is_empty()
        && revision.bytes().all(|digit| digit.is_ascii_digit())
}

/// The backups that go now that `written` is there and proved: the oldest beyond `keep`.
pub fn surplus(all: &BTreeSet<String>, written: &str, keep: usize) -> Vec<String> {
    let others = all.iter().filter(|name| *name != written);
    let excess = all.len().saturating_sub(keep.max(1));
    others.take(excess).cloned().collect()
}

/// The oldest backup, if there are more than must stay: it may go to make room for the next.
pub fn expendable<'a>(all: &'a BTreeSet<String>, written: &str) -> Option<&'a String> {
    let mut others = all.iter().filter(|name| *name != written);
    others.next().filter(|_| all.len() > KEPT_MIN)
}

/// How long to wait, given how old the newest backup is, or the member where there is none. An
/// age that is not known, as after a clock that was set back, counts as none.
pub fn wait(age: Option<Duration>, interval: Duration) -> Duration {
    let left = interval.saturating_sub(age.unwrap_or_default());
    left.max(GRACE.min(interval))
}

/// Date and time as ISO 8601's basic form has them; a time beyond the year 9999 is the epoch.
fn stamp(seconds: u64) -> String {
    let time = i64::try_from(seconds).map(Timestamp::from_second);
    let time = time.ok().and_then(Result::ok).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: u64) -> BTreeSet<String> {
        (0..count)
            .map(|at| file_name(at * 3_600, at as i64))
            .collect()
    }

    #[test]
    fn names_tell_the_time_and_sort_by_it() {
        for (seconds, stamp) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_709_251_199, "20240229T235959Z"),
            (1_795_400_343, "20261123T021903Z"),
            (4_107_542_399, "21000228T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            let name = file_name(seconds, 5);
            assert_eq!(name, format!("{stamp}-r5.snapshot"));
            assert!(is_backup(&name));
        }
    }

    #[test]
    fn what_somebody_else_put_there_is_none_of_ours() {
        for name in [
            "",
            "before-upgrade.snapshot",
            "20261123T021903Z-r.snapshot",
            "20261123T021903Z-r5",
            ".20261123T021903Z-r5.snapshot.tmp",
            "20261123T02190xZ-r5.snapshot",
            "20261123T021903Z-r-5.snapshot",
        ] {
            assert!(!is_backup(name), "{name}");
        }
    }

    #[test]
    fn the_oldest_go_and_the_new_one_stays() {
        let all = names(5);
        let newest = all.last().expect("five").clone();
        let gone: Vec<_> = all.iter().take(2).cloned().collect();
        assert_eq!(surplus(&all, &newest, 3), gone);
        assert!(surplus(&all, &newest, 5).is_empty());
        assert_eq!(surplus(&all, &newest, 0).len(), 4);
        // A clock that was set back makes the new one the first by name.
        let first = all.first().expect("five").clone();
        assert!(!surplus(&all, &first, 1).contains(&first));
        assert_eq!(surplus(&all, &first, 1).len(), 4);
    }

    #[test]
    fn some_stay_even_without_room() {
        let all = names(3);
        let newest = all.last().expect("three").clone();
        assert_eq!(expendable(&all, &newest), all.first());
        assert_eq!(expendable(&names(2), &newest), None);
    }

    #[test]
    fn the_first_one_comes_after_an_interval_and_a_restart_does_not_begin_it_anew() {
        let hour = Duration::from_secs(3_600);
        assert_eq!(wait(None, hour), hour);
        assert_eq!(wait(Some(hour / 4), hour), hour * 3 / 4);
        assert_eq!(wait(Some(hour * 50), hour), GRACE);
        let second = Duration::from_secs(1);
        assert_eq!(wait(Some(hour), second), second);
    }
}
