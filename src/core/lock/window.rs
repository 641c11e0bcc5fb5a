//! Windows of the calendar in which something may be done: `Mon-Fri 02:00-04:00 Europe/Berlin`.
//!
//! - A window opens on each of its days at the time of its zone's clocks, and closes at the next
//!   time of its end: on the same day, or on the day after.
//! - It opens on every one of its days. A time that a change of the clocks leaves out is as much
//!   later as they go forward; of a time that they show twice, the first opens and the second
//!   closes. Where that leaves nothing, it is open for as long as on other days.
//! - Windows that touch or overlap are one.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Looked at ahead: a week, and the days on both sides that another zone or midnight adds.
const DAYS_AHEAD: i64 = 9;
/// Looked at behind: a window that opened yesterday may be open, and a zone be a day away.
const DAYS_BEHIND: i64 = 2;

const MINUTES_PER_DAY: i64 = 24 * 60;

const DAYS: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

/// One window, every week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// As it was written.
    text: String,
    /// From Monday on.
    days: [bool; 7],
    from_minute: i64,
    until_minute: i64,
    /// None: the machine's own.
    zone: Option<TimeZone>,
}

/// Whether one of several windows is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// None: there is no window to wait for, or no end within a week.
    Open {
        until: Option<Timestamp>,
    },
    Closed {
        next: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error(
        "{0:?} is no window: write days, times and a time zone, such as \"Mon-Fri 02:00-04:00 \
         Europe/Berlin\"; days and time zone may be left out"
    )]
    Form(String),
    #[error(
        "{0:?} is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun, such as Mon-Fri or Sat,Sun"
    )]
    Day(String),
    #[error("{0:?} is no time of day: write 00:00 to 23:59, and 24:00 for an end at midnight")]
    Time(String),
    #[error("{0:?} opens and closes at the same time: write 00:00-24:00 for the whole day")]
    Empty(String),
    #[error("no time zone {0:?} is known: write one of IANA's, such as UTC or Europe/Berlin")]
    Zone(String),
}

impl Window {
    /// When it is open, for what opens on `date` by the clocks of its zone; `machine` is for one
    /// that names none.
    fn on(&self, date: Date, machine: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let weekday = date.weekday().to_monday_zero_offset();
        if !self.days[usize::try_from(weekday).ok()?] {
            return None;
        }
        let zone = self.zone.as_ref().unwrap_or(machine);
        let length = self.length_minutes();
        let midnight = DateTime::from_parts(date, Time::midnight());
        let from = midnight.checked_add(self.from_minute.minutes()).ok()?;
        let until = from.checked_add(length.minutes()).ok()?;
        let from = zone.to_ambiguous_timestamp(from).compatible().ok()?;
        let until = zone.to_ambiguous_timestamp(until).later().ok()?;
        let usual = from.checked_add(SignedDuration::from_mins(length)).ok()?;
        Some((from, if until > from { until } else { usual }))
    }

    fn length_minutes(&self) -> i64 {
        let length = self.until_minute - self.from_minute;
        match length > 0 {
            true => length,
            false => length + MINUTES_PER_DAY,
        }
    }
}

/// Whether one of `windows` is open at `now`; without any, it always is. `machine` is the zone of
/// those that name none.
pub fn opening(windows: &[Window], now: Timestamp, machine: &TimeZone) -> Opening {
    let mut spans = Vec::new();
    for window in windows {
        let zone = window.zone.as_ref().unwrap_or(machine);
        let today = zone.to_datetime(now).date();
        let dates =
            (-DAYS_BEHIND..=DAYS_AHEAD).filter_map(|day| today.checked_add(day.days()).ok());
        spans.extend(dates.filter_map(|date| window.on(date, machine)));
    }
    spans.sort_unstable();
    let open = spans.iter().filter(|(from, _)| *from <= now);
    let Some(mut until) = open
        .map(|(_, until)| *until)
        .max()
        .filter(|until| *until > now)
    else {
        let next = spans.iter().find(|(from, _)| *from > now);
        // Without windows; and at the end of all time, when none comes any more.
        return next.map_or(Opening::Open { until: None }, |(from, _)| Opening::Closed {
            next: *from,
        });
    };
    for (from, end) in &spans {
        if *from <= until {
            until = until.max(*end);
        }
    }
    let horizon = now.checked_add(SignedDuration::from_hours(24 * 8));
    let ends = horizon.is_ok_and(|horizon| until < horizon);
    Opening::Open {
        until: ends.then_some(until),
    }
}

