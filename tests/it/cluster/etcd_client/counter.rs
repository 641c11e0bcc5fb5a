//! A counter kept by the etcd-client crate, unmodified, while members of its cluster fail.
//!
//! `etcd-client-counter URL,URL,… COUNT` counts up to COUNT, each number until it is
//! acknowledged, and says so in a line. Meanwhile it watches the counter and keeps a lease alive.
//! Exit code 0 if the watch told every number in order and the lease lived; else it says why.

use std::error::Error;
use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, ConnectOptions, PutOptions, Txn, TxnOp, TxnOpResponse, TxnResponse,
    WatchOptions,
};
use tokio::sync::watch;
use tokio::time::{interval, timeout};

const COUNTER: &str = "counter";
const HELD: &str = "held";
const LEASE_SECONDS: i64 = 5;
/// A paused member answers nothing: another one is asked then.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two tries, and two puts.
const PACE: Duration = Duration::from_millis(10);
/// For one number to be put, and for the watch to tell the last.
const LIMIT: Duration = Duration::from_secs(30);

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let urls: Vec<&str> = arguments[1].split(',').collect();
    let count: u64 = arguments[2].parse()?;
    let options = ConnectOptions::new()
        .with_timeout(PATIENCE)
        .with_connect_timeout(PATIENCE)
        .with_keep_alive(PATIENCE, PATIENCE)
        .with_keep_alive_while_idle(true);
    let mut client = Client::connect(urls, Some(options)).await?;

    let lease = client.lease_grant(LEASE_SECONDS, None).await?.id();
    let bound = PutOptions::new().with_lease(lease);
    client.put(HELD, "here", Some(bound)).await?;
    let (tell, mut told) = watch::channel(Vec::new());
    tokio::spawn(follow(client.clone(), tell));
    tokio::spawn(keep_alive(client.clone(), lease));

    for number in 0..count {
        timeout(LIMIT, count_to(&mut client, number)).await?;
        println!("{number}");
    }
    let last = count - 1;
    let is_last = Compare::value(COUNTER, CompareOp::Equal, last.to_string());
    let seen = Txn::new()
        .when([is_last])
        .and_then([TxnOp::get(HELD, None)]);
    let seen = timeout(LIMIT, ask(&mut client, seen)).await?;
    if !seen.succeeded() {
        return Err("the counter is not at the last number".into());
    }
    let complete = told.wait_for(|told: &Vec<u64>| told.last() == Some(&last));
    let told = timeout(LIMIT, complete).await??.clone();
    if !told.iter().copied().eq(0..count) {
        return Err(format!("the watch told {told:?}").into());
    }
    match seen.op_responses().first() {
        Some(TxnOpResponse::Get(held)) if held.count() == 1 => Ok(()),
        _ => Err("the lease lapsed while it was kept alive".into()),
    }
}

/// Asks until somebody answers.
async fn ask(client: &mut Client, question: Txn) -> TxnResponse {
    let mut pace = interval(PACE);
    loop {
        pace.tick().await;
        if let Ok(answer) = client.txn(question.clone()).await {
            return answer;
        }
    }
}

/// Counts up to a number until somebody acknowledges it. A try whose answer was lost may come late,
/// after the next number: it finds another one there than it wants.
async fn count_to(client: &mut Client, number: u64) {
    let is_before = match number.checked_sub(1) {
        Some(before) => Compare::value(COUNTER, CompareOp::Equal, before.to_string()),
        None => Compare::version(COUNTER, CompareOp::Equal, 0),
    };
    let step = Txn::new()
        .when([is_before])
        .and_then([TxnOp::put(COUNTER, number.to_string(), None)]);
    // Nobody else counts: if it was not this try, then one before it.
    ask(client, step).await;
}

/// Tells every number that the counter had, from the first revision on, over as many streams as
/// it takes.
async fn follow(mut client: Client, tell: watch::Sender<Vec<u64>>) {
    let (mut next, mut pace) = (1, interval(PACE));
    loop {
        pace.tick().await;
        let options = WatchOptions::new().with_start_revision(next);
        let Ok(mut answers) = client.watch(COUNTER, Some(options)).await else {
            continue;
        };
        while let Ok(Some(answer)) = answers.message().await {
            for changed in answer.events().iter().filter_map(|event| event.kv()) {
                let number = changed
                    .value_str()
                    .ok()
                    .and_then(|text| text.parse::<u64>().ok());
                next = changed.mod_revision() + 1;
                tell.send_modify(|told| told.extend(number));
            }
        }
    }
}

/// Renews the lease, over as many streams as it takes.
async fn keep_alive(mut client: Client, lease: i64) {
    let mut pace = interval(PATIENCE / 2);
    loop {
        pace.tick().await;
        let Ok((mut keeper, mut answers)) = client.lease_keep_alive(lease).await else {
            continue;
        };
        while keeper.keep_alive().await.is_ok()
            && let Ok(Ok(Some(_))) = timeout(PATIENCE, answers.message()).await
        {
            pace.tick().await;
        }
    }
}
