//! `--force-new-cluster`: one member of a lost cluster goes on as the only one of a new cluster.
//!
//! It keeps everything that its log holds: what was acknowledged, and what nobody can know the
//! fate of. The new cluster has a new id, which every call between members carries, so those that
//! were left behind and come back are refused by this member and refuse it: they neither vote with
//! it nor change its log. What cannot be helped here is that a majority of them, should they come
//! back, are the old cluster again, beside this one. So it is refused while a majority answers.
//!
//! The id is changed first: killed in between, the member is left with nobody to talk to, and the
//! next start with the flag ends what was begun.

use std::collections::BTreeSet;

use crate::adapter::data_directory::{self, Identity};
use crate::adapter::host;
use crate::adapter::raft::{self, Member, Roll};
use crate::adapter::rpc::peer::{Links, Patience};
use crate::adapter::tls;
use crate::cli::config::Settings;
use crate::error::{Exit, Failure, chain};
use crate::role::daemon::{data, open_log, reach, read_checkpoint};

const WHAT: &str = "cannot force a new cluster";
const WITHOUT: &str = "start it without --force-new-cluster";

/// Why a directory that is new is no place to begin a forced cluster in.
pub(super) fn refuse_new(settings: &Settings) -> Failure {
    let directory = settings.data_dir.display();
    let why = format!("data directory \"{directory}\" holds nothing of a cluster");
    Failure::new(Exit::CONFLICT, WHAT, why).hint(
        "give the directory of a member of the lost cluster with --data-dir DIR, or start it \
         without --force-new-cluster",
    )
}

/// Makes this member the only one if that is asked for, unless it is already; who it is from then
/// on.
pub(super) async fn apply(
    settings: &Settings,
    identity: Identity,
    own: &Member,
    tls: Option<&tls::Client>,
) -> Result<Identity, Failure> {
    if !settings.force_new_cluster {
        return Ok(identity);
    }
    let failed = |why: String| Failure::new(Exit::FAILED, WHAT, why);
    let (wal, recovered) = open_log(settings)?;
    let (saved, _) = read_checkpoint(&settings.data_dir.join("state"), reach(&recovered))?;
    let roll = raft::roll(&wal, &recovered, &saved).map_err(|error| failed(chain(&error)))?;
    if roll.members.is_empty() {
        return Err(refuse_new(settings));
    }
    if roll.members.keys().eq([&identity.member_id]) {
        tracing::warn!("this member is the only one already: take --force-new-cluster away");
        return Ok(identity);
    }
    let patience = Patience::of(std::time::Duration::from_millis(settings.election_ms));
    let links = Links::new(identity.speaker(), patience).secured_by(tls.cloned());
    let alive = raft::alive(&links, identity.member_id, &roll.members).await;
    refuse_living(&roll, identity.member_id, &alive)?;

    let forced = Identity {
        cluster_id: host::random_u64(),
        ..identity
    };
    data_directory::identify(&settings.data_dir, forced)
        .map_err(|error| data::told(&settings.data_dir, &error))?;
    raft::make_only_voter(&wal, &recovered, identity.member_id, own.clone())
        .map_err(|error| failed(chain(&error)))?;
    tracing::warn!(
        left = names(&roll, |id| id != identity.member_id),
        former = format!("{:x}", identity.cluster_id),
        cluster = format!("{:x}", forced.cluster_id),
        "forced a new cluster: this member is its only one; take --force-new-cluster away"
    );
    Ok(forced)
}

/// While a majority of the voters is there, there is nothing to force.
fn refuse_living(roll: &Roll, own: u64, alive: &BTreeSet<u64>) -> Result<(), Failure> {
    let lives = |id: &u64| *id == own || alive.contains(id);
    let living = roll.voters.iter().filter(|id| lives(id)).count();
    let voters = roll.voters.len();
    if living <= voters / 2 {
        return Ok(());
    }
    let others = names(roll, |id| alive.contains(&id));
    let why =
        format!("the cluster is not lost: {living} of {voters} voters run, this one with {others}");
    Err(Failure::new(Exit::CONFLICT, WHAT, why).hint(WITHOUT))
}

fn names(roll: &Roll, which: impl Fn(u64) -> bool) -> String {
    let members = roll.members.iter().filter(|(id, _)| which(**id));
    let names = members.map(|(id, member)| match member.name.as_str() {
        "" => format!("{id:x}"),
        name => name.to_owned(),
    });
    names.collect::<Vec<_>>().join(", ")
}
