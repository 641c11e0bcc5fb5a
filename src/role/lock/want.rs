//! reboot and need-reboot: what a machine's own daemon is told through the store, and how the
//! reboots of all machines are.

use serde_json::json;

use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Guard, Inside};
use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::lock::want::{Asked, asked};
use crate::core::cluster::machine::MachineId;
use crate::core::cluster::roll::Entry;
use crate::core::lock::name::{Group, HolderId};
use crate::core::lock::reboot::{self, PREFIX, Shown, StoredWant, Urgency};
use crate::error::{Exit, Failure};
use crate::role::client::everybody::Everybody;
use crate::role::client::{print, unasked};
use crate::role::lock::inside;
use crate::role::lock::reboot::named;

pub(super) async fn want(
    asking: &Asking,
    matches: &Matches,
    urgency: Urgency,
) -> Result<Exit, Failure> {
    let Asked {
        id,
        reason,
        cancels,
    } = asked(matches);
    let inside = inside(asking).await?;
    let id = match id {
        Some(said) => match machine(&inside, &said).await {
            // One that is gone can be told no longer.
            Err(_) if cancels => said,
            meant => meant?,
        },
        None => named(None)?,
    };
    let what = format!("cannot tell machine {id}");
    let key = reboot::wanted_key(&id);
    let found = inside.get(&key).await;
    let found = found.map_err(|error| unasked(&what, &error))?;
    if cancels && found.is_none() {
        let failure = Failure::new(Exit::NO, what, "nobody told it to reboot");
        return Err(failure.hint("see what wants one with `lockctl status`"));
    }
    let change = match cancels {
        true => Change::Delete { key: key.clone() },
        false => Change::Put {
            key: key.clone(),
            value: StoredWant {
                reason,
                since: host::now(),
                urgency,
            }
            .encode(),
            lease: 0,
        },
    };
    let guard = Guard {
        key,
        mod_revision: found.map_or(0, |found| found.mod_revision),
    };
    let made = inside.change(&[guard], vec![change]).await;
    if !made.map_err(|error| unasked(&what, &error))? {
        let why = "somebody else told it something in the same moment";
        return Err(Failure::new(Exit::CONFLICT, what, why).hint("see `lockctl status`"));
    }
    let told = match (cancels, urgency) {
        (true, _) => "is told to reboot no longer",
        (false, Urgency::Now) => "reboots once it holds a place",
        (false, Urgency::Agreed) => "reboots when everything agrees",
    };
    print(&match asking.format {
        Format::Json => format!("{:#}\n", json!({ "id": id.as_str(), "wanted": !cancels })),
        Format::Text if cancels => format!("{id} {told}\n"),
        Format::Text => format!("{id} {told}: see `lockctl status`\n"),
    })?;
    Ok(Exit::DONE)
}

/// The id of the machine that a person means, by its id or its name.
async fn machine(inside: &Inside, said: &HolderId) -> Result<HolderId, Failure> {
    let what = format!("cannot tell machine {said}");
    let everybody = Everybody::ask(inside).await;
    let entries = everybody.map_err(|error| unasked(&what, &error))?.entries;
    let id = |entry: &Entry| Some(entry.machine.as_ref()?.as_str().to_owned());
    let is_meant = |entry: &&Entry| {
        entry.name == said.as_str() || id(entry).is_some_and(|id| id == said.as_str())
    };
    let why = match entries.iter().find(is_meant).map(id) {
        Some(Some(id)) => return Ok(id.parse().expect("digits fit")),
        // One of those whose ids nobody knows may have it.
        None if said.as_str().parse::<MachineId>().is_ok()
            && entries.iter().any(|entry| entry.machine.is_none()) =>
        {
            return Ok(said.clone());
        }
        Some(None) => "nobody knows the id of its machine: write its /etc/machine-id instead",
        None => "no machine has this id or name",
    };
    let failure = Failure::new(Exit::NO, what, why);
    Err(failure.hint("see who there is with `coracle cluster members`"))
}

/// How the reboots of a group's machines are, each by its id.
pub(super) async fn reboots(
    inside: &Inside,
    group: &Group,
) -> Result<Vec<(String, Shown)>, AskError> {
    let found = inside.list(PREFIX).await?;
    let reboots = found.iter().filter_map(|found| {
        let shown = Shown::decode(&found.value).ok()?;
        let id = found.key.strip_prefix(PREFIX)?.to_owned();
        (shown.group == group.as_str()).then_some((id, shown))
    });
    Ok(reboots.collect())
}
