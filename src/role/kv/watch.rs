//! watch: events as they happen, to the end of the stream, from standard input, or forever.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use crate::cli::Matches;
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::adapter::rpc::client::{Client, ClientError, Watching};
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::watch_request::RequestUnion;
use crate::cli::kv::{Face, go, script, watch_line};
use crate::error::{Exit, Failure, tell};
use crate::role::kv::format::Answer;
use crate::role::kv::pair::prefix_range;
use crate::role::kv::session::{
    BAD_ARGUMENTS, BAD_INPUT, INTERRUPTED, Session, Trouble, arguments, number, print, switch,
};

/// Between attempts to reach a server again: doubles from the first to the last.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(50);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);
/// The longest line of interactive mode.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// What to watch and what to run for each event; nothing to run when `command` is empty.
struct Plan {
    create: pb::WatchCreateRequest,
    command: Vec<OsString>,
}

pub(super) async fn watch(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let environment = environment()?;
    if switch(matches, "interactive") {
        return interactive(session, &environment).await;
    }
    let separated = matches.get_many::<OsString>("command").is_some();
    if !separated
        && std::env::args_os()
            .next_back()
            .is_some_and(|last| last == "--")
    {
        let text = "bad number of arguments (found separator --, but no commands)";
        return Err(Trouble::misuse(BAD_ARGUMENTS, text));
    }
    let plan = plan(matches, &environment).map_err(|text| Trouble::misuse(BAD_ARGUMENTS, text))?;
    if switch(matches, "forever") {
        return forever(session, plan).await;
    }
    let client = session.connect().await?;
    let what = format!("cannot watch {}", go::quote(&plan.create.key));
    let mut stream = client
        .watch(create(&plan))
        .await
        .map_err(|error| Trouble::rpc(&what, &error))?;
    loop {
        let response = stream
            .next()
            .await
            .map_err(|error| Trouble::rpc(&what, &error))?;
        show(session, &response, &plan.command).await?;
        if response.canceled {
            let failure = Failure::new(Exit::FAILED, what, reason(&response));
            let text = "watch is canceled by the server";
            return Err(
                Trouble::plain(failure, INTERRUPTED).imitated(INTERRUPTED, |_| text.to_owned())
            );
        }
    }
}

/// `ETCDCTL_WATCH_KEY` and `ETCDCTL_WATCH_RANGE_END`, which stand for the arguments.
fn environment() -> Result<Vec<Bytes>, Trouble> {
    let variable = |name| std::env::var_os(name).map(|value| Bytes::from(value.into_vec()));
    let key = variable("ETCDCTL_WATCH_KEY").unwrap_or_default();
    let end = variable("ETCDCTL_WATCH_RANGE_END").unwrap_or_default();
    if key.is_empty() && !end.is_empty() {
        let end = go::quote(&end);
        let text = format!("ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END={end}");
        return Err(Trouble::misuse(BAD_ARGUMENTS, text));
    }
    Ok([key, end]
        .into_iter()
        .filter(|value| !value.is_empty())
        .collect())
}

fn plan(matches: &Matches, environment: &[Bytes]) -> Result<Plan, String> {
    let given = arguments(matches);
    if !given.is_empty() && !environment.is_empty() {
        return Err("bad number of arguments (found conflicting environment key)".into());
    }
    let mut keys = if given.is_empty() {
        environment.to_vec()
    } else {
        given
    }
    .into_iter();
    let key = keys.next().ok_or("bad number of arguments")?;
    // etcdctl ignores what comes after a second key that it does not understand.
    let end = keys.next().filter(|_| keys.next().is_none());
    let prefix = switch(matches, "prefix");
    let (key, range_end) = match end {
        Some(_) if prefix => return Err("`range_end` and `--prefix` are mutually exclusive".into()),
        Some(end) => (key, end),
        None if prefix => prefix_range(key),
        None => (key, Bytes::new()),
    };
    let shell = matches.try_get_one::<String>("exec").ok().flatten();
    let command = match shell {
        Some(line) => vec!["sh".into(), "-c".into(), line.into()],
        None => matches
            .get_many("command")
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
    };
    let create = pb::WatchCreateRequest {
        key,
        range_end,
        start_revision: number(matches, "rev"),
        progress_notify: switch(matches, "progress-notify"),
        prev_kv: switch(matches, "prev-kv"),
        ..Default::default()
    };
    Ok(Plan { create, command })
}

fn create(plan: &Plan) -> pb::WatchRequest {
    let request_union = Some(RequestUnion::CreateRequest(plan.create.clone()));
    pb::WatchRequest { request_union }
}

