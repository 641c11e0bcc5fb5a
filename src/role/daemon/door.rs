//! Who is let into the cluster: a member's answer to a machine that shows a token.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::time::Instant;

use crate::adapter::authority::Authority;
use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Found, Guard, Inside};
use crate::adapter::rpc::join::{Application, Doorkeeper, JoinError, Welcome};
use crate::core::cluster::guesses::{Guesses, Whom};
use crate::core::cluster::machine::{self, Machine, MachineId};
use crate::core::cluster::node::{self, Admission, Node};
use crate::core::cluster::seat::{self, Seat};
use crate::core::cluster::token::{self, TokenError, TokenRecord};
use crate::core::cluster::trust::Bearer;
use crate::error::chain;
use crate::role::daemon::managed::Managed;

/// How often a decision is made again because something that it depends on changed meanwhile.
const TRIES_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 255;
/// Many times what a machine has addresses; a certificate is sent with each handshake.
const HOSTS_MAX: usize = 64;

pub(super) struct Door {
    inside: Inside,
    cluster_id: u64,
    /// None where the cluster has no authority.
    managed: Option<Managed>,
    guesses: Mutex<Guesses>,
    since: Instant,
}

impl Door {
    pub(super) fn new(inside: Inside, cluster_id: u64, managed: Option<Managed>) -> Self {
        Self {
            inside,
            cluster_id,
            managed,
            guesses: Mutex::default(),
            since: Instant::now(),
        }
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The record of the token, if it lets this machine in, and the key as it was found.
    async fn token(
        &self,
        application: &Application,
        joined: Option<&Node>,
    ) -> Result<(TokenRecord, Found), JoinError> {
        let id = &application.token_id;
        let is_id = id.len() <= NAME_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = match is_id {
            true => self
                .inside
                .get(&token::key(id))
                .await
                .map_err(unavailable)?,
            false => None,
        };
        let whom = match found {
            Some(_) => Whom::Token(id.clone()),
            None => Whom::Unknown,
        };
        let admitted = self.guesses().admit(&whom, self.now_ms());
        admitted.map_err(|error| JoinError::TooManyGuesses(error.to_string()))?;
        let wrong = |error: TokenError| {
            if error == TokenError::Unknown {
                self.guesses().note_wrong(whom.clone(), self.now_ms());
            }
            tracing::warn!(token = ?whom, machine = application.machine_id, %error, "not let in");
            JoinError::Token(error.to_string())
        };
        let found = found.ok_or_else(|| wrong(TokenError::Unknown))?;
        // What somebody else wrote there opens nothing.
        let record = TokenRecord::decode(&found.value);
        let record = record.map_err(|_| wrong(TokenError::Unknown))?;
        let again = joined.is_some_and(|joined| {
            joined.token == record.id && joined.directory == application.directory
        });
        let checked = record.check(&application.secret, host::now_ms(), again);
        checked.map_err(wrong)?;
        Ok((record, found))
    }

    /// Decides once; `None` if something changed meanwhile.
    async fn decide(
        &self,
        id: &MachineId,
        application: &Application,
    ) -> Result<Option<()>, JoinError> {
        let get = async |key: String| self.inside.get(&key).await.map_err(unavailable);
        let node_key = node::key(id);
        let found_node = get(node_key.clone()).await?;
        let joined = found_node.as_ref();
        let joined = joined.and_then(|found| Node::decode(&found.value).ok());
        let (record, found_token) = self.token(application, joined.as_ref()).await?;
        let up = get(machine::key(id)).await?;
        let up = up.and_then(|found| Machine::decode(&found.value).ok());
        let seat = get(seat::key(id)).await?;
        let seat = seat.and_then(|found| Seat::decode(&found.value).ok());
        let seat = seat.filter(|seat| seat.is_of(self.cluster_id));
        let node = Node {
            id: id.clone(),
            name: application.name.clone(),
            directory: application.directory.clone(),
            token: record.id.clone(),
        };
        match node.admit(joined.as_ref(), up.as_ref(), seat.as_ref()) {
            Err(refusal) => {
                tracing::warn!(machine = %id, %refusal, "not let in");
                Err(JoinError::Conflict(refusal.to_string()))
            }
            Ok(Admission::Again) => Ok(Some(())),
            Ok(Admission::New) => {
                let guards = [
                    Guard {
                        key: found_token.key.clone(),
                        mod_revision: found_token.mod_revision,
                    },
                    Guard {
                        key: node_key.clone(),
                        mod_revision: found_node.map_or(0, |found| found.mod_revision),
                    },
                ];
                let put = |key, value| Change::Put {
                    key,
                    value,
                    lease: 0,
                };
                let changes = vec![
                    put(found_token.key, record.after_use().encode()),
                    put(node_key, node.encode()),
                ];
                let changed = self.inside.change(&guards, changes).await;
                let changed = changed.map_err(unavailable)?;
                if changed {
                    tracing::info!(machine = %id, name = node.name, "joined");
                }
                Ok(changed.then_some(()))
            }
        }
    }
}

impl Doorkeeper for Door {
    async fn admit(&self, application: Application) -> Result<Welcome, JoinError> {
        let malformed = |why: String| JoinError::Malformed(why);
        let id: MachineId = application
            .machine_id
            .parse()
            .map_err(|error: machine::MachineIdError| malformed(error.to_string()))?;
        let texts = [&application.name, &application.directory];
        if texts.iter().any(|text| text.len() > NAME_BYTES_MAX) {
            return Err(malformed(format!(
                "a name has {NAME_BYTES_MAX} bytes at most"
            )));
        }
        // Before the token is used up: this member may not be able to give what belongs to it.
        let signer = self.signer(&application)?;
        for _ in 0..TRIES_MAX {
            if self.decide(&id, &application).await?.is_some() {
                let (cluster_id, members) = self.inside.members().await.map_err(unavailable)?;
                let members = members.into_iter().filter(|member| !member.is_learner);
                let (authority_certificate, certificate) = match &signer {
                    None => (Bytes::new(), Bytes::new()),
                    Some((managed, authority)) => (
                        authority.certificate_pem().to_owned().into(),
                        sign(managed, authority, id.as_str(), &application)?,
                    ),
                };
                return Ok(Welcome {
                    cluster_id,
                    members: members
                        .map(|member| (member.id, member.client_ur_ls))
                        .collect(),
                    authority_certificate,
                    certificate,
                });
            }
        }
        let why = "too many machines join at the same time";
        Err(JoinError::Unavailable(why.to_owned()))
    }

