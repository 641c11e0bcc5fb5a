//! cluster remove, promote, demote and replace: each is one step that can be taken again, and what
//! was begun stands in the store, so that whoever leads goes on with it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::adapter::host;
use crate::adapter::rpc::client::{Client, Endpoint};
use crate::adapter::rpc::inside::{AskError, Change, Guard, Inside};
use crate::cli::Matches;
use crate::cli::asking::{Asking, Format};
use crate::cli::cluster::change::{self as form, Outcome, Promote, Replace, Subject};
use crate::core::cluster::appointment::{Appointment, Failed, Refusal, Register, Succession};
use crate::core::cluster::machine::{self, MachineId};
use crate::core::cluster::node;
use crate::core::cluster::roll::{Entry, NamingError, find};
use crate::core::cluster::seat::{self, Replaced, Seat};
use crate::error::{Exit, Failure};
use crate::role::client::everybody::Everybody;
use crate::role::client::{asker, limits, print, unasked};

/// How long a member that was removed may take until it serves as a worker.
const SETTLING: Duration = Duration::from_secs(10);

/// Between two looks at whether it votes.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) async fn remove(asking: &Asking, name: &str) -> Result<Exit, Failure> {
    let what = format!("cannot remove {name:?}");
    let inside = asker(asking).await?;
    let everybody = everybody(&inside, &what).await?;
    let entry = find(&everybody.entries, name).map_err(|error| unnamed(&what, &error))?;
    // First: until that is done the machine has to be known, or nobody would find it again.
    if let Some(member) = entry.member {
        take_out(&inside, member, &what).await?;
    }
    // The record of one that never joined goes with it.
    let machine = entry.machine.as_ref();
    if let Some(machine) = machine.filter(|machine| everybody.joined.contains(machine)) {
        let keys = [
            node::key(machine),
            seat::key(machine),
            machine::key(machine),
        ];
        let deletes = keys.map(|key| Change::Delete { key });
        delete(&inside, deletes.to_vec(), &what).await?;
    }
    told(
        asking,
        &Outcome {
            changed: true,
            node: Subject::of(entry),
            what: format!("{} {} is removed", entry.part.name(), entry.label()),
        },
    )
}

pub(super) async fn demote(asking: &Asking, name: &str) -> Result<Exit, Failure> {
    let what = format!("cannot demote {name:?}");
    let inside = asker(asking).await?;
    let everybody = everybody(&inside, &what).await?;
    let entry = find(&everybody.entries, name).map_err(|error| unnamed(&what, &error))?;
    let joined = |machine| everybody.joined.contains(machine);
    let has_joined = entry.machine.as_ref().is_some_and(joined);
    let label = entry.label();
    match entry.member {
        None => {}
        Some(_) if !has_joined => {
            let why = "it did not join by a token, so that it could not go on as a worker";
            return Err(Failure::new(Exit::CONFLICT, what, why)
                .hint(format!("take it out with `coracle cluster remove {label}`")));
        }
        Some(member) => take_out(&inside, member, &what).await?,
    }
    let changed = entry.member.is_some();
    told(
        asking,
        &Outcome {
            changed,
            node: Subject::of(entry),
            what: match changed {
                true => format!("{label} is a member no longer, and goes on as a worker"),
                false => format!("{label} is a worker already"),
            },
        },
    )
}

pub(super) async fn promote(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let Promote { node: name, wait } = form::promote(matches);
    let what = format!("cannot promote {name:?}");
    let inside = asker(asking).await?;
    let deadline = Instant::now() + wait.min(SETTLING);
    let (everybody, appointment) = loop {
        let everybody = everybody(&inside, &what).await?;
        let entry = find(&everybody.entries, &name).map_err(|error| unnamed(&what, &error))?;
        match everybody.register().promote(entry) {
            Ok(appointment) => break (everybody, appointment),
            Err(Refusal::Leaving(_)) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(refusal) => return Err(refused(&what, &refusal)),
        }
    };
    let entry = find(&everybody.entries, &name).map_err(|error| unnamed(&what, &error))?;
    let label = entry.label();
    let begun = begin(&inside, &everybody, &appointment, None, &what).await?;
    let votes = wait_for(&inside, &begun, None, wait, &what).await?;
    told(
        asking,
        &Outcome {
            changed: begun.is_new,
            node: Subject {
                member: Some(begun.member),
                ..Subject::of(entry)
            },
            what: match (begun.is_done, votes) {
                (true, _) => format!("{label} votes already"),
                (false, true) => format!("{label} votes now"),
                (false, false) => format!("{label} is to be a member, and votes when it can"),
            },
        },
    )
}

