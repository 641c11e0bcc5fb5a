//! txn: a transaction from standard input.

use std::io::{BufRead, Read, StdinLock, Take};
use std::os::unix::ffi::OsStringExt;

use crate::cli::Matches;

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::compare::{
    CompareResult, CompareTarget, TargetUnion,
};
use crate::adapter::rpc::proto::etcdserverpb::request_op::Request;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response;
use crate::cli::kv::operations;
use crate::cli::kv::script::{Condition, Operand, Relation, ScriptError, words};
use crate::error::{Exit, Failure};
use crate::role::kv::format::Answer;
use crate::role::kv::held::Held;
use crate::role::kv::pair;
use crate::role::kv::session::{
    BAD_ARGUMENTS, BAD_INPUT, Session, Trouble, arguments, print, switch,
};

/// A script makes one request; four characters may stand for one byte of it.
const SCRIPT_BYTES_MAX: u64 = 64 << 20;

/// What a line of the first part must be.
const CONDITION: &str = "write one such as mod(\"KEY\") > \"0\": ver, create, mod, val or lease, \
    the key in double quotes, then =, !=, < or > and the value in double quotes with spaces around";
/// What a line of the second and the third part may be.
const KNOWN: &str = "write put KEY VALUE, get KEY or del KEY";

pub(super) async fn txn(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    if !arguments(matches).is_empty() {
        return Err(Trouble::misuse(
            BAD_ARGUMENTS,
            "txn command does not accept argument",
        ));
    }
    session.check_format()?;
    let held = Held::of(matches)?;
    let prompt = |text: &str| match switch(matches, "interactive") {
        true => print(text.as_bytes()),
        false => Ok(()),
    };
    // One reader for all parts: what it has read ahead and the bound go on with the next part.
    let mut input = std::io::stdin().lock().take(SCRIPT_BYTES_MAX);
    prompt("compares:\n")?;
    let compare = part(&mut input)?
        .iter()
        .map(|line| condition(line))
        .collect::<Result<_, _>>()?;
    prompt("success requests (get, put, del):\n")?;
    let success = part(&mut input)?
        .iter()
        .map(|line| operation(session, line))
        .collect::<Result<_, _>>()?;
    prompt("failure requests (get, put, del):\n")?;
    let failure = part(&mut input)?
        .iter()
        .map(|line| operation(session, line))
        .collect::<Result<_, _>>()?;

    let client = session.connect().await?;
    let request = pb::TxnRequest {
        compare,
        success,
        failure,
    };
    let what = "cannot apply the transaction";
    let Some(held) = held else {
        let response = client.txn(request).await;
        let response = response.map_err(|error| Trouble::rpc(what, &error))?;
        return session.answer(&Answer::Txn(response));
    };
    // All of it, whichever part is applied.
    let change = Request::RequestTxn(request);
    match held.change(&client, what, change).await? {
        (Response::ResponseTxn(inner), header) => {
            session.answer(&Answer::Txn(pb::TxnResponse { header, ..inner }))
        }
        _ => unreachable!("a transaction is answered as one"),
    }
}

/// The lines up to the empty one that ends the part.
fn part(input: &mut Take<StdinLock<'_>>) -> Result<Vec<String>, Trouble> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line).map_err(|error| {
            Trouble::plain(
                Failure::new(Exit::FAILED, "cannot read standard input", error),
                BAD_INPUT,
            )
        })?;
        if line.last() != Some(&b'\n') && input.limit() == 0 {
            let why = format!("it has more than {SCRIPT_BYTES_MAX} bytes");
            let failure = Failure::usage("the transaction is too long", why);
            return Err(Trouble::plain(failure, BAD_INPUT));
        }
        if line.last() != Some(&b'\n') {
            let failure = Failure::usage("the transaction is incomplete", "the input ended early")
                .hint("end each of the three parts with an empty line");
            return Err(Trouble::plain(failure, BAD_INPUT).imitated(BAD_INPUT, |_| "EOF".into()));
        }
        match String::from_utf8_lossy(&line).trim() {
            "" => return Ok(lines),
            text => lines.push(text.to_owned()),
        }
    }
}

fn condition(line: &str) -> Result<pb::Compare, Trouble> {
    let condition: Condition = line.parse().map_err(|error: ScriptError| {
        // etcdctl dies of a panic, with Go's code for it, when it does not know the relation.
        let exit = if let ScriptError::Relation(_) = error {
            2
        } else {
            BAD_INPUT
        };
        Trouble::misuse(exit, error.to_string())
            .ours(format!("cannot use the condition {line:?}"), CONDITION)
    })?;
    let result = match condition.relation {
        Relation::Equal => CompareResult::Equal,
        Relation::Greater => CompareResult::Greater,
        Relation::Less => CompareResult::Less,
        Relation::NotEqual => CompareResult::NotEqual,
    };
    let (target, value) = match condition.operand {
        Operand::Version(version) => (CompareTarget::Version, TargetUnion::Version(version)),
        Operand::Create(revision) => (CompareTarget::Create, TargetUnion::CreateRevision(revision)),
        Operand::Mod(revision) => (CompareTarget::Mod, TargetUnion::ModRevision(revision)),
        Operand::Value(value) => (CompareTarget::Value, TargetUnion::Value(value.into())),
        Operand::Lease(lease) => (CompareTarget::Lease, TargetUnion::Lease(lease)),
    };
    Ok(pb::Compare {
        result: result.into(),
        target: target.into(),
        key: condition.key.into(),
        range_end: bytes::Bytes::new(),
        target_union: Some(value),
    })
}

fn operation(session: &Session, line: &str) -> Result<pb::RequestOp, Trouble> {
    let cannot = format!("cannot use {line:?} in a transaction");
    let words: Vec<_> = words(line)
        .into_iter()
        .map(std::ffi::OsString::from_vec)
        .collect();
    if words.len() < 2 {
        let text = format!("invalid txn compare request: {line}");
        return Err(Trouble::misuse(BAD_INPUT, text).ours(cannot, KNOWN));
    }
    let malformed = || Trouble::misuse(BAD_INPUT, format!("invalid txn request: {line}"));
    let matches = operations(session.face())
        .try_get_matches_from(words)
        .map_err(|error| {
            let error = error.to_string();
            let why = error.lines().next().unwrap_or(KNOWN);
            malformed().ours(&cannot, why.trim_start_matches("error: "))
        })?;
    let request = match matches.subcommand() {
        // Standard input is the transaction itself.
        Some(("put", matches)) if !session.imitating && !has_value(matches) => {
            let why = "its value is missing: write put KEY VALUE, with an empty value as \"\"";
            return Err(malformed().ours(cannot, why));
        }
        Some(("put", matches)) => Request::RequestPut(pair::put_request(matches)?),
        Some(("get", matches)) => Request::RequestRange(pair::get_request(matches)?),
        Some(("del", matches)) => Request::RequestDeleteRange(pair::del_request(matches)?),
        _ => return Err(malformed().ours(cannot, KNOWN)),
    };
    Ok(pb::RequestOp {
        request: Some(request),
    })
}

fn has_value(put: &Matches) -> bool {
    arguments(put).len() > 1 || switch(put, "ignore-value")
}
