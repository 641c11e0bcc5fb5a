//! The member's answers to its clients.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, WatchStream};

use crate::adapter::rpc::server::{
    AlarmAction, Api, BoxStream, GrantView, HashView, Header, LeaseTerm, MemberView, Refused,
    SnapshotPart, StatusView, WatchAnswer, WatchCommand, Wish,
};
use crate::core::kv::machine::Machine;
use crate::core::kv::request::{
    Alarm, Command, Consistency, DeleteRange, DeleteReply, KvError, MemberAlarm, Put, PutReply,
    Range, RangeReply, Reply, Txn, TxnReply,
};
use crate::core::kv::snapshot;
use crate::core::kv::store::{RangeProgress, Step};
use crate::core::kv::txn::{check_delete, check_put, check_txn, is_read_only};
use crate::role::daemon::hub::count_txn;
use crate::role::daemon::membership::refused;
use crate::role::daemon::node::Node;
use crate::role::daemon::reads::Pin;
use crate::role::daemon::watch::{ANSWERS_MAX, StreamTask};

/// The version of etcd's API that is served; what tools compare.
pub(super) const ETCD_VERSION: &str = crate::adapter::rpc::proto::API_VERSION;
pub(super) const STORAGE_VERSION: &str = "3.7.0";

/// The member as its listeners hold it.
pub(super) struct Served(pub(super) Arc<Node>);

/// A range that is read and sent piece by piece.
struct RangePieces {
    node: Arc<Node>,
    range: Range,
    progress: RangeProgress,
    /// Dropped when the last piece is read, or when the client goes.
    _pin: Option<Pin>,
    step: Step,
}

impl Served {
    async fn barrier(&self, consistency: Consistency) -> Result<(), KvError> {
        match consistency {
            Consistency::Linearizable => self.0.consensus.read_barrier().await.map(drop),
            Consistency::Serializable => Ok(()),
        }
    }

    fn machine<T>(&self, look: impl FnOnce(&Machine) -> T) -> T {
        look(&self.0.consensus.state().machine)
    }
}

impl Api for Served {
    fn header(&self, revision: i64) -> Header {
        let identity = self.0.identity;
        Header {
            cluster_id: identity.cluster_id,
            member_id: identity.member_id,
            revision,
            term: self.0.term(),
        }
    }

    fn request_bytes_max(&self) -> usize {
        self.0.settings.request_bytes_max
    }

    async fn range(&self, range: Range, consistency: Consistency) -> Result<RangeReply, KvError> {
        self.barrier(consistency).await?;
        let reply = self.0.read_range(&range).await?;
        self.0.metrics.store.ranges.inc();
        Ok(reply)
    }

    async fn range_stream(
        &self,
        range: Range,
        consistency: Consistency,
    ) -> Result<BoxStream<Result<RangeReply, KvError>>, KvError> {
        self.barrier(consistency).await?;
        let (progress, pin) = self.0.begin_range(&range)?;
        self.0.metrics.store.ranges.inc();
        let step = if pin.is_some() {
            Step::More
        } else {
            Step::Done
        };
        let node = Arc::clone(&self.0);
        let pieces = RangePieces {
            node,
            range,
            progress,
            _pin: pin,
            step,
        };
        Ok(stream::unfold(Some(pieces), |pieces| async {
            Some(RangePieces::next(pieces?).await)
        })
        .boxed())
    }

    async fn put(&self, put: Put) -> Result<PutReply, KvError> {
        check_put(&put)?;
        match self.0.propose(Command::Put(put)).await? {
            Reply::Put(reply) => Ok(reply),
            other => unreachable!("a put is answered by {other:?}"),
        }
    }

    async fn delete_range(&self, delete: DeleteRange) -> Result<DeleteReply, KvError> {
        check_delete(&delete)?;
        match self.0.propose(Command::DeleteRange(delete)).await? {
            Reply::DeleteRange(reply) => Ok(reply),
            other => unreachable!("a delete is answered by {other:?}"),
        }
    }

