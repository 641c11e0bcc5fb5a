//! How a machine asks a member to be let into the cluster, and what only its machines get: both
//! ends of these calls.
//!
//! Joining is for whoever shows a token. All else is for those who show a node certificate.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint as Transport, Uri};
use tonic::{Code, Request, Response, Status};

use crate::adapter::log::Rarely;
use crate::adapter::rpc::client::{Endpoint, distrust, open, root_cause};
use crate::adapter::rpc::peer::{PeerCalls, Peers};
use crate::adapter::rpc::proto::join::{
    self as pb, join_client::JoinClient, join_server::Join, join_server::JoinServer,
};
use crate::adapter::tls::{self, Caller};
use crate::core::cluster::trust::Bearer;

/// A request: a few texts, the names of a machine, and what it wants certified. Anybody can send
/// one.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// An answer: URLs of a few members, and two certificates.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// For a member to accept a connection.
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);
/// For its answer, which takes a write that a majority has.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What a machine shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Application {
    pub token_id: String,
    pub secret: String,
    pub machine_id: String,
    pub directory: String,
    pub name: String,
    /// Empty where the cluster has no authority.
    pub certificate_request: Bytes,
    /// Where the machine is reached.
    pub hosts: Vec<String>,
}

/// What a machine is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    pub cluster_id: u64,
    /// The members with the URLs where each serves clients.
    pub members: Vec<(u64, Vec<String>)>,
    /// Both empty where the cluster has no authority.
    pub authority_certificate: Bytes,
    pub certificate: Bytes,
}

/// Why a machine is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The token lets nobody in.
    #[error("{0}")]
    Token(String),
    /// The token does, but this machine cannot be let in.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooManyGuesses(String),
    /// What was asked makes no sense.
    #[error("{0}")]
    Malformed(String),
    /// The other side is not of the cluster, or takes this one for none of it.
    #[error("{0}")]
    Distrust(String),
    /// Another member, or the same one later, may answer.
    #[error("{0}")]
    Unavailable(String),
}

impl JoinError {
    fn of(status: &Status) -> Self {
        let why = match std::error::Error::source(status) {
            Some(_) => root_cause(status),
            None => status.message().to_owned(),
        };
        match status.code() {
            Code::Unauthenticated => Self::Token(why),
            Code::FailedPrecondition => Self::Conflict(why),
            Code::ResourceExhausted => Self::TooManyGuesses(why),
            Code::InvalidArgument => Self::Malformed(why),
            Code::PermissionDenied => Self::Distrust(why),
            Code::Unimplemented => Self::Unavailable(
                "nobody there lets machines in: it is no member's peer URL".into(),
            ),
            _ => Self::Unavailable(why),
        }
    }
}

impl From<JoinError> for Status {
    fn from(error: JoinError) -> Self {
        let why = error.to_string();
        match error {
            JoinError::Token(_) => Self::unauthenticated(why),
            JoinError::Conflict(_) => Self::failed_precondition(why),
            JoinError::TooManyGuesses(_) => Self::resource_exhausted(why),
            JoinError::Malformed(_) => Self::invalid_argument(why),
            JoinError::Distrust(_) => Self::permission_denied(why),
            JoinError::Unavailable(_) => Self::unavailable(why),
        }
    }
}

/// A member that is asked.
pub struct Desk {
    endpoint: Endpoint,
    client: JoinClient<Channel>,
}

impl Desk {
    /// Connects to the member at `endpoint`, with `tls` where its URL says `https`.
    pub async fn of(endpoint: &Endpoint, tls: Option<tls::Client>) -> Result<Self, JoinError> {
        let unreachable = |why: String| JoinError::Unavailable(format!("{endpoint}: {why}"));
        let place = format!("http://{}", endpoint.address.authority());
        let transport =
            Transport::from_shared(place).map_err(|error| unreachable(error.to_string()))?;
        let address = endpoint.address.clone();
        let connector =
            tower::service_fn(move |_: Uri| open(address.clone(), tls.clone(), DIAL_TIMEOUT));
        let channel: Channel = timeout(DIAL_TIMEOUT, transport.connect_with_connector(connector))
            .await
            .map_err(|late| unreachable(late.to_string()))?
            .map_err(|error| match distrust(&error) {
                Some(why) => JoinError::Distrust(format!("{endpoint}: {why}")),
                None => unreachable(root_cause(&error)),
            })?;
        Ok(Self {
            endpoint: endpoint.clone(),
            client: JoinClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX),
        })
    }

    /// Asks to be let in.
    pub async fn join(&mut self, application: Application) -> Result<Welcome, JoinError> {
        let request = pb::JoinRequest {
            token_id: application.token_id,
            secret: application.secret,
            machine_id: application.machine_id,
            directory: application.directory,
            name: application.name,
            certificate_request: application.certificate_request,
            hosts: application.hosts,
        };
        let answer = within(&self.endpoint, self.client.join(request)).await?;
        let members = answer.members.into_iter();
        Ok(Welcome {
            cluster_id: answer.cluster_id,
            members: members
                .map(|member| (member.id, member.client_urls))
                .collect(),
            authority_certificate: answer.authority_certificate,
            certificate: answer.certificate,
        })
    }

    /// Asks for a new certificate for the machine of the one that is shown.
    pub async fn renew(
        &mut self,
        certificate_request: Bytes,
        hosts: Vec<String>,
    ) -> Result<Bytes, JoinError> {
        let request = pb::RenewRequest {
            certificate_request,
            hosts,
        };
        let answer = within(&self.endpoint, self.client.renew(request)).await?;
        Ok(answer.certificate)
    }

    /// Asks for the key of the cluster's authority.
    pub async fn authority_key(&mut self) -> Result<Bytes, JoinError> {
        let request = pb::AuthorityKeyRequest {};
        let answer = within(&self.endpoint, self.client.authority_key(request)).await?;
        Ok(answer.key)
    }
}

