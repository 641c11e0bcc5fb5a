//! put, get and del: their flags as requests, which transactions use, too, and their answers.

use std::io::Read;

use crate::cli::Matches;
use bytes::Bytes;

use crate::adapter::rpc::client::Client;
use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::etcdserverpb::range_request::{SortOrder, SortTarget};
use crate::adapter::rpc::proto::etcdserverpb::request_op::Request;
use crate::adapter::rpc::proto::etcdserverpb::response_op::Response;
use crate::cli::kv::{duration, go};
use crate::error::{Exit, Failure, tell};
use crate::role::kv::format::{Answer, Kind};
use crate::role::kv::held::Held;
use crate::role::kv::session::{
    BAD_ARGUMENTS, BAD_FEATURE, Session, Trouble, arguments, lease_id, number, print, switch, text,
};

/// Means "until the last key" where a range ends.
const LAST: &[u8] = b"\0";

pub(super) async fn put(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let mut request = put_request(matches)?;
    let ttl = duration(matches, "ttl");
    let held = Held::of(matches)?;
    let client = session.connect().await?;
    let what = format!("cannot put {}", go::quote(&request.key));
    if ttl.is_zero() {
        let response = write(&client, held.as_ref(), request, &what).await?;
        return session.answer(&Answer::Put(response));
    }
    let seconds = i64::try_from(ttl.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
    let grant = pb::LeaseGrantRequest {
        ttl: seconds,
        id: 0,
    };
    let lease = client
        .lease_grant(grant)
        .await
        .map_err(|error| Trouble::rpc(&what, &error))?;
    request.lease = lease.id;
    match write(&client, held.as_ref(), request, &what).await {
        Ok(response) => session.answer(&Answer::Put(response)),
        Err(trouble) => {
            undo_grant(&client, lease.id).await;
            Err(trouble)
        }
    }
}

/// Puts a pair, with a lock held or without one.
async fn write(
    client: &Client,
    held: Option<&Held<'_>>,
    request: pb::PutRequest,
    what: &str,
) -> Result<pb::PutResponse, Trouble> {
    let Some(held) = held else {
        let put = client.put(request).await;
        return put.map_err(|error| Trouble::rpc(what, &error));
    };
    let change = Request::RequestPut(request);
    match held.change(client, what, change).await? {
        (Response::ResponsePut(put), header) => Ok(pb::PutResponse { header, ..put }),
        _ => unreachable!("a put is answered as one"),
    }
}

/// Revokes the lease of a put that failed; left alone it ends by its time to live.
async fn undo_grant(client: &Client, id: i64) {
    if let Err(kept) = client.lease_revoke(pb::LeaseRevokeRequest { id }).await {
        tell(format_args!(
            "lease {id:016x} stays until its time is over: {kept}"
        ));
    }
}

pub(super) async fn get(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let request = get_request(matches)?;
    let what = format!("cannot get {}", go::quote(&request.key));
    let client = session.connect().await?;
    let response = client
        .range(request)
        .await
        .map_err(|error| Trouble::rpc(what, &error))?;
    let exit = match switch(matches, "exists") && response.count == 0 {
        true => Exit::NO,
        false => Exit::DONE,
    };
    if switch(matches, "count-only") && session.format.kind != Kind::Fields {
        if session.imitating {
            let text = "--count-only is only for `--write-out=fields`";
            return Err(Trouble::misuse(BAD_ARGUMENTS, text));
        }
        if session.format.kind == Kind::Simple {
            print(format!("{}\n", response.count).as_bytes())?;
            return Ok(exit);
        }
    }
    if session.format.value_only && session.format.kind != Kind::Simple {
        let text = "print-value-only is only for `--write-out=simple`";
        return Err(Trouble::misuse(BAD_ARGUMENTS, text));
    }
    session.answer(&Answer::Get(response))?;
    Ok(exit)
}

pub(super) async fn del(session: &Session, matches: &Matches) -> Result<Exit, Trouble> {
    let request = del_request(matches)?;
    let what = format!("cannot delete {}", go::quote(&request.key));
    let client = session.connect().await?;
    let response = client
        .delete_range(request)
        .await
        .map_err(|error| Trouble::rpc(what, &error))?;
    session.answer(&Answer::Delete(response))
}

pub(super) fn put_request(matches: &Matches) -> Result<pb::PutRequest, Trouble> {
    let arguments = arguments(matches);
    let missing = "put command needs 1 argument and input from stdin or 2 arguments";
    let key = arguments
        .first()
        .ok_or_else(|| Trouble::misuse(BAD_ARGUMENTS, missing))?
        .clone();
    let ignore_value = switch(matches, "ignore-value");
    let value = match arguments.get(1) {
        Some(_) if ignore_value => {
            let text = "put command needs only 1 argument when 'ignore-value' is set";
            return Err(Trouble::misuse(BAD_ARGUMENTS, text));
        }
        Some(value) => value.clone(),
        None if ignore_value => Bytes::new(),
        None => value_of_input(matches)?.ok_or_else(|| Trouble::misuse(BAD_ARGUMENTS, missing))?,
    };
    let lease = match text(matches, "lease") {
        "" => 0,
        id => lease_id(id.as_bytes(), "")?,
    };
    Ok(pb::PutRequest {
        key,
        value,
        lease,
        prev_kv: switch(matches, "prev-kv"),
        ignore_value,
        ignore_lease: switch(matches, "ignore-lease"),
    })
}

/// All of standard input; nothing counts as no value. No more is read than makes the request too
/// large, which is told when it is to be sent.
fn value_of_input(matches: &Matches) -> Result<Option<Bytes>, Trouble> {
    let mut value = Vec::new();
    let request_bytes_max = u64::try_from(number(matches, "max-request-bytes")).unwrap_or(0);
    std::io::stdin()
        .take(request_bytes_max + 1)
        .read_to_end(&mut value)
        .map_err(|error| {
            Trouble::plain(
                Failure::new(Exit::FAILED, "cannot read standard input", error),
                1,
            )
        })?;
    Ok((!value.is_empty()).then(|| value.into()))
}

pub(super) fn get_request(matches: &Matches) -> Result<pb::RangeRequest, Trouble> {
    let (keys_only, count_only) = (switch(matches, "keys-only"), switch(matches, "count-only"));
    if arguments(matches).is_empty() {
        return Err(missing_key("get"));
    }
    if switch(matches, "prefix") && switch(matches, "from-key") {
        return Err(prefix_and_from_key());
    }
    if keys_only && count_only {
        let text = "`--keys-only` and `--count-only` cannot be set at the same time, choose one";
        return Err(Trouble::misuse(BAD_ARGUMENTS, text));
    }
    let serializable = match text(matches, "consistency") {
        "s" => true,
        "l" => false,
        other => {
            let text = format!("unknown consistency flag {}", go::quote(other.as_bytes()));
            return Err(Trouble::misuse(BAD_FEATURE, text));
        }
    };
    let (key, range_end) = range(matches, "get")?;
    let (sort_order, sort_target) = sorting(matches)?;
    Ok(pb::RangeRequest {
        key,
        range_end,
        limit: number(matches, "limit"),
        revision: number(matches, "rev").max(0),
        sort_order: sort_order.into(),
        sort_target: sort_target.into(),
        serializable,
        keys_only,
        count_only,
        min_mod_revision: number(matches, "min-mod-rev"),
        max_mod_revision: number(matches, "max-mod-rev"),
        min_create_revision: number(matches, "min-create-rev"),
        max_create_revision: number(matches, "max-create-rev"),
    })
}

/// Ascending keys are what the server returns anyway, without sorting.
fn sorting(matches: &Matches) -> Result<(SortOrder, SortTarget), Trouble> {
    let given = text(matches, "order");
    let order = match given.to_uppercase().as_str() {
        "" => SortOrder::None,
        "ASCEND" => SortOrder::Ascend,
        "DESCEND" => SortOrder::Descend,
        _ => {
            return Err(Trouble::misuse(
                BAD_FEATURE,
                format!("bad sort order {given}"),
            ));
        }
    };
    let given = text(matches, "sort-by");
    let target = match given.to_uppercase().as_str() {
        "" | "KEY" => SortTarget::Key,
        "CREATE" => SortTarget::Create,
        "MODIFY" => SortTarget::Mod,
        "VALUE" => SortTarget::Value,
        "VERSION" => SortTarget::Version,
        _ => {
            return Err(Trouble::misuse(
                BAD_FEATURE,
                format!("bad sort target {given}"),
            ));
        }
    };
    match (order, target) {
        (SortOrder::Ascend, SortTarget::Key) => Ok((SortOrder::None, target)),
        sorting => Ok(sorting),
    }
}

pub(super) fn del_request(matches: &Matches) -> Result<pb::DeleteRangeRequest, Trouble> {
    if !(1..=2).contains(&arguments(matches).len()) {
        return Err(missing_key("del"));
    }
    if switch(matches, "prefix") && switch(matches, "from-key") {
        return Err(prefix_and_from_key());
    }
    let (key, range_end) = range(matches, "del")?;
    Ok(pb::DeleteRangeRequest {
        key,
        range_end,
        prev_kv: switch(matches, "prev-kv"),
    })
}

fn missing_key(verb: &str) -> Trouble {
    let text =
        format!("{verb} command needs one argument as key and an optional argument as range_end");
    Trouble::misuse(BAD_ARGUMENTS, text)
}

fn prefix_and_from_key() -> Trouble {
    let text = "`--prefix` and `--from-key` cannot be set at the same time, choose one";
    Trouble::misuse(BAD_ARGUMENTS, text)
}

/// The first key and the end of the range that arguments and flags name.
fn range(matches: &Matches, verb: &str) -> Result<(Bytes, Bytes), Trouble> {
    let (prefix, from_key) = (switch(matches, "prefix"), switch(matches, "from-key"));
    let mut arguments = arguments(matches).into_iter();
    let key = arguments.next().ok_or_else(|| missing_key(verb))?;
    match arguments.next() {
        Some(_) if prefix || from_key => {
            let text = "too many arguments, only accept one argument when `--prefix` or \
                        `--from-key` is set";
            Err(Trouble::misuse(BAD_ARGUMENTS, text))
        }
        Some(end) => Ok((key, end)),
        None if prefix => Ok(prefix_range(key)),
        None if from_key && key.is_empty() => Ok((LAST.into(), LAST.into())),
        None if from_key => Ok((key, LAST.into())),
        None => Ok((key, Bytes::new())),
    }
}

/// The range of all keys that begin with `prefix`.
pub(super) fn prefix_range(prefix: Bytes) -> (Bytes, Bytes) {
    if prefix.is_empty() {
        return (LAST.into(), LAST.into());
    }
    let kept = prefix
        .iter()
        .rposition(|&byte| byte < 0xff)
        .map_or(0, |last| last + 1);
    let mut end = prefix[..kept].to_vec();
    match end.last_mut() {
        Some(last) => *last += 1,
        None => end = LAST.into(),
    }
    (prefix, end.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_ends_after_its_last_key() {
        let end = |prefix: &'static [u8]| prefix_range(prefix.into()).1;
        assert_eq!(end(b"ab"), "ac");
        assert_eq!(end(b"a\xff\xff"), "b");
        assert_eq!(end(b"\xff"), LAST);
        assert_eq!(prefix_range(Bytes::new()), (LAST.into(), LAST.into()));
    }
}
