//! Which room may name which: the arrows between the layers, and the one place of each crate.

use crate::tidy::Finding;
use crate::tidy::source::Source;

/// What each room may name besides itself. `role` may not name all of itself: see [`COMPOSERS`].
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["applet"]),
    ("applet", &["cli", "role", "error"]),
    ("role", &["cli", "adapter", "core", "error"]),
    ("cli", &["core", "error"]),
    ("adapter", &["core"]),
    ("core", &[]),
    ("error", &[]),
    ("lib", &[]),
];

/// The roles that put other roles together.
const COMPOSERS: &[&str] = &["daemon"];

/// What is in the room of roles and is none: each of them may name it.
const SHARED: &[&str] = &["client"];

/// Every dependency and the places that may name it; `""` is everywhere.
///
/// A crate that brings the outside world stands in one adapter. A new dependency needs a line here.
const CRATES: &[(&str, &[&str])] = &[
    ("bytes", &[""]),
    ("clap", &["cli/", "applet"]),
    ("crc32c", &["core/", "adapter/"]),
    ("futures-util", &["adapter/", "role/"]),
    ("h2", &["adapter/rpc"]),
    ("hdrhistogram", &["core/bench"]),
    ("hickory-resolver", &["adapter/net"]),
    ("http", &["adapter/http", "adapter/rpc"]),
    ("http-body-util", &["adapter/http", "adapter/rpc"]),
    ("hyper", &["adapter/http", "adapter/rpc"]),
    ("hyper-util", &["adapter/http", "adapter/rpc"]),
    ("indicatif", &["adapter/progress"]),
    ("jiff", &["core/", "cli/", "role/", "adapter/host"]),
    ("libc", &["adapter/host", "adapter/job"]),
    ("mimalloc", &["main"]),
    ("openraft", &["adapter/raft"]),
    ("postcard", &["core/", "adapter/"]),
    ("prometheus", &["adapter/metrics"]),
    ("prost", &["adapter/rpc", "adapter/http"]),
    ("prost-reflect", &["adapter/http"]),
    ("rcgen", &["adapter/authority"]),
    (
        "rustix",
        &[
            "adapter/guard",
            "adapter/host",
            "adapter/job",
            "adapter/command",
            "adapter/power",
            "adapter/process",
            "adapter/sessions",
            "adapter/wal",
            "adapter/checkpoint",
        ],
    ),
    ("rustls", &["adapter/tls"]),
    ("serde", &[""]),
    ("serde_json", &[""]),
    ("sha2", &["core/", "adapter/"]),
    ("sled", &["adapter/checkpoint"]),
    ("strsim", &["core/", "cli/"]),
    ("tempfile", &["adapter/host"]),
    ("thiserror", &[""]),
    ("tokio", &["adapter/", "role/"]),
    ("tokio-rustls", &["adapter/tls"]),
    ("tokio-stream", &["adapter/", "role/"]),
    ("toml", &["cli/"]),
    ("tonic", &["adapter/rpc", "adapter/http"]),
    ("tonic-prost", &["adapter/rpc"]),
    ("tower", &["adapter/rpc", "adapter/http"]),
    ("tracing", &["adapter/", "role/"]),
    ("tracing-subscriber", &["adapter/log"]),
    ("x509-parser", &["adapter/certificate"]),
    ("zbus", &["adapter/power"]),
];

/// What makes an answer depend on this machine, and what a pure room does instead.
const IMPURE: &[(&str, &[&str], &str)] = &[
    (
        "std::fs",
        &["core", "cli"],
        "take the content as an argument",
    ),
    ("std::fs", &["role"], "call an adapter: `disk` for a file"),
    ("tokio::fs", &["role"], "call an adapter: `disk` for a file"),
    (
        "tokio::net",
        &["role"],
        "call an adapter: it gives a connection or a listener",
    ),
    (
        "std::net::TcpListener",
        &["role"],
        "call an adapter: it binds",
    ),
    (
        "std::net::TcpStream",
        &["role"],
        "call an adapter: it connects",
    ),
    (
        "std::os::unix::net",
        &["role"],
        "call an adapter: it binds or connects",
    ),
    (
        "std::env",
        &["core", "cli"],
        "take the environment as an argument",
    ),
    (
        "std::process",
        &["core", "cli"],
        "return what to do; an adapter does it",
    ),
    (
        "std::thread",
        &["core", "cli"],
        "return what to do; a role spawns",
    ),
    (
        "std::net::TcpListener",
        &["cli"],
        "return the address; an adapter binds it",
    ),
    (
        "std::net::TcpStream",
        &["cli"],
        "return the address; an adapter connects",
    ),
    (
        "std::net::ToSocketAddrs",
        &["cli"],
        "return the name; an adapter resolves it",
    ),
    (
        "std::net::UdpSocket",
        &["cli"],
        "return the address; an adapter binds it",
    ),
    (
        "std::net",
        &["core"],
        "take addresses as text or as a type of our own",
    ),
    ("std::os", &["core"], "take bytes"),
    (
        "std::time::Instant",
        &["core", "cli"],
        "take the time as an argument",
    ),
    (
        "std::time::SystemTime",
        &["core", "cli"],
        "take the time as an argument",
    ),
    (
        "std::collections::HashMap",
        &["core"],
        "use BTreeMap: order is behaviour",
    ),
    (
        "std::collections::HashSet",
        &["core"],
        "use BTreeSet: order is behaviour",
    ),
    (
        "std::collections::hash_map",
        &["core"],
        "use BTreeMap: order is behaviour",
    ),
    (
        "std::collections::hash_set",
        &["core"],
        "use BTreeSet: order is behaviour",
    ),
];

