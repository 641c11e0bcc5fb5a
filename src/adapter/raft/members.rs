//! Changes of the members, made by whoever leads, one at a time.
//!
//! - Each is decided on one membership and entered into the log only if that is still the newest
//!   one; `core::cluster::membership` decides.
//! - Who votes changes by joint consensus. A leader that dies between the two steps leaves a joint
//!   membership behind, which the next one ends ([`Changer::tend`], and every change before its
//!   own).
//! - Asking again for a change that was made is no error, so that one whose outcome is not known
//!   is asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use openraft::async_runtime::Instant as _;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::raft::Precondition;
use openraft::{ChangeMembers, Raft, RaftMetrics};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout_at};

use crate::adapter::raft::Consensus;
use crate::adapter::raft::forward::Forwarder;
use crate::adapter::raft::messages::{NotMade, Question, decode, encode};
use crate::adapter::raft::state_machine::StateMachine;
use crate::adapter::raft::types::{LogId, Member, TypeConfig};
use crate::adapter::rpc::peer::{Bytes, Couriers, PeerError};
use crate::core::cluster::membership::{Change, Group, Refusal, Seen, Shift, Turnover};
use crate::core::kv::request::KvError;

/// Between two looks at a change that somebody else has under way.
const CHANGE_PAUSE: Duration = Duration::from_millis(20);

/// How long the asker of another machine waits for who the members are: longer than an election.
const LOOK_UP_PATIENCE: Duration = Duration::from_secs(5);

/// Why a change of the members was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    #[error("{0}")]
    Refused(Refusal),
    /// It may be made yet, or not: ask again.
    #[error("{0}")]
    Failed(KvError),
}

/// Answer to a change: made, refused, or not taken up.
pub(super) type Changed = Result<Result<(), Refusal>, NotMade>;

/// A cluster as one of its members describes it to a machine that is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    pub cluster_id: u64,
    pub members: BTreeMap<u64, Member>,
}

/// The leader's hand on the membership.
pub(super) struct Changer {
    raft: Raft<TypeConfig, StateMachine>,
    /// Held while a change is made: the second step of one must not meet the first of another.
    busy: tokio::sync::Mutex<()>,
    silence_max: Duration,
    office: Mutex<Office>,
}

/// The term in which this member leads, and since when it has looked for each member: of one that
/// has not been heard of in this term, or since it was added, it is not known for how long.
#[derive(Default)]
struct Office {
    term: u64,
    looked: BTreeMap<u64, Instant>,
}

/// The newest membership, and how its members do.
struct Scene {
    at: Option<LogId>,
    group: Group,
    members: BTreeMap<u64, Member>,
    /// Committed: another change may be entered.
    is_committed: bool,
    /// Half a change of who votes.
    is_joint: bool,
}

impl Changer {
    pub(super) fn new(raft: Raft<TypeConfig, StateMachine>, silence_max: Duration) -> Self {
        Self {
            raft,
            busy: tokio::sync::Mutex::default(),
            silence_max,
            office: Mutex::default(),
        }
    }

    /// None: this member does not lead, or is none.
    fn scene(&self) -> Option<Scene> {
        let now = Instant::now();
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let (heard, matched) = (metrics.heartbeat.as_ref()?, metrics.replication.as_ref()?);
        let stored = &metrics.membership_config;
        let membership = stored.membership();
        // One that was removed leads for a moment longer, and has no say any more.
        membership.get_node(self.raft.node_id())?;
        let ids = membership.nodes().map(|(id, _)| *id);
        let looked = self.looked_since(metrics.current_term, ids.collect(), now);
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        let last = metrics.last_log_index.unwrap_or(0);
        let seen = |(id, member): (&u64, &Member)| {
            let matched = matched.get(id).and_then(Option::as_ref);
            let silent = match heard.get(id).and_then(Option::as_ref) {
                Some(heard) => heard.elapsed(),
                // Longer than what counts as alive.
                None => {
                    let looked_for = now.duration_since(looked.get(id).copied().unwrap_or(now));
                    looked_for.max(self.silence_max + Duration::from_nanos(1))
                }
            };
            let seen = Seen {
                votes: voters.contains(id),
                name: member.name.clone(),
                peer_urls: member.peer_urls.clone(),
                is_started: !member.client_urls.is_empty(),
                behind: matched.map(|matched| last.saturating_sub(matched.index)),
                silent,
            };
            (*id, seen)
        };
        let members = membership.nodes();
        Some(Scene {
            at: *stored.log_id(),
            group: Group {
                leader: *self.raft.node_id(),
                members: membership.nodes().map(seen).collect(),
                silence_max: self.silence_max,
            },
            members: members.map(|(id, member)| (*id, member.clone())).collect(),
            is_committed: stored.log_id() == metrics.committed_membership_config.log_id(),
            is_joint: membership.get_joint_config().len() > 1,
        })
    }