/// The answer to a call, in time.
async fn within<T>(
    endpoint: &Endpoint,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, JoinError> {
    let answer = timeout(ANSWER_TIMEOUT, call).await;
    let answer = answer.map_err(|late| JoinError::Unavailable(format!("{endpoint}: {late}")))?;
    let answer = answer.map_err(|status| match distrust(&status) {
        Some(why) => JoinError::Distrust(format!("{endpoint}: {why}")),
        None => JoinError::of(&status),
    })?;
    Ok(answer.into_inner())
}

/// Whoever lets machines in.
pub trait Doorkeeper: Send + Sync + 'static {
    fn admit(
        &self,
        application: Application,
    ) -> impl Future<Output = Result<Welcome, JoinError>> + Send;

    /// A new certificate for `machine`, which has shown the one before.
    fn renew(
        &self,
        machine: String,
        certificate_request: Bytes,
        hosts: Vec<String>,
    ) -> impl Future<Output = Result<Bytes, JoinError>> + Send;

    /// The authority's key for `machine`, if it is a member's.
    fn authority_key(
        &self,
        machine: String,
    ) -> impl Future<Output = Result<Bytes, JoinError>> + Send;
}

struct Door<D> {
    doorkeeper: Arc<D>,
    refused: Rarely,
}

#[tonic::async_trait]
impl<D: Doorkeeper> Join for Door<D> {
    async fn join(
        &self,
        request: Request<pb::JoinRequest>,
    ) -> Result<Response<pb::JoinResponse>, Status> {
        let request = request.into_inner();
        let application = Application {
            token_id: request.token_id,
            secret: request.secret,
            machine_id: request.machine_id,
            directory: request.directory,
            name: request.name,
            certificate_request: request.certificate_request,
            hosts: request.hosts,
        };
        let welcome = self.doorkeeper.admit(application).await?;
        let members = welcome.members.into_iter();
        let member = |(id, client_urls)| pb::Member { id, client_urls };
        Ok(Response::new(pb::JoinResponse {
            cluster_id: welcome.cluster_id,
            members: members.map(member).collect(),
            authority_certificate: welcome.authority_certificate,
            certificate: welcome.certificate,
        }))
    }

    async fn renew(
        &self,
        request: Request<pb::RenewRequest>,
    ) -> Result<Response<pb::RenewResponse>, Status> {
        let machine = self.machine(&request)?;
        let request = request.into_inner();
        let renewed = self
            .doorkeeper
            .renew(machine, request.certificate_request, request.hosts);
        let certificate = renewed.await?;
        Ok(Response::new(pb::RenewResponse { certificate }))
    }

    async fn authority_key(
        &self,
        request: Request<pb::AuthorityKeyRequest>,
    ) -> Result<Response<pb::AuthorityKeyResponse>, Status> {
        let machine = self.machine(&request)?;
        let key = self.doorkeeper.authority_key(machine).await?;
        Ok(Response::new(pb::AuthorityKeyResponse { key }))
    }
}

impl<D> Door<D> {
    /// The machine of the node certificate that a caller shows.
    fn machine<T>(&self, request: &Request<T>) -> Result<String, Status> {
        let caller = request.extensions().get::<Caller>();
        let certificate = caller.and_then(|caller| caller.0.as_ref());
        match certificate.and_then(|certificate| certificate.bearer.as_ref()) {
            Some(Bearer::Node(machine)) => Ok(machine.clone()),
            _ => {
                let why = "this is for those who show a node certificate of the cluster";
                if let Some(untold) = self.refused.due() {
                    tracing::warn!(why, untold, "a caller is refused");
                }
                Err(Status::permission_denied(why))
            }
        }
    }
}

/// What a member serves on its peer URLs: the other members, and machines that want to join.
pub struct MemberCalls<P, D> {
    peers: PeerCalls<P>,
    door: JoinServer<Door<D>>,
}

impl<P: Peers, D: Doorkeeper> MemberCalls<P, D> {
    pub fn new(peers: PeerCalls<P>, doorkeeper: Arc<D>) -> Self {
        let door = JoinServer::new(Door {
            doorkeeper,
            refused: Rarely::default(),
        });
        let door = door.max_decoding_message_size(REQUEST_BYTES_MAX);
        Self { peers, door }
    }
}

impl<P, D> Clone for MemberCalls<P, D> {
    fn clone(&self) -> Self {
        Self {
            peers: self.peers.clone(),
            door: self.door.clone(),
        }
    }
}

impl<P: Peers, D: Doorkeeper> Service<http::Request<Body>> for MemberCalls<P, D> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path().starts_with("/coracle.join.v1.Join/") {
            true => self.door.call(request),
            false => self.peers.call(request),
        }
    }
}
