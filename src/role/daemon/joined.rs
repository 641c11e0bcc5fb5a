//! A machine that joined a cluster: a worker until it is given a seat, a member until it is taken
//! away, without the process or its listeners ever ending in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::adapter::data_directory::Identity;
use crate::cli::config::Settings;
use crate::error::{Exit, Failure};
use crate::role::daemon::company::Company;
use crate::role::daemon::listen::Listening;
use crate::role::daemon::machines::Own;
use crate::role::daemon::managed::{self, Managed};
use crate::role::daemon::member::Starting;
use crate::role::daemon::reboot::Subject;
use crate::role::daemon::trust::Trust;
use crate::role::daemon::worker::{self, Worker};
use crate::role::daemon::{Signals, Turn, data};

/// One that has all that was committed is promoted at the leader's next look, or there is a reason.
const PROMOTION_PATIENCE: Duration = Duration::from_secs(5);

/// Joins the cluster that this machine is told of, unless it has. Before anything is served: what
/// it serves with, the cluster gives.
pub(super) async fn join(settings: &Settings, identity: Option<Identity>) -> Result<(), Failure> {
    let Some(how) = &settings.joining.join else {
        return Ok(());
    };
    let has_joined = Company::is_known(settings);
    // One that was away for too long has nothing to renew its certificate with but a token.
    let is_current = how.token.is_none() || !Managed::has_expired(settings)?;
    if has_joined && is_current {
        return Ok(());
    }
    if !has_joined && identity.is_some() {
        let why = format!(
            "data directory \"{}\" holds a cluster of its own",
            settings.data_dir.display()
        );
        return Err(Failure::new(Exit::CONFLICT, "cannot join the cluster", why)
            .hint("start it without --join, or give an empty directory with --data-dir DIR"));
    }
    // A machine that the cluster knows should be there, and a token may be good for one only.
    Listening::try_ports(settings).await?;
    Company::join(settings, &Own::read(settings)?, how).await
}

/// Finds the cluster that this machine joined. None for a daemon that has joined none.
pub(super) fn enter(settings: &Settings, trust: &Trust) -> Result<Option<Arc<Company>>, Failure> {
    if !Company::is_known(settings) {
        return Ok(None);
    }
    let entered = Company::enter(settings, &Own::read(settings)?, trust.to_peers.clone());
    Ok(entered?.map(Arc::new))
}

/// Serves in whatever role the cluster gives, until the end.
pub(super) async fn serve(
    settings: &Settings,
    trust: &Trust,
    listening: Listening,
    company: Arc<Company>,
) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let mut worker = None;
    // Ends with this function.
    let mut upkeep = JoinSet::new();
    if let Some(managed) = trust.managed.clone() {
        upkeep.spawn(managed::keep(managed, Some(Arc::clone(&company))));
    }
    loop {
        let seated = data::member(&settings.data_dir)?;
        let turn = match seated {
            Some(identity) => {
                let listening = listening.again()?;
                as_member(
                    settings,
                    trust,
                    identity,
                    listening,
                    &company,
                    &mut signals,
                    worker.take(),
                )
                .await?
            }
            None => {
                // Also what one that was killed on its way out of the members has kept.
                forget_authority_key(trust)?;
                let mut serving = Worker::start(&company, settings, listening.again()?);
                worker::tell(&company, settings, &listening);
                let turn = serving.serve(&company, &mut signals).await;
                match turn {
                    // It goes on serving until the member can.
                    Ok(Turn::Member(_)) => worker = Some(serving),
                    _ => serving.end().await,
                }
                turn?
            }
        };
        match turn {
            Turn::Ended(exit) => return Ok(exit),
            Turn::Member(member_id) => {
                let member = format!("{member_id:x}");
                tracing::info!(member, "this machine is given a seat");
                let cluster_id = company.cluster_id;
                let identity = Identity {
                    cluster_id,
                    member_id,
                };
                data::identify(&settings.data_dir, identity)?;
            }
            Turn::Worker => {
                tracing::warn!("this machine is a member no longer: it goes on as a worker");
                forget_authority_key(trust)?;
                data::retire(&settings.data_dir)?;
                if company.is_out().await {
                    return Err(company.out());
                }
            }
        }
    }
}

/// What signs certificates is for members only.
fn forget_authority_key(trust: &Trust) -> Result<(), Failure> {
    let managed = trust.managed.as_ref();
    managed.map_or(Ok(()), Managed::forget_authority_key)
}

async fn as_member(
    settings: &Settings,
    trust: &Trust,
    identity: Identity,
    listening: Listening,
    company: &Arc<Company>,
    signals: &mut Signals,
    worker: Option<Worker>,
) -> Result<Turn, Failure> {
    let mut worker = worker;
    if let Some(worker) = &mut worker {
        worker.end_peers().await;
    }
    let member_id = identity.member_id;
    company.become_member(Some(member_id));
    let unseated = async || {
        company.called(Some(member_id)).await;
    };
    let name = Some(company.own.name.as_str());
    let mut member = Starting::new(settings, trust, identity, listening, name).await?;
    // Nobody founded it with others: whom it may trust, it is told by the members.
    member.open_peers(BTreeMap::new());
    let turn = tokio::select! {
        // Nobody founds anything: the member waits to be taken in.
        settled = member.settle(BTreeMap::new()) => settled.map(|()| None)?,
        _ = signals.told_to_end() => Some(Turn::Ended(Exit::DONE)),
        () = unseated() => Some(Turn::Worker),
    };
    if let Some(turn) = turn {
        member.abandon().await?;
        if let Some(worker) = worker {
            worker.end().await;
        }
        return Ok(turn);
    }
    let following = Arc::clone(company);
    let following = tokio::spawn(async move { following.follow_members().await });
    let node = member.node();
    let subject = Subject::new(&company.own, None);
    let own = Some(company.own.clone());
    let member = member.serve(settings, own, subject).await?;
    if let Some(worker) = worker {
        // One that does not vote yet would refuse what the worker passes on.
        node.consensus.voting(PROMOTION_PATIENCE).await;
        worker.end().await;
    }
    let removed = async {
        unseated().await;
        Ok(Turn::Worker)
    };
    let turn = member.until_told(settings, signals, removed).await;
    following.abort();
    turn
}
