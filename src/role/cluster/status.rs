//! cluster status and health: every member is asked at once, and what they say is put together.

use tokio::task::JoinSet;

use crate::adapter::host;
use crate::adapter::rpc::client::{Client, ClientError, Endpoint, Limits};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::asking::{Asking, Format};
use crate::cli::cluster::status as form;
use crate::core::cluster::roll::{Entry, Part};
use crate::core::cluster::survey::{Health, Report, Standing, Survey};
use crate::core::kv::request::{Alarm, Consistency, MemberAlarm};
use crate::error::{Exit, Failure};
use crate::role::client::everybody::Everybody;
use crate::role::client::{asker, connect, failure, limits, print, unasked};

pub(super) async fn status(asking: &Asking) -> Result<Exit, Failure> {
    let survey = survey(asking).await?;
    print(&match asking.format {
        Format::Text => form::text(&survey, host::now_ms()),
        Format::Json => format!("{:#}\n", form::document(&survey)),
    })?;
    Ok(Exit::DONE)
}

pub(super) async fn health(asking: &Asking) -> Result<Exit, Failure> {
    let survey = survey(asking).await?;
    print(&match asking.format {
        Format::Text => format!("{}\n", form::summary(&survey)),
        Format::Json => format!("{:#}\n", form::document(&survey)),
    })?;
    Ok(match survey.health() {
        Health::Well => Exit::DONE,
        Health::Degraded => Exit::FAILED,
        Health::Unavailable => Exit::UNAVAILABLE,
    })
}

/// Asks one member who the members are, and then each of them how it stands. No majority is needed
/// for that: the worse it is, the more somebody wants to see it.
pub(super) async fn survey(asking: &Asking) -> Result<Survey, Failure> {
    let client = connect(asking).await?;
    let what = "cannot learn who the members are";
    let request = pb::MemberListRequest {
        linearizable: false,
    };
    let list = client.member_list(request).await;
    let list = list.map_err(|error| failure(what, &error))?;
    let alarms = client.alarm(pb::AlarmRequest::default()).await;
    let alarms = alarms.map_err(|error| failure("cannot learn of alarms", &error))?;
    let cluster_id = list.header.map_or(0, |header| header.cluster_id);
    let inside = asker(asking).await?;
    let workers = Everybody::with(
        &inside,
        cluster_id,
        list.members.clone(),
        Consistency::Serializable,
    );
    let workers = workers
        .await
        .map_err(|error| unasked("cannot learn of workers", &error))?;
    let (workers, others): (Vec<Entry>, Vec<Entry>) = workers
        .entries
        .into_iter()
        .partition(|entry| entry.part == Part::Worker);
    let count = list.members.len();
    let mut asked = JoinSet::new();
    let limits = limits(asking)?;
    for (at, member) in list.members.into_iter().enumerate() {
        let limits = limits.clone();
        asked.spawn(async move { (at, report(member, limits).await) });
    }
    let mut reports: Vec<Option<Report>> = vec![None; count];
    while let Some(one) = asked.join_next().await {
        let (at, report) = one.expect("asking does not panic and is not cancelled");
        reports[at] = Some(report);
    }
    let alarms: Vec<MemberAlarm> = alarms.alarms.iter().filter_map(alarm).collect();
    let mut reports: Vec<Report> = reports.into_iter().flatten().collect();
    for report in &mut reports {
        let says = |entry: &&Entry| entry.member == Some(report.id) && entry.machine.is_some();
        let entry = others.iter().find(says);
        report.seated = entry.map(Entry::label);
    }
    Ok(Survey::of(cluster_id, reports, workers, &alarms))
}

async fn report(member: pb::Member, limits: Limits) -> Report {
    let answer = standing(&member, &limits).await;
    Report {
        id: member.id,
        name: member.name,
        seated: None,
        is_learner: member.is_learner,
        client_urls: member.client_ur_ls,
        answer: answer.map_err(|error| error.to_string()),
    }
}

async fn standing(member: &pb::Member, limits: &Limits) -> Result<Standing, ClientError> {
    // A URL that is not understood is one that does not answer.
    let urls = member.client_ur_ls.iter();
    let endpoints: Vec<Endpoint> = urls.filter_map(|url| url.parse().ok()).collect();
    let client = Client::connect(&endpoints, limits).await?;
    let (status, version) = client.status_of_program().await?;
    Ok(Standing {
        version: version.unwrap_or(status.version),
        leader: status.leader,
        term: status.raft_term,
        applied_index: status.raft_applied_index,
        db_bytes: status.db_size.try_into().unwrap_or(0),
        db_in_use_bytes: status.db_size_in_use.try_into().unwrap_or(0),
        quota_bytes: status.db_size_quota.try_into().unwrap_or(0),
    })
}

/// None for an alarm of a kind that is newer than this program.
fn alarm(raised: &pb::AlarmMember) -> Option<MemberAlarm> {
    let alarm = match pb::AlarmType::try_from(raised.alarm) {
        Ok(pb::AlarmType::Nospace) => Alarm::NoSpace,
        Ok(pb::AlarmType::Corrupt) => Alarm::Corrupt,
        _ => return None,
    };
    let member = raised.member_id;
    Some(MemberAlarm { member, alarm })
}
