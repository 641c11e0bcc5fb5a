//! Changes of who votes that are interrupted, a leader that cannot read its log, a state that comes
//! twice: openraft's known troubles as simulations.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use openraft::async_runtime::watch::WatchReceiver;

use crate::adapter::raft::NotChanged;
use crate::adapter::raft::simulation::members::TEND_PAUSE;
use crate::adapter::raft::simulation::*;
use crate::adapter::raft::transfer;
use crate::core::cluster::membership::Change;
use crate::core::kv::request::{KeyRange, Put};

/// Enough for a leader to read what a member lacks from its disk, not from its memory.
const LARGE_BYTES: usize = 64 << 10;
const LARGE_COUNT: u64 = 100;

impl World {
    fn consensus(&self, id: u64) -> Arc<Consensus> {
        let running = self.running.lock().expect("no panic with it");
        Arc::clone(&running[&id].consensus)
    }

    fn up(&self) -> Vec<u64> {
        let running = self.running.lock().expect("no panic with it");
        running.keys().copied().collect()
    }

    /// The member that leads, once a majority says so.
    async fn leader(&self) -> u64 {
        let begun = Instant::now();
        loop {
            for id in self.up() {
                let consensus = self.consensus(id);
                if consensus.leads() && consensus.read_barrier().await.is_ok() {
                    return id;
                }
            }
            assert!(begun.elapsed() < AGREED_WITHIN, "nobody leads");
            sleep(TEND_PAUSE).await;
        }
    }

    /// Who votes by what a member has in its log; more than one set is half a change.
    fn votes(&self, id: u64) -> Vec<BTreeSet<u64>> {
        let consensus = self.consensus(id);
        let metrics = consensus.raft.server_metrics();
        let metrics = metrics.borrow_watched();
        metrics
            .membership_config
            .membership()
            .get_joint_config()
            .to_vec()
    }

    /// Returns when so many of these members have half a change in their logs.
    async fn half_made(&self, of: &[u64], count: usize) {
        let waiting = of.iter().map(|id| {
            let consensus = self.consensus(*id);
            async move {
                let wait = consensus.raft.wait(Some(AGREED_WITHIN));
                let is_half = |metrics: &openraft::RaftMetrics<_>| {
                    let membership = metrics.membership_config.membership();
                    membership.get_joint_config().len() > 1
                };
                wait.metrics(is_half, "half a change").await.is_ok()
            }
        });
        let mut waiting: FuturesUnordered<_> = waiting.collect();
        for _ in 0..count {
            assert_eq!(waiting.next().await, Some(true), "the change is not made");
        }
    }
}

/// What becomes of five voters whose leader dies when `seen` others have half of a change that
/// takes one of them out: how many vote in the end, and how many calls were answered.
fn interrupt(seed: u64, seen: usize) -> (usize, usize) {
    simulate(seed, 5, async |mut world| {
        world.agree().await;
        let until = Instant::now() + Duration::from_secs(10);
        let clients =
            (0..CLIENTS).map(|number| tokio::spawn(Client::of(&world, number).run(until)));
        let clients: Vec<_> = clients.collect();
        let leader = world.leader().await;
        let others: Vec<u64> = world.ids().into_iter().filter(|id| *id != leader).collect();
        let gone = others[seed as usize % others.len()];
        let leading = world.consensus(leader);
        let changing =
            tokio::spawn(async move { leading.change_members(&Change::Remove { id: gone }).await });
        world.half_made(&others, seen).await;
        world.crash(leader);
        // Its answer never arrives, or says that it is not known what becomes of the change.
        changing.abort();
        let begun = Instant::now();
        let stay: Vec<u64> = others.iter().copied().filter(|id| *id != gone).collect();
        let voters = loop {
            let votes: Vec<_> = stay.iter().map(|id| world.votes(*id)).collect();
            let is_one = votes.iter().all(|it| *it == votes[0]) && votes[0].len() == 1;
            // Without a leader nothing has ended yet: it may be the half that is coming.
            let leads = stay.iter().chain([&gone]).any(|id| {
                let consensus = world.consensus(*id);
                consensus.leads() && consensus.standing().committed_index > 0
            });
            if is_one && leads {
                break votes[0][0].clone();
            }
            assert!(begun.elapsed() < AGREED_WITHIN, "{votes:?}");
            sleep(TEND_PAUSE).await;
        };
        world.start(leader).await;
        for client in clients {
            client.await.expect("does not panic");
        }
        if !voters.contains(&gone) {
            world.crash(gone);
        }
        world.agree().await;
        for id in world.up() {
            assert_eq!(
                world.votes(id),
                std::slice::from_ref(&voters),
                "member {id}"
            );
        }
        let story = world.end().await;
        let wrong = story.judge();
        assert!(wrong.is_empty(), "seed {seed}, {seen} seen: {wrong:#?}");
        let answered = story.calls.iter().filter(|it| it.answer.is_some()).count();
        (voters.len(), answered)
    })
}