    async fn renew(
        &self,
        machine: String,
        certificate_request: Bytes,
        hosts: Vec<String>,
    ) -> Result<Bytes, JoinError> {
        let id = self.known(&machine).await?;
        let (managed, authority) = self.authority()?;
        let request = text(&certificate_request)?;
        let signed = signed(&managed, &authority, id.as_str(), request, hosts)?;
        tracing::info!(machine, "renewed the certificate of a node");
        Ok(signed)
    }

    async fn authority_key(&self, machine: String) -> Result<Bytes, JoinError> {
        let id = self.known(&machine).await?;
        let found = self
            .inside
            .get(&seat::key(&id))
            .await
            .map_err(unavailable)?;
        let seat = found.and_then(|found| Seat::decode(&found.value).ok());
        let member = seat.as_ref().and_then(Seat::member_id);
        let (_, members) = self.inside.members().await.map_err(unavailable)?;
        if !members.iter().any(|it| Some(it.id) == member) {
            let why = format!("machine {machine} is no member");
            tracing::warn!(why, "the authority's key is not handed out");
            return Err(JoinError::Distrust(why));
        }
        let (_, authority) = self.authority()?;
        tracing::info!(machine, "handed the authority's key to a member");
        Ok(authority.key_pem().into())
    }
}

impl Door {
    /// Who signs for the application; none where the cluster has no authority, or nothing to sign
    /// was sent.
    fn signer(&self, application: &Application) -> Result<Option<(Managed, Authority)>, JoinError> {
        match self.managed.is_some() && !application.certificate_request.is_empty() {
            true => self.authority().map(Some),
            false => Ok(None),
        }
    }

    fn authority(&self) -> Result<(Managed, Authority), JoinError> {
        let cannot = |why: &str| JoinError::Unavailable(format!("this member cannot sign: {why}"));
        let managed = self.managed.clone();
        let managed = managed.ok_or_else(|| cannot("the cluster has no authority"))?;
        let authority = managed.folder.authority();
        let authority = authority.map_err(|error| cannot(&chain(&error)))?;
        let authority = authority.ok_or_else(|| cannot("it has not been given the key yet"))?;
        Ok((managed, authority))
    }

    /// A machine that is still of the cluster.
    async fn known(&self, machine: &str) -> Result<MachineId, JoinError> {
        let id: Result<MachineId, _> = machine.parse();
        let id = id.map_err(|error| JoinError::Malformed(error.to_string()))?;
        let get = async |key: String| self.inside.get(&key).await.map_err(unavailable);
        if get(node::key(&id)).await?.is_none() && get(seat::key(&id)).await?.is_none() {
            let why = format!("machine {machine} is not of this cluster");
            tracing::warn!(why, "no certificate is renewed");
            return Err(JoinError::Distrust(why));
        }
        Ok(id)
    }
}

fn sign(
    managed: &Managed,
    authority: &Authority,
    machine: &str,
    application: &Application,
) -> Result<Bytes, JoinError> {
    let request = text(&application.certificate_request)?;
    let hosts = application.hosts.clone();
    signed(managed, authority, machine, request, hosts)
}

fn signed(
    managed: &Managed,
    authority: &Authority,
    machine: &str,
    request: &str,
    hosts: Vec<String>,
) -> Result<Bytes, JoinError> {
    let malformed = |why: String| JoinError::Malformed(why);
    if hosts.len() > HOSTS_MAX {
        return Err(malformed(format!(
            "a machine has {HOSTS_MAX} hosts at most"
        )));
    }
    let bearer = Bearer::node(machine).map_err(|error| malformed(error.to_string()))?;
    let signed = authority.sign(request, &managed.grant(bearer, hosts));
    let signed = signed.map_err(|error| malformed(chain(&error)))?;
    Ok(signed.into())
}

fn text(request: &Bytes) -> Result<&str, JoinError> {
    let text = std::str::from_utf8(request);
    text.map_err(|_| JoinError::Malformed("the request for a certificate is no text".to_owned()))
}

fn unavailable(error: AskError) -> JoinError {
    JoinError::Unavailable(error.to_string())
}