    async fn txn(&self, txn: Txn, consistency: Consistency) -> Result<TxnReply, KvError> {
        check_txn(&txn, self.0.settings.txn_operations_max)?;
        if is_read_only(&txn) {
            self.barrier(consistency).await?;
            let reply = self.0.read_txn(&txn).await?;
            count_txn(&self.0.metrics.store, &reply);
            return Ok(reply);
        }
        match self.0.propose(Command::Txn(txn)).await? {
            Reply::Txn(reply) => Ok(reply),
            other => unreachable!("a transaction is answered by {other:?}"),
        }
    }

    async fn compact(&self, revision: i64, physical: bool) -> Result<i64, KvError> {
        let reply = self.0.propose(Command::Compact { revision }).await?;
        if physical {
            self.0.dropped(revision).await;
        }
        match reply {
            Reply::Done { revision } => Ok(revision),
            other => unreachable!("a compaction is answered by {other:?}"),
        }
    }

    fn watch(&self, commands: BoxStream<WatchCommand>) -> BoxStream<WatchAnswer> {
        let (sender, receiver) = mpsc::channel(ANSWERS_MAX);
        // Ends when nobody takes the answers any more.
        tokio::spawn(StreamTask::new(Arc::clone(&self.0), commands, sender).run());
        ReceiverStream::new(receiver).flat_map(stream::iter).boxed()
    }

    async fn lease_grant(&self, id: i64, ttl_seconds: i64) -> Result<GrantView, KvError> {
        self.0.grant(id, ttl_seconds).await
    }

    async fn lease_revoke(&self, id: i64) -> Result<i64, KvError> {
        match self.0.propose(Command::LeaseRevoke { id }).await? {
            Reply::Done { revision } => Ok(revision),
            other => unreachable!("a revocation is answered by {other:?}"),
        }
    }

    async fn lease_keep_alive(&self, id: i64) -> Result<i64, KvError> {
        self.0.keep_alive(id).await
    }

    async fn lease_time_to_live(&self, id: i64, with_keys: bool) -> Result<LeaseTerm, KvError> {
        self.barrier(Consistency::Linearizable).await?;
        let remaining = self.0.remaining(id).await?;
        Ok(
            self.machine(|machine| match (machine.leases().get(id), remaining) {
                (Some(lease), Some(remaining)) => LeaseTerm {
                    id,
                    ttl_seconds: remaining.as_secs() as i64,
                    granted_seconds: lease.ttl_seconds,
                    keys: match with_keys {
                        true => lease
                            .keys
                            .iter()
                            .map(|key| Bytes::copy_from_slice(key))
                            .collect(),
                        false => Vec::new(),
                    },
                },
                _ => LeaseTerm {
                    id,
                    ttl_seconds: -1,
                    granted_seconds: 0,
                    keys: Vec::new(),
                },
            }),
        )
    }

    async fn leases(&self) -> Result<Vec<i64>, KvError> {
        self.barrier(Consistency::Linearizable).await?;
        let mut leases: Vec<i64> =
            self.machine(|machine| machine.leases().iter().map(|(id, _)| id).collect());
        let (clock, now) = (self.0.hub.clock(), self.0.hub.now());
        leases.sort_by_key(|id| clock.remaining(*id, now));
        Ok(leases)
    }

    async fn members(&self, consistency: Consistency) -> Result<Vec<MemberView>, KvError> {
        self.barrier(consistency).await?;
        let state = self.0.consensus.state();
        let own = self.0.identity.member_id;
        let members = state.members().map(|(id, member)| MemberView {
            id,
            name: member.name.clone(),
            peer_urls: member.peer_urls.clone(),
            client_urls: match id == own {
                // What the member was started with now, not with when the cluster was made.
                true => self.0.settings.client_urls.clone(),
                false => member.client_urls.clone(),
            },
            is_learner: !state.votes(id),
        });
        Ok(members.collect())
    }

    async fn change_member(&self, wish: Wish) -> Result<u64, Refused> {
        self.0.change_member(wish).await
    }

    async fn move_leader(&self, to: u64) -> Result<(), Refused> {
        self.0.consensus.move_lead(to).await.map_err(refused)
    }

