//! Between the wire's messages and the key-value machine's requests and replies.
//!
//! What a message can say and the machine cannot (an unknown sort order, say) is refused here, but
//! where etcd gives it a meaning it has that one.

use bytes::Bytes;
use tonic::{Code, Status};

use crate::adapter::rpc::proto::etcdserverpb as pb;
use crate::adapter::rpc::proto::mvccpb;
use crate::core::kv::request::{
    Alarm, Compare, Comparison, DeleteRange, DeleteReply, Detail, KeyRange, KeyValue, KvError,
    Operation, OperationReply, Put, PutReply, Range, RangeReply, RevisionFilter, SortOrder,
    SortTarget, Target, Txn, TxnReply,
};
use crate::core::kv::watch::{Event, EventFilter, WatchRequest};

/// Nested transactions deeper than this are refused like too many operations: each level costs
/// stack, and etcd's bound on operations allows no sensible use of more.
const NESTING_MAX: usize = 64;

/// The gRPC code that etcd's clients expect with each text.
pub(crate) fn status(error: KvError) -> Status {
    let code = match error {
        KvError::EmptyKey
        | KvError::KeyNotFound
        | KvError::ValueProvided
        | KvError::LeaseProvided
        | KvError::TooManyOperations
        | KvError::DuplicateKey
        | KvError::InvalidSortOption
        | KvError::MemberBadUrls
        | KvError::RequestTooLarge => Code::InvalidArgument,
        KvError::Compacted | KvError::FutureRevision | KvError::LeaseTtlTooLarge => {
            Code::OutOfRange
        }
        KvError::NoSpace | KvError::TooManyRequests => Code::ResourceExhausted,
        KvError::LeaseNotFound | KvError::MemberNotFound => Code::NotFound,
        KvError::LeaseExists
        | KvError::PeerUrlExists
        | KvError::MemberNotLearner
        | KvError::LearnerNotReady
        | KvError::TooManyLearners
        | KvError::NotEnoughStarted
        | KvError::BadTransferee
        | KvError::NotLeader
        | KvError::NotForLearner => Code::FailedPrecondition,
        KvError::Corrupt => Code::DataLoss,
        KvError::NoLeader
        | KvError::LeaderChanged
        | KvError::Stopped
        | KvError::TimedOut
        | KvError::Unhealthy => Code::Unavailable,
    };
    Status::new(code, error.to_string())
}

pub(super) fn range(request: pb::RangeRequest) -> Result<Range, KvError> {
    use pb::range_request::{SortOrder as Order, SortTarget as By};
    let order = Order::try_from(request.sort_order).map_err(|_| KvError::InvalidSortOption)?;
    let target = By::try_from(request.sort_target).map_err(|_| KvError::InvalidSortOption)?;
    Ok(Range {
        keys: KeyRange {
            start: request.key,
            end: request.range_end,
        },
        limit: request.limit,
        revision: request.revision,
        sort_order: match order {
            Order::None => SortOrder::None,
            Order::Ascend => SortOrder::Ascend,
            Order::Descend => SortOrder::Descend,
        },
        sort_target: match target {
            By::Key => SortTarget::Key,
            By::Version => SortTarget::Version,
            By::Create => SortTarget::Create,
            By::Mod => SortTarget::Mod,
            By::Value => SortTarget::Value,
        },
        detail: match (request.count_only, request.keys_only) {
            (true, _) => Detail::CountOnly,
            (false, true) => Detail::KeysOnly,
            (false, false) => Detail::Full,
        },
        filter: RevisionFilter {
            min_mod: request.min_mod_revision,
            max_mod: request.max_mod_revision,
            min_create: request.min_create_revision,
            max_create: request.max_create_revision,
        },
    })
}

