//! Clients of simulated members, and what they ask for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::adapter::raft::Consensus;
use crate::adapter::raft::simulation::story::{self, Asked, Call, Story};
use crate::adapter::raft::simulation::{Running, World};
use crate::core::bench::input::Source;
use crate::core::kv::request::{Command, DeleteRange, KeyRange, KvError, Put, Range, Reply};

const KEYS: u64 = 3;

/// A request that takes longer has an unknown outcome.
const CALL_LIMIT: Duration = Duration::from_secs(3);
const PAUSE_MS_MAX: u64 = 60;

pub(super) struct Client {
    number: u64,
    random: Source,
    running: Arc<Mutex<BTreeMap<u64, Running>>>,
    story: Arc<Mutex<Story>>,
    written: u64,
}

impl Client {
    pub(super) fn of(world: &World, number: u64) -> Self {
        Self {
            number,
            random: Source::new(world.seed, 100 + number),
            running: Arc::clone(&world.running),
            story: Arc::clone(&world.story),
            written: 0,
        }
    }

    /// Any member that runs.
    fn member(&mut self) -> Option<Arc<Consensus>> {
        let running = self.running.lock().expect("no panic with it");
        let at = self.random.below(running.len().max(1) as u64) as usize;
        let member = running.values().nth(at);
        member.map(|it| Arc::clone(&it.consensus))
    }

    pub(super) async fn run(mut self, until: Instant) {
        while Instant::now() < until {
            sleep(Duration::from_millis(1 + self.random.below(PAUSE_MS_MAX))).await;
            let Some(consensus) = self.member() else {
                continue;
            };
            let asked = self.choose();
            let begun = self.story.lock().expect("no panic with it").tick();
            let answer = timeout(CALL_LIMIT, ask(&consensus, &asked)).await;
            drop(consensus);
            let mut story = self.story.lock().expect("no panic with it");
            let ended = story.tick();
            let answer = answer.ok().and_then(Result::ok);
            let call = Call {
                asked,
                begun,
                answer: answer.map(|(revision, found)| (ended, revision, found)),
            };
            story.calls.push(call);
        }
    }

    fn choose(&mut self) -> Asked {
        let key = self.random.below(KEYS);
        match self.random.below(5) {
            0 | 1 => Asked::Get(key),
            2 => Asked::Delete(key),
            _ => {
                self.written += 1;
                Asked::Put(key, self.number * 1_000_000 + self.written)
            }
        }
    }
}

/// Asks a member; the revision and the value that was there.
async fn ask(consensus: &Consensus, asked: &Asked) -> Result<(i64, Option<u64>), KvError> {
    let key_range = |key: &u64| KeyRange {
        start: key.to_string().into(),
        ..KeyRange::default()
    };
    match asked {
        Asked::Get(key) => {
            consensus.read_barrier().await?;
            let range = Range {
                keys: key_range(key),
                ..Range::default()
            };
            let state = consensus.state();
            let store = &state.machine.store;
            let mut progress = store.start_range(&range)?;
            store.range_step(&range, &mut progress)?;
            let reply = progress.finish(&range);
            let found = reply.kvs.first().map(story::value);
            Ok((reply.revision, found))
        }
        Asked::Put(key, value) => {
            let put = Put {
                key: key.to_string().into(),
                value: value.to_string().into(),
                prev_kv: true,
                ..Put::default()
            };
            match consensus.propose(Command::Put(put)).await? {
                Reply::Put(put) => Ok((put.revision, put.prev_kv.as_ref().map(story::value))),
                other => unreachable!("a put is answered by {other:?}"),
            }
        }
        Asked::Delete(key) => {
            let delete = DeleteRange {
                keys: key_range(key),
                prev_kv: true,
            };
            match consensus.propose(Command::DeleteRange(delete)).await? {
                Reply::DeleteRange(gone) => {
                    Ok((gone.revision, gone.prev_kvs.first().map(story::value)))
                }
                other => unreachable!("a delete is answered by {other:?}"),
            }
        }
    }
}
