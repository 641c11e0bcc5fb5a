//! check perf and check datascale: a server against fixed marks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::Matches;
use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::adapter::progress::Progress;
use crate::adapter::rpc::client::{Client, ClientError, Endpoint, page};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::cli::kv::go;
use crate::error::{Exit, Failure, tell};
use crate::role::client::interrupt::Interrupts;
use crate::role::kv::maintenance::{compact, defragment_all};
use crate::role::kv::pair::prefix_range;
use crate::role::kv::session::{
    BAD_FEATURE, BAD_INPUT, Session, Trouble, print, switch, text, words,
};

const PERF_SECONDS: u64 = 60;
/// The marks of `check perf`.
const THROUGHPUT_SHARE_MIN: f64 = 0.9;
const SLOWEST_SECONDS_MAX: f64 = 0.5;
const DEVIATION_SECONDS_MAX: f64 = 0.1;
/// How long the server may take to show its metrics page.
const METRICS_PATIENCE: Duration = Duration::from_secs(5);

/// How much one check writes: by name, rate and clients of perf, keys and clients of datascale.
struct Load {
    names: [&'static str; 2],
    perf: (u32, usize),
    datascale: (u64, usize),
}

const LOADS: [Load; 4] = [
    Load {
        names: ["s", "small"],
        perf: (150, 50),
        datascale: (10_000, 50),
    },
    Load {
        names: ["m", "medium"],
        perf: (1000, 200),
        datascale: (100_000, 200),
    },
    Load {
        names: ["l", "large"],
        perf: (8000, 500),
        datascale: (1_000_000, 500),
    },
    Load {
        names: ["xl", "xLarge"],
        perf: (15_000, 1000),
        datascale: (3_000_000, 1000),
    },
];

/// What the writers saw.
#[derive(Default)]
struct Seen {
    seconds: Vec<f64>,
    errors: BTreeMap<String, u64>,
}

pub(super) async fn perf(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let (rate, clients) = load(matches)?.perf;
    let client = empty_prefix(session, matches).await?;
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(PERF_SECONDS);
    let loading = async |stop: &mut Stop| {
        let bar = Progress::start("check perf".to_owned());
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let prefix = text(matches, "prefix");
        let (keys, seen) = writers(session, &client, clients, prefix, 1024).await?;
        let mut count = 0;
        while stop.before(timeout_at(deadline, ticks.tick())).await == Some(true) {
            if stop.before(keys.send(key(count, 256))).await != Some(true) {
                break;
            }
            count += 1;
            bar.set(begun.elapsed().as_secs_f64() / PERF_SECONDS as f64);
        }
        drop(keys);
        Ok(seen
            .await
            .expect("writers do not panic and are not cancelled"))
    };
    let seen = cleaned(session, matches, &client, loading).await?;
    judge(&seen, begun.elapsed().as_secs_f64(), rate)
}

pub(super) async fn datascale(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let (count, clients) = load(matches)?.datascale;
    let client = empty_prefix(session, matches).await?;
    let before = memory(session, "before").await?;
    let head = format!(
        "Start data scale check for work load [{count} key-value pairs, 1024 bytes per key-value, \
         {clients} concurrent clients].\n"
    );
    print(head.as_bytes())?;
    let loading = async |stop: &mut Stop| {
        let bar = Progress::start("check datascale".to_owned());
        let prefix = text(matches, "prefix");
        let (keys, seen) = writers(session, &client, clients, prefix, 512).await?;
        for index in 0..count {
            if stop.before(keys.send(key(index, 512))).await != Some(true) {
                break;
            }
            bar.set(index as f64 / count as f64);
        }
        drop(keys);
        let seen = seen
            .await
            .expect("writers do not panic and are not cancelled");
        Ok((seen, memory(session, "after").await?))
    };
    let (seen, after) = cleaned(session, matches, &client, loading).await?;
    if !seen.errors.is_empty() {
        print(errors(&seen).as_bytes())?;
        return Err(Trouble::told(Exit::FAILED, 1));
    }
    let used = (after - before) / f64::from(1 << 20);
    print(format!("PASS: Approximate system memory used : {used:.2} MB.\n").as_bytes())?;
    Ok(Exit::DONE)
}

/// What may end a load before its time: a signal, where we are ourselves. etcdctl dies of it.
struct Stop {
    interrupts: Option<Interrupts>,
    signal: Option<&'static str>,
}

impl Stop {
    /// Whether `step` went well; none when a signal came first.
    async fn before<T, E>(&mut self, step: impl Future<Output = Result<T, E>>) -> Option<bool> {
        tokio::select! {
            signal = signal(&mut self.interrupts) => {
                self.signal = Some(signal);
                None
            }
            done = step => Some(done.is_ok()),
        }
    }
}

/// The next signal; never one where they end the process by themselves.
async fn signal(interrupts: &mut Option<Interrupts>) -> &'static str {
    match interrupts {
        Some(interrupts) => interrupts.next().await,
        None => std::future::pending().await,
    }
}

