//! `coracle cluster status` and `health`, of three members of which one and then two are killed.

use std::process::Output;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::rig::coracle;

fn ask(cluster: &Cluster, at: usize, arguments: &[&str]) -> Output {
    let url = &cluster.member(at).url;
    coracle(&["cluster"])
        .args(arguments)
        .args(["--endpoints", url, "--timeout", "1s"])
        .output()
        .expect("coracle runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn status_shows_who_leads_and_what_is_wrong_and_health_ends_with_it() {
    let mut cluster = Cluster::start(3);
    cluster.everybody_is_known().await;
    let leader = cluster.leader().await;
    let well = ask(&cluster, 0, &["health"]);
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    let shown = told(&ask(&cluster, 0, &["status"]));
    let line = shown.lines().find(|line| line.contains(" leader "));
    assert!(
        line.is_some_and(|line| line.starts_with(&format!("m{leader}"))),
        "{shown}"
    );

    let dead = cluster.other_than(leader);
    cluster.kill(dead);
    let degraded = ask(&cluster, leader, &["health"]);
    assert_eq!(degraded.status.code(), Some(1), "{degraded:?}");
    let document = ask(&cluster, leader, &["status", "-o", "json"]).stdout;
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    assert_eq!(document["health"], "degraded");
    let members = document["members"].as_array().expect("a list");
    let silent = members.iter().filter(|it| it["answers"] == false);
    let silent: Vec<&Value> = silent.map(|it| &it["name"]).collect();
    assert_eq!(silent, [&format!("m{dead}")]);
    let version = env!("CARGO_PKG_VERSION");
    let same = members.iter().filter(|it| it["version"] == version);
    assert_eq!(same.count(), 2, "{document:#}");
    let problems = document["problems"].as_array().expect("a list");
    let named = |it: &Value| {
        it["what"]
            .as_str()
            .is_some_and(|it| it.starts_with(&format!("m{dead}")))
    };
    assert!(problems.iter().any(named), "{document:#}");

    cluster.kill(leader);
    let left = cluster.running().next().expect("one runs").0;
    let unavailable = ask(&cluster, left, &["health"]);
    assert_eq!(unavailable.status.code(), Some(4), "{unavailable:?}");
    assert!(
        told(&unavailable).contains("is unavailable: 3 voters"),
        "{unavailable:?}"
    );
}

#[test]
fn without_a_daemon_it_is_said_what_to_do() {
    let output = coracle(&["cluster", "status", "--endpoints", "127.0.0.1:1"]).output();
    let output = output.expect("coracle runs");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("start the daemon here"), "{words}");
}