/// Why the server ended a watch, in the words of etcd's client.
fn reason(response: &pb::WatchResponse) -> String {
    match response.compact_revision {
        0 if response.cancel_reason.is_empty() => "watch canceled".to_owned(),
        0 => response.cancel_reason.clone(),
        _ => "etcdserver: mvcc: required revision has been compacted".to_owned(),
    }
}

/// Shows what a response says, and runs the command for each of its events.
async fn show(
    session: &Session,
    response: &pb::WatchResponse,
    command: &[OsString],
) -> Result<(), Trouble> {
    if response.created && !response.canceled {
        return Ok(());
    }
    let revision = response.header.unwrap_or_default().revision;
    if response.canceled {
        // Ours tells it as the failure that it is.
        if session.imitating {
            tell(format_args!("watch was canceled ({})", reason(response)));
        }
    } else if response.events.is_empty() {
        print(format!("progress notify: {revision}\n").as_bytes())?;
    }
    let shown = pb::WatchResponse {
        created: false,
        ..response.clone()
    };
    session.answer(&Answer::Watch(shown))?;
    if let [program, arguments @ ..] = command {
        for event in &response.events {
            let pair = event.kv.clone().unwrap_or_default();
            let kind = if event.r#type == 0 {
                "\"PUT\""
            } else {
                "\"DELETE\""
            };
            let status = Command::new(program)
                .args(arguments)
                .env("ETCD_WATCH_REVISION", revision.to_string())
                .env("ETCD_WATCH_EVENT_TYPE", kind)
                .env("ETCD_WATCH_KEY", go::quote(&pair.key))
                .env("ETCD_WATCH_VALUE", go::quote(&pair.value))
                .status()
                .await;
            let why = match status {
                Ok(status) if status.success() => continue,
                Ok(status) => status.to_string().replace("exit status: ", "exit status "),
                Err(error) => error.to_string(),
            };
            let words: Vec<_> = command
                .iter()
                .map(|word| go::quote(word.as_encoded_bytes()))
                .collect();
            tell(format_args!("command [{}] error ({why})", words.join(" ")));
            return Err(Trouble::told(Exit::FAILED, 1));
        }
    }
    Ok(())
}

/// Watches through lost connections: neither loses nor repeats an event that still exists.
async fn forever(session: &Session, mut plan: Plan) -> Result<Exit, Trouble> {
    let mut pause = RETRY_PAUSE_MIN;
    loop {
        let ended = match session.connect().await {
            Ok(client) => follow(session, &client, &mut plan, &mut pause).await?,
            // A command line that cannot work is told; a server that is away is waited for.
            Err(trouble) if !trouble.is_temporary() => return Err(trouble),
            Err(trouble) => trouble.to_string(),
        };
        tell(format_args!("watch interrupted ({ended}); trying again"));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_PAUSE_MAX);
    }
}

/// Follows one stream to its end, keeping the plan at the next revision; returns why it ended.
async fn follow(
    session: &Session,
    client: &Client,
    plan: &mut Plan,
    pause: &mut Duration,
) -> Result<String, Trouble> {
    let mut stream = match client.watch(create(plan)).await {
        Ok(stream) => stream,
        Err(error) => return Ok(error.to_string()),
    };
    loop {
        let response = match stream.next().await {
            Ok(response) => response,
            Err(error) => return Ok(error.to_string()),
        };
        *pause = RETRY_PAUSE_MIN;
        if response.canceled && response.compact_revision > 0 {
            let from = response
                .compact_revision
                .max(plan.create.start_revision + 1);
            plan.create.start_revision = from;
            return Ok(format!(
                "the events before revision {from} are compacted away"
            ));
        }
        if response.canceled {
            return Ok(reason(&response));
        }
        show(session, &response, &plan.command).await?;
        advance(&mut plan.create, &response);
    }
}

/// Moves the start behind everything that the response accounts for.
fn advance(create: &mut pb::WatchCreateRequest, response: &pb::WatchResponse) {
    let seen = match response.events.last().and_then(|event| event.kv.as_ref()) {
        Some(last) => last.mod_revision,
        // "From now on" means from the revision at which the server took the watch.
        None if response.created && create.start_revision > 0 => return,
        None => response.header.unwrap_or_default().revision,
    };
    create.start_revision = create.start_revision.max(seen + 1);
}

