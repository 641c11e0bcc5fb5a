//! Go's ways of writing and reading text, which etcdctl's output and input are made of.

use std::fmt::Write;
use std::time::Duration;

use crate::core::units;

/// `%q` of a byte string: printable UTF-8 stays, everything else is escaped.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        chunk
            .valid()
            .chars()
            .for_each(|character| quote_character(&mut quoted, character));
        for byte in chunk.invalid() {
            write!(quoted, "\\x{byte:02x}").expect("writing to a string succeeds");
        }
    }
    quoted.push('"');
    quoted
}

fn quote_character(quoted: &mut String, character: char) {
    let simple = match character {
        '"' | '\\' => Some(character),
        '\x07' => Some('a'),
        '\x08' => Some('b'),
        '\x0c' => Some('f'),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\x0b' => Some('v'),
        _ => None,
    };
    let code = u32::from(character);
    let wrote = match simple {
        Some(letter) => write!(quoted, "\\{letter}"),
        None if is_printable(character) => write!(quoted, "{character}"),
        None if code < 0x80 => write!(quoted, "\\x{code:02x}"),
        None if code < 0x10000 => write!(quoted, "\\u{code:04x}"),
        None => write!(quoted, "\\U{code:08x}"),
    };
    wrote.expect("writing to a string succeeds");
}

/// Close to Go's `IsPrint`: letters, marks, numbers, symbols and the ASCII space. Rust's own
/// debug form escapes what is not printable, and joining marks, which Go prints.
fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\u{0300}'..='\u{036f}' => true,
        _ => character.escape_debug().len() == 1 && !character.is_whitespace(),
    }
}

/// Reads one quoted string at the start of `text`; returns it with what follows.
///
/// Double quotes take Go's escapes, back quotes take everything as it stands.
pub fn unquote(text: &str) -> Option<(Vec<u8>, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (inside, rest) = raw.split_once('`')?;
        return Some((inside.as_bytes().to_vec(), rest));
    }
    let mut rest = text.strip_prefix('"')?;
    let mut bytes = Vec::new();
    loop {
        let character = rest.chars().next()?;
        rest = &rest[character.len_utf8()..];
        match character {
            '"' => return Some((bytes, rest)),
            '\n' => return None,
            '\\' => rest = unescape(rest, &mut bytes)?,
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Reads what follows a backslash.
fn unescape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let letter = rest.chars().next()?;
    let after = &rest[letter.len_utf8()..];
    let simple = match letter {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' | '"' => letter as u8,
        'x' => return digits(after, 2, 16).map(|(code, rest)| (bytes.push(code as u8), rest).1),
        '0'..='7' => {
            let (code, rest) = digits(rest, 3, 8)?;
            bytes.push(u8::try_from(code).ok()?);
            return Some(rest);
        }
        'u' | 'U' => {
            let (code, rest) = digits(after, if letter == 'u' { 4 } else { 8 }, 16)?;
            let character = char::from_u32(code)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(rest);
        }
        _ => return None,
    };
    bytes.push(simple);
    Some(after)
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let code = text
        .get(..count)
        .filter(|code| code.chars().all(|digit| digit.is_digit(radix)))?;
    Some((u32::from_str_radix(code, radix).ok()?, &text[count..]))
}

/// `strconv.ParseInt`, with its words for what is wrong.
pub fn integer(text: &str, radix: u32) -> Result<i64, String> {
    i64::from_str_radix(text, radix).map_err(|error| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!(
            "strconv.ParseInt: parsing {}: {why}",
            quote(text.as_bytes())
        )
    })
}

/// `Duration.String`: `1.5s`, `2m3s`, `850µs`.
pub fn duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let shortened = |unit: u128, name: &str| {
        let fraction = format!(
            "{:0>width$}",
            nanoseconds % unit,
            width = unit.ilog10() as usize
        );
        match fraction.trim_end_matches('0') {
            "" => format!("{}{name}", nanoseconds / unit),
            fraction => format!("{}.{fraction}{name}", nanoseconds / unit),
        }
    };
    match nanoseconds {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => shortened(1_000, "µs"),
        1_000_000..1_000_000_000 => shortened(1_000_000, "ms"),
        _ => {
            let minutes = duration.as_secs() / 60;
            let rest = Duration::from_nanos((nanoseconds % 60_000_000_000) as u64);
            let seconds = match rest.as_nanos() {
                0 => "0s".to_owned(),
                part @ 1..1_000_000_000 => {
                    format!("0.{}s", format!("{part:09}").trim_end_matches('0'))
                }
                _ if minutes == 0 => shortened(1_000_000_000, "s"),
                _ => self::duration(rest),
            };
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    }
}

/// `time.ParseDuration`, without a sign, with its words for what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    units::duration(text).map_err(|_| format!("time: invalid duration {}", quote(text.as_bytes())))
}

/// A size in decimal units, as go-humanize prints it: `20 kB`, `1.5 MB`.
pub fn size(bytes: u64) -> String {
    if bytes < 10 {
        return format!("{bytes} B");
    }
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let exponent = bytes.ilog(1000);
    let value = (bytes as f64 / 1000f64.powi(exponent as i32) * 10.0 + 0.5).floor() / 10.0;
    let unit = UNITS[exponent as usize];
    if value < 10.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quote_escapes_as_go_does() {
        assert_eq!(
            quote(b"b\"\x01\xff\n\xc3\xa9"),
            "\"b\\\"\\x01\\xff\\n\u{e9}\""
        );
        assert_eq!(
            quote("a\u{301}\u{a0}\u{feff}\u{1f600}".as_bytes()),
            "\"a\u{301}\\u00a0\\ufeff\u{1f600}\""
        );
        assert_eq!(quote(b"\x7f'"), "\"\\x7f'\"");
    }

    #[test]
    fn unquote_reads_what_quote_writes() {
        let bytes = b"a\"\\\x00\xff\n\xc3\xa9";
        assert_eq!(unquote(&quote(bytes)), Some((bytes.to_vec(), "")));
        assert_eq!(unquote("`a\\n`) rest"), Some((b"a\\n".to_vec(), ") rest")));
        assert_eq!(
            unquote("\"\\u00e9\\101\""),
            Some(("\u{e9}A".as_bytes().to_vec(), ""))
        );
        assert_eq!(unquote("\"open"), None);
        assert_eq!(unquote("'single'"), None);
    }

    #[test]
    fn durations_print_as_in_go() {
        let cases = [
            (1, "1ns"),
            (850_000, "850µs"),
            (1_765_038, "1.765038ms"),
            (1_000_546_687, "1.000546687s"),
            (60_000_000_000, "1m0s"),
            (61_500_000_000, "1m1.5s"),
            (60_500_000_000, "1m0.5s"),
            (3_600_000_000_000, "1h0m0s"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(duration(Duration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn durations_read_as_in_go() {
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("300ms"), Ok(Duration::from_millis(300)));
        for text in ["", "x", "5", "s", "1x"] {
            assert_eq!(
                parse_duration(text),
                Err(format!("time: invalid duration \"{text}\""))
            );
        }
    }

    #[test]
    fn sizes_are_decimal_and_short() {
        let cases = [
            (9, "9 B"),
            (20_480, "20 kB"),
            (1_550, "1.6 kB"),
            (22_000_000, "22 MB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }
}
