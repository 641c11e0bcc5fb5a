//! A client of a service in this process: the daemon's own tasks ask like any client, so that they
//! work alike on a member, which answers itself, and on a worker, which passes their calls on.
//!
//! A call is bounded in time. What it returns is the server's word: nothing is asked twice.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Code, Status, Streaming};
use tower::util::BoxCloneSyncService;

use crate::adapter::rpc::WHY_KEY;
use crate::adapter::rpc::proto::etcdserverpb::{
    self as pb, cluster_client::ClusterClient, compare, kv_client::KvClient,
    lease_client::LeaseClient, request_op, watch_client::WatchClient,
};
use crate::core::kv::request::{Consistency, KvError};

type Boxed = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// What the daemon's tasks keep in the store is small; a list of all machines is the largest.
const ANSWER_BYTES_MAX: usize = 256 << 20;

#[derive(Clone)]
pub struct Inside {
    kv: KvClient<Boxed>,
    lease: LeaseClient<Boxed>,
    cluster: ClusterClient<Boxed>,
    watch: WatchClient<Boxed>,
    patience: Duration,
}

/// Renews leases over one stream, which is opened again when it broke.
pub struct Renewals {
    inside: Inside,
    open: Option<(
        mpsc::Sender<pb::LeaseKeepAliveRequest>,
        Streaming<pb::LeaseKeepAliveResponse>,
    )>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("{0}")]
    Refused(String),
    /// The cluster cannot serve now.
    #[error("{0}")]
    Unavailable(String),
    #[error("the lease has lapsed")]
    NoLease,
    #[error("there is no such member")]
    NoMember,
    /// The cluster says why it will not: asking again changes nothing by itself.
    #[error("{0}")]
    Denied(String),
}

/// A key as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub key: String,
    pub value: Vec<u8>,
    pub create_revision: i64,
    pub mod_revision: i64,
}

/// A key as it must still be for a change to be made: its last change, 0 if it must not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub key: String,
    pub mod_revision: i64,
}

/// One change of a guarded transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put {
        key: String,
        value: Vec<u8>,
        /// 0: none.
        lease: i64,
    },
    Delete {
        key: String,
    },
}

