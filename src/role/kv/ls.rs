//! ls: keys shown as files and folders, with `/` between names.

use std::collections::BTreeSet;

use crate::cli::Matches;
use bytes::Bytes;
use serde_json::json;

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::kv::go;
use crate::error::Exit;
use crate::role::kv::pair::prefix_range;
use crate::role::kv::session::{Session, Trouble, arguments, print, switch};

/// Keys asked for at once; a folder of any size is read in pages of one revision.
const PAGE_KEYS_MAX: i64 = 10_000;

pub(super) async fn ls(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let prefix = arguments(matches).into_iter().next().unwrap_or_default();
    let client = session.connect().await?;
    let what = format!("cannot list {}", go::quote(&prefix));
    let (mut key, range_end) = prefix_range(prefix.clone());
    let mut names = BTreeSet::new();
    let mut revision = 0;
    loop {
        let page = pb::RangeRequest {
            key,
            range_end: range_end.clone(),
            limit: PAGE_KEYS_MAX,
            revision,
            keys_only: true,
            ..Default::default()
        };
        let response = client
            .range(page)
            .await
            .map_err(|error| Trouble::rpc(&what, &error))?;
        revision = response.header.unwrap_or_default().revision;
        let keys = response.kvs.iter().map(|pair| &pair.key);
        names.extend(
            keys.clone()
                .map(|key| name(key, &prefix, switch(matches, "recursive"))),
        );
        match keys.last() {
            // The next key after the last one is the last one with a zero byte added.
            Some(last) if response.more => key = [last, &b"\0"[..]].concat().into(),
            _ => break,
        }
    }
    let listing: Vec<u8> = match session.wants_document() {
        true => {
            let names: Vec<_> = names
                .iter()
                .map(|name| String::from_utf8_lossy(name))
                .collect();
            format!("{}\n", json!({"revision": revision, "keys": names})).into_bytes()
        }
        false => names
            .iter()
            .flat_map(|name| [name, &b"\n"[..]].concat())
            .collect(),
    };
    print(&listing)?;
    Ok(Exit::DONE)
}

/// The key itself, or the folder right below `prefix` that it is in.
fn name(key: &Bytes, prefix: &[u8], recursive: bool) -> Bytes {
    // A key from elsewhere is shown as it is: what a server sends is its own affair.
    let Some(rest) = key.strip_prefix(prefix).filter(|_| !recursive) else {
        return key.clone();
    };
    let rest = rest.strip_prefix(b"/").unwrap_or(rest);
    match rest.iter().position(|&byte| byte == b'/') {
        Some(slash) => key.slice(..=key.len() - rest.len() + slash),
        None => key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_end_with_a_slash_and_keys_do_not() {
        let name = |key: &'static str, prefix: &str| name(&key.into(), prefix.as_bytes(), false);
        assert_eq!(name("/a/b/c", ""), "/a/");
        assert_eq!(name("/a/b/c", "/a"), "/a/b/");
        assert_eq!(name("/a/b/c", "/a/"), "/a/b/");
        assert_eq!(name("/a/b", "/a/"), "/a/b");
        assert_eq!(name("ab/c", "a"), "ab/");
        assert_eq!(name("x", "abc"), "x");
    }
}
