//! held, list, info, break and run-once: locks for scripts as people and other scripts see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Inside};
use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::lock::named as form;
use crate::core::lock::name::{LockName, NAMED_PREFIX};
use crate::core::lock::semaphore::whole_second;
use crate::core::lock::turn::Entry;
use crate::error::{Exit, Failure, tell};
use crate::role::client::{asker, print, unasked};
use crate::role::lock::exec::{Held, Outcome, ended};
use crate::role::lock::line::{Stand, entries};

/// Who did what only one was to do.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    holder: String,
    at: jiff::Timestamp,
    fence: i64,
}

pub(super) async fn held(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let (name, fence) = (form::named(matches), form::named_fence(matches));
    let line = look(&asker(asking).await?, name).await?;
    let lines = form::lines(&line);
    let is_held = lines
        .iter()
        .any(|(entry, holds)| *holds && fence.is_none_or(|fence| fence == entry.fence));
    if asking.format == Format::Json {
        print(&format!("{:#}\n", json!({ "held": is_held })))?;
    }
    Ok(if is_held { Exit::DONE } else { Exit::NO })
}

pub(super) async fn list(asking: &Asking) -> Result<Exit, Failure> {
    let inside = asker(asking).await?;
    let all = entries(&inside, NAMED_PREFIX).await;
    let all = all.map_err(|error| unasked("cannot list the locks", &error))?;
    let mut locks: BTreeMap<LockName, Vec<Entry>> = BTreeMap::new();
    for entry in all {
        if let Some(name) = LockName::of_key(&entry.key) {
            locks.entry(name).or_default().push(entry);
        }
    }
    let locks: Vec<(LockName, Vec<Entry>)> = locks.into_iter().collect();
    let documents = || {
        let documents = locks.iter().map(|(name, line)| form::document(name, line));
        documents.collect::<Vec<_>>()
    };
    print(&match asking.format {
        Format::Text => form::list(&locks, host::now()),
        Format::Json => format!("{:#}\n", json!({ "locks": documents() })),
    })?;
    Ok(Exit::DONE)
}

pub(super) async fn info(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let name = form::named(matches);
    let line = look(&asker(asking).await?, name).await?;
    print(&match asking.format {
        Format::Json => format!("{:#}\n", form::document(name, &line)),
        Format::Text if line.is_empty() => format!("nobody holds lock {name}\n"),
        Format::Text => form::info(&line, host::now()),
    })?;
    Ok(if line.is_empty() {
        Exit::NO
    } else {
        Exit::DONE
    })
}

pub(super) async fn break_lock(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let (name, fence) = (form::named(matches), form::named_fence(matches));
    let inside = asker(asking).await?;
    let line = look(&inside, name).await?;
    let mut broken = Vec::new();
    for (entry, _) in form::lines(&line)
        .into_iter()
        .filter(|(entry, holds)| *holds && fence.is_none_or(|fence| fence == entry.fence))
    {
        let what = format!("cannot break lock {name}");
        let stand = Stand {
            key: entry.key.clone(),
            fence: entry.fence,
        };
        let away = Change::Delete {
            key: entry.key.clone(),
        };
        let away = stand.change(&inside, away).await;
        if away.map_err(|error| unasked(&what, &error))? {
            broken.push(entry);
        }
    }
    let from = |entry: &&Entry| format!("lock {name} was taken from {}\n", entry.ticket.holder);
    print(&match (asking.format, broken.as_slice()) {
        (Format::Json, broken) => {
            let fences: Vec<i64> = broken.iter().map(|entry| entry.fence).collect();
            format!("{:#}\n", json!({ "fences": fences }))
        }
        (Format::Text, []) => format!("nobody holds lock {name}\n"),
        (Format::Text, broken) => broken.iter().map(from).collect(),
    })?;
    Ok(if broken.is_empty() {
        Exit::NO
    } else {
        Exit::DONE
    })
}

pub(super) async fn run_once(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let exec = form::exec(matches);
    let name = &exec.name;
    let what = format!("cannot learn whether {name} was done");
    let inside = asker(asking).await?;
    if let Some(done) = done(&inside, name, &what).await? {
        return told(name, &done);
    }
    let mut held = Held::take(asking, &exec).await?;
    // Who held it before us has perhaps done it.
    match done(&held.inside, name, &what).await {
        Ok(None) => {}
        settled => {
            held.let_go().await;
            return settled.and_then(|done| match done {
                Some(done) => told(name, &done),
                None => unreachable!("it was looked at above"),
            });
        }
    }
    let outcome = held.run(&exec.words).await;
    let noted = match outcome {
        Ok(Outcome::Ended(0)) => note(&held, name, form::kept(matches)).await,
        _ => Ok(()),
    };
    held.let_go().await;
    noted?;
    ended(name, outcome?)
}

async fn done(inside: &Inside, name: &LockName, what: &str) -> Result<Option<Done>, Failure> {
    let found = inside.get(&name.once_key()).await;
    let found = found.map_err(|error| unasked(what, &error))?;
    found.map_or(Ok(None), |found| {
        let done = serde_json::from_slice(&found.value);
        done.map(Some).map_err(|error| {
            let hint = format!("forget it with `kvctl del {}`", found.key);
            Failure::new(Exit::FAILED, what, error).hint(hint)
        })
    })
}

fn told(name: &LockName, done: &Done) -> Result<Exit, Failure> {
    tell(format_args!(
        "{name} was done by {} at {}",
        done.holder, done.at
    ));
    Ok(Exit::DONE)
}

/// Writes down that it was done, for as long as that is to be remembered, if the lock still stands.
async fn note(held: &Held, name: &LockName, keep: std::time::Duration) -> Result<(), Failure> {
    let what = format!("cannot write down that {name} was done, and another may do it again");
    let unwritten = |error: &AskError| unasked(&what, error);
    let done = Done {
        holder: held.holder.clone(),
        at: whole_second(host::now()),
        fence: held.hold.stand.fence,
    };
    let seconds = i64::try_from(keep.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX);
    let lease = held.inside.grant(seconds.max(1)).await;
    let lease = lease.map_err(|error| unwritten(&error))?;
    let noting = Change::Put {
        key: name.once_key(),
        value: serde_json::to_vec(&done).expect("texts and numbers encode"),
        lease,
    };
    let noted = held.hold.stand.change(&held.inside, noting).await;
    match noted.map_err(|error| unwritten(&error))? {
        true => Ok(()),
        false => Err(Failure::new(Exit::UNAVAILABLE, &what, "the lock was lost")),
    }
}

async fn look(inside: &Inside, name: &LockName) -> Result<Vec<Entry>, Failure> {
    let line = entries(inside, &name.folder()).await;
    line.map_err(|error| unasked(&format!("cannot look at lock {name}"), &error))
}
