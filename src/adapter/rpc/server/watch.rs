//! The Watch service: messages to commands, answers to messages.

use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, Streaming};

use crate::adapter::rpc::convert;
use crate::adapter::rpc::proto::etcdserverpb::{self as pb, watch_server::Watch};
use crate::adapter::rpc::server::api::{Api, BoxStream, WatchAnswer, WatchCommand};
use crate::adapter::rpc::server::{Service, receive_error};
use crate::core::kv::watch::Delivery;

#[tonic::async_trait]
impl<A: Api> Watch for Service<A> {
    type WatchStream = BoxStream<Result<pb::WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<Streaming<pb::WatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        // What breaks the requests ends the answers, and is their status.
        let (broken, breaks) = oneshot::channel();
        let received = request.into_inner();
        let requests = received.scan(Some(broken), |broken, request| {
            std::future::ready(match request {
                Ok(request) => Some(request),
                Err(status) => {
                    // Nobody hears it where the answers have ended before.
                    drop(
                        broken
                            .take()
                            .map(|broken| broken.send(receive_error(status))),
                    );
                    None
                }
            })
        });
        let commands = requests.filter_map(|request| std::future::ready(command(request)));
        let api = self.api.clone();
        let answers = self.api.watch(commands.boxed());
        let responses = answers.map(move |answer| Ok(response(api.as_ref(), answer)));
        let breaks = stream::once(breaks).filter_map(|broken| std::future::ready(broken.ok()));
        let responses = stream::select(responses, breaks.map(Err));
        Ok(Response::new(responses.boxed()))
    }
}

fn command(request: pb::WatchRequest) -> Option<WatchCommand> {
    use pb::watch_request::RequestUnion;
    Some(match request.request_union? {
        RequestUnion::CreateRequest(create) => WatchCommand::Create(convert::watch_request(create)),
        RequestUnion::CancelRequest(cancel) => WatchCommand::Cancel(cancel.watch_id),
        RequestUnion::ProgressRequest(_) => WatchCommand::Progress,
    })
}

fn response<A: Api>(api: &A, answer: WatchAnswer) -> pb::WatchResponse {
    let header = |revision| Service::<A>::header_of(api.header(revision));
    match answer {
        WatchAnswer::Created { watch_id, revision } => pb::WatchResponse {
            header: header(revision),
            watch_id,
            created: true,
            ..Default::default()
        },
        WatchAnswer::Canceled {
            watch_id,
            revision,
            created,
            compact_revision,
            reason,
        } => pb::WatchResponse {
            header: header(revision),
            watch_id,
            created,
            canceled: true,
            compact_revision,
            cancel_reason: reason,
            ..Default::default()
        },
        WatchAnswer::Events(delivery) => events(header(delivery.revision), &delivery, false),
        WatchAnswer::Fragment(delivery) => events(header(delivery.revision), &delivery, true),
        WatchAnswer::Progress { watch_id, revision } => pb::WatchResponse {
            header: header(revision),
            watch_id,
            ..Default::default()
        },
    }
}

fn events(
    header: Option<pb::ResponseHeader>,
    delivery: &Delivery,
    fragment: bool,
) -> pb::WatchResponse {
    pb::WatchResponse {
        header,
        watch_id: delivery.watch_id,
        fragment,
        events: delivery
            .events
            .iter()
            .map(|event| convert::event(event))
            .collect(),
        ..Default::default()
    }
}
