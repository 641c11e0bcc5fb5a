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
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::adapter::cork::Corked;
use crate::adapter::log::Rarely;
use crate::adapter::rpc::client::{Address, Duplex, Endpoint as Named, open};
use crate::adapter::rpc::peer::{
    Bodies, Bytes, Courier, Couriers, MESSAGE_BYTES_MAX, NeverConnected, Patience, PeerError,
    Speaker,
};
use crate::adapter::rpc::proto::peer::{Message, peer_client::PeerClient};
use crate::adapter::tls::{self, OTHER_SIDE};

/// What may be on its way unread on one stream: a few large messages, so that a distant member
/// does not wait for a round trip in between.
const WINDOW_BYTES: u32 = 8 << 20;

/// The connections of one member to all others.
pub struct Links {
    speaker: Speaker,
    patience: Patience,
    /// None: members that want TLS cannot be reached.
    tls: Option<tls::Client>,
    complaint: Arc<Rarely>,
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
    complaint: Arc<Rarely>,
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
            tls: None,
            complaint: Arc::default(),
            open: Mutex::default(),
        }
    }

    /// With what to speak to members whose URLs say `https`.
    pub fn secured_by(self, tls: Option<tls::Client>) -> Self {
        Self { tls, ..self }
    }

    fn channel(&self, member: u64, urls: &[String]) -> Result<Channel, PeerError> {
        let bad = |why: String| PeerError::Address { member, why };
        let addresses: Vec<Address> = urls
            .iter()
            .map(
                |url| match url.parse::<Named>().map(|named| named.address) {
                    Ok(Address::Unix(_)) => Err(bad(format!("{url} is a socket of one machine"))),
                    Ok(Address::Tls { .. }) if self.tls.is_none() => {
                        Err(bad(format!("{url} wants TLS: give --peer-cert-file too")))
                    }
                    Ok(address) => Ok(address),
                    Err(error) => Err(bad(error.to_string())),
                },
            )
            .collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(bad("none is known".into()));
        }
        // Only a name in the head of requests: the connector knows the way, and when to give up.
        let endpoint = Endpoint::from_static("http://member")
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            // A member that is paused or cut off answers no ping; its connection is then given up.
            .http2_keep_alive_interval(self.patience.silence)
            .keep_alive_timeout(self.patience.silence)
            .keep_alive_while_idle(true);
        let (tls, limit, complaint) =
            (self.tls.clone(), self.patience.dial, self.complaint.clone());
        let connector = tower::service_fn(move |_: Uri| {
            connect(addresses.clone(), tls.clone(), limit, complaint.clone())
        });
        Ok(endpoint.connect_with_connector_lazy(connector))
    }
}

/// The first of the addresses that answers within its share of `limit`: one that is cut off must
/// not keep the others from being tried.
async fn connect(
    addresses: Vec<Address>,
    tls: Option<tls::Client>,
    limit: Duration,
    complaint: Arc<Rarely>,
) -> Result<TokioIo<Corked<Box<dyn Duplex>>>, NeverConnected> {
    let mut refused = NeverConnected("no address".to_owned());
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    for address in addresses {
        let secured = matches!(address, Address::Tls { .. });
        let opened = timeout(share, open(address.clone(), tls.clone(), share)).await;
        match opened.unwrap_or_else(|late| Err(late.into())) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                // Of a machine that is down consensus speaks; this does not mend itself.
                if secured
                    && error.kind() == std::io::ErrorKind::Other
                    && let Some(untold) = complaint.due()
                {
                    tracing::warn!(?address, %error, untold, "no TLS with a member");
                }
                refused = NeverConnected(error.to_string());
            }
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
            complaint: Arc::clone(&self.complaint),
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
            Ok(Err(status)) => {
                let error = PeerError::of(member, &status);
                self.tell(&status, &error);
                Err(error)
            }
            Err(_) => Err(PeerError::Late { member, limit }),
        }
    }

    /// What will not mend itself is told: that this member is refused by the other one. A server
    /// of TLS 1.3 refuses a certificate when the connection seems to stand, and h2 passes on words
    /// only.
    fn tell(&self, status: &Status, error: &PeerError) {
        let why = match error {
            PeerError::Refused(why) if status.code() == Code::FailedPrecondition => why,
            PeerError::Broken { why, .. } if why.contains(OTHER_SIDE) => why,
            _ => return,
        };
        if let Some(untold) = self.complaint.due() {
            let member = format!("{:x}", self.member);
            tracing::warn!(member, why, untold, "a member refuses this one");
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn listener(scheme: &str) -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let url = format!("{scheme}://{}", listener.local_addr().expect("bound"));
        (listener, url)
    }

    fn way(urls: &[String]) -> Arc<dyn Courier> {
        let speaker = Speaker {
            cluster_id: 1,
            member_id: 1,
        };
        let patience = Patience {
            dial: Duration::from_millis(200),
            silence: Duration::from_secs(10),
        };
        let tls = tls::Client::new(tls::Servers::Unverified, None).expect("made");
        let links = Links::new(speaker, patience).secured_by(Some(tls));
        links.to(2, urls).expect("is usable")
    }

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn one_url_that_does_not_answer_leaves_time_for_the_next() {
        // It takes the connection and says nothing.
        let (_silent, first) = listener("https").await;
        let (good, second) = listener("http").await;
        let asking = tokio::spawn(way(&[first, second]).ask(Bytes::new(), LIMIT));
        let reached = timeout(LIMIT, good.accept()).await;
        assert!(reached.is_ok_and(|reached| reached.is_ok()));
        asking.abort();
    }

    #[tokio::test]
    async fn what_waited_for_a_connection_in_vain_was_not_sent() {
        let (_silent, url) = listener("https").await;
        let error = way(&[url]).ask(Bytes::new(), LIMIT).await;
        assert!(
            matches!(error, Err(PeerError::Unreachable { member: 2, .. })),
            "{error:?}"
        );
    }
}
