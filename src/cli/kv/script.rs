//! The input of `txn`: conditions, then commands, one a line; an empty line ends each part.

use crate::cli::kv::go;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Equal,
    Greater,
    Less,
    NotEqual,
}

/// What is compared, with the value it is compared to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Version(i64),
    Create(i64),
    Mod(i64),
    Value(Vec<u8>),
    Lease(i64),
}

/// One line such as `mod("key") > "0"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub key: Vec<u8>,
    pub relation: Relation,
    pub operand: Operand,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    #[error("malformed comparison: {0}")]
    Malformed(String),
    #[error("invalid txn compare request: {0}")]
    Number(String),
    #[error("unknown comparison {0}: use =, !=, < or >")]
    Relation(String),
}

impl std::str::FromStr for Condition {
    type Err = ScriptError;

    fn from_str(line: &str) -> Result<Self, ScriptError> {
        let (target, rest) = line
            .split_once('(')
            .ok_or_else(|| ScriptError::Malformed(line.to_owned()))?;
        let (key, relation, value) = parts(rest).map_err(|got| {
            let [key, relation, value] = got;
            let (key, value) = (go::quote(&key), go::quote(&value));
            let relation = String::from_utf8_lossy(&relation);
            ScriptError::Malformed(format!("{line}; got {target}({key}) {relation} {value}"))
        })?;
        let number = |radix| {
            go::integer(&String::from_utf8_lossy(&value), radix)
                .map_err(|_| ScriptError::Number(line.to_owned()))
        };
        let operand = match target {
            "ver" | "version" => Operand::Version(number(10)?),
            "c" | "create" => Operand::Create(number(10)?),
            "m" | "mod" => Operand::Mod(number(10)?),
            "val" | "value" => Operand::Value(value),
            "lease" => Operand::Lease(number(16)?),
            _ => {
                let why = format!("{line} (unknown target {target})");
                return Err(ScriptError::Malformed(why));
            }
        };
        let relation = match relation {
            "=" => Relation::Equal,
            "!=" => Relation::NotEqual,
            ">" => Relation::Greater,
            "<" => Relation::Less,
            other => return Err(ScriptError::Relation(other.to_owned())),
        };
        Ok(Self {
            key,
            relation,
            operand,
        })
    }
}

/// Key, relation and value of a condition.
type Parts<'a> = (Vec<u8>, &'a str, Vec<u8>);

/// Scans `"key") > "value"` the way Go's `Sscanf("%q) %s %q")` does; text after it is ignored.
/// The error holds what was read of key, relation and value.
fn parts(text: &str) -> Result<Parts<'_>, [Vec<u8>; 3]> {
    let nothing = Vec::new;
    let Some((key, rest)) = go::unquote(text.trim_start_matches([' ', '\t'])) else {
        return Err([nothing(), nothing(), nothing()]);
    };
    let after = rest
        .strip_prefix(')')
        .filter(|rest| rest.starts_with([' ', '\t']));
    let Some(rest) = after else {
        return Err([key, nothing(), nothing()]);
    };
    let rest = rest.trim_start();
    let (relation, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
    match go::unquote(rest.trim_start()) {
        Some((value, _)) => Ok((key, relation, value)),
        None => Err([key, relation.as_bytes().to_vec(), nothing()]),
    }
}

/// Splits a command line into words: "double" quotes with escapes, 'single' without, or bare.
pub fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let single = || {
            rest.strip_prefix('\'')
                .and_then(|inside| inside.split_once('\''))
        };
        if let Some((word, after)) = go::unquote(rest).filter(|_| first == '"') {
            words.push(word);
            rest = after;
        } else if let Some((word, after)) = single() {
            words.push(word.as_bytes().to_vec());
            rest = after;
        } else if first.is_whitespace() || first == '"' || first == '\'' {
            rest = &rest[first.len_utf8()..];
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            words.push(rest.as_bytes()[..end].to_vec());
            rest = &rest[end..];
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        line.parse::<Condition>().expect_err("refused").to_string()
    }

    #[test]
    fn conditions_are_read() {
        let read = |line: &str| line.parse::<Condition>().expect(line);
        let expected = |relation, operand| Condition {
            key: b"k".into(),
            relation,
            operand,
        };
        assert_eq!(
            read("mod(\"k\") > \"7\""),
            expected(Relation::Greater, Operand::Mod(7))
        );
        assert_eq!(
            read("ver( \"k\")  !=  \"0\" junk"),
            expected(Relation::NotEqual, Operand::Version(0))
        );
        assert_eq!(
            read("lease(`k`) = \"1f\""),
            expected(Relation::Equal, Operand::Lease(31))
        );
        let value = Operand::Value(b"A\n".into());
        assert_eq!(
            read("val(\"\\x6b\") < \"\\x41\\n\""),
            expected(Relation::Less, value)
        );
    }

    #[test]
    fn refusals_say_how_far_reading_came() {
        let cases = [
            ("nothing", "malformed comparison: nothing"),
            (
                "ver(\"f\")",
                "malformed comparison: ver(\"f\"); got ver(\"f\")  \"\"",
            ),
            (
                "ver(\"f\")>\"0\"",
                "malformed comparison: ver(\"f\")>\"0\"; got ver(\"f\")  \"\"",
            ),
            (
                "ver('f') > '0'",
                "malformed comparison: ver('f') > '0'; got ver(\"\")  \"\"",
            ),
            (
                "ver(\"f\") > \"0",
                "malformed comparison: ver(\"f\") > \"0; got ver(\"f\") > \"\"",
            ),
            (
                "x(\"f\") = \"1\"",
                "malformed comparison: x(\"f\") = \"1\" (unknown target x)",
            ),
            (
                "ver(\"f\") = \"x\"",
                "invalid txn compare request: ver(\"f\") = \"x\"",
            ),
        ];
        for (line, text) in cases {
            assert_eq!(refusal(line), text);
        }
    }

    #[test]
    fn words_know_three_kinds_of_quoting() {
        let expected: [&[u8]; 5] = [b"put", b"a b", b"c\"d", b"--x=y", b"it's"];
        assert_eq!(words(r#"put 'a b' "c\"d" --x=y it's"#), expected);
        assert_eq!(words("get \"open"), [b"get".to_vec(), b"open".to_vec()]);
    }
}