/// The room of a file under `src/`: its first folder, or its own name.
fn room(path: &str) -> Option<&str> {
    path.strip_prefix("src/")?.split(['/', '.']).next()
}

/// Arrows between rooms, from the `crate::` paths (in `main.rs`, the `coracle::` paths).
pub(crate) fn arrows(source: &Source) -> Vec<Finding> {
    let Some(here) = room(&source.path) else {
        return Vec::new();
    };
    let root = if here == "main" { "coracle" } else { "crate" };
    let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == here) else {
        let rooms: Vec<_> = ARROWS.iter().map(|(room, _)| *room).collect();
        return vec![source.finding(1, format!("no such room: move it to one of {rooms:?}"))];
    };
    let mut findings = Vec::new();
    for path in source.paths(root) {
        let there = path.segments.get(1).map_or("", String::as_str);
        let known = ARROWS.iter().any(|(room, _)| *room == there);
        if known && there != here && !allowed.contains(&there) {
            let may = if allowed.is_empty() {
                "nothing else".to_owned()
            } else {
                allowed.join(", ")
            };
            findings.push(source.finding(
                path.line,
                format!("{here} names {root}::{there}: {here} may name {may}; pass it as a value"),
            ));
        }
    }
    findings
}

/// A role names no other role; what two roles share belongs in `core`, `adapter` or `cli`, or is
/// one of [`SHARED`].
pub(crate) fn roles(source: &Source) -> Vec<Finding> {
    let Some(file) = source.path.strip_prefix("src/role/") else {
        return Vec::new();
    };
    let here = file.split(['/', '.']).next().unwrap_or_default();
    if COMPOSERS.contains(&here) {
        return Vec::new();
    }
    let other = |segments: &[String]| {
        let role = segments.get(1).is_some_and(|room| room == "role");
        let may_be = |name: &String| name == here || SHARED.contains(&name.as_str());
        role && !segments.get(2).is_some_and(may_be)
    };
    source
        .paths("crate")
        .into_iter()
        .filter(|path| other(&path.segments))
        .map(|path| {
            let named = path.segments.join("::");
            let what = format!("role {here} names {named}: share it in core, adapter or cli");
            source.finding(path.line, what)
        })
        .collect()
}

/// What `core` and `cli` may not touch, and `role` only through an adapter; tests in place may.
pub(crate) fn purity(source: &Source) -> Vec<Finding> {
    let Some(here) = room(&source.path) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let paths = ["std", "tokio"].map(|root| source.paths(root));
    for path in paths.into_iter().flatten().filter(|path| !path.test) {
        let named = path.segments.join("::");
        let rule = IMPURE.iter().find(|(banned, rooms, _)| {
            let inside = named
                .strip_prefix(banned)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            rooms.contains(&here) && inside
        });
        if let Some((_, _, instead)) = rule {
            findings.push(source.finding(path.line, format!("{here} names {named}: {instead}")));
        }
    }
    findings
}

/// Each crate in its room; tests in place may name any.
pub(crate) fn crates(source: &Source) -> Vec<Finding> {
    let Some(file) = source.path.strip_prefix("src/") else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (name, places) in CRATES {
        if places.iter().any(|place| file.starts_with(place)) {
            continue;
        }
        for token in source
            .crate_names(&name.replace('-', "_"))
            .iter()
            .filter(|name| !name.test)
        {
            let what = format!("{name} is named outside of {places:?}: use what that place offers");
            findings.push(source.finding(token.line, what));
        }
    }
    findings
}

