//! The rules of the house, held by an ordinary test.
//!
//! Each rule is a pure function from source text to findings and is tried on small snippets that
//! break it, so that no rule can pass because it sees nothing. A finding names file, line and what
//! to write instead.

mod layers;
mod source;
mod text;

use std::fmt;
use std::fs;
use std::path::Path;

use crate::tidy::source::Source;

/// Where a rule is broken and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Source {
    pub(crate) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Every rule that looks at one file.
const RULES: &[fn(&Source) -> Vec<Finding>] = &[
    layers::arrows,
    layers::roles,
    layers::purity,
    layers::crates,
    text::head,
    text::file_length,
    text::function_length,
    text::columns,
    text::marks,
    text::words,
];

/// What may stand at the top of the tree, besides what Cargo and git keep for themselves.
const TOP: &[&str] = &[
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "completions",
    "install.sh",
    "man",
    "src",
    "tests",
];
const TOP_UNSEEN: &[&str] = &[".git", "target"];

#[test]
fn the_tree_keeps_the_rules_of_the_house() {
    let sources = tree();
    for needed in [
        "src/main.rs",
        "src/lib.rs",
        "src/applet.rs",
        "tests/it/tidy/mod.rs",
    ] {
        assert!(
            sources.iter().any(|source| source.path == needed),
            "{needed} was not read"
        );
    }
    let mut findings: Vec<_> = sources.iter().flat_map(broken).collect();
    findings.extend(forgotten(&sources, &read("Cargo.toml")));
    findings.extend(layers::dependencies(&read("Cargo.toml")));
    findings.extend(superfluous(entries("").iter().map(String::as_str)));
    for path in ["install.sh", ".ci/run"]
        .iter()
        .filter(|path| root().join(path).exists())
    {
        let script = Source {
            path: path.to_string(),
            text: read(path),
            ..Source::new(path, "")
        };
        findings.extend(text::columns(&script));
    }
    report(&findings);
}

/// The findings in one file; a module that is for tests only may name any crate.
fn broken(source: &Source) -> Vec<Finding> {
    RULES.iter().flat_map(|rule| rule(source)).collect()
}

/// Files that nothing declares and nothing builds as a program of its own: they compile nowhere,
/// and their tests never run.
fn forgotten(sources: &[Source], manifest: &str) -> Vec<Finding> {
    let declared = |source: &Source| {
        let (folder, name) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
        let stem = name.trim_end_matches(".rs");
        if ["main", "lib"].contains(&stem) {
            let target = format!("path = \"{}\"", source.path);
            return source.path == "src/lib.rs" || manifest.contains(&target);
        }
        let (folder, stem) = match (stem, folder.rsplit_once('/')) {
            ("mod", Some(parent)) => parent,
            _ => (folder, stem),
        };
        let parents = ["/mod.rs", "/main.rs", "/lib.rs", ".rs"].map(|end| format!("{folder}{end}"));
        sources
            .iter()
            .filter(|source| parents.contains(&source.path))
            .any(|parent| parent.modules().iter().any(|(module, _)| *module == stem))
    };
    sources
        .iter()
        .filter(|source| !declared(source) && !sources.iter().any(|by| includes(by, source)))
        .map(|source| source.finding(1, "nothing declares this file: add its `mod`, or delete it"))
        .collect()
}

/// Whether a file takes in the text of another one, in its folder or below.
fn includes(by: &Source, source: &Source) -> bool {
    let (folder, _) = by.path.rsplit_once('/').unwrap_or(("", ""));
    let inside = source.path.strip_prefix(folder);
    let inside = inside.and_then(|inside| inside.strip_prefix('/'));
    inside.is_some_and(|inside| by.text.contains(&format!("include_str!(\"{inside}\")")))
}

/// What stands at the top and has no business there.
fn superfluous<'a>(entries: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    entries
        .filter(|name| !TOP.contains(name) && !TOP_UNSEEN.contains(name))
        .map(|name| Finding {
            path: name.to_owned(),
            line: 1,
            what: "does not belong at the top: move it into src/, tests/ or .ci/".to_owned(),
        })
        .collect()
}

fn report(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(
        lines.is_empty(),
        "the house is untidy:\n{}",
        lines.join("\n")
    );
}

/// Every hand-written Rust file of the tree; `generated/` answers to its generator.
///
/// A file that only tests use counts as test code from its first line.
fn tree() -> Vec<Source> {
    let mut sources: Vec<Source> = ["src", "tests"].iter().flat_map(|top| files(top)).collect();
    let mut test_only = Vec::new();
    for source in &sources {
        let folder = source
            .path
            .rsplit_once('/')
            .expect("files have a folder")
            .0
            .to_owned();
        let inside = source
            .path
            .trim_end_matches("/mod.rs")
            .trim_end_matches(".rs")
            .to_owned();
        for (module, _) in source.modules().into_iter().filter(|(_, test)| *test) {
            test_only.extend([&folder, &inside].map(|folder| format!("{folder}/{module}.rs")));
            test_only.extend([&folder, &inside].map(|folder| format!("{folder}/{module}/")));
        }
    }
    for source in &mut sources {
        let test = test_only
            .iter()
            .any(|place| source.path.starts_with(place.as_str()));
        source
            .tokens
            .iter_mut()
            .for_each(|token| token.test |= test);
    }
    sources
}

fn files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for name in entries(folder)
        .into_iter()
        .filter(|name| name != "generated")
    {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            found.extend(files(&path));
        } else if name.ends_with(".rs") {
            found.push(Source::new(&path, &read(&path)));
        }
    }
    found
}

fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is readable");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("the entry is readable").file_name())
        .map(|name| name.into_string().expect("names are UTF-8"))
        .collect();
    names.sort();
    names
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines in which `check` finds something.
pub(crate) fn found(check: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
    let findings = check(&Source::new(path, text)).into_iter();
    findings.map(|finding| finding.line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn a_file_that_nothing_declares_is_found() {
        let sources = [
            ("tests/it/main.rs", "mod a;\nmod b;"),
            ("tests/it/a.rs", "include_str!(\"b/program.rs\")"),
            ("tests/it/b/program.rs", ""),
            ("tests/it/b/mod.rs", "mod d;"),
            ("tests/it/b/d.rs", ""),
            ("tests/it/b/e.rs", "// mod e;"),
            ("tests/it/c.rs", ""),
            ("tests/simulation/main.rs", ""),
        ]
        .map(|(path, text)| Source::new(path, text));
        let manifest = "path = \"tests/it/main.rs\"";
        let expected = [
            "tests/it/b/e.rs",
            "tests/it/c.rs",
            "tests/simulation/main.rs",
        ];
        assert_eq!(paths(forgotten(&sources, manifest)), expected);
    }

    #[test]
    fn a_stranger_at_the_top_is_found() {
        let entries = ["src", "notes.txt", "target", "docs"];
        assert_eq!(
            paths(superfluous(entries.into_iter())),
            ["notes.txt", "docs"]
        );
    }

    #[test]
    fn every_rule_reaches_the_report() {
        let long = "//! What it is for.\n".to_owned() + &"a\n".repeat(900);
        let source = Source::new("src/core/x.rs", &long);
        let shown: Vec<_> = broken(&source).iter().map(Finding::to_string).collect();
        let expected = "src/core/x.rs:801: the file has 901 lines of 800: split it by what it does";
        assert_eq!(shown, [expected]);
    }
}
