//! Durations, sizes and times as people write them: `1h30m`, `500ms`, `32MiB`.
//!
//! Durations are Go's, as etcd's flags take them; sizes are bytes with an IEC or SI suffix.
//! Every text that [`Span`] and [`Size`] print is read back as the same value.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Names and lengths in nanoseconds, longest first.
const SPANS: &[(&str, u64)] = &[
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// Names and numbers of bytes; the first name of a number is the one that is printed.
const SIZES: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
    ("", 1),
];

/// A text that is no duration or no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("{0:?} is no duration: write a number and a unit, such as 1h30m, 10s or 500ms")]
    Duration(String),
    #[error("{0:?} is no size: write a number of bytes, or with a unit, such as 32MiB or 2GiB")]
    Size(String),
    #[error("{0:?} is too large: at most 292 years, or 8 EiB")]
    TooLarge(String),
}

/// A duration that is written as Go writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span(pub Duration);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Size(pub u64);

/// Reads a duration such as `1h30m`, `1.5s` or `0`; a number without a unit is an error.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError::Duration(text.to_owned());
    let large = || UnitError::TooLarge(text.to_owned());
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut total_ns) = (text, 0_u64);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(wrong)?;
        let (number, after) = rest.split_at(end);
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, unit_ns) = SPANS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let part_ns = decimal(number, *unit_ns).ok_or_else(wrong)?;
        total_ns = total_ns
            .checked_add(part_ns.ok_or_else(large)?)
            .ok_or_else(large)?;
        rest = after;
    }
    // Go's durations are signed 64-bit nanoseconds; so is what etcd's API carries.
    if i64::try_from(total_ns).is_err() {
        return Err(large());
    }
    Ok(Duration::from_nanos(total_ns))
}

/// Reads a number of bytes such as `1048576`, `32MiB` or `1.5GiB`.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let wrong = || UnitError::Size(text.to_owned());
    let large = || UnitError::TooLarge(text.to_owned());
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, unit_bytes) = SIZES
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let bytes = decimal(number, *unit_bytes)
        .ok_or_else(wrong)?
        .ok_or_else(large)?;
    if i64::try_from(bytes).is_err() {
        return Err(large());
    }
    Ok(bytes)
}

/// `number` times `unit`, cut to whole ones: none if it is no number, `Some(None)` if too large.
#[expect(
    clippy::option_option,
    reason = "the two failures have different words"
)]
fn decimal(number: &str, unit: u64) -> Option<Option<u64>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = if whole.is_empty() {
        Ok(0)
    } else {
        whole.parse::<u64>()
    };
    let Some(mut total) = whole.ok().and_then(|whole| whole.checked_mul(unit)) else {
        return Some(None);
    };
    let mut scale = 1_u128;
    let mut numerator = 0_u128;
    // No unit has more than 13 digits, so what follows the 18th digit is less than one.
    for byte in fraction.bytes().take(18) {
        numerator = numerator * 10 + u128::from(byte - b'0');
        scale *= 10;
    }
    let part = numerator * u128::from(unit) / scale;
    total = match u64::try_from(part)
        .ok()
        .and_then(|part| total.checked_add(part))
    {
        Some(total) => total,
        None => return Some(None),
    };
    Some(Some(total))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, length) in SPANS.iter().filter(|(name, _)| name.is_ascii()) {
            if rest >= *length {
                write!(f, "{}{name}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl Size {
    /// Rounded, for people: `1.4 GiB`.
    pub fn rounded(self) -> String {
        let (name, unit) = SIZES[..4]
            .iter()
            .find(|(_, unit)| self.0 >= *unit)
            .unwrap_or(&("B", 1));
        let tenths = (u128::from(self.0) * 10 + u128::from(*unit) / 2) / u128::from(*unit);
        match (tenths / 10, tenths % 10) {
            (whole, tenth) if whole < 10 && tenth > 0 => format!("{whole}.{tenth} {name}"),
            (whole, tenth) => format!("{} {name}", whole + u128::from(tenth >= 5)),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, unit): &&(&str, u64)| self.0 >= *unit && self.0.is_multiple_of(*unit);
        match SIZES[..4].iter().find(whole) {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Seconds since 1970 as a date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcTime(pub i64);

/// Days are counted from 1 March of year 0, in eras of 400 years (Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`).
impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_sizes_have_two_digits_or_more() {
        let rounded = |bytes| Size(bytes).rounded();
        assert_eq!(rounded(0), "0 B");
        assert_eq!(rounded(1000), "1000 B");
        assert_eq!(rounded(1536), "1.5 KiB");
        assert_eq!(rounded(2 << 30), "2 GiB");
        assert_eq!(rounded((20 << 20) + (700 << 10)), "21 MiB");
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("0", ms(0)),
            ("0s", ms(0)),
            ("500ms", ms(500)),
            ("30s", ms(30_000)),
            ("1.5s", ms(1_500)),
            (".5s", ms(500)),
            ("1.s", ms(1_000)),
            ("1h30m", ms(5_400_000)),
            ("1h0m0.25s", ms(3_600_250)),
            ("2us", Duration::from_micros(2)),
            ("2µs", Duration::from_micros(2)),
            ("7ns", Duration::from_nanos(7)),
            ("1.9ns", Duration::from_nanos(1)),
        ] {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_named() {
        for text in [
            "", "10", "s", ".s", "-1s", "1 s", "1d", "1h30", "1..5s", "1.5.5s", "1S",
        ] {
            assert_eq!(
                duration(text),
                Err(UnitError::Duration(text.to_owned())),
                "{text:?}"
            );
        }
        for text in ["9999999h", "99999999999999999999s", "2562047h48m"] {
            assert_eq!(
                duration(text),
                Err(UnitError::TooLarge(text.to_owned())),
                "{text}"
            );
        }
        assert!(
            duration("2562047h47m").is_ok(),
            "Go's longest duration, in whole minutes"
        );
    }

    #[test]
    fn sizes_are_read_with_and_without_a_unit() {
        for (text, expected) in [
            ("0", 0),
            ("1572864", 1_572_864),
            ("10B", 10),
            ("32MiB", 32 << 20),
            ("1.5GiB", 3 << 29),
            ("2GB", 2_000_000_000),
            ("4kB", 4_000),
            ("4KiB", 4_096),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "-1", "1 MiB", "1mib", "1M", "x", "."] {
            assert_eq!(
                size(text),
                Err(UnitError::Size(text.to_owned())),
                "{text:?}"
            );
        }
        for text in ["18446744073709551616", "9000000TiB"] {
            assert_eq!(
                size(text),
                Err(UnitError::TooLarge(text.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for ns in [
            0,
            1,
            999,
            1_000,
            1_500_000,
            60_000_000_000,
            5_400_000_000_001,
        ] {
            let span = Span(Duration::from_nanos(ns));
            assert_eq!(duration(&span.to_string()), Ok(span.0), "{span}");
        }
        assert_eq!(Span(Duration::from_secs(5_400)).to_string(), "1h30m");
        for bytes in [
            0,
            1,
            1_023,
            1_024,
            1_536,
            32 << 20,
            3 << 29,
            i64::MAX as u64,
        ] {
            assert_eq!(size(&Size(bytes).to_string()), Ok(bytes), "{bytes}");
        }
        assert_eq!(Size(32 << 20).to_string(), "32MiB");
    }

    #[test]
    fn times_are_dates() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_793_501_940, "2026-11-01 02:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(UtcTime(seconds).to_string(), shown);
        }
    }
}
