//! The tour of a cluster: the leader's plug is pulled, and the work goes on.

use std::time::Instant;

use serde_json::Value;

use crate::error::{Exit, Failure};
use crate::role::demo::member::PATIENCE;
use crate::role::demo::screen::say;
use crate::role::demo::{Stage, WHAT, broken};

pub(super) async fn tour(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.members.len();
    say(format_args!(
        "\n# {count} members are one store; a majority of them must be up"
    ))?;
    well(stage).await?;
    stage.screen.cluster(&["status"]).await?;

    say("\n# what one acknowledges, all have: a majority has it on its disks by then")?;
    stage.screen.kvctl(&["put", "greeting", "hello"]).await?;
    let last = stage.members[count - 1].url.clone();
    let from_last = ["get", "greeting", "--endpoints", &last];
    stage.screen.kvctl(&from_last).await?;

    let (name, at) = leader(stage).await?;
    let pid = stage.members[at].pid().unwrap_or_default();
    say(format_args!("\n# {name} leads; pull its plug"))?;
    say(format_args!("$ kill -9 {pid}"))?;
    let pulled = Instant::now();
    stage.members[at].kill().await;
    stage
        .screen
        .kvctl(&["put", "greeting", "still here"])
        .await?;
    let took = pulled.elapsed().as_millis();
    say(format_args!(
        "# that was {took} ms after the plug was pulled, with a new leader"
    ))?;
    stage.screen.kvctl(&["get", "greeting"]).await?;
    stage.screen.cluster(&["status"]).await?;

    say(format_args!(
        "\n# {name} comes back, catches up, and leads no more"
    ))?;
    stage.members[at] = stage.settings[at].spawn()?;
    stage.members[at].starts().await?;
    let own = stage.members[at].url.clone();
    let of_its_own = ["get", "greeting", "--consistency", "s", "--endpoints", &own];
    stage.screen.kvctl(&of_its_own).await?;
    well(stage).await?;
    stage.screen.cluster(&["health"]).await?;

    say("\n# this key stays")?;
    stage
        .screen
        .kvctl(&["put", "farewell", "see you soon"])
        .await
}

/// Waits until every member is well, and knows where clients reach the others.
async fn well(stage: &Stage) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let health = stage
            .screen
            .quietly("coracle", &["cluster", "health"])
            .await?;
        if health.status.success() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            let why = String::from_utf8_lossy(&health.stdout).into_owned();
            return Err(Failure::new(
                Exit::FAILED,
                "the cluster does not become well",
                why,
            ));
        }
    }
}

/// The name of the member that leads, and which of ours it is.
async fn leader(stage: &Stage) -> Result<(String, usize), Failure> {
    let words = ["cluster", "status", "-o", "json"];
    let status = stage.screen.quietly("coracle", &words).await?;
    let status: Value = serde_json::from_slice(&status.stdout).map_err(broken)?;
    let members = status["members"].as_array().into_iter().flatten();
    let leader = members
        .into_iter()
        .find(|member| member["role"] == "leader");
    let of = |field: &str| leader.and_then(|leader| leader[field].as_str().map(str::to_owned));
    let urls = leader.map(|leader| &leader["client_urls"]);
    let is_its = |url: &str| urls.is_some_and(|urls| urls.to_string().contains(url));
    let at = stage.members.iter().position(|member| is_its(&member.url));
    of("name")
        .zip(at)
        .ok_or_else(|| Failure::new(Exit::FAILED, WHAT, "nobody leads"))
}