    fn looked_since(
        &self,
        term: u64,
        members: BTreeSet<u64>,
        now: Instant,
    ) -> BTreeMap<u64, Instant> {
        let mut office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        if office.term != term {
            *office = Office {
                term,
                ..Office::default()
            };
        }
        office.looked.retain(|id, _| members.contains(id));
        for id in members {
            office.looked.entry(id).or_insert(now);
        }
        office.looked.clone()
    }

    /// Makes a change, if this member leads. `again`: it may have been made already.
    pub(super) async fn make(&self, change: &Change, again: bool, deadline: Instant) -> Changed {
        let late = |_| NotMade::Failed(KvError::TimedOut);
        let _busy = timeout_at(deadline, self.busy.lock()).await.map_err(late)?;
        let mut again = again || matches!(change, Change::Add { .. } | Change::Update { .. });
        loop {
            let check = |group: &Group| match again && group.has(change) {
                true => Ok(()),
                false => group.check(change),
            };
            let scene = match self.allowed(check, deadline).await? {
                Ok(scene) => scene,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if again && scene.group.has(change) {
                return Ok(Ok(()));
            }
            let members = scene.to_members(change);
            if self.enter(members, &scene, deadline).await? {
                return Ok(Ok(()));
            }
            again = true;
        }
    }

    /// Tells everybody where a member is reached, unless it is none.
    pub(super) async fn publish(
        &self,
        id: u64,
        member: Member,
        deadline: Instant,
    ) -> Result<(), NotMade> {
        let late = |_| NotMade::Failed(KvError::TimedOut);
        let _busy = timeout_at(deadline, self.busy.lock()).await.map_err(late)?;
        loop {
            let scene = self.settled(deadline).await?;
            match scene.members.get(&id) {
                None => return Err(NotMade::Failed(KvError::MemberNotFound)),
                Some(known) if *known == member => return Ok(()),
                Some(_) => {}
            }
            let members = ChangeMembers::SetNodes(BTreeMap::from([(id, member.clone())]));
            if self.enter(members, &scene, deadline).await? {
                return Ok(());
            }
        }
    }

    /// Does what is due without being asked; the change of voters that was made, if one was.
    pub(super) async fn tend(
        &self,
        turnover: &Turnover,
        deadline: Instant,
    ) -> Result<Option<Shift>, NotMade> {
        // Whoever holds it ends a joint membership, and leaves the rest to the next look.
        let Ok(_busy) = self.busy.try_lock() else {
            return Ok(None);
        };
        let scene = self.settled(deadline).await?;
        for (id, seen) in &scene.group.members {
            if !seen.votes && !seen.is_started {
                // One that is set up anew before it ever served has promised nothing, and openraft
                // would take its empty log for a fault of ours. It may be gone meanwhile.
                let _ = self.raft.trigger().allow_next_revert(id, true).await;
            }
        }
        let Some(shift) = scene.group.due(turnover) else {
            return Ok(None);
        };
        let check = |group: &Group| group.check_shift(&shift);
        let Ok(scene) = self.allowed(check, deadline).await? else {
            return Ok(None);
        };
        let made = self.enter(to_voters(&shift), &scene, deadline).await?;
        Ok(made.then_some(shift))
    }

    /// The membership once `check` allows what is wanted. Whoever counts as alive there was heard
    /// of after the call began: who died a moment ago must not be counted on.
    async fn allowed(
        &self,
        check: impl Fn(&Group) -> Result<(), Refusal>,
        deadline: Instant,
    ) -> Result<Result<Scene, Refusal>, NotMade> {
        let begun = Instant::now();
        loop {
            // Before the look, so that nothing that was heard earlier can count.
            let fresh = begun.elapsed();
            let mut scene = self.settled(deadline).await?;
            scene.group.silence_max = fresh.min(self.silence_max);
            match check(&scene.group) {
                Ok(()) => return Ok(Ok(scene)),
                Err(refusal) if refusal.may_pass() && fresh < self.silence_max => {
                    sleep(CHANGE_PAUSE).await;
                }
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    /// The membership once no change is under way.
    async fn settled(&self, deadline: Instant) -> Result<Scene, NotMade> {
        loop {
            let scene = self.scene().ok_or(NotMade::NotLeader)?;
            if scene.is_committed && !scene.is_joint {
                return Ok(scene);
            }
            if scene.is_committed {
                tracing::info!("ending a change of voters that was left half made");
                let nothing_more = ChangeMembers::AddVoterIds(BTreeSet::new());
                self.enter(nothing_more, &scene, deadline).await?;
            }
            if Instant::now() + CHANGE_PAUSE >= deadline {
                return Err(NotMade::Failed(KvError::TimedOut));
            }
            sleep(CHANGE_PAUSE).await;
        }
    }

    /// Enters a change that was decided on `scene`; whether it was made. If not, look again.
    async fn enter(
        &self,
        members: ChangeMembers<u64, Member>,
        scene: &Scene,
        deadline: Instant,
    ) -> Result<bool, NotMade> {
        let newest = Precondition::LastMembershipLogId {
            last_membership_log_id: scene.at,
        };
        // Removed voters are not kept as learners: what is removed is gone.
        let changed = self.raft.change_membership_if(members, false, [newest]);
        match timeout_at(deadline, changed).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(RaftError::Fatal(_))) => Err(NotMade::Failed(KvError::Stopped)),
            Ok(Err(RaftError::APIError(error))) => match error {
                ClientWriteError::ForwardToLeader(_) => Err(NotMade::NotLeader),
                ClientWriteError::LogEntryDiscarded(_) => {
                    Err(NotMade::Failed(KvError::LeaderChanged))
                }
                ClientWriteError::PreconditionFailed(_)
                | ClientWriteError::ChangeMembershipError(_) => {
                    tracing::debug!(%error, "looking at the membership again");
                    match Instant::now() + CHANGE_PAUSE >= deadline {
                        true => Err(NotMade::Failed(KvError::TimedOut)),
                        false => {
                            sleep(CHANGE_PAUSE).await;
                            Ok(false)
                        }
                    }
                }
            },
            Err(_) => Err(NotMade::Failed(KvError::TimedOut)),
        }
    }
}

impl Scene {
    /// An allowed change in openraft's words.
    fn to_members(&self, change: &Change) -> ChangeMembers<u64, Member> {
        let known = |id: &u64| self.members.get(id).cloned().unwrap_or_default();
        match change {
            Change::Add { id, peer_urls } => {
                let member = Member {
                    peer_urls: peer_urls.clone(),
                    ..Member::default()
                };
                ChangeMembers::AddNodes(BTreeMap::from([(*id, member)]))
            }
            Change::Update { id, peer_urls } => {
                let member = Member {
                    peer_urls: peer_urls.clone(),
                    ..known(id)
                };
                ChangeMembers::SetNodes(BTreeMap::from([(*id, member)]))
            }
            Change::Promote { id } => to_voters(&Shift::promote(*id)),
            Change::Remove { id } if self.group.voters().contains(id) => {
                to_voters(&Shift::remove(*id))
            }
            Change::Remove { id } => ChangeMembers::RemoveNodes(BTreeSet::from([*id])),
        }
    }
}

fn to_voters(shift: &Shift) -> ChangeMembers<u64, Member> {
    ChangeMembers::Batch(vec![
        ChangeMembers::AddVoterIds(shift.promote.clone()),
        ChangeMembers::RemoveVoters(shift.remove.clone()),
    ])
}

impl From<NotMade> for NotChanged {
    fn from(why: NotMade) -> Self {
        Self::Failed(match why {
            NotMade::NotLeader => KvError::NoLeader,
            NotMade::Failed(error) => error,
        })
    }
}

impl Forwarder {
    /// Has a change made by whoever leads, until it is certain that it was.
    pub(super) async fn change(&self, change: &Change) -> Result<(), NotChanged> {
        let own = *self.raft.node_id();
        let deadline = Instant::now() + self.patience;
        let mut again = false;
        loop {
            let changed: Changed = match self.leader() {
                Some(leader) if leader == own => self.changer.make(change, again, deadline).await,
                Some(leader) => {
                    let question = encode(&Question::Change(change.clone(), again));
                    self.ask(leader, question, deadline).await
                }
                None => Err(NotMade::NotLeader),
            };
            match changed {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(refusal)) => return Err(NotChanged::Refused(refusal)),
                Err(NotMade::Failed(error @ (KvError::Stopped | KvError::TimedOut))) => {
                    return Err(NotChanged::Failed(error));
                }
                Err(NotMade::Failed(_)) => again = true,
                Err(NotMade::NotLeader) => {}
            }
            self.pause(deadline).await.map_err(NotChanged::Failed)?;
        }
    }

    /// Who the members are, as of now.
    pub(super) async fn describe(&self) -> Result<Described, KvError> {
        self.read_barrier().await?;
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let members = metrics.committed_membership_config.membership().nodes();
        Ok(Described {
            cluster_id: self.links.cluster_id(),
            members: members.map(|(id, member)| (*id, member.clone())).collect(),
        })
    }

    /// Whether the others have this member among them; none: nobody could say.
    async fn still_belongs(&self) -> Option<bool> {
        let own = *self.raft.node_id();
        let others: Vec<(u64, Vec<String>)> = {
            let metrics = self.raft.server_metrics();
            let metrics = metrics.borrow_watched();
            let members = metrics.membership_config.membership().nodes();
            let others = members.filter(|(id, _)| **id != own);
            let others = others.map(|(id, member)| (*id, member.peer_urls.clone()));
            others.collect()
        };
        for (id, urls) in others {
            if let Ok(described) = look_up(&*self.links, id, &urls).await
                && described.cluster_id == self.links.cluster_id()
            {
                return Some(described.members.contains_key(&own));
            }
        }
        None
    }
}

/// Asks the member at `urls` who the members of its cluster are; its id, where it is known, names
/// it in errors.
pub async fn look_up(
    couriers: &dyn Couriers,
    member: u64,
    urls: &[String],
) -> Result<Described, PeerError> {
    let body: Bytes = couriers
        .to(member, urls)?
        .describe(LOOK_UP_PATIENCE)
        .await?;
    decode(&body)
}

impl Consensus {
    /// Has a change of the members made by whoever leads. It may be asked for again.
    pub async fn change_members(&self, change: &Change) -> Result<(), NotChanged> {
        self.forwarder.change(change).await
    }

