//! openraft's messages on their way to other members.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory};
use serde::de::DeserializeOwned;

use crate::adapter::raft::messages::{Question, decode, encode};
use crate::adapter::raft::transfer;
use crate::adapter::raft::types::{Member, TypeConfig, Vote};
use crate::adapter::rpc::peer::{Courier, Couriers, PeerError};
use crate::core::kv::machine::Image;

type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, Image>;

/// Opening a stream may take as long as a connection does; openraft's own limit is one heartbeat.
const OPEN_LIMIT_MIN: Duration = Duration::from_millis(500);

/// The requests of one stream, which end with its answers.
///
/// openraft gives the requests of a stream and of the one that follows it from one place: whoever
/// still asked for those of a stream that was given up would take one away from its successor, and
/// nobody would send it again.
struct Session<S>(Arc<Mutex<Option<S>>>);

/// Makes the ways to members.
pub(super) struct Network {
    pub(super) links: Arc<dyn Couriers>,
}

/// The way to one member.
pub(super) struct Way {
    /// An error: the member has no address that could be used.
    link: Result<Arc<dyn Courier>, PeerError>,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Way;

    async fn new_client(&mut self, target: u64, node: &Member) -> Way {
        Way {
            link: self.links.to(target, &node.peer_urls),
        }
    }
}

impl<S: stream::Stream + Unpin> Session<S> {
    fn of(requests: S) -> Self {
        Self(Arc::new(Mutex::new(Some(requests))))
    }

    fn requests(&self) -> impl stream::Stream<Item = S::Item> + use<S> {
        let shared = Arc::clone(&self.0);
        stream::poll_fn(move |context| match slot(&shared).as_mut() {
            Some(requests) => requests.poll_next_unpin(context),
            None => Poll::Ready(None),
        })
    }
}

impl<S> Drop for Session<S> {
    fn drop(&mut self) {
        slot(&self.0).take();
    }
}

/// Held for one poll of the requests, or to end them.
fn slot<S>(shared: &Mutex<Option<S>>) -> MutexGuard<'_, Option<S>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Way {
    fn link(&self) -> Result<&dyn Courier, RPCError<TypeConfig>> {
        let link = self.link.as_deref();
        link.map_err(|error| failed(error.clone()))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        question: Question,
        option: &RPCOption,
    ) -> Result<T, RPCError<TypeConfig>> {
        let limit = option.soft_ttl().max(OPEN_LIMIT_MIN);
        let answer = self.link()?.ask(encode(&question), limit).await;
        answer.and_then(|body| decode(&body)).map_err(failed)
    }
}

/// What openraft should think of a failure: whether to wait before it tries again.
fn failed(error: PeerError) -> RPCError<TypeConfig> {
    match error {
        PeerError::Late { .. } => NetworkError::new(&error).into(),
        PeerError::Address { .. }
        | PeerError::Unreachable { .. }
        | PeerError::Broken { .. }
        | PeerError::Refused(_) => Unreachable::new(&error).into(),
    }
}

impl RaftNetworkV2<TypeConfig> for Way {
    type SnapshotData = Image;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let mut answers = self.stream_append(stream::iter([request]), option).await?;
        let silent = || PeerError::Refused("an append was not answered".to_owned());
        let answer = answers.next().await;
        Ok(answer.unwrap_or_else(|| Err(failed(silent())))?.into())
    }

    fn stream_append<'s, S>(
        &'s mut self,
        mut input: S,
        option: RPCOption,
    ) -> BoxFuture<
        's,
        Result<
            BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>>,
            RPCError<TypeConfig>,
        >,
    >
    where
        S: stream::Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        Box::pin(async move {
            let limit = option.soft_ttl().max(OPEN_LIMIT_MIN);
            // After a failure openraft waits where it gives the first request. Whoever opens the
            // stream before tries a member that is down again and again without a pause.
            let Some(first) = input.next().await else {
                return Ok(stream::empty().boxed() as BoxStream<'s, _>);
            };
            let session = Session::of(stream::iter([first]).chain(input));
            let bodies = session.requests().map(|request| encode(&request)).boxed();
            let answers = self.link()?.append(bodies, limit).await.map_err(failed)?;
            let results = answers.map(move |body| {
                // It ends with the answers.
                let _ = &session;
                body.and_then(|body| decode(&body)).map_err(failed)
            });
            Ok(results.boxed() as BoxStream<'s, _>)
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask(Question::Vote(request), &option).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask(Question::PreVote(request), &option).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let link = self.link.clone().map_err(unsent)?;
        let sent = transfer::send(&*link, vote, snapshot);
        tokio::select! {
            sent = sent => sent.map_err(unsent),
            closed = cancel => Err(closed.into()),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        self.ask(Question::TransferLeader(request), &option).await
    }
}

fn unsent(error: PeerError) -> StreamingError<TypeConfig> {
    Unreachable::new(&error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_of_a_stream_that_was_given_up_are_left_to_the_next_one() {
        let (give, asked) = tokio::sync::mpsc::channel(4);
        let asked = tokio_stream::wrappers::ReceiverStream::new(asked);
        let session = Session::of(asked);
        let mut requests = session.requests().boxed();
        give.send(1).await.expect("is taken");
        assert_eq!(requests.next().await, Some(1));
        give.send(2).await.expect("is taken");
        drop(session);
        // Whoever still asks, as a connection does that does not know yet, takes nothing.
        assert_eq!(requests.next().await, None);
        assert!(give.send(3).await.is_err(), "what gives them has ended");
    }
}
