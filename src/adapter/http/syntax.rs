//! JSON's grammar, read byte by byte: where a value ends, and what is wrong with one.
//!
//! The texts are those of Go's decoder, which is what clients of etcd's gateway are told. What a
//! value means is not looked at here.

use std::fmt::Write;

/// The bound on arrays and objects in each other, as in Go.
const DEPTH_MAX: usize = 10_000;

/// A reader that has seen a part of one value.
#[derive(Debug)]
pub(crate) struct Syntax {
    state: State,
    /// The arrays and objects that the next byte is in.
    open: Vec<Container>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    /// Before the colon of a member.
    Key,
    Member,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    AfterValue,
    Text,
    Escape,
    /// So many hexadecimal digits are still to come.
    Hexadecimal(u8),
    Literal {
        name: &'static str,
        at: usize,
    },
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// What a byte did to the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    More,
    /// The value ended with this byte.
    End,
    /// The value, a number, had ended before this byte.
    EndBefore,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            state: State::Value,
            open: Vec::new(),
        }
    }
}

impl Syntax {
    /// Takes the next byte; an error is Go's text.
    pub(crate) fn see(&mut self, byte: u8) -> Result<Seen, String> {
        match self.state {
            State::Value | State::ValueOrEnd | State::Key | State::KeyOrEnd | State::AfterValue => {
                self.between(byte)
            }
            State::Text | State::Escape | State::Hexadecimal(_) => self.text(byte),
            State::Literal { name, at } => self.literal(byte, name, at),
            _ => self.number(byte),
        }
    }

    /// Whether the value is whole if nothing follows: only a number can be.
    pub(crate) fn may_end(&self) -> bool {
        let whole = matches!(
            self.state,
            State::Zero | State::Digits | State::Fraction | State::ExponentDigits
        );
        whole && self.open.is_empty()
    }

    /// Between the parts of the value: before one, or after one.
    fn between(&mut self, byte: u8) -> Result<Seen, String> {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(Seen::More);
        }
        match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => return Ok(self.close()),
            (State::Value | State::ValueOrEnd, _) => return self.begin(byte),
            (State::Key | State::KeyOrEnd, b'"') => self.state = State::Text,
            (State::Key | State::KeyOrEnd, _) => {
                return Err(wrong(byte, "looking for beginning of object key string"));
            }
            _ => return self.after(byte),
        }
        Ok(Seen::More)
    }

    /// The first byte of a value.
    fn begin(&mut self, byte: u8) -> Result<Seen, String> {
        let literal = |name| State::Literal { name, at: 1 };
        self.state = match byte {
            b'{' => self.open(Container::Key, State::KeyOrEnd)?,
            b'[' => self.open(Container::Array, State::ValueOrEnd)?,
            b'"' => State::Text,
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Digits,
            b't' => literal("true"),
            b'f' => literal("false"),
            b'n' => literal("null"),
            _ => return Err(wrong(byte, "looking for beginning of value")),
        };
        Ok(Seen::More)
    }

    fn open(&mut self, container: Container, state: State) -> Result<State, String> {
        if self.open.len() == DEPTH_MAX {
            return Err("exceeded max depth".to_owned());
        }
        self.open.push(container);
        Ok(state)
    }

    /// A byte after a value or a key that is inside something.
    fn after(&mut self, byte: u8) -> Result<Seen, String> {
        let Some(container) = self.open.last_mut() else {
            return Ok(Seen::EndBefore);
        };
        self.state = match (*container, byte) {
            (Container::Key, b':') => {
                *container = Container::Member;
                State::Value
            }
            (Container::Member, b',') => {
                *container = Container::Key;
                State::Key
            }
            (Container::Array, b',') => State::Value,
            (Container::Member, b'}') | (Container::Array, b']') => return Ok(self.close()),
            (Container::Key, _) => return Err(wrong(byte, "after object key")),
            (Container::Member, _) => return Err(wrong(byte, "after object key:value pair")),
            (Container::Array, _) => return Err(wrong(byte, "after array element")),
        };
        Ok(Seen::More)
    }

    fn close(&mut self) -> Seen {
        self.open.pop();
        self.ended()
    }

    fn ended(&mut self) -> Seen {
        self.state = State::AfterValue;
        if self.open.is_empty() {
            Seen::End
        } else {
            Seen::More
        }
    }

    fn text(&mut self, byte: u8) -> Result<Seen, String> {
        self.state = match (self.state, byte) {
            (State::Text, b'"') => return Ok(self.ended()),
            (State::Text, b'\\') => State::Escape,
            (State::Text, ..0x20) => return Err(wrong(byte, "in string literal")),
            (State::Escape, b'u') => State::Hexadecimal(4),
            (State::Escape, b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => State::Text,
            (State::Escape, _) => return Err(wrong(byte, "in string escape code")),
            (State::Hexadecimal(left), _) if byte.is_ascii_hexdigit() => match left {
                1 => State::Text,
                left => State::Hexadecimal(left - 1),
            },
            (State::Hexadecimal(_), _) => {
                return Err(wrong(byte, "in \\u hexadecimal character escape"));
            }
            _ => State::Text,
        };
        Ok(Seen::More)
    }

    fn literal(&mut self, byte: u8, name: &'static str, at: usize) -> Result<Seen, String> {
        let expected = name.as_bytes()[at];
        if byte != expected {
            let expected = char::from(expected);
            let context = format!("in literal {name} (expecting '{expected}')");
            return Err(wrong(byte, &context));
        }
        if at + 1 == name.len() {
            return Ok(self.ended());
        }
        self.state = State::Literal { name, at: at + 1 };
        Ok(Seen::More)
    }

    fn number(&mut self, byte: u8) -> Result<Seen, String> {
        self.state = match (self.state, byte) {
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') | (State::Digits, b'0'..=b'9') => State::Digits,
            (State::Minus, _) => return Err(wrong(byte, "in numeric literal")),
            (State::Zero | State::Digits, b'.') => State::Point,
            (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Point, _) => {
                return Err(wrong(byte, "after decimal point in numeric literal"));
            }
            (State::Zero | State::Digits | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign | State::ExponentDigits, b'0'..=b'9') => {
                State::ExponentDigits
            }
            (State::Exponent | State::ExponentSign, _) => {
                return Err(wrong(byte, "in exponent of numeric literal"));
            }
            _ => {
                // The number ended; the byte belongs to what it is in.
                self.state = State::AfterValue;
                return match self.open.is_empty() {
                    true => Ok(Seen::EndBefore),
                    false => self.between(byte),
                };
            }
        };
        Ok(Seen::More)
    }
}