/// Reads `watch …` and `progress` lines and shows the events of all watches.
async fn interactive(session: &Session, environment: &[Bytes]) -> Result<Exit, Trouble> {
    let client = session.connect().await?;
    let mut input = BufReader::new(tokio::io::stdin());
    let mut stream: Option<Watching> = None;
    let mut plans: Vec<Plan> = Vec::new();
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut input).take(LINE_BYTES_MAX);
        let read = bounded.read_until(b'\n', &mut line);
        tokio::pin!(read);
        loop {
            tokio::select! {
                read = &mut read => {
                    read.map_err(|error| end_of_input(&error.to_string()))?;
                    break;
                }
                response = next(&mut stream) => {
                    let response = response.map_err(|error| Trouble::rpc("cannot watch", &error))?;
                    let command = usize::try_from(response.watch_id)
                        .ok()
                        .and_then(|index| plans.get(index))
                        .map_or(&[][..], |plan| &plan.command);
                    show(session, &response, command).await?;
                }
            }
        }
        if line.pop() != Some(b'\n') {
            return Err(end_of_input("EOF"));
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let Some((request, plan)) = request(session.face(), &line, environment, plans.len())?
        else {
            continue;
        };
        plans.extend(plan);
        send(&client, &mut stream, request).await?;
    }
}

fn end_of_input(why: &str) -> Trouble {
    Trouble::misuse(
        BAD_INPUT,
        format!("error reading watch request line: {why}"),
    )
}

/// The next response; never, while there is no stream.
async fn next(stream: &mut Option<Watching>) -> Result<pb::WatchResponse, ClientError> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn send(
    client: &Client,
    stream: &mut Option<Watching>,
    request: pb::WatchRequest,
) -> Result<(), Trouble> {
    let sent = match stream {
        Some(open) => open.send(request).await,
        None => client
            .watch(request)
            .await
            .map(|opened| *stream = Some(opened)),
    };
    sent.map_err(|error| Trouble::rpc("cannot watch", &error))
}

type Requested = Option<(pb::WatchRequest, Option<Plan>)>;

/// What a line of interactive mode asks for; what is wrong with it is told, and nothing is asked.
fn request(
    face: Face,
    line: &str,
    environment: &[Bytes],
    index: usize,
) -> Result<Requested, Trouble> {
    let words = script::words(line);
    let complain = |text: String| {
        tell(text);
        Ok(None)
    };
    match words.first().map(Vec::as_slice) {
        None => complain(format!(
            "Invalid command: {line} (watch and progress supported)"
        )),
        Some(b"progress") => {
            let request = RequestUnion::ProgressRequest(pb::WatchProgressRequest {});
            Ok(Some((
                pb::WatchRequest {
                    request_union: Some(request),
                },
                None,
            )))
        }
        Some(b"watch") if words.len() < 2 && environment.is_empty() => complain(format!(
            "Invalid command {line} (command type or key is not provided)"
        )),
        Some(b"watch") => {
            let words: Vec<_> = words.into_iter().map(OsString::from_vec).collect();
            let misuse = |text: &str| Trouble::misuse(BAD_ARGUMENTS, text);
            if words.last().is_some_and(|last| last == "--") {
                let text = "bad number of arguments (found separator --, but no commands)";
                return Err(misuse(text));
            }
            let matches = watch_line(face)
                .try_get_matches_from(words)
                .map_err(|error| {
                    misuse(error.to_string().lines().next().unwrap_or("unknown flag"))
                })?;
            let mut plan = match plan(&matches, environment) {
                Ok(plan) => plan,
                Err(why) if why.starts_with('`') => {
                    return complain(format!("Invalid command {line} ({why})"));
                }
                Err(why) => return Err(misuse(&why)),
            };
            // Numbered by us, so that each event finds its command.
            plan.create.watch_id = i64::try_from(index).unwrap_or(i64::MAX);
            Ok(Some((create(&plan), Some(plan))))
        }
        Some(_) => complain(format!("Invalid command {line} (only support watch)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(created: bool, revision: i64, events: &[i64]) -> pb::WatchResponse {
        let header = pb::ResponseHeader {
            revision,
            ..Default::default()
        };
        let events = events.iter().map(|&mod_revision| {
            let kv = crate::adapter::rpc::proto::mvccpb::KeyValue {
                mod_revision,
                ..Default::default()
            };
            crate::adapter::rpc::proto::mvccpb::Event {
                kv: Some(kv),
                ..Default::default()
            }
        });
        pb::WatchResponse {
            created,
            header: Some(header),
            events: events.collect(),
            ..Default::default()
        }
    }

    #[test]
    fn a_watch_resumes_behind_the_last_event_it_has_shown() {
        let mut create = pb::WatchCreateRequest::default();
        advance(&mut create, &response(true, 7, &[]));
        assert_eq!(create.start_revision, 8);
        advance(&mut create, &response(false, 12, &[8, 10]));
        assert_eq!(create.start_revision, 11);
    }

    #[test]
    fn a_watch_of_the_past_does_not_skip_it_when_created() {
        let mut create = pb::WatchCreateRequest {
            start_revision: 3,
            ..Default::default()
        };
        advance(&mut create, &response(true, 7, &[]));
        assert_eq!(create.start_revision, 3);
    }
}