/// A moment as the machine's own clock shows it, for people.
pub fn shown(at: Timestamp, machine: &TimeZone) -> String {
    at.to_zoned_datetime(machine.clone())
        .strftime("%a %Y-%m-%d %H:%M %Z")
        .to_string()
}

impl Opening {
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let form = || WindowError::Form(text.to_owned());
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let at = words.iter().position(|word| word.contains(':'));
        let at = at.ok_or_else(form)?;
        let days = match &words[..at] {
            [] => [true; 7],
            [days] => read_days(days)?,
            _ => return Err(form()),
        };
        let (from, until) = words[at].split_once('-').ok_or_else(form)?;
        let (from_minute, until_minute) = (minute(from)?, minute(until)?);
        if from_minute == MINUTES_PER_DAY {
            return Err(WindowError::Time(from.to_owned()));
        }
        if from_minute == until_minute {
            return Err(WindowError::Empty(words[at].to_owned()));
        }
        let zone = match &words[at + 1..] {
            [] => None,
            [name] => Some(zone(name)?),
            _ => return Err(form()),
        };
        Ok(Self {
            text: words.join(" "),
            days,
            from_minute,
            until_minute,
            zone,
        })
    }
}

/// `Mon-Fri`, `Sat,Sun`, `Fri-Mon,Wed`.
fn read_days(text: &str) -> Result<[bool; 7], WindowError> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let count = (last + 7 - first) % 7;
        (0..=count).for_each(|step| days[(first + step) % 7] = true);
    }
    Ok(days)
}

/// The place of a day in the week, from Monday on.
fn day(text: &str) -> Result<usize, WindowError> {
    let lower = text.to_ascii_lowercase();
    let is_it = |(short, long, _): &(&str, &str, Weekday)| lower == *short || lower == *long;
    let at = DAYS.iter().position(is_it);
    at.ok_or_else(|| WindowError::Day(text.to_owned()))
}

fn minute(text: &str) -> Result<i64, WindowError> {
    let wrong = || WindowError::Time(text.to_owned());
    let number = |text: &str| -> Option<i64> {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    };
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let (hour, minute) = (number(hour).ok_or_else(wrong)?, number(minute));
    let minute = minute.filter(|minute| *minute < 60).ok_or_else(wrong)?;
    let minutes = hour * 60 + minute;
    match minutes <= MINUTES_PER_DAY {
        true => Ok(minutes),
        false => Err(wrong()),
    }
}

