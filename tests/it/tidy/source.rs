//! Rust source as the house rules see it: code without comments and literals, tokens, paths.
//!
//! A small lexer, not a parser: enough to find names, paths and function bodies, and never fooled
//! by what stands in a string or in a comment.

use std::collections::BTreeSet;

/// A file of the tree, by its path from the top with `/` between the parts.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    /// Line and text of each comment line.
    pub(crate) comments: Vec<(usize, String)>,
}

/// An identifier, a number, or one character of punctuation; `::` is one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
    /// Stands in a `#[cfg(test)]` item.
    pub(crate) test: bool,
}

/// A path with each brace expanded: `use a::{b, c::d}` is `a::b` and `a::c::d`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    pub(crate) test: bool,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let mut tokens = tokenize(&code);
        mark_tests(&mut tokens);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            comments,
        }
    }

    /// Every path in the file that starts with `root`, such as `crate` or `std`.
    pub(crate) fn paths(&self, root: &str) -> Vec<NamedPath> {
        self.path_spans(root)
            .into_iter()
            .flat_map(|(_, paths)| paths)
            .collect()
    }

    /// The paths of [`Self::paths`] with the range of tokens that each came from.
    fn path_spans(&self, root: &str) -> Vec<(std::ops::Range<usize>, Vec<NamedPath>)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let starts = self.is(at, root) && self.is(at + 1, "::");
            if starts && (at == 0 || !self.is(at - 1, "::")) {
                let mut paths = Vec::new();
                let end = self.path_tree(at, &mut Vec::new(), &mut paths);
                found.push((at..end, paths));
                at = end;
            } else {
                at += 1;
            }
        }
        found
    }

    /// Where a crate is named by its own name: `NAME::` or `use NAME`, not a module of ours.
    pub(crate) fn crate_names(&self, name: &str) -> Vec<&Token> {
        let spans = self.path_spans("crate");
        let ours: BTreeSet<&str> = spans
            .iter()
            .flat_map(|(_, paths)| paths)
            .filter_map(|path| path.segments.last())
            .map(String::as_str)
            .chain(self.modules().into_iter().map(|(module, _)| module))
            .collect();
        if ours.contains(name) {
            return Vec::new();
        }
        (0..self.tokens.len())
            .filter(|&at| self.is(at, name) && !spans.iter().any(|(span, _)| span.contains(&at)))
            .filter(|&at| at == 0 || !(self.is(at - 1, "::") || self.is(at - 1, ".")))
            .filter(|&at| self.is(at + 1, "::") || (at > 0 && self.is(at - 1, "use")))
            .map(|at| &self.tokens[at])
            .collect()
    }

    /// The `mod NAME;` declarations, each with whether it is for tests only.
    pub(crate) fn modules(&self) -> Vec<(&str, bool)> {
        (0..self.tokens.len())
            .filter(|&at| self.is(at, "mod") && self.is(at + 2, ";"))
            .map(|at| (self.tokens[at + 1].text.as_str(), self.tokens[at].test))
            .collect()
    }

    /// Name, first and last line of each function that has a body.
    pub(crate) fn functions(&self) -> Vec<(&str, usize, usize)> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            let named = self
                .tokens
                .get(at + 1)
                .is_some_and(|token| is_word(&token.text));
            if !(self.is(at, "fn") && named) {
                continue;
            }
            let Some(open) = self.body(at) else { continue };
            let end = self.close(open);
            let name = self.tokens[at + 1].text.as_str();
            found.push((name, self.tokens[at].line, self.tokens[end].line));
        }
        found
    }

    pub(crate) fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }

    /// The `{` that opens the body of the function at `at`; none for a declaration.
    fn body(&self, at: usize) -> Option<usize> {
        let mut depth = 0_i32;
        for (index, token) in self.tokens.iter().enumerate().skip(at) {
            match token.text.as_str() {
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                "{" if depth == 0 => return Some(index),
                ";" if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// The `}` that closes the `{` at `open`, or the last token of a file that does not close it.
    fn close(&self, open: usize) -> usize {
        close(&self.tokens, open)
    }

    /// Reads one path from `at` on, and each branch of its braces; returns the token after it.
    fn path_tree(
        &self,
        mut at: usize,
        so_far: &mut Vec<String>,
        out: &mut Vec<NamedPath>,
    ) -> usize {
        let (line, test, kept) = (self.tokens[at].line, self.tokens[at].test, so_far.len());
        loop {
            if self.is(at, "{") {
                at += 1;
                while at < self.tokens.len() && !self.is(at, "}") {
                    at = if self.is(at, ",") {
                        at + 1
                    } else {
                        self.path_tree(at, so_far, out)
                    };
                }
                so_far.truncate(kept);
                return at + 1;
            }
            let Some(token) = self.tokens.get(at) else {
                break;
            };
            so_far.push(token.text.clone());
            at += 1;
            if !self.is(at, "::") || self.is(at + 1, "<") {
                break;
            }
            at += 1;
        }
        let segments = so_far
            .iter()
            .filter(|segment| *segment != "self")
            .cloned()
            .collect();
        out.push(NamedPath {
            line,
            segments,
            test,
        });
        so_far.truncate(kept);
        if self.is(at, "as") { at + 2 } else { at }
    }
}

/// Code with every comment and literal blanked, and the comments; lines stay where they are.
fn split(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut comments = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let (end, comment) = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => (line_end(&chars, at), true),
            '/' if chars.get(at + 1) == Some(&'*') => (block_end(&chars, at), true),
            '"' => (string_end(&chars, at), false),
            'r' if starts_word(&chars, at, 1) => (raw_end(&chars, at).unwrap_or(at), false),
            '\'' => (char_end(&chars, at).unwrap_or(at), false),
            _ => (at, false),
        };
        if end == at {
            code.push(chars[at]);
            at += 1;
            continue;
        }
        if comment {
            let first = 1 + code.matches('\n').count();
            let text: String = chars[at..end].iter().collect();
            comments.extend(
                text.lines()
                    .enumerate()
                    .map(|(n, line)| (first + n, line.to_owned())),
            );
        } else {
            code.push('"');
        }
        code.extend(
            chars[at..end]
                .iter()
                .map(|c| if *c == '\n' { '\n' } else { ' ' }),
        );
        at = end;
    }
    (code, comments)
}