pub(super) async fn replace(asking: &Asking, matches: &Matches) -> Result<Exit, Failure> {
    let Replace { dead, new, wait } = form::replace(matches);
    let what = format!("cannot replace {dead:?}");
    let inside = asker(asking).await?;
    let everybody = everybody(&inside, &what).await?;
    let succession = everybody.register().replace(&dead, new.as_deref());
    let succession = succession.map_err(|failed| match failed {
        Failed::Naming(error) => unnamed(&what, &error),
        Failed::Refused(refusal) => refused(&what, &refusal),
    })?;
    let Succession {
        dead,
        new,
        appointment,
    } = succession;
    if let (Some(dead), Appointment::Seat { .. }) = (&dead, &appointment) {
        refuse_living(asking, &everybody, dead, &new, &what).await?;
    }
    let (label, gone) = (new.label(), dead.as_ref());
    let gone_id = gone.and_then(|gone| u64::from_str_radix(&gone.id, 16).ok());
    let begun = begin(&inside, &everybody, &appointment, dead.clone(), &what).await?;
    let votes = wait_for(&inside, &begun, gone_id, wait, &what).await?;
    let of = gone.map_or("a member that is gone", |gone| &gone.name);
    told(
        asking,
        &Outcome {
            changed: begun.is_new,
            node: Subject {
                member: Some(begun.member),
                ..Subject::of(&new)
            },
            what: match (begun.is_done && gone.is_none(), votes) {
                (true, _) => format!("{label} stands in the place already"),
                (false, true) => format!("{label} votes now in the place of {of}"),
                (false, false) => format!("{label} takes the place of {of} when it can vote"),
            },
        },
    )
}

/// What was begun.
struct Begun {
    member: u64,
    /// Whether this call began it.
    is_new: bool,
    /// Whether the member votes already.
    is_done: bool,
}

async fn begin(
    inside: &Inside,
    everybody: &Everybody,
    appointment: &Appointment,
    replaces: Option<Replaced>,
    what: &str,
) -> Result<Begun, Failure> {
    let (member, is_new, is_done) = match appointment {
        Appointment::Done { member } => (*member, false, true),
        Appointment::Begun { member } => (*member, false, false),
        Appointment::Seat { machine } => {
            let member = give(inside, everybody, machine, replaces, what).await?;
            (member, true, false)
        }
    };
    Ok(Begun {
        member,
        is_new,
        is_done,
    })
}

/// Gives a machine a seat; the member that it is to be.
async fn give(
    inside: &Inside,
    everybody: &Everybody,
    machine: &MachineId,
    replaces: Option<Replaced>,
    what: &str,
) -> Result<u64, Failure> {
    let (key, member) = (seat::key(machine), host::random_u64().max(1));
    let guard = Guard {
        key: key.clone(),
        mod_revision: everybody.seat_revisions.get(machine).copied().unwrap_or(0),
    };
    let seat = Change::Put {
        key,
        value: Seat::offer(everybody.cluster_id, member, replaces).encode(),
        lease: 0,
    };
    let given = inside.change(&[guard], vec![seat]).await;
    match given.map_err(|error| unasked(what, &error))? {
        true => Ok(member),
        false => Err(Failure::new(
            Exit::CONFLICT,
            what,
            "it was decided otherwise of its machine meanwhile",
        )
        .hint("see what with `coracle cluster members`, and ask again")),
    }
}

/// Waits until a member votes and another one is gone; false if nobody wants to wait.
async fn wait_for(
    inside: &Inside,
    begun: &Begun,
    gone: Option<u64>,
    wait: Duration,
    what: &str,
) -> Result<bool, Failure> {
    let deadline = Instant::now() + wait;
    if wait.is_zero() {
        return Ok(begun.is_done);
    }
    let mut why = "its machine has not taken it up".to_owned();
    loop {
        let members = inside.members().await.map(|(_, members)| members);
        // Whoever leads may be another one in a moment.
        if let Ok(members) = members {
            let found = members.iter().find(|member| member.id == begun.member);
            let is_gone = !members.iter().any(|member| Some(member.id) == gone);
            match found {
                Some(member) if !member.is_learner && is_gone => return Ok(true),
                Some(member) if member.is_learner => {
                    // It is promoted by itself as well; this says what it waits for.
                    if let Err(error) = inside.promote_member(member.id).await {
                        why = error.to_string();
                    }
                }
                Some(_) => why = "the other one is still there".to_owned(),
                None => {}
            }
        }
        if Instant::now() + PAUSE >= deadline {
            let why = format!("it does not vote yet: {why}");
            return Err(Failure::new(Exit::UNAVAILABLE, what, why).hint(
                "it goes on by itself: see how far it is with `coracle cluster members`, or ask \
                 again, and wait longer with `--wait TIME`",
            ));
        }
        sleep(PAUSE).await;
    }
}

