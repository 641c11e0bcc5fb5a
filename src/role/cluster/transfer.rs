//! cluster transfer-leader: whoever leads is asked to give its office to another voter.

use crate::adapter::rpc::client::{Client, Code, Endpoint};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::asking::Asking;
use crate::cli::cluster::change::{Outcome, Subject};
use crate::core::cluster::roll::{Part, find};
use crate::core::cluster::survey::{Report, Survey};
use crate::error::{Exit, Failure};
use crate::role::client::everybody::Everybody;
use crate::role::client::{asker, failure, limits, unasked};
use crate::role::cluster::change::{told, unnamed};
use crate::role::cluster::status::survey;

const WHAT: &str = "cannot transfer the lead";

pub(super) async fn transfer(asking: &Asking, name: Option<&str>) -> Result<Exit, Failure> {
    let survey = survey(asking).await?;
    let leads = |report: &&Report| report.id == survey.leader;
    let Some(leader) = survey.members.iter().find(leads) else {
        return Err(Failure::new(Exit::UNAVAILABLE, WHAT, "nobody leads")
            .hint("see what is wrong with `coracle cluster status`"));
    };
    let target = match name {
        Some(name) => named(asking, name).await?,
        None => successor(&survey),
    };
    let Some(target) = target else {
        return Err(Failure::new(Exit::CONFLICT, WHAT, "no other voter answers")
            .hint("see what is wrong with `coracle cluster status`"));
    };
    let member = target.member.unwrap_or_default();
    if member == leader.id {
        let what = format!("{} leads already", target.name);
        return told(asking, &outcome(false, target, what));
    }
    let urls = leader.client_urls.iter();
    let endpoints: Vec<Endpoint> = urls.filter_map(|url| url.parse().ok()).collect();
    let client = Client::connect(&endpoints, &limits(asking)?).await;
    let client = client.map_err(|error| failure(WHAT, &error))?;
    let request = pb::MoveLeaderRequest { target_id: member };
    let moved = client.move_leader(request).await;
    moved.map_err(|error| match (error.code(), error.why()) {
        (Code::FailedPrecondition, Some(why)) => Failure::new(Exit::CONFLICT, WHAT, why)
            .hint("see who could lead with `coracle cluster status`"),
        _ => failure(WHAT, &error),
    })?;
    let what = format!(
        "{} leads now, in the place of {}",
        target.name,
        leader.label()
    );
    told(asking, &outcome(true, target, what))
}

fn outcome(changed: bool, node: Subject, what: String) -> Outcome {
    Outcome {
        changed,
        node,
        what,
    }
}

/// The voter that was named.
async fn named(asking: &Asking, name: &str) -> Result<Option<Subject>, Failure> {
    let everybody = Everybody::ask(&asker(asking).await?).await;
    let everybody = everybody.map_err(|error| unasked(WHAT, &error))?;
    let entry = find(&everybody.entries, name).map_err(|error| unnamed(WHAT, &error))?;
    let label = entry.label();
    match entry.part {
        Part::Voter => Ok(Some(Subject::of(entry))),
        part => {
            let why = format!("{label} is a {}, and only a voter leads", part.name());
            Err(Failure::new(Exit::CONFLICT, WHAT, why).hint(format!(
                "make it one with `coracle cluster promote {label}`"
            )))
        }
    }
}

fn successor(survey: &Survey) -> Option<Subject> {
    survey.successor().map(|report| Subject {
        name: report.label(),
        machine: None,
        member: Some(report.id),
    })
}