/// Runs a load and deletes what it wrote, however it ends; says what is left where it cannot.
async fn cleaned<T>(
    session: &Session,
    matches: &Matches,
    client: &Client,
    loading: impl AsyncFnOnce(&mut Stop) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut stop = Stop {
        interrupts: match session.imitating {
            true => None,
            false => Some(Interrupts::listen().map_err(|failure| Trouble::plain(failure, 1))?),
        },
        signal: None,
    };
    let loaded = loading(&mut stop).await;
    if session.imitating {
        let loaded = loaded?;
        clean(session, matches, client).await?;
        return Ok(loaded);
    }
    let cleaning = async {
        let cleaning = clean(session, matches, client);
        match loaded.is_ok() && stop.signal.is_none() {
            true => cleaning.await,
            // Without what may take long: compaction and defragmentation.
            false => delete(matches, client).await.map(drop),
        }
    };
    let cleaned = tokio::select! {
        cleaned = cleaning => cleaned.map_err(Some),
        _ = signal(&mut stop.interrupts) => Err(None),
    };
    if let Err(why) = &cleaned {
        let prefix = text(matches, "prefix");
        tell(format_args!(
            "keys below {prefix:?} may be left{}: `kvctl del --prefix {prefix}` removes them",
            why.as_ref()
                .map_or_else(String::new, |why| format!(" ({why})"))
        ));
    }
    if let Some(signal) = stop.signal {
        let failure = Failure::new(Exit::FAILED, "the check was interrupted", signal);
        return Err(Trouble::plain(failure, 1));
    }
    let loaded = loaded?;
    match cleaned {
        Ok(()) => Ok(loaded),
        Err(Some(trouble)) => Err(trouble),
        Err(None) => Err(Trouble::told(Exit::FAILED, 1)),
    }
}

fn load(matches: &Matches) -> Result<&'static Load, Trouble> {
    let name = text(matches, "load");
    LOADS
        .iter()
        .find(|load| load.names.contains(&name))
        .ok_or_else(|| Trouble::misuse(BAD_FEATURE, format!("unknown load option {name}")))
}

/// A connection, once the prefix is known to hold nothing that the check would delete.
async fn empty_prefix(session: &Session, matches: &Matches) -> Result<Client, Trouble> {
    let client = session.connect().await?;
    let prefix = text(matches, "prefix");
    let (key, range_end) = prefix_range(Bytes::copy_from_slice(prefix.as_bytes()));
    let request = pb::RangeRequest {
        key,
        range_end,
        limit: 1,
        ..Default::default()
    };
    let found = client
        .range(request)
        .await
        .map_err(|error| Trouble::rpc("cannot look at the prefix", &error))?;
    if found.kvs.is_empty() {
        return Ok(client);
    }
    let quoted = go::quote(prefix.as_bytes());
    let text = format!("prefix {quoted} has keys. Delete with etcdctl del --prefix {prefix} first");
    Err(Trouble::misuse(BAD_INPUT, text)
        .ours(
            format!("cannot check below {quoted}"),
            "there are keys, which the check would delete",
        )
        .hint(format!(
            "choose another --prefix, or delete them with `kvctl del --prefix {prefix}`"
        )))
}

/// A key that no other index has, filled up with zero bytes as etcdctl does.
fn key(index: u64, length: usize) -> Vec<u8> {
    let mut key = vec![0; length];
    // An odd factor scatters consecutive numbers over the whole range without a repetition.
    key[..8].copy_from_slice(&index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key
}

type Writers = (mpsc::Sender<Vec<u8>>, tokio::task::JoinHandle<Seen>);

/// Writers with a connection each, fed by one bounded queue that ends them when it closes.
async fn writers(
    session: &Session,
    first: &Client,
    count: usize,
    prefix: &str,
    value_bytes: usize,
) -> Result<Writers, Trouble> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>(count);
    // Each key wakes one writer; the lock is held only while it waits for the next key.
    let receiver = Arc::new(Mutex::new(receiver));
    let value = Bytes::from(vec![0; value_bytes]);
    let mut tasks = Vec::with_capacity(count);
    for index in 0..count {
        let client = match index {
            0 => first.clone(),
            _ => session.connect().await?,
        };
        let (receiver, value, prefix) = (receiver.clone(), value.clone(), prefix.to_owned());
        tasks.push(tokio::spawn(async move {
            let mut seen = Seen::default();
            loop {
                let next = receiver.lock().await.recv().await;
                let Some(key) = next else { return seen };
                let key = [prefix.as_bytes(), &key].concat().into();
                let request = pb::PutRequest {
                    key,
                    value: value.clone(),
                    ..Default::default()
                };
                seen.note(Instant::now(), client.put(request).await);
            }
        }));
    }
    let all = tokio::spawn(async move {
        let mut all = Seen::default();
        for task in tasks {
            all.add(
                task.await
                    .expect("a writer does not panic and is not cancelled"),
            );
        }
        all
    });
    Ok((sender, all))
}