fn zone(name: &str) -> Result<TimeZone, WindowError> {
    let upper = name.to_ascii_uppercase();
    match upper.as_str() {
        "UTC" => Ok(TimeZone::UTC),
        _ => TimeZone::get(name).map_err(|_| WindowError::Zone(name.to_owned())),
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn windows(texts: &[&str]) -> Vec<Window> {
        let read = |text: &&str| text.parse().unwrap_or_else(|error| panic!("{error}"));
        texts.iter().map(read).collect()
    }

    /// What is so at a time, on a machine in UTC, in one line.
    fn told(texts: &[&str], now: &str) -> String {
        match opening(&windows(texts), at(now), &TimeZone::UTC) {
            Opening::Open { until: None } => "open".to_owned(),
            Opening::Open { until: Some(until) } => format!("open until {until}"),
            Opening::Closed { next } => format!("closed until {next}"),
        }
    }

    #[test]
    fn a_window_is_open_from_its_begin_to_before_its_end() {
        let nightly = ["02:00-04:00"];
        for (now, expected) in [
            ("2026-11-23T01:59:59Z", "closed until 2026-11-23T02:00:00Z"),
            ("2026-11-23T02:00:00Z", "open until 2026-11-23T04:00:00Z"),
            ("2026-11-23T03:59:59Z", "open until 2026-11-23T04:00:00Z"),
            ("2026-11-23T04:00:00Z", "closed until 2026-11-24T02:00:00Z"),
        ] {
            assert_eq!(told(&nightly, now), expected, "{now}");
        }
        assert_eq!(told(&[], "2026-11-23T12:00:00Z"), "open");
    }

    #[test]
    fn days_are_those_on_which_it_opens() {
        // 2026-11-23 is a Monday.
        let office = ["Mon-Fri 22:00-02:00"];
        for (now, expected) in [
            ("2026-11-28T01:00:00Z", "open until 2026-11-28T02:00:00Z"),
            ("2026-11-28T22:00:00Z", "closed until 2026-11-30T22:00:00Z"),
            ("2026-11-30T01:00:00Z", "closed until 2026-11-30T22:00:00Z"),
        ] {
            assert_eq!(told(&office, now), expected, "{now}");
        }
        let over_the_week_end = ["Sun 23:00-02:00"];
        for (now, expected) in [
            ("2026-11-23T01:59:00Z", "open until 2026-11-23T02:00:00Z"),
            ("2026-11-23T02:00:00Z", "closed until 2026-11-29T23:00:00Z"),
            ("2026-11-29T23:00:00Z", "open until 2026-11-30T02:00:00Z"),
        ] {
            assert_eq!(told(&over_the_week_end, now), expected, "{now}");
        }
    }

    #[test]
    fn days_may_be_lists_and_spans_that_go_over_the_week_end() {
        let days = |text: &str| windows(&[&format!("{text} 01:00-02:00")])[0].days;
        let [on, off] = [true, false];
        assert_eq!(days("Sat,Sun"), [off, off, off, off, off, on, on]);
        assert_eq!(days("Fri-Mon,wednesday"), [on, off, on, off, on, on, on]);
        assert_eq!(days("tue"), [off, on, off, off, off, off, off]);
    }

    #[test]
    fn the_zone_is_the_windows_or_the_machines() {
        let berlin = ["Mon 02:00-04:00 Europe/Berlin"];
        assert_eq!(
            told(&berlin, "2026-11-23T01:00:00Z"),
            "open until 2026-11-23T03:00:00Z"
        );
        let machine = TimeZone::get("America/New_York").expect("is known");
        let own = opening(
            &windows(&["02:00-04:00"]),
            at("2026-11-23T07:30:00Z"),
            &machine,
        );
        let until = Some(at("2026-11-23T09:00:00Z"));
        assert_eq!(own, Opening::Open { until });
        let shown = shown(at("2026-11-23T07:30:00Z"), &machine);
        assert_eq!(shown, "Mon 2026-11-23 02:30 EST");
    }

    /// Berlin's clocks went from 02:00 to 03:00 on 2026-03-29, at 01:00 UTC.
    #[test]
    fn clocks_that_go_forward_leave_no_window_out() {
        for (window, expected) in [
            (
                "01:30-02:30",
                "2026-03-29T00:30:00Z to 2026-03-29T01:30:00Z",
            ),
            (
                "02:00-04:00",
                "2026-03-29T01:00:00Z to 2026-03-29T02:00:00Z",
            ),
            (
                "02:00-03:00",
                "2026-03-29T01:00:00Z to 2026-03-29T02:00:00Z",
            ),
            (
                "02:15-02:45",
                "2026-03-29T01:15:00Z to 2026-03-29T01:45:00Z",
            ),
            (
                "02:30-03:15",
                "2026-03-29T01:30:00Z to 2026-03-29T02:15:00Z",
            ),
            (
                "23:00-02:30",
                "2026-03-29T21:00:00Z to 2026-03-30T00:30:00Z",
            ),
        ] {
            let window = windows(&[&format!("Sun {window} Europe/Berlin")]).remove(0);
            let date = jiff::civil::date(2026, 3, 29);
            let (from, until) = window.on(date, &TimeZone::UTC).expect("a Sunday");
            assert_eq!(format!("{from} to {until}"), expected, "{window}");
        }
    }

    /// They went from 03:00 to 02:00 on 2026-10-25, at 01:00 UTC.
    #[test]
    fn clocks_that_go_back_open_a_window_once() {
        for (window, expected) in [
            (
                "01:30-02:30",
                "2026-10-24T23:30:00Z to 2026-10-25T01:30:00Z",
            ),
            (
                "02:00-03:00",
                "2026-10-25T00:00:00Z to 2026-10-25T02:00:00Z",
            ),
            (
                "02:15-02:45",
                "2026-10-25T00:15:00Z to 2026-10-25T01:45:00Z",
            ),
            (
                "02:30-04:00",
                "2026-10-25T00:30:00Z to 2026-10-25T03:00:00Z",
            ),
        ] {
            let window = windows(&[&format!("Sun {window} Europe/Berlin")]).remove(0);
            let date = jiff::civil::date(2026, 10, 25);
            let (from, until) = window.on(date, &TimeZone::UTC).expect("a Sunday");
            assert_eq!(format!("{from} to {until}"), expected, "{window}");
        }
    }

    #[test]
    fn a_day_that_a_zone_leaves_out_is_the_next_one() {
        // Samoa went over the date line: there was no Friday 2011-12-30.
        let samoa = ["Fri 02:00-04:00 Pacific/Apia"];
        assert_eq!(
            told(&samoa, "2011-12-30T11:00:00Z"),
            "closed until 2011-12-30T12:00:00Z"
        );
    }

    #[test]
    fn windows_that_touch_are_one_and_the_next_is_the_nearest() {
        let two = ["Sat 22:00-24:00", "Sun 00:00-06:00", "Sun 05:00-07:00"];
        assert_eq!(
            told(&two, "2026-11-28T23:00:00Z"),
            "open until 2026-11-29T07:00:00Z"
        );
        assert_eq!(
            told(&two, "2026-11-29T12:00:00Z"),
            "closed until 2026-12-05T22:00:00Z"
        );
        assert_eq!(told(&["00:00-24:00"], "2026-11-29T12:00:00Z"), "open");
    }

    /// Whoever asks at any minute is told the same as by counting the minutes of each day.
    #[test]
    fn any_minute_of_any_window_without_changes_of_clocks_is_as_counted() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        for seed in 0..300 {
            let mut random = StdRng::seed_from_u64(seed);
            let (from, until) = (
                random.random_range(0..1440_i64),
                random.random_range(0..1440),
            );
            if from == until {
                continue;
            }
            let day = random.random_range(0..7_usize);
            let text = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
            let window = format!("{} {}-{}", DAYS[day].0, text(from), text(until));
            let windows = windows(&[&window]);
            let length = (until - from).rem_euclid(1440);
            let opens = i64::try_from(day).expect("small") * 1440 + from;
            let minute = random.random_range(0..7 * 1440_i64);
            let monday = at("2026-11-23T00:00:00Z");
            let now = monday + SignedDuration::from_mins(minute);
            let since = (minute - opens).rem_euclid(7 * 1440);
            let expected = match since < length {
                true => Opening::Open {
                    until: Some(now + SignedDuration::from_mins(length - since)),
                },
                false => Opening::Closed {
                    next: now + SignedDuration::from_mins(7 * 1440 - since),
                },
            };
            let found = opening(&windows, now, &TimeZone::UTC);
            assert_eq!(found, expected, "seed {seed}: {window} at {now}");
        }
    }

    #[test]
    fn what_is_no_window_says_what_would_be_one() {
        for (text, words) in [
            ("", "Mon-Fri 02:00-04:00"),
            ("Mon-Fri", "Mon-Fri 02:00-04:00"),
            ("Mon 02:00", "Mon-Fri 02:00-04:00"),
            ("Mon Tue 02:00-03:00", "Mon-Fri 02:00-04:00"),
            ("02:00-03:00 UTC now", "Mon-Fri 02:00-04:00"),
            ("Moon 02:00-03:00", "\"Moon\" is no day"),
            ("Mon-02:00-03:00", "is no time of day"),
            ("25:00-03:00", "is no time of day"),
            ("02:60-03:00", "is no time of day"),
            ("24:00-03:00", "is no time of day"),
            ("2:0a-03:00", "is no time of day"),
            ("02:00-02:00", "00:00-24:00"),
            ("02:00-03:00 Europe/Atlantis", "no time zone"),
        ] {
            let error = text.parse::<Window>().expect_err(text);
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
        let window: Window = " Mon-Fri  2:00-04:00 utc ".parse().expect("reads");
        assert_eq!(window.to_string(), "Mon-Fri 2:00-04:00 utc");
    }
}
