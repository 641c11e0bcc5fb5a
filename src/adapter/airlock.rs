//! A FleetLock server, such as airlock, asked as zincati does; the words are core's.

use std::time::Duration;

use crate::adapter::http::{HttpError, Question, ask as ask_http};
use crate::core::lock::fleetlock::{Ask, Client, HEADER, refusal};

/// A server and who asks it.
#[derive(Clone, Debug)]
pub struct Airlock {
    pub url: String,
    pub token: Option<String>,
    pub client: Client,
}

#[derive(Debug, thiserror::Error)]
pub enum AirlockError {
    /// It says no.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Airlock {
    /// Asks for a place, or gives it back; both may be asked again.
    pub async fn ask(&self, ask: Ask, patience: Duration) -> Result<(), AirlockError> {
        let url = format!("{}{}", self.url, ask.path());
        let token = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![(HEADER, "true"), ("content-type", "application/json")];
        headers.extend(token.as_deref().map(|token| ("authorization", token)));
        let question = Question {
            url: &url,
            headers: &headers,
            body: Some(self.client.body()),
        };
        let answer = ask_http(question, patience).await?;
        match answer.status {
            200 => Ok(()),
            status => Err(AirlockError::Refused(refusal(status, &answer.body))),
        }
    }
}
