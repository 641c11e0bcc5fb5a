//! Members that come and go: what a member does for the membership, and one that is replaced.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::adapter::checkpoint::Pace;
use crate::adapter::checkpoint::simulation::Cellar;
use crate::adapter::raft::simulation::{AGREED_WITHIN, World};
use crate::adapter::raft::types::Member;
use crate::adapter::raft::{Consensus, NotChanged};
use crate::core::bench::input::Source;
use crate::core::cluster::membership::{Change, Refusal, Turnover};

/// As the daemon looks after the members.
pub(super) const TEND_PAUSE: Duration = Duration::from_millis(250);

/// The longest time between two checkpoints of a member.
const CHECKPOINT_MS_MAX: u64 = 4_000;

/// Before a change that failed is asked for again.
const CHANGE_PAUSE: Duration = Duration::from_millis(50);

/// What the members know of one that was not started yet.
pub(super) fn reached_by_members(id: u64) -> Member {
    Member {
        peer_urls: vec![format!("http://127.0.0.1:{}", 10_000 + id)],
        ..Member::default()
    }
}

/// What a member does for the membership as long as it lives.
pub(super) async fn care(consensus: Arc<Consensus>, id: u64, founders: BTreeMap<u64, Member>) {
    // A member that dies meanwhile says so; what matters is told by the others.
    drop(consensus.settle(founders).await);
    let own = Member {
        client_urls: vec![format!("http://127.0.0.1:{}", 20_000 + id)],
        ..reached_by_members(id)
    };
    while consensus.publish(&own).await.is_err() {
        sleep(TEND_PAUSE).await;
    }
    loop {
        // What cannot be done now is looked at again.
        drop(consensus.tend_members(&Turnover::default()).await);
        sleep(TEND_PAUSE).await;
    }
}

impl World {
    /// Has a member write checkpoints from time to time, as long as it lives, and give back the log
    /// that they make needless.
    pub(super) fn give_back(&mut self, id: u64) {
        let mut random = Source::new(self.random.next(), id);
        let mut running = self.running.lock().expect("no panic with it");
        let member = running.get_mut(&id).expect("it runs");
        let consensus = Arc::clone(&member.consensus);
        member.tasks.push(tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(random.below(CHECKPOINT_MS_MAX))).await;
                consensus
                    .checkpoint(Pace::Yielding)
                    .await
                    .expect("is written");
            }
        }));
    }

    /// Has all members give back their logs up to what they have applied now.
    pub(super) async fn give_back_all(&self) {
        let members: Vec<_> = {
            let running = self.running.lock().expect("no panic with it");
            running
                .values()
                .map(|it| Arc::clone(&it.consensus))
                .collect()
        };
        for member in members {
            // The older one of two counts.
            for _ in 0..2 {
                member.checkpoint(Pace::Yielding).await.expect("is written");
            }
        }
    }

    /// Removes a member for good and has another one come in its place, while who leads may crash.
    pub(super) async fn replace(&mut self, old: u64, lasts: Duration) {
        let is_killed = self.random.below(2) == 0;
        let trouble = self.random.below(3);
        if is_killed {
            self.crash(old);
        }
        let removing = self.change(old, Change::Remove { id: old });
        if trouble == 1 {
            self.lose_leader(old, lasts).await;
        }
        removing.await.expect("the change is made");
        if !is_killed {
            // It does not know yet, and is asked.
            sleep(lasts / 4).await;
            self.crash(old);
        }
        self.disks.remove(&old);
        self.cellars.remove(&old);
        let new = self.next;
        self.next += 1;
        let peer_urls = reached_by_members(new).peer_urls;
        let adding = self.change(old, Change::Add { id: new, peer_urls });
        adding.await.expect("the change is made");
        self.disks.insert(new, Self::disk(self.seed, new));
        self.cellars.insert(new, Cellar::default());
        self.start(new).await;
        if trouble == 2 {
            self.lose_leader(new, lasts).await;
        }
        // Only when it votes for certain can the next one be spared.
        let promoting = self.change(old, Change::Promote { id: new });
        promoting.await.expect("the change is made");
        self.story.lock().expect("no panic with it").replaced += 1;
    }

    /// The leader, or any other one that is not `but`, crashes and comes back.
    async fn lose_leader(&mut self, but: u64, lasts: Duration) {
        let lost = {
            let running = self.running.lock().expect("no panic with it");
            let others = running.iter().filter(|(id, _)| **id != but);
            let lost = others.max_by_key(|(_, it)| it.consensus.leads());
            *lost.expect("others run").0
        };
        self.crash_and_restart(&[lost], lasts).await;
    }

    /// Has a change made by any member but one.
    fn change(&mut self, but: u64, change: Change) -> JoinHandle<()> {
        let mut random = Source::new(self.random.next(), but);
        let running = Arc::clone(&self.running);
        let begun = Instant::now();
        // Ends when the change is made; who waits for it meets a panic.
        tokio::spawn(async move {
            loop {
                let member = {
                    let running = running.lock().expect("no panic with it");
                    let others = running.iter().filter(|(id, _)| **id != but);
                    let others: Vec<_> = others.map(|(_, it)| &it.consensus).collect();
                    let at = random.below(others.len().max(1) as u64) as usize;
                    others.get(at).map(|it| Arc::clone(it))
                };
                let mut why = None;
                if let Some(member) = member {
                    match member.change_members(&change).await {
                        Ok(()) => return,
                        // It was made before: when it was asked for, or by the leader's own care.
                        Err(NotChanged::Refused(
                            Refusal::NotFound { .. } | Refusal::NotLearner { .. },
                        )) => return,
                        Err(error) => why = Some(error),
                    }
                }
                assert!(begun.elapsed() < AGREED_WITHIN, "{change:?}: {why:?}");
                sleep(CHANGE_PAUSE).await;
            }
        })
    }
}
