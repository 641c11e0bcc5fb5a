//! reboot and need-reboot: what a machine's own daemon is told through the store, and how the
//! reboots of all machines are.

use serde_json::json;

use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Guard, Inside};
use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::lock::want::{Asked, asked};
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
    let id = named(id)?;
    let inside = inside(asking).await?;
    let what = format!("cannot tell machine {id}");
    let id = machine(&inside, id).await;
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

/// The id of the machine of that name, or else what was said.
async fn machine(inside: &Inside, said: HolderId) -> HolderId {
    let everybody = Everybody::ask(inside).await;
    let entries = everybody.map_or_else(|_| Vec::new(), |everybody| everybody.entries);
    let named = entries.iter().find(|entry| entry.name == said.as_str());
    let id = named.and_then(|entry| entry.machine.as_ref()?.as_str().parse().ok());
    id.unwrap_or(said)
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
