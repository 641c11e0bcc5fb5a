//! Linearizable reads: one confirmation of leadership serves all reads that wait for one.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::adapter::raft::forward::Forwarder;
use crate::adapter::raft::statistics::Counters;
use crate::core::kv::request::KvError;

/// Reads that one confirmation serves at most, and that wait for the next at most.
pub(super) const WAITING_MAX: usize = 16 * 1024;

/// Who waits for a confirmation; it says the term in which this member leads, if it does.
pub(super) type Read = oneshot::Sender<Result<Option<u64>, KvError>>;

/// Confirms for all reads that arrived before it started, again and again, until every handle is
/// dropped. A read that arrives during a confirmation waits for the next: the one under way may
/// have been judged before the read began.
pub(super) async fn run(
    forwarder: Forwarder,
    mut reads: mpsc::Receiver<Read>,
    counters: Arc<Counters>,
) {
    let mut waiting = Vec::new();
    while reads.recv_many(&mut waiting, WAITING_MAX).await > 0 {
        let confirmed = forwarder.read_barrier().await;
        if confirmed.is_err() {
            counters.read_index_failed();
        }
        waiting.drain(..).for_each(|read| {
            // A receiver that is gone is a client that no longer waits.
            let _ = read.send(confirmed);
        });
    }
}
