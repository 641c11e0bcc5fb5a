//! openraft's own suite for stores, on our log store and state machine with real files.

use std::io;
use std::sync::Arc;

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;

use crate::adapter::checkpoint::Checkpoints;
use crate::adapter::checkpoint::worker::{self, Worker};
use crate::adapter::raft::log_store::LogStore;
use crate::adapter::raft::saved::{Checkpointer, Saved};
use crate::adapter::raft::state_machine::{Observer, SharedState, StateMachine};
use crate::adapter::raft::types::TypeConfig;
use crate::adapter::wal::{Options, Wal};
use crate::core::kv::machine::Machine;
use crate::core::kv::request::{Command, KvError, Reply};
use crate::core::kv::store::Store;

/// Small, so that the suite's many stores are quick to lay out.
const SEGMENT_BYTES: u64 = 64 * 1024;

/// The process that writes checkpoints: this test alone, in another process of the test binary.
#[test]
fn worker_process() {
    if worker::is_asked_for() {
        let code = worker::serve();
        std::process::exit(i32::from(code.is_err()));
    }
}

struct Nobody;

impl Observer for Nobody {
    fn changed(&self, _store: &Store, _from: i64) {}
    fn applied(&self, _command: &Command, _reply: &Result<Reply, KvError>) {}
    fn replaced(&self, _machine: &Machine) {}
}

struct Stores;

impl Stores {
    fn open() -> io::Result<(TempDir, LogStore, StateMachine)> {
        let dir = TempDir::new()?;
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            reserve_bytes: 0,
            ..Options::default()
        };
        let (wal, recovered) =
            Wal::open(&dir.path().join("wal"), options).map_err(io::Error::other)?;
        let log_store = LogStore::new(Arc::new(wal), &recovered, None)?;
        let arguments = [
            "adapter::raft::tests::worker_process",
            "--exact",
            "--nocapture",
        ];
        let worker = Worker::new("/proc/self/exe", arguments);
        let (checkpoints, ..) =
            Checkpoints::open(&dir.path().join("checkpoints"), worker).map_err(io::Error::other)?;
        let state = SharedState::new(Saved::beginning().into_state());
        let checkpointer = Arc::new(Checkpointer::new(state.clone(), checkpoints));
        let machine = StateMachine::new(state, Arc::new(Nobody), checkpointer);
        Ok((dir, log_store, machine))
    }
}

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for Stores {
    async fn build(&self) -> Result<(TempDir, LogStore, StateMachine), StorageError<TypeConfig>> {
        Ok(Self::open().expect("a fresh directory makes fresh stores"))
    }
}

#[tokio::test]
async fn openrafts_suite_holds_on_our_stores() {
    Suite::test_all(Stores).await.expect("every case holds");
}
