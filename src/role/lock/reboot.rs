//! status, lock, unlock, set-max and groups: the reboot semaphore as people see it.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::adapter::rpc::inside::Inside;
use crate::adapter::{host, local};
use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::lock::{self as form, Lock, status as table, want as rebooting};
use crate::core::cluster::roll::Entry;
use crate::core::lock::machines::meant;
use crate::core::lock::name::{DEFAULT_GROUP, Group, HolderId};
use crate::core::lock::semaphore::{Held, Holder, Standing};
use crate::error::{Exit, Failure, tell};
use crate::role::client::everybody::Everybody;
use crate::role::client::interrupt::Interrupts;
use crate::role::client::{print, unasked};
use crate::role::lock::places::{self, Answer, Waiter};
use crate::role::lock::{ask, failure, inside, want};

pub(super) async fn status(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let group = form::named_group(matches);
    let inside = inside(asking).await?;
    let what = format!("cannot look at group {group}");
    let standing = ask(&what, places::read(&inside, &group)).await?;
    let reboots = want::reboots(&inside, &group).await;
    let reboots = reboots.map_err(|error| unasked(&what, &error))?;
    let (everybody, now) = (everybody(&inside).await, host::now());
    print(&match asking.format {
        Format::Text => {
            let places = table::text(&group, &standing, &everybody, now);
            places + &rebooting::table(&reboots, &everybody, now)
        }
        Format::Json => {
            let mut document = table::document(&group, &standing, &everybody);
            document["reboots"] = rebooting::document(&reboots, &everybody);
            format!("{document:#}\n")
        }
    })?;
    Ok(Exit::DONE)
}

pub(super) async fn groups(asking: &Asking) -> Result<Exit, Failure> {
    let inside = inside(asking).await?;
    let groups = ask("cannot list the groups", places::groups(&inside)).await?;
    print(&match asking.format {
        Format::Text => table::groups(&groups),
        Format::Json => format!("{:#}\n", table::groups_document(&groups)),
    })?;
    Ok(Exit::DONE)
}

pub(super) async fn lock(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let Lock {
        id,
        group,
        reason,
        wait,
    } = form::lock(matches);
    let holder = Holder::new(&named(id)?, host::now(), &reason);
    let inside = inside(asking).await?;
    let what = format!("cannot take a place of group {group}");
    let held = match ask(&what, places::take(&inside, &group, &holder)).await? {
        Answer::Held(held) => held,
        Answer::Full(standing) => {
            let why = table::why_full(&standing, &everybody(&inside).await, host::now());
            let Some(wait) = wait else {
                return Err(full(&what, &why, &group, &standing));
            };
            tell(format_args!("waiting for a place of group {group}: {why}"));
            wait_in_line(&inside, &group, holder.clone(), wait, &what).await?
        }
    };
    told(asking, &group, &holder.id, held)
}

/// Waits for a place; whoever ends the wait leaves the line.
async fn wait_in_line(
    inside: &Inside,
    group: &Group,
    holder: Holder,
    wait: Duration,
    what: &str,
) -> Result<Held, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let waiter = Waiter::new(inside, group, holder);
    let mut waiter = waiter.map_err(|error| failure(what, &error))?;
    let held = tokio::select! {
        held = timeout(wait, waiter.wait()) => held,
        signal = interrupts.next() => {
            waiter.leave().await;
            return Err(Failure::new(Exit::FAILED, what, format!("{signal} ended the wait")));
        }
    };
    waiter.leave().await;
    match held {
        Ok(held) => held.map_err(|error| failure(what, &error)),
        Err(_) => {
            let standing = ask(what, places::read(inside, group)).await?;
            let why = table::why_full(&standing, &everybody(inside).await, host::now());
            Err(full(what, &why, group, &standing))
        }
    }
}

pub(super) async fn unlock(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let group = form::named_group(matches);
    let id = named(form::holder(matches))?;
    let inside = inside(asking).await?;
    let what = format!("cannot give a place of group {group} back");
    let standing = ask(&what, places::read(&inside, &group)).await?;
    let ids = standing.semaphore.holders.iter().map(|it| it.id.as_str());
    let everybody = everybody(&inside).await;
    let id = meant(&everybody, ids, id.as_str()).unwrap_or(id.as_str());
    let given = ask(&what, places::give_back(&inside, &group, id)).await?;
    let was_held = given.is_some();
    print(&match (asking.format, was_held) {
        (Format::Json, _) => format!("{:#}\n", json!({ "id": id, "was_held": was_held })),
        (Format::Text, true) => format!("{id} holds no place of group {group} any more\n"),
        (Format::Text, false) => format!("{id} held no place of group {group}\n"),
    })?;
    Ok(if was_held { Exit::DONE } else { Exit::NO })
}

pub(super) async fn set_max(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let (group, max) = (form::named_group(matches), form::max(matches));
    let inside = inside(asking).await?;
    let what = format!("cannot set the places of group {group}");
    let before = ask(&what, places::set_max(&inside, &group, max)).await?;
    print(&match asking.format {
        Format::Text => format!("group {group} has {max} places, and had {before}\n"),
        Format::Json => format!("{:#}\n", json!({ "max": max, "before": before })),
    })?;
    Ok(Exit::DONE)
}

fn told(asking: &Asking, group: &Group, id: &str, held: Held) -> Result<Exit, Failure> {
    let before = held == Held::Before;
    print(&match (asking.format, before) {
        (Format::Json, _) => format!("{:#}\n", json!({ "id": id, "was_held": before })),
        (Format::Text, true) => format!("{id} holds a place of group {group} already\n"),
        (Format::Text, false) => format!("{id} holds a place of group {group}\n"),
    })?;
    Ok(Exit::DONE)
}

/// Nobody is given a place, for a reason that somebody can do something about.
fn full(what: &str, why: &str, group: &Group, standing: &Standing) -> Failure {
    let of = match group.as_str() {
        DEFAULT_GROUP => String::new(),
        group => format!(" --group {group}"),
    };
    let failure = Failure::new(Exit::CONFLICT, what, why);
    match standing.semaphore.holders.first() {
        _ if standing.semaphore.max == 0 => {
            failure.hint(format!("let machines reboot: `lockctl set-max{of} 1`"))
        }
        Some(Holder { id, .. }) => failure.hint(format!(
            "wait with `lockctl lock{of} --wait 10m`, or free a dead holder: \
             `lockctl unlock{of} {id}`"
        )),
        None => failure.hint(format!("wait with `lockctl lock{of} --wait 10m`")),
    }
}

/// Whom a verb is about: this machine, if it does not say.
pub(super) fn named(id: Option<HolderId>) -> Result<HolderId, Failure> {
    let own = || local::machine_id()?.parse().ok();
    id.or_else(own).ok_or_else(|| {
        let why = "it has no /etc/machine-id, and no daemon of yours keeps one";
        let failure = Failure::new(Exit::FAILED, "cannot tell which machine this is", why);
        failure.hint("name it: `lockctl lock ID`")
    })
}

/// Who is in the cluster. Only names and states depend on it: where nobody says, there are none.
async fn everybody(inside: &Inside) -> Vec<Entry> {
    let asked = Everybody::ask(inside).await;
    asked.map_or_else(|_| Vec::new(), |everybody| everybody.entries)
}
