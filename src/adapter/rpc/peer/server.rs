//! The calls of other members, served by whatever implements [`Peers`].

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};

use crate::adapter::log::Rarely;
use crate::adapter::rpc::peer::{Bodies, Bytes, MESSAGE_BYTES_MAX, PeerError, Speaker};
use crate::adapter::rpc::proto::peer::{
    Message,
    peer_server::{Peer, PeerServer},
};
use crate::adapter::tls::Caller;
use crate::core::cluster::trust::{Certificate, Impostor};

/// A caller that does not know yet which member it is; no member has this id.
const UNKNOWN: u64 = 0;

/// Decides whether whoever shows a certificate is the member that it says it is.
pub trait Admission: Send + Sync + 'static {
    fn admit(&self, member: u64, certificate: &Certificate) -> Result<(), Impostor>;
}

/// A member as the others see it.
pub trait Peers: Send + Sync + 'static {
    fn ask(&self, body: Bytes) -> impl Future<Output = Result<Bytes, PeerError>> + Send;

    /// Who the members are, for a machine that is none.
    fn describe(&self) -> impl Future<Output = Result<Bytes, PeerError>> + Send;

    /// Answers each body, in order; ends when the bodies end or one cannot be answered.
    fn append(&self, bodies: Bodies) -> Bodies;

    fn install(&self, bodies: Bodies) -> Bodies;
}

/// The service of one member.
pub struct PeerCalls<P> {
    server: PeerServer<Receiver<P>>,
    receiver: Arc<Receiver<P>>,
}

struct Receiver<P> {
    speaker: Speaker,
    peers: Arc<P>,
    admission: Arc<dyn Admission>,
    refused: Rarely,
}

impl<P: Peers> PeerCalls<P> {
    pub fn new(speaker: Speaker, peers: Arc<P>, admission: Arc<dyn Admission>) -> Self {
        let receiver = Arc::new(Receiver {
            speaker,
            peers,
            admission,
            refused: Rarely::default(),
        });
        let server = PeerServer::from_arc(Arc::clone(&receiver))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Self { server, receiver }
    }
}

impl<P> Clone for PeerCalls<P> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            receiver: Arc::clone(&self.receiver),
        }
    }
}

impl<P: Peers> Service<http::Request<Body>> for PeerCalls<P> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        // Before the message is read: it may be as large as a member's, and anybody can send it.
        if let Some(Caller(None)) = request.extensions().get() {
            let refusal = self.receiver.refusal("a member", &Impostor::Nobody);
            return Box::pin(std::future::ready(Ok(refusal.into_http())));
        }
        self.server.call(request)
    }
}

type Answers = BoxStream<'static, Result<Message, Status>>;

#[tonic::async_trait]
impl<P: Peers> Peer for Receiver<P> {
    type AppendStream = Answers;
    type InstallStream = Answers;

    async fn ask(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        self.caller(&request)?;
        let body = self.peers.ask(request.into_inner().body).await?;
        Ok(Response::new(Message { body }))
    }

    /// Whoever asks does not know yet whom.
    async fn describe(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        self.admit(&request, UNKNOWN)?;
        let body = self.peers.describe().await?;
        Ok(Response::new(Message { body }))
    }

    async fn append(
        &self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Answers>, Status> {
        let bodies = self.bodies(request)?;
        Ok(answers(self.peers.append(bodies)))
    }

    async fn install(
        &self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Answers>, Status> {
        let bodies = self.bodies(request)?;
        Ok(answers(self.peers.install(bodies)))
    }
}

impl<P: Peers> Receiver<P> {
    /// The member that calls, if it means this one and is who it says it is.
    fn caller<T>(&self, request: &Request<T>) -> Result<u64, Status> {
        let member = self.speaker.check(request.metadata())?;
        self.admit(request, member)?;
        Ok(member)
    }

    fn admit<T>(&self, request: &Request<T>, member: u64) -> Result<(), Status> {
        // None where no certificates are asked for: in plain text.
        let Some(Caller(certificate)) = request.extensions().get::<Caller>() else {
            return Ok(());
        };
        let admitted = match certificate {
            Some(certificate) => self.admission.admit(member, certificate),
            None => Err(Impostor::Nobody),
        };
        admitted.map_err(|impostor| self.refusal(&format!("member {member:x}"), &impostor))
    }

    fn refusal(&self, said_to_be: &str, why: &Impostor) -> Status {
        if let Some(untold) = self.refused.due() {
            tracing::warn!(said_to_be, %why, untold, "a caller is refused");
        }
        Status::failed_precondition(format!("not taken for {said_to_be}: {why}"))
    }

    fn bodies(&self, request: Request<Streaming<Message>>) -> Result<Bodies, Status> {
        let member = self.caller(&request)?;
        let bodies = request.into_inner().map(move |message| match message {
            Ok(message) => Ok(message.body),
            Err(status) => Err(PeerError::of(member, &status)),
        });
        Ok(bodies.boxed())
    }
}

fn answers(bodies: Bodies) -> Response<Answers> {
    let answers = bodies.map(|body| match body {
        Ok(body) => Ok(Message { body }),
        Err(error) => Err(error.into()),
    });
    Response::new(answers.boxed())
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, stream};
    use http_body_util::StreamBody;
    use tonic::Code;

    use super::*;

    struct Nobody;

    impl Peers for Nobody {
        async fn ask(&self, _body: Bytes) -> Result<Bytes, PeerError> {
            unreachable!("nobody is let through")
        }

        async fn describe(&self) -> Result<Bytes, PeerError> {
            unreachable!("nobody is let through")
        }

        fn append(&self, bodies: Bodies) -> Bodies {
            bodies
        }

        fn install(&self, bodies: Bodies) -> Bodies {
            bodies
        }
    }

    impl Admission for Nobody {
        fn admit(&self, _member: u64, _certificate: &Certificate) -> Result<(), Impostor> {
            Ok(())
        }
    }

    #[test]
    fn who_shows_no_certificate_is_refused_before_a_message_is_read() {
        let speaker = Speaker {
            cluster_id: 1,
            member_id: 1,
        };
        let mut calls = PeerCalls::new(speaker, Arc::new(Nobody), Arc::new(Nobody));
        for method in ["Ask", "Describe", "Append", "Install"] {
            // It never comes.
            let body = stream::pending::<Result<hyper::body::Frame<Bytes>, Status>>();
            let mut request = http::Request::new(Body::new(StreamBody::new(body)));
            let path = format!("/coracle.peer.v1.Peer/{method}");
            *request.uri_mut() = path.parse().expect("a path");
            request.extensions_mut().insert(Caller(None));
            let answer = calls
                .call(request)
                .now_or_never()
                .expect("is known at once");
            let answer = answer.expect("cannot fail");
            let status = Status::from_header_map(answer.headers()).expect("a refusal");
            assert_eq!(status.code(), Code::FailedPrecondition, "{method}");
        }
    }
}