/// Joint consensus: whoever leads next ends what was left half made, by going on or by never having
/// heard of it; every member ends with the same, and nothing that was acknowledged is lost.
#[test]
fn five_voters_whose_leader_dies_between_two_configurations_end_in_one() {
    let runs = (1..=2).flat_map(|seed| (1..=3).map(move |seen| interrupt(seed, seen)));
    let (ends, answered): (BTreeSet<usize>, Vec<usize>) = runs.unzip();
    // What a majority has is never undone; what one member has may be.
    let is_one = ends.iter().all(|end| [4, 5].contains(end));
    assert!(is_one && ends.contains(&4), "{ends:?}");
    let answered: usize = answered.iter().sum();
    assert!(answered > 50, "{answered} calls were answered");
}

/// A leader that was removed leads for a moment longer. openraft takes a change from it, and then
/// finds that nobody who is no member may make one.
#[test]
fn a_leader_that_removed_itself_leaves_the_next_change_to_the_next_leader() {
    simulate(1, 3, async |world| {
        world.agree().await;
        let leader = world.leader().await;
        let leading = world.consensus(leader);
        let removed = leading.change_members(&Change::Remove { id: leader }).await;
        removed.expect("is made");
        assert!(leading.leads(), "for a moment longer");
        let (id, peer_urls) = (9, vec!["http://127.0.0.1:9".to_owned()]);
        let add = Change::Add { id, peer_urls };
        let refused = leading.change_members(&add).await;
        assert!(matches!(refused, Err(NotChanged::Failed(_))), "{refused:?}");
        let next = world.leader().await;
        assert_ne!(next, leader);
        let added = world.consensus(next).change_members(&add).await;
        added.expect("is made");
        let wrong = world.end().await.judge();
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

/// openraft#1795: a leader that failed to read its log once sent what the member could not make
/// sense of. Here it sends nothing, and another one leads.
#[test]
fn a_leader_that_cannot_read_its_log_sends_nothing_wrong_and_loses_its_office() {
    simulate(5, 3, async |mut world| {
        world.agree().await;
        let leader = world.leader().await;
        let late = world
            .ids()
            .into_iter()
            .find(|id| *id != leader)
            .expect("three");
        world.crash(late);
        let value = "v".repeat(LARGE_BYTES);
        for number in 0..LARGE_COUNT {
            let put = Put {
                key: format!("/{number}").into(),
                value: value.clone().into(),
                ..Put::default()
            };
            let put = world.consensus(leader).propose(Command::Put(put)).await;
            put.expect("two of three take it");
        }
        world.disks[&leader].fail_reads();
        world.start(late).await;
        let begun = Instant::now();
        while world.consensus(leader).leads() {
            assert!(begun.elapsed() < AGREED_WITHIN, "it still leads");
            sleep(TEND_PAUSE).await;
        }
        world.crash(leader);
        world.agree().await;
        world.start(leader).await;
        world.agree().await;
        for id in world.ids() {
            let consensus = world.consensus(id);
            let state = consensus.state();
            let store = &state.machine.store;
            assert_eq!(store.keys() as u64, LARGE_COUNT, "member {id}");
            let all = KeyRange::folder("/");
            let mut records = store.live_records(&all);
            let is_whole = records.all(|record| record.value == value.as_bytes());
            assert!(is_whole, "member {id}");
        }
    });
}

/// openraft says at once that it holds a state which its log covers, also if that is not on the
/// disk yet. A leader that believed it would go on behind what a crash took away, for ever.
#[test]
fn a_state_that_the_log_covers_is_acknowledged_once_the_log_is_on_the_disk() {
    simulate(1, 3, async |mut world| {
        world.agree().await;
        let leader = world.leader().await;
        let ids = world.ids();
        let other = ids.into_iter().find(|id| *id != leader).expect("three");
        let leading = world.consensus(leader);
        let send_state = async || {
            let link = leading.forwarder.links.to(other, &[]).expect("it is known");
            let snapshot = leading.raft.get_snapshot().await.expect("it runs");
            let vote = leading.raft.metrics().borrow_watched().vote;
            let sent = transfer::send(&*link, vote, snapshot.expect("it has one"));
            tokio::time::timeout(Duration::from_secs(10), sent).await
        };
        let put = |key: &'static str| {
            let put = Put {
                key: key.into(),
                ..Put::default()
            };
            leading.propose(Command::Put(put))
        };
        put("before").await.expect("is made");
        world.agree().await;
        let sent = send_state().await.expect("is answered");
        sent.expect("is there");
        // Its disk stands still.
        world.running.lock().expect("no panic with it")[&other].tasks[0].abort();
        put("after").await.expect("the two others take it");
        let last = leading.standing().last_index;
        let begun = Instant::now();
        while world.consensus(other).standing().committed_index < last {
            assert!(begun.elapsed() < AGREED_WITHIN, "it hears of it");
            sleep(TEND_PAUSE).await;
        }
        let sent = send_state().await;
        assert!(sent.is_err(), "{sent:?}");
        world.crash_and_restart(&[other], TEND_PAUSE).await;
        world.agree().await;
    });
}
