//! A survey of the cluster, written for people and for scripts.

use serde_json::{Value, json};

use crate::cli::cluster::nodes;
use crate::cli::columns::{columns, or_dash};
use crate::core::cluster::roll::Entry;
use crate::core::cluster::survey::{Health, Problem, Report, Standing, Survey};
use crate::core::units::Size;

/// The cluster in a line, tables of its members and its workers, and what is wrong; `now_ms` is
/// the reader's time.
pub fn text(survey: &Survey, now_ms: u64) -> String {
    let heading = [
        "NAME", "ID", "ROLE", "STATE", "LAG", "DB SIZE", "VERSION", "CLIENTS",
    ];
    let heading = heading.map(str::to_owned).to_vec();
    let rows = survey.members.iter().map(|member| row(survey, member));
    let mut table = columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>());
    if !survey.workers.is_empty() {
        let heading = ["WORKER", "MACHINE", "STATE", "FOR", "VERSION", "CLIENTS"];
        let heading = heading.map(str::to_owned).to_vec();
        let rows = survey
            .workers
            .iter()
            .map(|worker| worker_row(worker, now_ms));
        let workers = columns(&[heading].into_iter().chain(rows).collect::<Vec<_>>());
        table = format!("{table}\n{workers}");
    }
    let problems: String = survey.problems.iter().map(problem).collect();
    match problems.is_empty() {
        true => format!("{}\n\n{table}", summary(survey)),
        false => format!("{}\n\n{table}\n{problems}", summary(survey)),
    }
}

/// How the cluster is, in a line.
pub fn summary(survey: &Survey) -> String {
    let health = survey.health().name();
    let voters = survey.voters().count();
    let learners = survey.members.len() - voters;
    let leads = |it: &&Report| it.id == survey.leader && survey.leader != 0;
    let leader = match survey.members.iter().find(leads) {
        Some(silent) if silent.answer.is_err() => {
            format!(
                "{}, who led in term {}, is silent",
                silent.label(),
                survey.term
            )
        }
        Some(leader) => format!("{} leads in term {}", leader.label(), survey.term),
        None => "nobody leads".to_owned(),
    };
    let count = |count, of: &str| match count {
        1 => format!("1 {of}"),
        more => format!("{more} {of}s"),
    };
    let learners = match learners {
        0 => String::new(),
        more => format!(", {}", count(more, "learner")),
    };
    let voters = count(voters, "voter");
    let workers = match survey.workers.len() {
        0 => String::new(),
        more => format!(", {}", count(more, "worker")),
    };
    format!(
        "cluster {:x} is {health}: {voters}{learners}{workers}, {leader}",
        survey.cluster_id
    )
}

/// The same for scripts; ids are hexadecimal as everywhere else.
pub fn document(survey: &Survey) -> Value {
    let members = survey.members.iter().map(|member| {
        let mut document = json!({
            "id": format!("{:x}", member.id),
            "name": member.label(),
            "role": role(survey, member),
            "client_urls": member.client_urls,
            "answers": member.answer.is_ok(),
        });
        let more = match &member.answer {
            Err(why) => json!({ "why": why }),
            Ok(standing) => json!({
                "version": standing.version,
                "term": standing.term,
                "leader": format!("{:x}", standing.leader),
                "applied_index": standing.applied_index,
                "lag_entries": survey.lag(standing),
                "db_bytes": standing.db_bytes,
                "db_in_use_bytes": standing.db_in_use_bytes,
                "quota_bytes": standing.quota_bytes,
            }),
        };
        let (document_map, more) = (document.as_object_mut(), more);
        if let (Some(fields), Value::Object(more)) = (document_map, more) {
            fields.extend(more);
        }
        document
    });
    let problems = survey.problems.iter().map(|problem| {
        json!({
            "health": problem.health.name(),
            "what": problem.what,
            "remedy": problem.remedy,
        })
    });
    json!({
        "cluster_id": format!("{:x}", survey.cluster_id),
        "health": survey.health().name(),
        "leader": format!("{:x}", survey.leader),
        "term": survey.term,
        "members": members.collect::<Vec<_>>(),
        "workers": nodes::document(&survey.workers)["nodes"],
        "problems": problems.collect::<Vec<_>>(),
    })
}

