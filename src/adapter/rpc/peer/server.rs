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

use crate::adapter::rpc::peer::{Bodies, Bytes, MESSAGE_BYTES_MAX, PeerError, Speaker};
use crate::adapter::rpc::proto::peer::{
    Message,
    peer_server::{Peer, PeerServer},
};

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
pub struct PeerCalls<P>(PeerServer<Receiver<P>>);

struct Receiver<P> {
    speaker: Speaker,
    peers: Arc<P>,
}

impl<P: Peers> PeerCalls<P> {
    pub fn new(speaker: Speaker, peers: Arc<P>) -> Self {
        let server = PeerServer::new(Receiver { speaker, peers })
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Self(server)
    }
}

impl<P> Clone for PeerCalls<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
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
        self.0.call(request)
    }
}

type Answers = BoxStream<'static, Result<Message, Status>>;

#[tonic::async_trait]
impl<P: Peers> Peer for Receiver<P> {
    type AppendStream = Answers;
    type InstallStream = Answers;

    async fn ask(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        self.speaker.check(request.metadata())?;
        let body = self.peers.ask(request.into_inner().body).await?;
        Ok(Response::new(Message { body }))
    }

    /// Whoever asks does not know yet whom.
    async fn describe(&self, _request: Request<Message>) -> Result<Response<Message>, Status> {
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
    fn bodies(&self, request: Request<Streaming<Message>>) -> Result<Bodies, Status> {
        let member = self.speaker.check(request.metadata())?;
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
