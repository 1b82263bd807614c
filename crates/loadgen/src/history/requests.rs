//! Operations as etcd's messages, and answers from them.

use super::operation::{Act, Answer, Key, Pair, Seen};
use crate::call::{CallFailure, Caller};
use crate::writes::prefix_end;
use bytes::Bytes;
use understudy_wire::etcd::etcdserverpb::{
    self as pb, compare, request_op::Request, response_op::Response,
};
use understudy_wire::etcd::mvccpb::KeyValue;

/// Names the keys of one run.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) prefix: String,
}

impl Keys {
    fn group(&self, group: usize) -> String {
        format!("{}{group:05}/", self.prefix)
    }

    fn key(&self, group: usize, key: Key) -> Bytes {
        let letter = match key {
            Key::First => 'a',
            Key::Second => 'b',
        };
        format!("{}{letter}", self.group(group)).into()
    }

    /// Written when all clients have ended.
    pub(super) fn last(&self) -> Bytes {
        format!("{}last", self.prefix).into()
    }

    pub(super) fn range(&self) -> (Bytes, Bytes) {
        let prefix = self.prefix.as_bytes();
        (Bytes::copy_from_slice(prefix), prefix_end(prefix))
    }

    fn read(&self, group: usize) -> pb::RangeRequest {
        let prefix = self.group(group);
        pb::RangeRequest {
            range_end: prefix_end(prefix.as_bytes()),
            key: prefix.into(),
            ..Default::default()
        }
    }

    fn put(&self, group: usize, key: Key, value: u64) -> pb::PutRequest {
        pb::PutRequest {
            key: self.key(group, key),
            value: value.to_string().into(),
            prev_kv: true,
            ..Default::default()
        }
    }

    fn swap(&self, group: usize, key: Key, revision: i64, value: u64) -> pb::TxnRequest {
        let put = |key| Request::RequestPut(self.put(group, key, value));
        let operation = |request| pb::RequestOp {
            request: Some(request),
        };
        pb::TxnRequest {
            compare: vec![pb::Compare {
                target: compare::CompareTarget::Mod.into(),
                key: self.key(group, key),
                target_union: Some(compare::TargetUnion::ModRevision(revision)),
                ..pb::Compare::default()
            }],
            success: Key::BOTH.map(|key| operation(put(key))).to_vec(),
            failure: vec![operation(Request::RequestRange(self.read(group)))],
        }
    }

    /// Does it, once.
    pub(super) async fn perform(
        &self,
        caller: &mut Caller,
        group: usize,
        act: Act,
    ) -> Result<Answer, CallFailure> {
        match act {
            Act::Read => {
                let answer = caller.range(&self.read(group)).await?;
                Ok(Answer::Read {
                    revision: revision(&answer.header)?,
                    found: self.pair(group, &answer.kvs)?,
                })
            }
            Act::Put { key, value } => {
                let answer = caller.put(&self.put(group, key, value)).await?;
                Ok(Answer::Replaced {
                    revision: revision(&answer.header)?,
                    before: seen_if_any(answer.prev_kv.as_ref())?,
                })
            }
            Act::Delete { key } => {
                let request = pb::DeleteRangeRequest {
                    key: self.key(group, key),
                    prev_kv: true,
                    ..Default::default()
                };
                let answer = caller.delete_range(&request).await?;
                Ok(Answer::Replaced {
                    revision: revision(&answer.header)?,
                    before: seen_if_any(answer.prev_kvs.first())?,
                })
            }
            Act::Swap {
                key,
                revision,
                value,
            } => {
                let request = self.swap(group, key, revision, value);
                self.swap_answer(group, caller.txn(&request).await?)
            }
        }
    }

    fn swap_answer(&self, group: usize, answer: pb::TxnResponse) -> Result<Answer, CallFailure> {
        let revision = revision(&answer.header)?;
        let parts = answer.responses.into_iter().map(|part| part.response);
        match (answer.succeeded, parts.collect::<Vec<_>>().as_slice()) {
            (
                true,
                [
                    Some(Response::ResponsePut(first)),
                    Some(Response::ResponsePut(second)),
                ],
            ) => {
                let before = [
                    seen_if_any(first.prev_kv.as_ref())?,
                    seen_if_any(second.prev_kv.as_ref())?,
                ];
                Ok(Answer::Swapped { revision, before })
            }
            (false, [Some(Response::ResponseRange(range))]) => {
                let found = self.pair(group, &range.kvs)?;
                Ok(Answer::NotSwapped { revision, found })
            }
            (_, others) => Err(malformed(&format!("{others:?}"))),
        }
    }

    fn pair(&self, group: usize, found: &[KeyValue]) -> Result<Pair, CallFailure> {
        let mut pair = [None; 2];
        for entry in found {
            let mut keys = Key::BOTH.into_iter();
            let key = keys.find(|key| self.key(group, *key) == entry.key);
            let key = key.ok_or_else(|| malformed(&format!("{entry:?}")))?;
            pair[key.index()] = Some(seen(entry)?);
        }
        Ok(pair)
    }
}

fn revision(header: &Option<pb::ResponseHeader>) -> Result<i64, CallFailure> {
    let header = header.as_ref().ok_or_else(|| malformed("no header"))?;
    Ok(header.revision)
}

fn seen_if_any(entry: Option<&KeyValue>) -> Result<Option<Seen>, CallFailure> {
    entry.map(seen).transpose()
}

fn seen(entry: &KeyValue) -> Result<Seen, CallFailure> {
    let text = std::str::from_utf8(&entry.value).ok();
    let value = text.and_then(|text| text.parse().ok());
    Ok(Seen {
        value: value.ok_or_else(|| malformed(&format!("{entry:?}")))?,
        mod_revision: entry.mod_revision,
        version: entry.version,
    })
}

fn malformed(what: &str) -> CallFailure {
    CallFailure::Unanswered(format!("malformed answer: {what}"))
}