fn wrong(byte: u8, context: &str) -> String {
    let mut text = String::from("invalid character '");
    match byte {
        b'\'' => text += "\\'",
        b'"' => text.push('"'),
        b'\n' => text += "\\n",
        b'\r' => text += "\\r",
        b'\t' => text += "\\t",
        b'\\' => text += "\\\\",
        ..0x20 | 0x7f => write!(text, "\\x{byte:02x}").expect("a string takes all"),
        // Go takes the byte for a letter of Latin-1.
        0x80..=0xa0 | 0xad => write!(text, "\\u{byte:04x}").expect("a string takes all"),
        _ => text.push(char::from(byte)),
    }
    text + "' " + context
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of the first value, or what is wrong.
    fn read(text: &str) -> Result<Option<usize>, String> {
        let mut syntax = Syntax::default();
        for (at, byte) in text.bytes().enumerate() {
            match syntax.see(byte)? {
                Seen::More => {}
                Seen::End => return Ok(Some(at + 1)),
                Seen::EndBefore => return Ok(Some(at)),
            }
        }
        Ok(syntax.may_end().then_some(text.len()))
    }

    #[test]
    fn value_ends_where_its_last_byte_is() {
        for (text, end) in [
            (r#" {"a":"}\"{","b":[{}, {"c":-1.5e+3}]}{"c":1}"#, Some(37)),
            ("5", Some(1)),
            ("-0.5 6", Some(4)),
            ("null,", Some(4)),
            ("\"\\u00e9\\n\"x", Some(10)),
            ("[1,2,[]]", Some(8)),
            ("{}", Some(2)),
            ("", None),
            ("{", None),
            ("1.", None),
            ("nul", None),
            ("\"", None),
        ] {
            assert_eq!(read(text), Ok(end), "{text}");
        }
    }

    /// As etcd 3.5.1 answers them.
    #[test]
    fn what_is_wrong_is_told_in_gos_words() {
        for (text, told) in [
            ("x", "'x' looking for beginning of value"),
            (r#"{"key" "a"}"#, "'\"' after object key"),
            (r#"{"key":tru}"#, "'}' in literal true (expecting 'e')"),
            (r#"{"a":01}"#, "'1' after object key:value pair"),
            (r#"{"a":"\x"}"#, "'x' in string escape code"),
            (
                r#"{"a":"\u00g0"}"#,
                "'g' in \\u hexadecimal character escape",
            ),
            ("{,}", "',' looking for beginning of object key string"),
            (
                r#"{"a":1,}"#,
                "'}' looking for beginning of object key string",
            ),
            ("[1 2]", "'2' after array element"),
            (r#"{"a":-}"#, "'}' in numeric literal"),
            ("{\"a\":\"\n\"}", "'\\n' in string literal"),
            (r#"{"a":1.e}"#, "'e' after decimal point in numeric literal"),
            (r#"{"a":1e}"#, "'}' in exponent of numeric literal"),
            ("'", "'\\'' looking for beginning of value"),
            ("\u{1}", "'\\x01' looking for beginning of value"),
        ] {
            assert_eq!(read(text), Err(format!("invalid character {told}")));
        }
        let deep = "[".repeat(DEPTH_MAX + 1);
        assert_eq!(read(&deep), Err("exceeded max depth".to_owned()));
    }
}