fn row(survey: &Survey, member: &Report) -> Vec<String> {
    let of = |field: fn(&Survey, &Standing) -> String| match &member.answer {
        Ok(standing) => field(survey, standing),
        Err(_) => "-".to_owned(),
    };
    let state = match &member.answer {
        Ok(_) => "up",
        Err(_) if member.name.is_empty() && member.seated.is_some() => "starting",
        Err(_) if member.name.is_empty() => "not started",
        Err(_) => "silent",
    };
    vec![
        member.label(),
        format!("{:x}", member.id),
        role(survey, member).to_owned(),
        state.to_owned(),
        of(|survey, standing| survey.lag(standing).to_string()),
        of(|_, standing| Size(standing.db_bytes).rounded()),
        of(|_, standing| standing.version.clone()),
        member.client_urls.join(","),
    ]
}

fn worker_row(worker: &Entry, now_ms: u64) -> Vec<String> {
    let machine = worker.machine.as_ref();
    vec![
        worker.label(),
        or_dash(machine.map_or_else(String::new, ToString::to_string)),
        nodes::state(worker).unwrap_or("-").to_owned(),
        nodes::up_for(worker, now_ms),
        or_dash(worker.version.clone().unwrap_or_default()),
        or_dash(worker.client_urls.join(",")),
    ]
}

fn role(survey: &Survey, member: &Report) -> &'static str {
    match member {
        member if member.is_learner => "learner",
        member if member.id == survey.leader => "leader",
        _ => "voter",
    }
}

fn problem(problem: &Problem) -> String {
    let weight = match problem.health {
        Health::Well => "note",
        worse => worse.name(),
    };
    format!("{weight}: {}\n  {}\n", problem.what, problem.remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster::machine::{MachineId, Metadata};
    use crate::core::cluster::roll::Part;

    fn survey() -> Survey {
        let up = Report {
            id: 0xa,
            name: "one".to_owned(),
            seated: None,
            is_learner: false,
            client_urls: vec!["http://127.0.0.1:2379".to_owned()],
            answer: Ok(Standing {
                version: "0.1.0".to_owned(),
                leader: 0xa,
                term: 4,
                applied_index: 7,
                db_bytes: 20 << 20,
                db_in_use_bytes: 10 << 20,
                quota_bytes: 2 << 30,
            }),
        };
        let silent = Report {
            id: 0xb,
            name: "two".to_owned(),
            client_urls: Vec::new(),
            answer: Err("connection refused".to_owned()),
            ..up.clone()
        };
        let worker = Entry {
            name: "three".to_owned(),
            part: Part::Worker,
            machine: Some(MachineId::of_random(3)),
            member: None,
            up: Some(true),
            since_ms: Some(1_000),
            version: Some("0.1.0".to_owned()),
            metadata: Metadata::default(),
            client_urls: Vec::new(),
        };
        Survey::of(0xc, vec![up, silent], vec![worker], &[])
    }

    #[test]
    fn people_see_members_and_what_to_do() {
        let shown = text(&survey(), 121_000);
        let expected = "\
cluster c is unavailable: 2 voters, 1 worker, one leads in term 4

NAME  ID  ROLE    STATE   LAG  DB SIZE  VERSION  CLIENTS
one   a   leader  up      0    20 MiB   0.1.0    http://127.0.0.1:2379
two   b   voter   silent  -    -        -

WORKER  MACHINE                           STATE  FOR  VERSION  CLIENTS
three   00000000000000000000000000000003  up     2m   0.1.0    -

unavailable: 1 of 2 voters answer, and 2 are needed
";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(shown.contains("\ndegraded: two does not answer: connection refused\n  on its"));
    }

    #[test]
    fn scripts_see_the_same() {
        let document = document(&survey());
        assert_eq!(document["health"], "unavailable");
        assert_eq!(document["members"][0]["role"], "leader");
        assert_eq!(document["members"][0]["lag_entries"], 0);
        assert_eq!(document["members"][1]["why"], "connection refused");
        assert_eq!(document["workers"][0]["name"], "three");
        assert_eq!(document["problems"].as_array().map(Vec::len), Some(2));
    }
}
