//! The alerts of a Prometheus.

use std::time::Duration;

use crate::adapter::http::{HttpError, Question, ask};
use crate::core::lock::alerts::{AlertsError, Filter, firing};

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("it answers with status {0}")]
    Status(u16),
    #[error(transparent)]
    Answer(#[from] AlertsError),
}

/// The names of those that are firing and that `filter` is about.
pub async fn fetch(
    url: &str,
    filter: &Filter,
    patience: Duration,
) -> Result<Vec<String>, FetchError> {
    let url = format!("{url}/api/v1/alerts");
    let question = Question {
        url: &url,
        ..Question::default()
    };
    let answer = ask(question, patience).await?;
    match firing(&answer.body, filter) {
        Err(AlertsError::Answer(_)) if answer.status != 200 => {
            Err(FetchError::Status(answer.status))
        }
        named => Ok(named?),
    }
}
