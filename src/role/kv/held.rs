//! `--if-held NAME`: a write that is made only while a lock's fence stands.
//!
//! The key of the lock's holder was made at the revision that is the fence, and is guarded in the
//! same transaction: a holder that lost its lock without noticing changes nothing.

use bytes::Bytes;

use crate::adapter::rpc::client::Client;
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::compare::{
    CompareResult, CompareTarget, TargetUnion,
};
use crate::adapter::rpc::proto::etcdserverpb::request_op::Request;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response;
use crate::cli::Matches;
use crate::core::lock::name::LockName;
use crate::error::{Exit, Failure};
use crate::role::kv::session::{BAD_ARGUMENTS, Trouble};

/// A lock as it must still be held.
pub(super) struct Held<'a> {
    name: &'a LockName,
    fence: i64,
}

impl<'a> Held<'a> {
    /// What the command line asks for, which the imitation of etcdctl cannot.
    pub(super) fn of(matches: &'a Matches) -> Result<Option<Self>, Trouble> {
        let name = matches.try_get_one::<LockName>("if-held").ok().flatten();
        let fence = matches.try_get_one::<i64>("fence").ok().flatten();
        match (name, fence) {
            (None, _) => Ok(None),
            (Some(name), Some(fence)) => Ok(Some(Self {
                name,
                fence: *fence,
            })),
            (Some(name), None) => {
                let what = format!("cannot tell whether lock {name} is held still");
                let failure = Failure::usage(what, "its fence is not said").hint(format!(
                    "write under it: `lockctl exec {name} -- kvctl put --if-held {name} …`, or say \
                     --fence N"
                ));
                Err(Trouble::plain(failure, BAD_ARGUMENTS))
            }
        }
    }

    /// Makes a change if the fence stands; what it answered, with the header of the whole.
    pub(super) async fn change(
        &self,
        client: &Client,
        what: &str,
        change: Request,
    ) -> Result<(Response, Option<pb::ResponseHeader>), Trouble> {
        let key = self.key(client, what).await?;
        let stands = pb::Compare {
            result: CompareResult::Equal.into(),
            target: CompareTarget::Create.into(),
            key,
            range_end: Bytes::new(),
            target_union: Some(TargetUnion::CreateRevision(self.fence)),
        };
        let request = pb::TxnRequest {
            compare: vec![stands],
            success: vec![pb::RequestOp {
                request: Some(change),
            }],
            failure: Vec::new(),
        };
        let answer = client.txn(request).await;
        let mut answer = answer.map_err(|error| Trouble::rpc(what, &error))?;
        let made = answer.responses.pop().and_then(|made| made.response);
        match made.filter(|_| answer.succeeded) {
            Some(made) => Ok((made, answer.header)),
            None => Err(self.lost(what)),
        }
    }

    /// The key that was made at the fence.
    async fn key(&self, client: &Client, what: &str) -> Result<Bytes, Trouble> {
        let folder = self.name.folder();
        let request = pb::RangeRequest {
            // Zero comes behind the slash in ASCII.
            range_end: format!("{}0", folder.trim_end_matches('/')).into(),
            key: folder.into(),
            min_create_revision: self.fence,
            max_create_revision: self.fence,
            keys_only: true,
            ..pb::RangeRequest::default()
        };
        let found = client.range(request).await;
        let mut found = found.map_err(|error| Trouble::rpc(what, &error))?;
        found
            .kvs
            .pop()
            .map(|pair| pair.key)
            .ok_or_else(|| self.lost(what))
    }

    fn lost(&self, what: &str) -> Trouble {
        let Self { name, fence } = self;
        let why = format!("lock {name} is not held under fence {fence} any more");
        let failure = Failure::new(Exit::CONFLICT, what, why);
        let hint = format!("see who holds it now with `lockctl info {name}`");
        Trouble::plain(failure.hint(hint), BAD_ARGUMENTS)
    }
}