    /// The members as the leader sees them; none if this one does not lead.
    pub fn group(&self) -> Option<Group> {
        let scene = self.forwarder.changer.scene();
        scene.filter(|_| self.leads()).map(|scene| scene.group)
    }

    /// Does what is due of the membership, if this member leads: ends what was left half made,
    /// promotes who has caught up, in place of who is to make way.
    pub async fn tend_members(&self, turnover: &Turnover) -> Result<Option<Shift>, NotChanged> {
        if !self.leads() {
            return Ok(None);
        }
        let deadline = Instant::now() + self.timeout;
        let tended = self.forwarder.changer.tend(turnover, deadline).await;
        tended.map_err(NotChanged::from)
    }

    /// Gives the lead to another voter, if this member leads.
    pub async fn move_lead(&self, to: u64) -> Result<(), NotChanged> {
        if !self.leads() {
            return Err(NotChanged::Failed(KvError::NotLeader));
        }
        let deadline = Instant::now() + self.timeout;
        let check = |group: &Group| group.check_successor(to);
        let allowed = self.forwarder.changer.allowed(check, deadline).await?;
        allowed.map_err(NotChanged::Refused)?;
        if to == *self.raft.node_id() {
            return Ok(());
        }
        let stopped = |_| NotChanged::Failed(KvError::Stopped);
        let trigger = self.raft.trigger();
        trigger.transfer_leader(to).await.map_err(stopped)?;
        let wait = self.raft.wait(Some(self.timeout));
        match wait.current_leader(to, "the lead is given away").await {
            Ok(_) => Ok(()),
            Err(_) => Err(NotChanged::Failed(KvError::TimedOut)),
        }
    }

    /// Whether this member counts for nothing yet, or no longer.
    pub fn is_learner(&self) -> bool {
        let own = *self.raft.node_id();
        self.raft.voter_ids().all(|id| id != own)
    }

    /// Waits until this member votes, for `patience` at most.
    pub async fn voting(&self, patience: Duration) {
        let own = *self.raft.node_id();
        let wait = self.raft.wait(Some(patience));
        let votes = |metrics: &RaftMetrics<TypeConfig>| {
            let membership = metrics.membership_config.membership();
            membership.voter_ids().any(|id| id == own)
        };
        // Late, or consensus has ended: who asked goes on with what it finds.
        let _ = wait.metrics(votes, "this member votes").await;
    }

    /// Returns when the others say that this member was removed; looks every `period`.
    pub async fn removed(&self, period: Duration) {
        loop {
            // A leader that was removed gives up its office by itself.
            if !self.leads() && self.forwarder.still_belongs().await == Some(false) {
                return;
            }
            sleep(period).await;
        }
    }
}
