//! How a file is written: its head, its length, its functions, and words that have a better one.

use crate::tidy::Finding;
use crate::tidy::source::Source;

/// About what one person reads in a sitting.
const FILE_LINES_MAX: usize = 800;
/// One screen.
const FUNCTION_LINES_MAX: usize = 70;
/// Two files side by side.
const COLUMNS_MAX: usize = 100;

/// The only places that may hold `unsafe`.
const UNSAFE_PLACES: &[&str] = &["src/adapter/container", "src/adapter/host"];

/// Marks of unfinished work. Built from halves, so that this file does not find itself.
const MARKS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("HA", "CK"),
];

pub(crate) fn head(source: &Source) -> Vec<Finding> {
    let first = source.text.lines().next().unwrap_or_default();
    if first.starts_with("//! ") && first.len() > 10 {
        return Vec::new();
    }
    let what = "the file has no head: open it with a `//!` sentence that says what it is for";
    vec![source.finding(1, what)]
}

pub(crate) fn file_length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    let what = format!("the file has {lines} lines of {FILE_LINES_MAX}: split it by what it does");
    vec![source.finding(FILE_LINES_MAX + 1, what)]
}

pub(crate) fn function_length(source: &Source) -> Vec<Finding> {
    source
        .functions()
        .into_iter()
        .map(|(name, first, last)| (name, first, last + 1 - first))
        .filter(|(_, _, lines)| *lines > FUNCTION_LINES_MAX)
        .map(|(name, first, lines)| {
            let what = format!(
                "fn {name} has {lines} lines of {FUNCTION_LINES_MAX}: give its steps names"
            );
            source.finding(first, what)
        })
        .collect()
}

pub(crate) fn columns(source: &Source) -> Vec<Finding> {
    let wide = |(index, line): (usize, &str)| {
        let columns = line.chars().count();
        let what = || format!("{columns} columns of {COLUMNS_MAX}: break the line");
        (columns > COLUMNS_MAX).then(|| source.finding(index + 1, what()))
    };
    source.text.lines().enumerate().filter_map(wide).collect()
}

pub(crate) fn marks(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, comment) in &source.comments {
        if let Some(mark) = MARKS.iter().find(|mark| comment.contains(*mark)) {
            let what = format!("{mark}: do it, or say in plain words what is absent and why");
            findings.push(source.finding(*line, what));
        }
    }
    findings
}

pub(crate) fn words(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let attribute = at > 0 && (source.is(at - 1, "[") || source.is(at - 1, ","));
        let what = match token.text.as_str() {
            "ignore" if attribute && source.is(at - 1, "[") => {
                "#[ignore]: a test runs or is deleted; print why it is skipped where it must be"
            }
            "should_panic" if attribute => "#[should_panic]: return the error and compare it",
            "allow" if attribute && !generated(source, at) => {
                "#[allow]: use #[expect(lint, reason = \"…\")], which tells when it is not needed"
            }
            "expect" if attribute && !reasoned(source, at) => {
                "#[expect] without a reason: add reason = \"…\""
            }
            "todo" | "unimplemented" if source.is(at + 1, "!") => {
                "a stub: build it, or leave the face out of the table"
            }
            "super" if source.is(at + 1, "::") && !(token.test && source.is(at + 2, "*")) => {
                "super::: write the crate:: path"
            }
            "unsafe"
                if !UNSAFE_PLACES
                    .iter()
                    .any(|place| source.path.starts_with(place)) =>
            {
                "unsafe: only adapter/container and adapter/host may hold it, with SAFETY"
            }
            _ => continue,
        };
        findings.push(source.finding(token.line, what));
    }
    findings
}

/// Whether the attribute at `at` is on a module that includes generated code, which breaks lints
/// that differ from one generator's version to the next.
fn generated(source: &Source, at: usize) -> bool {
    let line = source.tokens[at].line;
    source
        .text
        .lines()
        .skip(line)
        .take(4)
        .any(|line| line.contains("include!(\"generated/"))
}

/// Whether the attribute whose name stands at `at` gives a reason before it closes.
fn reasoned(source: &Source, at: usize) -> bool {
    source.tokens[at..]
        .iter()
        .take_while(|token| token.text != "]")
        .any(|token| token.text == "reason")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found as found_in;

    fn found(check: fn(&Source) -> Vec<Finding>, text: &str) -> Vec<usize> {
        found_in(check, "src/role/kv/mod.rs", text)
    }

    const NONE: [usize; 0] = [];

    #[test]
    fn a_file_without_a_head_is_found() {
        for text in [
            "",
            "use std::fs;",
            "//!",
            "/// What it is for.",
            "\n//! What it is for.",
        ] {
            assert_eq!(found(head, text), [1], "{text:?}");
        }
        assert_eq!(found(head, "//! What it is for.\n"), NONE);
    }

    #[test]
    fn one_line_too_many_is_found() {
        assert_eq!(found(file_length, &"\n".repeat(800)), NONE);
        assert_eq!(found(file_length, &"\n".repeat(801)), [801]);
        let function = |lines: usize| format!("\nfn f() {{{}}}", "\n".repeat(lines - 1));
        assert_eq!(found(function_length, &function(70)), NONE);
        assert_eq!(found(function_length, &function(71)), [2]);
        assert_eq!(found(columns, &format!("a\n{}", "é".repeat(100))), NONE);
        assert_eq!(found(columns, &format!("a\n{}", "é".repeat(101))), [2]);
    }

    #[test]
    fn a_mark_of_unfinished_work_is_found_in_comments_only() {
        for mark in MARKS {
            assert_eq!(found(marks, &format!("a\n// {mark} later")), [2]);
            assert_eq!(found(marks, &format!("a(\"{mark} later\")")), NONE);
        }
    }

    #[test]
    fn a_word_that_has_a_better_one_is_found() {
        for text in [
            "#[ignore] fn f() {}",
            "#[ignore = \"slow\"] fn f() {}",
            "#[should_panic] fn f() {}",
            "#[should_panic(expected = \"x\")] fn f() {}",
            "#[allow(dead_code)] fn f() {}",
            "#![allow(dead_code)]",
            "#[expect(dead_code)] fn f() {}",
            "fn f() { todo!() }",
            "fn f() { unimplemented!() }",
            "use super::x;",
            "fn f() { super::x() }",
            "use super::*;",
            "fn f() { unsafe { x() } }",
        ] {
            assert_eq!(found(words, text), [1], "{text}");
        }
    }

    #[test]
    fn a_word_in_its_place_is_not_found() {
        for text in [
            "#[expect(dead_code, reason = \"x\")] fn f() {}",
            "fn f() { x.ignore(); y.expect(\"x\"); let allow = [ignored, expected]; }",
            "pub(super) fn f() {}",
            "#[cfg(test)] mod tests { use super::*; }",
            "// unsafe, super::x\nfn f() { \"#[ignore]\" }",
            "#[allow(clippy::all)]\nmod a {\n  include!(\"generated/a.rs\");\n}",
        ] {
            assert_eq!(found(words, text), NONE, "{text}");
        }
        assert_eq!(
            found_in(words, "src/adapter/host.rs", "fn f() { unsafe { x() } }"),
            NONE
        );
    }
}