impl Seen {
    fn note(&mut self, begun: Instant, answer: Result<pb::PutResponse, ClientError>) {
        match answer {
            Ok(_) => self.seconds.push(begun.elapsed().as_secs_f64()),
            Err(error) => *self.errors.entry(words(&error)).or_default() += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.seconds.extend(other.seconds);
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
    }

    fn slowest(&self) -> f64 {
        self.seconds.iter().copied().fold(0.0, f64::max)
    }

    fn deviation(&self) -> f64 {
        let count = self.seconds.len().max(1) as f64;
        let mean = self.seconds.iter().sum::<f64>() / count;
        let squares = self.seconds.iter().map(|seconds| (seconds - mean).powi(2));
        (squares.sum::<f64>() / count).sqrt()
    }
}

async fn delete(matches: &Matches, client: &Client) -> Result<pb::DeleteRangeResponse, Trouble> {
    let (key, range_end) = prefix_range(Bytes::copy_from_slice(text(matches, "prefix").as_bytes()));
    let request = pb::DeleteRangeRequest {
        key,
        range_end,
        prev_kv: false,
    };
    client
        .delete_range(request)
        .await
        .map_err(|error| Trouble::rpc("cannot delete what the check wrote", &error))
}

async fn clean(session: &Session, matches: &Matches, client: &Client) -> Result<(), Trouble> {
    let deleted = delete(matches, client).await?;
    if switch(matches, "auto-compact") {
        compact(
            session,
            client,
            deleted.header.unwrap_or_default().revision,
            true,
        )
        .await?;
    }
    if switch(matches, "auto-defrag") {
        defragment_all(session, &session.endpoints).await?;
    }
    Ok(())
}

fn errors(seen: &Seen) -> String {
    let each = seen
        .errors
        .iter()
        .map(|(text, count)| format!("FAIL: ERROR({text}) -> {count}\n"));
    "FAIL: too many errors\n".to_owned() + &each.collect::<String>()
}

fn judge(seen: &Seen, elapsed_seconds: f64, rate: u32) -> Result<Exit, Trouble> {
    let mut verdict = String::new();
    let mut passed = seen.errors.is_empty();
    if !passed {
        verdict += &errors(seen);
    }
    let mut mark = |good: bool, pass: String, fail: String| {
        passed &= good;
        verdict += &if good { pass } else { fail };
    };
    let per_second = seen.seconds.len() as f64 / elapsed_seconds;
    let (writes, slowest, deviation) = (per_second as u64 + 1, seen.slowest(), seen.deviation());
    mark(
        per_second / f64::from(rate) > THROUGHPUT_SHARE_MIN,
        format!("PASS: Throughput is {writes} writes/s\n"),
        format!("FAIL: Throughput too low: {writes} writes/s\n"),
    );
    mark(
        slowest <= SLOWEST_SECONDS_MAX,
        format!("PASS: Slowest request took {slowest:.6}s\n"),
        format!("Slowest request took too long: {slowest:.6}s\n"),
    );
    mark(
        deviation <= DEVIATION_SECONDS_MAX,
        format!("PASS: Stddev is {deviation:.6}s\n"),
        format!("Stddev too high: {deviation:.6}s\n"),
    );
    verdict += if passed { "PASS\n" } else { "FAIL\n" };
    print(verdict.as_bytes())?;
    if passed {
        Ok(Exit::DONE)
    } else {
        Err(Trouble::told(Exit::FAILED, 1))
    }
}

/// The resident memory of the first server, in bytes, from its metrics page.
async fn memory(session: &Session, moment: &str) -> Result<f64, Trouble> {
    let what =
        format!("FAIL: Could not read process_resident_memory_bytes {moment} the put operations.");
    let failed = |why: String| {
        Trouble::plain(
            Failure::new(Exit::FAILED, "cannot read the memory of the server", why),
            1,
        )
        .imitated(1, |_| what.clone())
    };
    let first = session.endpoints.first().map_or("", String::as_str);
    let endpoint: Endpoint = first.parse().map_err(|error| failed(format!("{error}")))?;
    let page = page(&endpoint, &session.dialing()?, "/metrics", METRICS_PATIENCE)
        .await
        .map_err(|error| failed(error.to_string()))?;
    page.lines()
        .find_map(|line| {
            line.strip_prefix("process_resident_memory_bytes ")?
                .trim()
                .parse()
                .ok()
        })
        .ok_or_else(|| {
            failed("its metrics page does not have process_resident_memory_bytes".into())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_and_slowest_are_those_of_all_writers() {
        let mut seen = Seen {
            seconds: vec![1.0, 3.0],
            ..Default::default()
        };
        seen.add(Seen {
            seconds: vec![1.0, 3.0],
            ..Default::default()
        });
        assert_eq!((seen.slowest(), seen.deviation()), (3.0, 1.0));
    }

    #[test]
    fn keys_do_not_repeat() {
        let keys: std::collections::BTreeSet<_> = (0..10_000).map(|index| key(index, 8)).collect();
        assert_eq!(keys.len(), 10_000);
    }
}