impl Inside {
    pub fn over<S>(service: S, patience: Duration) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let service = Boxed::new(service);
        Self {
            kv: KvClient::new(service.clone()).max_decoding_message_size(ANSWER_BYTES_MAX),
            lease: LeaseClient::new(service.clone()),
            cluster: ClusterClient::new(service.clone()),
            watch: WatchClient::new(service),
            patience,
        }
    }

    pub async fn get(&self, key: &str) -> Result<Option<Found>, AskError> {
        Ok(self.look(key).await?.0)
    }

    /// A key with the revision at which it was looked at.
    pub async fn look(&self, key: &str) -> Result<(Option<Found>, i64), AskError> {
        let request = pb::RangeRequest {
            key: key.to_owned().into(),
            ..pb::RangeRequest::default()
        };
        let (mut found, revision) = self.range(request).await?;
        Ok((found.pop(), revision))
    }

    /// Reads one key that nobody writes.
    pub async fn probe(&self, consistency: Consistency) -> Result<(), AskError> {
        let request = pb::RangeRequest {
            key: "health".to_owned().into(),
            serializable: consistency == Consistency::Serializable,
            ..pb::RangeRequest::default()
        };
        self.range(request).await.map(drop)
    }

    /// Every key in the folder `prefix`, which ends with a slash; the one that was made first at
    /// the front.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Found>, AskError> {
        self.list_as(prefix, Consistency::Linearizable).await
    }

    /// The same, where what one member knows is enough.
    pub async fn list_as(
        &self,
        prefix: &str,
        consistency: Consistency,
    ) -> Result<Vec<Found>, AskError> {
        let request = pb::RangeRequest {
            key: prefix.to_owned().into(),
            range_end: end(prefix).into(),
            serializable: consistency == Consistency::Serializable,
            ..pb::RangeRequest::default()
        };
        let (mut found, _) = self.range(request).await?;
        found.sort_by_key(|found| found.create_revision);
        Ok(found)
    }

    /// Of the keys in the folder `prefix`, at most `count` of those that were made before
    /// `create_revision`, the latest at the front; and the revision at which that was so.
    pub async fn list_before(
        &self,
        prefix: &str,
        create_revision: i64,
        count: usize,
    ) -> Result<(Vec<Found>, i64), AskError> {
        let request = pb::RangeRequest {
            key: prefix.to_owned().into(),
            range_end: end(prefix).into(),
            max_create_revision: create_revision - 1,
            sort_target: pb::range_request::SortTarget::Create.into(),
            sort_order: pb::range_request::SortOrder::Descend.into(),
            limit: i64::try_from(count).unwrap_or(0),
            ..pb::RangeRequest::default()
        };
        self.range(request).await
    }

    /// Of the keys in the folder `prefix` the one that was made first.
    pub async fn oldest(&self, prefix: &str) -> Result<Option<Found>, AskError> {
        let request = pb::RangeRequest {
            key: prefix.to_owned().into(),
            range_end: end(prefix).into(),
            sort_target: pb::range_request::SortTarget::Create.into(),
            limit: 1,
            ..pb::RangeRequest::default()
        };
        Ok(self.range(request).await?.0.pop())
    }

    async fn range(&self, request: pb::RangeRequest) -> Result<(Vec<Found>, i64), AskError> {
        let mut kv = self.kv.clone();
        let answer = self.within(kv.range(request)).await?;
        let found = answer.kvs.into_iter().map(|found| Found {
            key: String::from_utf8_lossy(&found.key).into_owned(),
            value: found.value.to_vec(),
            create_revision: found.create_revision,
            mod_revision: found.mod_revision,
        });
        let revision = answer.header.map_or(0, |header| header.revision);
        Ok((found.collect(), revision))
    }

    /// Makes all changes if every guard holds; whether they do.
    pub async fn change(&self, guards: &[Guard], changes: Vec<Change>) -> Result<bool, AskError> {
        let made = self.commit(guards, changes).await?;
        Ok(made.is_some())
    }

    /// The same; the revision at which they were made.
    pub async fn commit(
        &self,
        guards: &[Guard],
        changes: Vec<Change>,
    ) -> Result<Option<i64>, AskError> {
        let compare = guards.iter().map(|guard| pb::Compare {
            result: compare::CompareResult::Equal.into(),
            target: compare::CompareTarget::Mod.into(),
            key: guard.key.clone().into(),
            target_union: Some(compare::TargetUnion::ModRevision(guard.mod_revision)),
            ..pb::Compare::default()
        });
        let operation = |change| pb::RequestOp {
            request: Some(match change {
                Change::Put { key, value, lease } => {
                    request_op::Request::RequestPut(pb::PutRequest {
                        key: key.into(),
                        value: value.into(),
                        lease,
                        ..pb::PutRequest::default()
                    })
                }
                Change::Delete { key } => {
                    request_op::Request::RequestDeleteRange(pb::DeleteRangeRequest {
                        key: key.into(),
                        ..pb::DeleteRangeRequest::default()
                    })
                }
            }),
        };
        let request = pb::TxnRequest {
            compare: compare.collect(),
            success: changes.into_iter().map(operation).collect(),
            failure: Vec::new(),
        };
        let mut kv = self.kv.clone();
        let answer = self.within(kv.txn(request)).await?;
        let revision = answer.header.map_or(0, |header| header.revision);
        Ok(answer.succeeded.then_some(revision))
    }

    /// The id of a new lease.
    pub async fn grant(&self, ttl_seconds: i64) -> Result<i64, AskError> {
        let mut lease = self.lease.clone();
        let request = pb::LeaseGrantRequest {
            ttl: ttl_seconds,
            id: 0,
        };
        Ok(self.within(lease.lease_grant(request)).await?.id)
    }

    pub async fn revoke(&self, id: i64) -> Result<(), AskError> {
        let mut lease = self.lease.clone();
        let request = pb::LeaseRevokeRequest { id };
        self.within(lease.lease_revoke(request)).await.map(drop)
    }

    /// How many keys are in the folder `prefix`, as far as who answers knows.
    pub async fn count(&self, prefix: &str) -> Result<usize, AskError> {
        let request = pb::RangeRequest {
            key: prefix.to_owned().into(),
            range_end: end(prefix).into(),
            count_only: true,
            serializable: true,
            ..pb::RangeRequest::default()
        };
        let mut kv = self.kv.clone();
        let answer = self.within(kv.range(request)).await?;
        Ok(usize::try_from(answer.count).unwrap_or(0))
    }

    /// A way to renew leases again and again.
    pub fn renewals(&self) -> Renewals {
        Renewals {
            inside: self.clone(),
            open: None,
        }
    }

    /// The cluster's id and its members, by a read that a majority confirms.
    pub async fn members(&self) -> Result<(u64, Vec<pb::Member>), AskError> {
        let mut cluster = self.cluster.clone();
        let request = pb::MemberListRequest { linearizable: true };
        let answer = self.within(cluster.member_list(request)).await?;
        let cluster_id = answer.header.map_or(0, |header| header.cluster_id);
        Ok((cluster_id, answer.members))
    }

    /// Takes a member out; [`AskError::NoMember`] if it is none.
    pub async fn remove_member(&self, id: u64) -> Result<(), AskError> {
        let mut cluster = self.cluster.clone();
        let request = pb::MemberRemoveRequest { id };
        self.within(cluster.member_remove(request)).await.map(drop)
    }

    /// Lets a learner vote.
    pub async fn promote_member(&self, id: u64) -> Result<(), AskError> {
        let mut cluster = self.cluster.clone();
        let request = pb::MemberPromoteRequest { id };
        self.within(cluster.member_promote(request)).await.map(drop)
    }

    /// Returns when `key`, or in a folder, which ends with a slash, any key, was changed, or when
    /// nobody can say any longer that none was.
    pub async fn changed(&self, key: &str, after_revision: i64) -> Result<(), AskError> {
        self.until(key, after_revision, &[]).await
    }

    /// The same for a key that goes: what is put under it is nothing to wake for.
    pub async fn deleted(&self, key: &str, after_revision: i64) -> Result<(), AskError> {
        let puts = pb::watch_create_request::FilterType::Noput;
        self.until(key, after_revision, &[puts.into()]).await
    }

    async fn until(&self, key: &str, after_revision: i64, filters: &[i32]) -> Result<(), AskError> {
        let mut watch = self.watch.clone();
        let create = pb::WatchCreateRequest {
            key: key.to_owned().into(),
            range_end: end(key).into(),
            start_revision: after_revision + 1,
            filters: filters.to_vec(),
            ..pb::WatchCreateRequest::default()
        };
        let create = pb::WatchRequest {
            request_union: Some(pb::watch_request::RequestUnion::CreateRequest(create)),
        };
        let mut answers = self.within(watch.watch(tokio_stream::once(create))).await?;
        loop {
            match answers.message().await.map_err(AskError::from)? {
                Some(answer) if answer.events.is_empty() && !answer.canceled => {}
                _ => return Ok(()),
            }
        }
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    ) -> Result<T, AskError> {
        match timeout(self.patience, call).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => Err(AskError::Late(self.patience)),
        }
    }
}

