//! Watchers of all keys that note what they are told, for `history` to judge.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coracle::adapter::rpc::proto::etcdserverpb as pb;
use pb::watch_client::WatchClient;
use pb::watch_request::RequestUnion;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::cluster::clients::{PAUSE_AFTER_ERROR, Stage, change, channel};
use crate::history::{Noted, Revision, Sighting};

/// A stream without a word for so long is given up, though bookmarks were asked for.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);
const BOOKMARK_PAUSE: Duration = Duration::from_millis(500);

/// From the first change on.
const BEGINNING: Revision = 2;

/// How far a watcher is, for who compacts and who waits for its end.
#[derive(Clone, Default)]
pub(crate) struct Place(Arc<AtomicI64>);

impl Place {
    /// The last revision that it was told of.
    pub(crate) fn revision(&self) -> Revision {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Watcher {
    stage: Arc<Stage>,
    /// The member that it watches at; the next one after a stream broke.
    member: usize,
    next: Revision,
    place: Place,
    sightings: Vec<Sighting>,
    /// None: the last revision of all.
    enough: Option<Revision>,
}

impl Watcher {
    pub(crate) fn new(stage: &Arc<Stage>, member: usize, place: Place) -> Self {
        Self {
            stage: Arc::clone(stage),
            member,
            next: BEGINNING,
            place,
            sightings: Vec::new(),
            enough: None,
        }
    }

    /// One that comes late, from `next` on, and leaves when it was told of `enough`.
    pub(crate) fn late(stage: &Arc<Stage>, next: Revision, enough: Revision) -> Self {
        Self {
            next,
            enough: Some(enough),
            ..Self::new(stage, stage.members() / 2, Place::default())
        }
    }

    fn note(&mut self, noted: Noted) {
        let at = self.stage.now();
        self.sightings.push(Sighting { at, noted });
    }

    /// Watches until it had enough.
    pub(crate) async fn run(mut self) -> Vec<Sighting> {
        while !self.has_enough() {
            let why = self.watch().await;
            if !self.has_enough() {
                self.note(Noted::Broke(why));
                self.member = (self.member + 1) % self.stage.members();
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
        self.note(Noted::Left);
        self.sightings
    }

    fn has_enough(&self) -> bool {
        let enough = self.enough.or_else(|| self.stage.last());
        enough.is_some_and(|enough| self.next > enough)
    }

    /// Watches at one member; returns why that ended.
    async fn watch(&mut self) -> String {
        let Some(channel) = channel(&self.stage.url(self.member)) else {
            return "nobody serves there".to_owned();
        };
        let create = pb::WatchCreateRequest {
            key: Bytes::from_static(b"\0"),
            range_end: Bytes::from_static(b"\0"),
            start_revision: self.next,
            prev_kv: true,
            ..pb::WatchCreateRequest::default()
        };
        let (asks, asked) = mpsc::channel(4);
        let ask = |union| pb::WatchRequest {
            request_union: Some(union),
        };
        let first = asks.send(ask(RequestUnion::CreateRequest(create)));
        first.await.expect("there is room for it");
        let mut client = WatchClient::new(channel).max_decoding_message_size(usize::MAX);
        let opened = timeout(SILENCE_LIMIT, client.watch(ReceiverStream::new(asked))).await;
        let mut told = match opened {
            Ok(Ok(told)) => told.into_inner(),
            Ok(Err(status)) => return status.to_string(),
            Err(_) => return "not opened in time".to_owned(),
        };
        self.note(Noted::Opened {
            member: self.member,
            from: self.next,
        });
        let mut ticks = interval(BOOKMARK_PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        while !self.has_enough() {
            tokio::select! {
                answer = told.message() => {
                    heard = Instant::now();
                    match answer {
                        Ok(Some(answer)) => if let Some(why) = self.hear(answer) {
                            return why;
                        },
                        Ok(None) => return "the stream ended".to_owned(),
                        Err(status) => return status.to_string(),
                    }
                }
                _ = ticks.tick() => {
                    if heard.elapsed() > SILENCE_LIMIT {
                        return "silence".to_owned();
                    }
                    let progress = RequestUnion::ProgressRequest(pb::WatchProgressRequest {});
                    // A full queue is a member that hears nothing.
                    let _ = asks.try_send(ask(progress));
                }
            }
        }
        "it had enough".to_owned()
    }

    /// Notes an answer; why no other one will come, if that is so.
    fn hear(&mut self, answer: pb::WatchResponse) -> Option<String> {
        if answer.created {
            return None;
        }
        let revision = answer.header.expect("has one").revision;
        if answer.canceled && answer.compact_revision > 0 {
            self.note(Noted::Compacted(answer.compact_revision));
            self.next = answer.compact_revision;
            return Some("compacted".to_owned());
        }
        assert!(!answer.canceled, "nobody canceled: {answer:?}");
        let changes: Vec<_> = answer.events.iter().map(change).collect();
        let last = changes.last().map_or(revision, |it| it.revision);
        self.next = self.next.max(last + 1);
        self.place.0.store(self.next - 1, Ordering::Relaxed);
        self.note(Noted::Told(revision, changes));
        None
    }
}