    fn is_learner(&self) -> bool {
        self.0.consensus.is_learner()
    }

    async fn alarm(
        &self,
        action: AlarmAction,
        member: u64,
        alarm: Option<Alarm>,
    ) -> Result<Vec<MemberAlarm>, KvError> {
        let raised: Vec<MemberAlarm> = self.machine(|machine| machine.alarms().collect());
        let wanted = move |of: &MemberAlarm| {
            (member == 0 || of.member == member) && alarm.is_none_or(|alarm| of.alarm == alarm)
        };
        match action {
            AlarmAction::Get => Ok(raised.into_iter().filter(wanted).collect()),
            AlarmAction::Activate => {
                let Some(alarm) = alarm else {
                    return Ok(Vec::new());
                };
                let alarm = MemberAlarm { member, alarm };
                self.0.propose(Command::RaiseAlarm(alarm)).await?;
                Ok(vec![alarm])
            }
            AlarmAction::Deactivate => {
                let cleared: Vec<_> = raised.into_iter().filter(wanted).collect();
                for alarm in &cleared {
                    self.0.propose(Command::ClearAlarm(*alarm)).await?;
                }
                Ok(cleared)
            }
        }
    }

    fn status(&self) -> StatusView {
        let standing = self.0.consensus.standing();
        let (bytes, in_use, alarms) = self.machine(|machine| {
            let alarms = machine.alarms().map(|raised| {
                let alarm = match raised.alarm {
                    Alarm::NoSpace => "NOSPACE",
                    Alarm::Corrupt => "CORRUPT",
                };
                format!("memberID:{} alarm:{alarm} ", raised.member)
            });
            let store = &machine.store;
            (store.bytes(), store.bytes_in_use(), alarms.collect())
        });
        StatusView {
            version: ETCD_VERSION.to_owned(),
            storage_version: STORAGE_VERSION.to_owned(),
            db_bytes: bytes as i64,
            db_bytes_in_use: in_use as i64,
            db_bytes_quota: self.0.settings.quota.map_or(0, |quota| quota.0) as i64,
            leader: standing.leader,
            is_learner: self.0.consensus.is_learner(),
            raft_index: standing.last_index,
            raft_applied_index: standing.applied_index,
            errors: alarms,
        }
    }

    async fn hash(&self, revision: i64) -> Result<HashView, KvError> {
        self.barrier(Consistency::Linearizable).await?;
        let mut progress = self.machine(|machine| machine.store.start_hash(revision))?;
        while self.machine(|machine| machine.store.hash_step(&mut progress))? == Step::More {
            tokio::task::yield_now().await;
        }
        Ok(HashView {
            hash: progress.hash(),
            compact_revision: progress.compacted(),
            hash_revision: progress.at(),
        })
    }

    async fn snapshot(&self) -> Result<BoxStream<SnapshotPart>, KvError> {
        self.barrier(Consistency::Linearizable).await?;
        let image = self.machine(Machine::image);
        let identity = self.0.identity;
        let outgoing = snapshot::outgoing(identity.cluster_id, identity.member_id, &image);
        let parts = outgoing.map(|(blob, remaining_bytes)| SnapshotPart {
            remaining_bytes,
            blob,
        });
        Ok(stream::iter(parts).boxed())
    }

    fn leadership(&self) -> BoxStream<()> {
        WatchStream::new(self.0.leader.subscribe())
            .map(drop)
            .boxed()
    }

    fn revision(&self) -> i64 {
        self.0.newest_revision()
    }
}

impl RangePieces {
    /// The next piece, and what there is after it. Steps that only count give none.
    async fn next(mut self) -> (Result<RangeReply, KvError>, Option<Self>) {
        while self.step == Step::More {
            let piece = self.progress.take_piece();
            match self.node.continue_range(&self.range, &mut self.progress) {
                Ok(step) => self.step = step,
                Err(error) => return (Err(error), None),
            }
            if !piece.kvs.is_empty() {
                return (Ok(piece), Some(self));
            }
            tokio::task::yield_now().await;
        }
        (Ok(self.progress.finish(&self.range)), None)
    }
}