impl Renewals {
    /// Gives a lease its full term again; [`AskError::NoLease`] if it is no more.
    pub async fn renew(&mut self, id: i64) -> Result<(), AskError> {
        // One whose answer did not come in time would answer the next renewal.
        let open = self.open.take();
        let request = pb::LeaseKeepAliveRequest { id };
        let mut client = self.inside.lease.clone();
        let asked = async {
            let (sender, mut answers) = match open {
                Some((sender, answers)) if sender.try_send(request).is_ok() => (sender, answers),
                _ => {
                    let (sender, requests) = mpsc::channel(1);
                    sender.try_send(request).expect("it has room for one");
                    let requests = ReceiverStream::new(requests);
                    let answers = client.lease_keep_alive(requests).await?.into_inner();
                    (sender, answers)
                }
            };
            let answer = answers.message().await?;
            Ok(tonic::Response::new((answer, sender, answers)))
        };
        let (answer, sender, answers) = self.inside.within(asked).await?;
        match answer {
            Some(answer) if answer.ttl > 0 => {
                self.open = Some((sender, answers));
                Ok(())
            }
            Some(_) => Err(AskError::NoLease),
            None => Err(AskError::Unavailable("the stream ended".to_owned())),
        }
    }
}

/// The first key behind a folder: zero comes behind the slash in ASCII. Nothing for a key alone.
fn end(key: &str) -> String {
    let folder = key.strip_suffix('/');
    folder.map_or_else(String::new, |folder| format!("{folder}0"))
}

impl From<Status> for AskError {
    fn from(status: Status) -> Self {
        let why = status.message().to_owned();
        let told = status.metadata().get(WHY_KEY);
        let is_verdict =
            status.code() != Code::Unavailable || why == KvError::Unhealthy.to_string();
        match status.code() {
            Code::NotFound if why == KvError::MemberNotFound.to_string() => Self::NoMember,
            _ if is_verdict && let Some(told) = told.and_then(|told| told.to_str().ok()) => {
                Self::Denied(told.to_owned())
            }
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Self::Unavailable(why),
            Code::NotFound if why.contains("lease") => Self::NoLease,
            _ => Self::Refused(why),
        }
    }
}