/// Who answers is not dead.
async fn refuse_living(
    asking: &Asking,
    everybody: &Everybody,
    dead: &Replaced,
    new: &Entry,
    what: &str,
) -> Result<(), Failure> {
    let says = |entry: &&Entry| entry.member.is_some_and(|id| format!("{id:x}") == dead.id);
    let urls = everybody.entries.iter().find(says);
    let urls = urls.map_or(&[][..], |entry| &entry.client_urls);
    let endpoints: Vec<Endpoint> = urls.iter().filter_map(|url| url.parse().ok()).collect();
    let Ok(client) = Client::connect(&endpoints, &limits(asking)?).await else {
        return Ok(());
    };
    if client.status(Default::default()).await.is_err() {
        return Ok(());
    }
    let (old, new) = (&dead.name, new.label());
    Err(
        Failure::new(Exit::CONFLICT, what, "it is not dead: it answers").hint(format!(
            "to exchange a member that is up: `coracle cluster promote {new}`, and then `coracle \
             cluster remove {old}`"
        )),
    )
}

/// Has a member taken out; one that is gone already is no error.
async fn take_out(inside: &Inside, member: u64, what: &str) -> Result<(), Failure> {
    match inside.remove_member(member).await {
        Ok(()) | Err(AskError::NoMember) => Ok(()),
        Err(error @ AskError::Denied(_)) => Err(unasked(what, &error).hint(
            "see who is down with `coracle cluster status`: bring them back first, or replace a \
             dead one with `coracle cluster replace NODE`",
        )),
        Err(error) => Err(unasked(what, &error)),
    }
}

/// Deletes keys. Whoever is asked may have been the leader until a moment ago, and serves as a
/// worker a moment later.
async fn delete(inside: &Inside, deletes: Vec<Change>, what: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + SETTLING;
    loop {
        match inside.change(&[], deletes.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(unasked(what, &error)),
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn everybody(inside: &Inside, what: &str) -> Result<Everybody, Failure> {
    let asked = Everybody::ask(inside).await;
    asked.map_err(|error| unasked(what, &error))
}

pub(super) fn unnamed(what: &str, error: &NamingError) -> Failure {
    let exit = match error {
        NamingError::Unknown { .. } => Exit::NO,
        NamingError::Ambiguous { .. } => Exit::USAGE,
    };
    Failure::new(exit, what, error).hint("see who is there with `coracle cluster members`")
}

fn refused(what: &str, refusal: &Refusal) -> Failure {
    let failure = Failure::new(Exit::CONFLICT, what, refusal);
    match refusal {
        Refusal::Down(_) => failure.hint("start its daemon first"),
        Refusal::NoWorker => failure.hint(
            "join a machine with the token of `coracle cluster token create`, or name none and \
             take the dead one out with `coracle cluster remove NODE`",
        ),
        Refusal::Unreachable(_) => {
            failure.hint("start its daemon with --listen-peer-urls http://ADDRESS:2380")
        }
        Refusal::Leaving(_) => failure.hint("ask again in a moment"),
        Refusal::TooMany(_) => failure.hint("take one out with `coracle cluster remove NODE`"),
        Refusal::NoMember(_) | Refusal::IsMember(_) | Refusal::Taken { .. } => {
            failure.hint("see who is there with `coracle cluster members`")
        }
    }
}

/// Says what was done.
pub(super) fn told(asking: &Asking, outcome: &Outcome) -> Result<Exit, Failure> {
    print(&match asking.format {
        Format::Text => form::text(outcome),
        Format::Json => format!("{:#}\n", form::document(outcome)),
    })?;
    Ok(Exit::DONE)
}

impl Everybody {
    fn register(&self) -> Register<'_> {
        Register {
            cluster_id: self.cluster_id,
            entries: &self.entries,
            machines: &self.machines,
            joined: &self.joined,
            seats: &self.seats,
        }
    }
}
