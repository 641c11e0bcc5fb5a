//! Connections to other members: one a member, made when first used and again when it broke.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Response, Status, Streaming};

use crate::adapter::net;
use crate::adapter::rpc::client::{Address, Endpoint as Named};
use crate::adapter::rpc::peer::{
    Bodies, Bytes, Courier, Couriers, MESSAGE_BYTES_MAX, NeverConnected, Patience, PeerError,
    Speaker,
};
use crate::adapter::rpc::proto::peer::{Message, peer_client::PeerClient};

/// What may be on its way unread on one stream: a few large messages, so that a distant member
/// does not wait for a round trip in between.
const WINDOW_BYTES: u32 = 8 << 20;

/// The connections of one member to all others.
pub struct Links {
    speaker: Speaker,
    patience: Patience,
    open: Mutex<BTreeMap<u64, Open>>,
}

struct Open {
    urls: Vec<String>,
    channel: Channel,
}

/// The way to one member.
#[derive(Clone)]
struct Link {
    member: u64,
    speaker: Speaker,
    client: PeerClient<Channel>,
}

/// Bodies as messages. A type with a name: around a boxed stream alone, the compiler cannot prove
/// that the futures here and in openraft are `Send`.
struct Outgoing(BoxStream<'static, Bytes>);

impl Stream for Outgoing {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0
            .poll_next_unpin(context)
            .map(|body| body.map(|body| Message { body }))
    }
}

impl Links {
    pub fn new(speaker: Speaker, patience: Patience) -> Self {
        Self {
            speaker,
            patience,
            open: Mutex::default(),
        }
    }

    fn channel(&self, member: u64, urls: &[String]) -> Result<Channel, PeerError> {
        let bad = |why: String| PeerError::Address { member, why };
        let addresses: Vec<(String, u16)> = urls
            .iter()
            .map(
                |url| match url.parse::<Named>().map(|named| named.address) {
                    Ok(Address::Tcp { host, port }) => Ok((host, port)),
                    Ok(Address::Unix(_)) => Err(bad(format!("{url} is a socket of one machine"))),
                    Err(error) => Err(bad(error.to_string())),
                },
            )
            .collect::<Result<_, _>>()?;
        let (host, port) = addresses
            .first()
            .ok_or_else(|| bad("none is known".into()))?;
        let endpoint = Endpoint::from_shared(format!("http://{host}:{port}"))
            .map_err(|error| bad(error.to_string()))?
            .connect_timeout(self.patience.dial)
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            // A member that is paused or cut off answers no ping; its connection is then given up.
            .http2_keep_alive_interval(self.patience.silence)
            .keep_alive_timeout(self.patience.silence)
            .keep_alive_while_idle(true);
        let connector = tower::service_fn(move |_: Uri| connect(addresses.clone()));
        Ok(endpoint.connect_with_connector_lazy(connector))
    }
}

/// The first of the addresses that answers.
async fn connect(addresses: Vec<(String, u16)>) -> Result<TokioIo<TcpStream>, NeverConnected> {
    let mut refused = NeverConnected("no address".to_owned());
    for (host, port) in addresses {
        match net::connect(&host, port).await {
            Ok(stream) => return Ok(TokioIo::new(stream)),
            Err(error) => refused = NeverConnected(error.to_string()),
        }
    }
    Err(refused)
}

impl Couriers for Links {
    fn cluster_id(&self) -> u64 {
        self.speaker.cluster_id
    }

    fn to(&self, member: u64, urls: &[String]) -> Result<Arc<dyn Courier>, PeerError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.get(&member).filter(|open| open.urls == urls);
        let channel = match known {
            Some(known) => known.channel.clone(),
            None => {
                let channel = self.channel(member, urls)?;
                let (urls, channel) = (urls.to_vec(), channel);
                let entry = Open {
                    urls,
                    channel: channel.clone(),
                };
                open.insert(member, entry);
                channel
            }
        };
        Ok(Arc::new(Link {
            member,
            speaker: self.speaker,
            client: PeerClient::new(channel)
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX),
        }))
    }
}

impl Courier for Link {
    fn ask(&self, body: Bytes, limit: Duration) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let (link, mut client) = (self.clone(), self.client.clone());
        let request = self.signed(Message { body });
        Box::pin(async move { Ok(link.within(limit, client.ask(request)).await?.body) })
    }

    fn describe(&self, limit: Duration) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let (link, mut client) = (self.clone(), self.client.clone());
        let body = Bytes::new();
        let request = self.signed(Message { body });
        Box::pin(async move { Ok(link.within(limit, client.describe(request)).await?.body) })
    }

    fn append(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>> {
        let (link, mut client) = (self.clone(), self.client.clone());
        let request = self.signed(Outgoing(bodies));
        Box::pin(async move {
            let answers = link.within(limit, client.append(request)).await?;
            Ok(link.bodies(answers))
        })
    }

    fn install(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>> {
        let (link, mut client) = (self.clone(), self.client.clone());
        let request = self.signed(Outgoing(bodies));
        Box::pin(async move {
            let answers = link.within(limit, client.install(request)).await?;
            Ok(link.bodies(answers))
        })
    }
}

impl Link {
    fn signed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        self.speaker.sign(self.member, request.metadata_mut());
        request
    }

    async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, PeerError> {
        let member = self.member;
        match timeout(limit, call).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(PeerError::of(member, &status)),
            Err(_) => Err(PeerError::Late { member, limit }),
        }
    }

    fn bodies(&self, answers: Streaming<Message>) -> Bodies {
        let member = self.member;
        answers
            .map(move |answer| match answer {
                Ok(message) => Ok(message.body),
                Err(status) => Err(PeerError::of(member, &status)),
            })
            .boxed()
    }
}