/// Whether a word starts here, or one character earlier with the `b` or `c` of a literal.
fn starts_word(chars: &[char], at: usize, prefix: usize) -> bool {
    match at.checked_sub(1).map(|before| chars[before]) {
        Some('b' | 'c') if prefix > 0 => starts_word(chars, at - 1, prefix - 1),
        Some(before) => !(before.is_alphanumeric() || before == '_'),
        None => true,
    }
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..]
        .iter()
        .position(|c| *c == '\n')
        .map_or(chars.len(), |length| at + length)
}

/// Block comments nest.
fn block_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut index) = (0_usize, at);
    while index < chars.len() {
        match (chars[index], chars.get(index + 1)) {
            ('/', Some('*')) => (depth, index) = (depth + 1, index + 2),
            ('*', Some('/')) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    index
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    (index + 1).min(chars.len())
}

/// The end of `r"…"` or `r#"…"#`; none for a raw identifier or a plain word.
fn raw_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |index: usize| {
        chars[index] == '"' && chars[index + 1..].iter().take(hashes).all(|c| *c == '#')
    };
    let end = (open + 1..chars.len())
        .find(|index| closes(*index))
        .unwrap_or(chars.len());
    Some((end + 1 + hashes).min(chars.len()))
}

/// The end of a character literal; none for a lifetime.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    if chars.get(at + 1) == Some(&'\\') {
        let close = chars.iter().skip(at + 3).position(|c| *c == '\'')?;
        return Some(at + 4 + close);
    }
    (chars.get(at + 2) == Some(&'\'')).then_some(at + 3)
}

fn tokenize(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                let text = rest[..length].to_owned();
                tokens.push(Token {
                    line: index + 1,
                    text,
                    test: false,
                });
            }
            rest = &rest[length..];
        }
    }
    tokens
}

