//! Who is let into the cluster: a member's answer to a machine that shows a token.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::adapter::host;
use crate::adapter::rpc::inside::{AskError, Change, Found, Guard, Inside};
use crate::adapter::rpc::join::{Application, Doorkeeper, JoinError, Welcome};
use crate::core::cluster::guesses::{Guesses, Whom};
use crate::core::cluster::machine::{self, Machine, MachineId};
use crate::core::cluster::node::{self, Admission, Node};
use crate::core::cluster::seat::{self, Seat};
use crate::core::cluster::token::{self, TokenError, TokenRecord};

/// How often a decision is made again because something that it depends on changed meanwhile.
const TRIES_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 255;

pub(super) struct Door {
    inside: Inside,
    cluster_id: u64,
    guesses: Mutex<Guesses>,
    since: Instant,
}

impl Door {
    pub(super) fn new(inside: Inside, cluster_id: u64) -> Self {
        Self {
            inside,
            cluster_id,
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
        for _ in 0..TRIES_MAX {
            if self.decide(&id, &application).await?.is_some() {
                let (cluster_id, members) = self.inside.members().await.map_err(unavailable)?;
                let members = members.into_iter().filter(|member| !member.is_learner);
                return Ok(Welcome {
                    cluster_id,
                    members: members
                        .map(|member| (member.id, member.client_ur_ls))
                        .collect(),
                    authority_certificate: Vec::new().into(),
                    certificate: Vec::new().into(),
                });
            }
        }
        let why = "too many machines join at the same time";
        Err(JoinError::Unavailable(why.to_owned()))
    }
}

fn unavailable(error: AskError) -> JoinError {
    JoinError::Unavailable(error.to_string())
}