/// Every dependency of the manifest has its place, and every place its dependency.
pub(crate) fn dependencies(manifest: &str) -> Vec<Finding> {
    let table: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let listed: Vec<&str> = table["dependencies"]
        .as_table()
        .expect("dependencies are a table")
        .keys()
        .map(String::as_str)
        .collect();
    let finding = |what: String| Finding {
        path: "Cargo.toml".to_owned(),
        line: 1,
        what,
    };
    let placeless = listed
        .iter()
        .filter(|name| !CRATES.iter().any(|(known, _)| known == *name))
        .map(|name| {
            finding(format!(
                "{name} has no place: add it to CRATES in tests/it/tidy"
            ))
        });
    let gone = CRATES
        .iter()
        .filter(|(name, _)| !listed.contains(name))
        .map(|(name, _)| finding(format!("{name} is no dependency: drop it from CRATES")));
    placeless.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    const NONE: [usize; 0] = [];

    #[test]
    fn an_arrow_that_points_back_is_found() {
        let path = "src/core/kv/mod.rs";
        assert_eq!(
            found(
                arrows,
                path,
                "use crate::core::units;\nuse crate::adapter::x;"
            ),
            [2]
        );
        assert_eq!(found(arrows, path, "use crate::{core, error::Exit};"), [1]);
        assert_eq!(
            found(
                arrows,
                "src/adapter/wal.rs",
                "fn f() { crate::role::x::y() }"
            ),
            [1]
        );
        assert_eq!(found(arrows, "src/cli/kv.rs", "use crate::adapter;"), [1]);
        assert_eq!(found(arrows, "src/role/kv.rs", "use crate::applet;"), [1]);
        assert_eq!(found(arrows, "src/error.rs", "use crate::core;"), [1]);
        assert_eq!(
            found(
                arrows,
                "src/main.rs",
                "fn main() { coracle::role::kv::run() }"
            ),
            [1]
        );
        assert_eq!(
            found(arrows, "src/helper/x.rs", ""),
            [1],
            "there is no such room"
        );
    }

    #[test]
    fn an_arrow_of_the_design_is_not_found() {
        let uses = "use crate::{cli, adapter, core::kv, error::Failure};\n// crate::applet";
        assert_eq!(found(arrows, "src/role/kv/mod.rs", uses), NONE);
        assert_eq!(
            found(
                arrows,
                "src/main.rs",
                "fn main() { coracle::applet::run() }"
            ),
            NONE
        );
        assert_eq!(
            found(arrows, "src/applet.rs", "use crate::{cli, role};"),
            NONE
        );
        assert_eq!(found(arrows, "tests/it/x.rs", "use crate::support;"), NONE);
    }

    #[test]
    fn a_role_that_names_another_role_is_found() {
        let uses = "use crate::role::kv::a;\nuse crate::role::lock;\nuse crate::role;";
        assert_eq!(found(roles, "src/role/kv/mod.rs", uses), [2, 3]);
        assert_eq!(found(roles, "src/role/daemon/mod.rs", uses), NONE);
        let shared = "use crate::role::client::ask;";
        assert_eq!(found(roles, "src/role/kv/mod.rs", shared), NONE);
        assert_eq!(found(roles, "src/role/demo.rs", uses), [1, 2, 3]);
    }

    #[test]
    fn core_that_looks_at_the_machine_is_found() {
        for banned in [
            "use std::fs;",
            "fn f() { std::env::var(\"X\") }",
            "use std::net::IpAddr;",
            "use std::time::{Duration, Instant};",
            "use std::time::SystemTime;",
            "use std::collections::{BTreeMap, HashMap};",
            "use std::collections::HashSet;",
        ] {
            assert_eq!(found(purity, "src/core/x.rs", banned), [1], "{banned}");
        }
        for banned in [
            "fn f() { std::fs::read(x) }",
            "use tokio::net::TcpListener;",
        ] {
            assert_eq!(found(purity, "src/role/x.rs", banned), [1], "{banned}");
        }
        let tests = "use std::time::Duration;\n#[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(found(purity, "src/core/x.rs", tests), NONE);
        assert_eq!(found(purity, "src/adapter/x.rs", "use std::fs;"), NONE);
        assert_eq!(found(purity, "src/cli/x.rs", "use std::net::IpAddr;"), NONE);
        assert_eq!(
            found(purity, "src/cli/x.rs", "use std::net::TcpStream;"),
            [1]
        );
    }

    #[test]
    fn a_crate_outside_of_its_room_is_found() {
        for (path, text) in [
            ("src/core/x.rs", "use tokio::sync::Mutex;"),
            ("src/core/x.rs", "fn f() { tracing::info!(\"x\") }"),
            ("src/adapter/wal/mod.rs", "use sled::Db;"),
            ("src/adapter/x.rs", "fn f(x: openraft::Entry) {}"),
            ("src/role/kv/mod.rs", "use {std::fs, tonic::Code};"),
            ("src/role/kv/mod.rs", "use prost_reflect;"),
            ("src/role/kv/bench.rs", "use indicatif::ProgressBar;"),
            ("src/adapter/http/mod.rs", "fn f() { rustix::fs::fsync(x) }"),
        ] {
            assert_eq!(found(crates, path, text), [1], "{path}: {text}");
        }
        assert_eq!(
            found(crates, "src/adapter/raft/mod.rs", "use openraft::Entry;"),
            NONE
        );
        assert_eq!(
            found(crates, "src/core/x.rs", "// tokio::spawn\nlet tokio = 1;"),
            NONE
        );
    }

    #[test]
    fn a_dependency_without_a_place_is_found() {
        let listed: String = CRATES
            .iter()
            .map(|(name, _)| format!("{name} = \"1\"\n"))
            .collect();
        assert_eq!(dependencies(&format!("[dependencies]\n{listed}")), []);
        assert_eq!(
            dependencies(&format!("[dependencies]\n{listed}\nleft-pad = \"1\"")).len(),
            1
        );
        assert_eq!(dependencies("[dependencies]").len(), CRATES.len());
    }
}