/// Marks what a `#[cfg(test)]` covers: the item up to its closing brace or its semicolon.
fn mark_tests(tokens: &mut [Token]) {
    const GATE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    for at in 0..tokens.len() {
        let gated = GATE.iter().enumerate().all(|(offset, part)| {
            tokens
                .get(at + offset)
                .is_some_and(|token| token.text == *part)
        });
        if !gated {
            continue;
        }
        let item = at + GATE.len();
        let ends = |token: &Token| token.text == "{" || token.text == ";";
        let Some(length) = tokens[item..].iter().position(ends) else {
            continue;
        };
        let open = item + length;
        let end = if tokens[open].text == "{" {
            close(tokens, open)
        } else {
            open
        };
        tokens[at..=end]
            .iter_mut()
            .for_each(|token| token.test = true);
    }
}

fn close(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len() - 1
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = Source::new("x.rs", text).tokens;
        tokens
            .into_iter()
            .map(|token| token.text)
            .filter(|text| is_word(text))
            .collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
        let literals = r##"aa("b\"c", r#"d"e"#, b"f", br"g", 'h', '\'', b'\\', '\u{1}') ii"##;
        let mut left = words(literals);
        left.retain(|word| !["b", "br"].contains(&word.as_str()));
        assert_eq!(left, ["aa", "ii"], "but for the prefixes of byte strings");
        assert_eq!(
            words("fn f<'a>(x: &'a str) {} for r in r#type"),
            [
                "fn", "f", "a", "x", "a", "str", "for", "r", "in", "r", "type"
            ]
        );
    }

    #[test]
    fn comments_are_kept_with_their_line() {
        let source = Source::new("x.rs", "a\nb // one\n/* two\nthree */\n\"// four\"");
        let lines: Vec<_> = source
            .comments
            .iter()
            .map(|(n, text)| (*n, text.as_str()))
            .collect();
        assert_eq!(lines, [(2, "// one"), (3, "/* two"), (4, "three */")]);
    }

    #[test]
    fn braces_in_a_path_are_expanded() {
        let source = Source::new(
            "x.rs",
            "use crate::{a::{self, b}, c as d};\nfn f() { crate::e::f::<u8>(other::crate_x) }",
        );
        let paths: Vec<_> = source
            .paths("crate")
            .into_iter()
            .map(|path| (path.line, path.segments.join("::")))
            .collect();
        assert_eq!(
            paths,
            [
                (1, "crate::a".to_owned()),
                (1, "crate::a::b".to_owned()),
                (1, "crate::c".to_owned()),
                (2, "crate::e::f".to_owned()),
            ]
        );
    }

    #[test]
    fn a_module_of_ours_is_not_the_crate_of_the_same_name() {
        let lines = |text: &str| -> Vec<usize> {
            Source::new("x.rs", text)
                .crate_names("http")
                .iter()
                .map(|token| token.line)
                .collect()
        };
        assert_eq!(lines("use http::Uri;\nfn f() -> http::Method {}"), [1, 2]);
        assert_eq!(lines("use http;"), [1]);
        assert_eq!(
            lines("use crate::adapter::{http::Front, rpc};"),
            [] as [usize; 0]
        );
        assert_eq!(
            lines("use crate::adapter::http;\nfn f() { http::serve() }"),
            [] as [usize; 0]
        );
        assert_eq!(lines("pub mod http;\nuse crate::x;"), [] as [usize; 0]);
        assert_eq!(
            lines("fn f() { tonic::codegen::http::Uri; self.http }"),
            [] as [usize; 0]
        );
    }

    #[test]
    fn functions_are_measured_from_name_to_closing_brace() {
        let text = "trait T { fn a(x: [u8; 2]); }\nfn b(f: fn(u8) -> u8)\nwhere\n{\n  {}\n}";
        assert_eq!(Source::new("x.rs", text).functions(), [("b", 2, 6)]);
    }

    #[test]
    fn what_stands_under_cfg_test_is_test_code() {
        let source = Source::new(
            "x.rs",
            "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod c {\n d\n}\ne",
        );
        let test = |name: &str| {
            source
                .tokens
                .iter()
                .find(|token| token.text == name)
                .expect("is there")
                .test
        };
        assert_eq!(["a", "b", "d", "e"].map(test), [false, true, true, false]);
        assert_eq!(source.modules(), [("a", false), ("b", true)]);
    }
}