/// A copy that stands alone. What was decoded is a slice of the whole receive buffer (8 KiB), which
/// commands in the log's memory would keep alive: thirty times what they say.
fn owned(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

pub(super) fn put(request: pb::PutRequest) -> Put {
    Put {
        key: owned(&request.key),
        value: owned(&request.value),
        lease: request.lease,
        prev_kv: request.prev_kv,
        ignore_value: request.ignore_value,
        ignore_lease: request.ignore_lease,
    }
}

pub(super) fn delete_range(request: pb::DeleteRangeRequest) -> DeleteRange {
    let keys = KeyRange {
        start: owned(&request.key),
        end: owned(&request.range_end),
    };
    DeleteRange {
        keys,
        prev_kv: request.prev_kv,
    }
}

/// A transaction, and whether every range in it may be answered from this member's own state.
pub(super) fn txn(request: pb::TxnRequest) -> Result<(Txn, bool), KvError> {
    let mut serializable = true;
    let txn = nested_txn(request, 0, &mut serializable)?;
    Ok((txn, serializable))
}

fn nested_txn(
    request: pb::TxnRequest,
    depth: usize,
    serializable: &mut bool,
) -> Result<Txn, KvError> {
    if depth > NESTING_MAX {
        return Err(KvError::TooManyOperations);
    }
    let mut branch = |operations: Vec<pb::RequestOp>| -> Result<Vec<Operation>, KvError> {
        operations
            .into_iter()
            .map(|wrapped| operation(wrapped, depth, serializable))
            .collect()
    };
    let (success, failure) = (branch(request.success)?, branch(request.failure)?);
    Ok(Txn {
        compares: request.compare.into_iter().map(compare).collect(),
        success,
        failure,
    })
}

fn operation(
    wrapped: pb::RequestOp,
    depth: usize,
    serializable: &mut bool,
) -> Result<Operation, KvError> {
    use pb::request_op::Request;
    Ok(match wrapped.request {
        Some(Request::RequestRange(request)) => {
            *serializable &= request.serializable;
            Operation::Range(range(request)?)
        }
        Some(Request::RequestPut(request)) => Operation::Put(put(request)),
        Some(Request::RequestDeleteRange(request)) => Operation::DeleteRange(delete_range(request)),
        Some(Request::RequestTxn(request)) => {
            Operation::Txn(nested_txn(request, depth + 1, serializable)?)
        }
        None => return Err(KvError::KeyNotFound),
    })
}

/// A compare; one that names a target without a value compares with zero, as etcd does.
fn compare(request: pb::Compare) -> Compare {
    use pb::compare::{CompareResult, CompareTarget, TargetUnion};
    let comparison = match CompareResult::try_from(request.result) {
        Ok(CompareResult::Equal) => Comparison::Equal,
        Ok(CompareResult::Greater) => Comparison::Greater,
        Ok(CompareResult::Less) => Comparison::Less,
        Ok(CompareResult::NotEqual) => Comparison::NotEqual,
        Err(_) => Comparison::Unknown,
    };
    let union = request.target_union;
    let target = match CompareTarget::try_from(request.target) {
        Ok(CompareTarget::Version) => Target::Version(match union {
            Some(TargetUnion::Version(version)) => version,
            _ => 0,
        }),
        Ok(CompareTarget::Create) => Target::Create(match union {
            Some(TargetUnion::CreateRevision(revision)) => revision,
            _ => 0,
        }),
        Ok(CompareTarget::Mod) => Target::Mod(match union {
            Some(TargetUnion::ModRevision(revision)) => revision,
            _ => 0,
        }),
        Ok(CompareTarget::Value) => Target::Value(match union {
            Some(TargetUnion::Value(value)) => owned(&value),
            _ => Bytes::new(),
        }),
        Ok(CompareTarget::Lease) => Target::Lease(match union {
            Some(TargetUnion::Lease(lease)) => lease,
            _ => 0,
        }),
        Err(_) => Target::Unknown,
    };
    let keys = KeyRange {
        start: owned(&request.key),
        end: owned(&request.range_end),
    };
    Compare {
        keys,
        comparison,
        target,
    }
}

pub(super) fn watch_request(request: pb::WatchCreateRequest) -> WatchRequest {
    use pb::watch_create_request::FilterType;
    let (start, end) = (owned(&request.key), owned(&request.range_end));
    let filters = |wanted: FilterType| request.filters.contains(&(wanted as i32));
    let filter = EventFilter {
        no_put: filters(FilterType::Noput),
        no_delete: filters(FilterType::Nodelete),
    };
    WatchRequest {
        // An empty key watches from the very first one, as etcd has it.
        keys: match (start.is_empty(), end.is_empty()) {
            (true, _) => KeyRange {
                start: vec![0].into(),
                end,
            },
            (false, _) => KeyRange { start, end },
        },
        start_revision: request.start_revision,
        filter,
        prev_kv: request.prev_kv,
        progress_notify: request.progress_notify,
        fragment: request.fragment,
        watch_id: request.watch_id,
    }
}

pub(super) fn key_value(kv: KeyValue) -> mvccpb::KeyValue {
    mvccpb::KeyValue {
        key: kv.key,
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        value: kv.value,
        lease: kv.lease,
    }
}

pub(super) fn event(event: &Event) -> mvccpb::Event {
    use mvccpb::event::EventType;
    let kind = if event.deleted {
        EventType::Delete
    } else {
        EventType::Put
    };
    mvccpb::Event {
        r#type: kind.into(),
        kv: Some(key_value(event.kv.clone())),
        prev_kv: event.prev_kv.clone().map(key_value),
    }
}

/// A header that says only a revision, as the replies inside a transaction have it.
fn inner_header(revision: i64) -> Option<pb::ResponseHeader> {
    Some(pb::ResponseHeader {
        revision,
        ..Default::default()
    })
}

pub(super) fn range_response(
    reply: RangeReply,
    header: Option<pb::ResponseHeader>,
) -> pb::RangeResponse {
    let kvs = reply.kvs.into_iter().map(key_value).collect();
    pb::RangeResponse {
        header,
        kvs,
        more: reply.more,
        count: reply.count,
    }
}

pub(super) fn put_response(reply: PutReply, header: Option<pb::ResponseHeader>) -> pb::PutResponse {
    pb::PutResponse {
        header,
        prev_kv: reply.prev_kv.map(key_value),
    }
}

pub(super) fn delete_response(
    reply: DeleteReply,
    header: Option<pb::ResponseHeader>,
) -> pb::DeleteRangeResponse {
    let prev_kvs = reply.prev_kvs.into_iter().map(key_value).collect();
    pb::DeleteRangeResponse {
        header,
        deleted: reply.deleted,
        prev_kvs,
    }
}

pub(super) fn txn_response(reply: TxnReply, header: Option<pb::ResponseHeader>) -> pb::TxnResponse {
    use pb::response_op::Response;
    let responses = reply.replies.into_iter().map(|reply| {
        let response = match reply {
            OperationReply::Range(reply) => {
                let header = inner_header(reply.revision);
                Response::ResponseRange(range_response(reply, header))
            }
            OperationReply::Put(reply) => {
                let header = inner_header(reply.revision);
                Response::ResponsePut(put_response(reply, header))
            }
            OperationReply::DeleteRange(reply) => {
                let header = inner_header(reply.revision);
                Response::ResponseDeleteRange(delete_response(reply, header))
            }
            OperationReply::Txn(reply) => {
                Response::ResponseTxn(txn_response(reply, Some(pb::ResponseHeader::default())))
            }
        };
        pb::ResponseOp {
            response: Some(response),
        }
    });
    pb::TxnResponse {
        header,
        succeeded: reply.succeeded,
        responses: responses.collect(),
    }
}

pub(super) fn alarm_type(alarm: Alarm) -> pb::AlarmType {
    match alarm {
        Alarm::NoSpace => pb::AlarmType::Nospace,
        Alarm::Corrupt => pb::AlarmType::Corrupt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// etcd's codes and texts; its clients compare both.
    const EXPECTED: &[(KvError, Code, &str)] = &[
        (
            KvError::EmptyKey,
            Code::InvalidArgument,
            "key is not provided",
        ),
        (KvError::KeyNotFound, Code::InvalidArgument, "key not found"),
        (
            KvError::ValueProvided,
            Code::InvalidArgument,
            "value is provided",
        ),
        (
            KvError::LeaseProvided,
            Code::InvalidArgument,
            "lease is provided",
        ),
        (
            KvError::TooManyOperations,
            Code::InvalidArgument,
            "too many operations in txn request",
        ),
        (
            KvError::DuplicateKey,
            Code::InvalidArgument,
            "duplicate key given in txn request",
        ),
        (
            KvError::InvalidSortOption,
            Code::InvalidArgument,
            "invalid sort option",
        ),
        (
            KvError::Compacted,
            Code::OutOfRange,
            "mvcc: required revision has been compacted",
        ),
        (
            KvError::FutureRevision,
            Code::OutOfRange,
            "mvcc: required revision is a future revision",
        ),
        (
            KvError::NoSpace,
            Code::ResourceExhausted,
            "mvcc: database space exceeded",
        ),
        (
            KvError::LeaseNotFound,
            Code::NotFound,
            "requested lease not found",
        ),
        (
            KvError::LeaseExists,
            Code::FailedPrecondition,
            "lease already exists",
        ),
        (
            KvError::LeaseTtlTooLarge,
            Code::OutOfRange,
            "too large lease TTL",
        ),
        (KvError::Corrupt, Code::DataLoss, "corrupt cluster"),
        (
            KvError::RequestTooLarge,
            Code::InvalidArgument,
            "request is too large",
        ),
        (
            KvError::TooManyRequests,
            Code::ResourceExhausted,
            "too many requests",
        ),
        (KvError::NoLeader, Code::Unavailable, "no leader"),
        (KvError::LeaderChanged, Code::Unavailable, "leader changed"),
        (KvError::Stopped, Code::Unavailable, "server stopped"),
        (KvError::TimedOut, Code::Unavailable, "request timed out"),
        (KvError::MemberNotFound, Code::NotFound, "member not found"),
        (
            KvError::PeerUrlExists,
            Code::FailedPrecondition,
            "Peer URLs already exists",
        ),
        (
            KvError::MemberBadUrls,
            Code::InvalidArgument,
            "given member URLs are invalid",
        ),
        (
            KvError::MemberNotLearner,
            Code::FailedPrecondition,
            "can only promote a learner member",
        ),
        (
            KvError::LearnerNotReady,
            Code::FailedPrecondition,
            "can only promote a learner member which is in sync with leader",
        ),
        (
            KvError::TooManyLearners,
            Code::FailedPrecondition,
            "too many learner members in cluster",
        ),
        (
            KvError::NotEnoughStarted,
            Code::FailedPrecondition,
            "re-configuration failed due to not enough started members",
        ),
        (KvError::Unhealthy, Code::Unavailable, "unhealthy cluster"),
        (
            KvError::BadTransferee,
            Code::FailedPrecondition,
            "bad leader transferee",
        ),
        (KvError::NotLeader, Code::FailedPrecondition, "not leader"),
        (
            KvError::NotForLearner,
            Code::FailedPrecondition,
            "rpc not supported for learner",
        ),
    ];

    #[test]
    fn every_error_has_etcds_code_and_text() {
        for (error, code, text) in EXPECTED {
            let status = status(*error);
            assert_eq!(status.code(), *code, "{error:?}");
            assert_eq!(status.message(), format!("etcdserver: {text}"));
        }
        let last = EXPECTED.len() as u8;
        // A variant that the table lacks would decode: the numbers are those of the order.
        assert!(postcard::from_bytes::<KvError>(&[last - 1]).is_ok());
        assert!(postcard::from_bytes::<KvError>(&[last]).is_err());
    }

    #[test]
    fn an_unknown_sort_option_is_refused() {
        let unknown = pb::RangeRequest {
            sort_order: 9,
            ..Default::default()
        };
        assert_eq!(range(unknown), Err(KvError::InvalidSortOption));
    }

    #[test]
    fn an_operation_without_a_request_is_refused() {
        let empty = pb::TxnRequest {
            success: vec![pb::RequestOp { request: None }],
            ..Default::default()
        };
        assert_eq!(txn(empty), Err(KvError::KeyNotFound));
    }
}
