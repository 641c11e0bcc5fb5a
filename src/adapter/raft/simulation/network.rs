//! A network in memory that is slow, loses what crosses a cut, and never tells.
//!
//! A stream keeps its order, as a connection does; one that is cut for longer than
//! [`SILENCE_LIMIT`] breaks, also when it is idle. Questions overtake each other. What was sent by
//! or to a member that died meanwhile is not delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

use crate::adapter::raft::receiver::Receiver;
use crate::adapter::rpc::peer::{Bodies, Bytes, Courier, Couriers, PeerError, Peers};
use crate::core::bench::input::Source;

/// As a connection whose other side answers no ping.
const SILENCE_LIMIT: Duration = Duration::from_millis(500);

/// How often a stream looks whether it is cut.
const LOOK: Duration = Duration::from_millis(20);

/// One message in so many is late by up to so much.
const LATE_EVERY: u64 = 50;
const LATE_MS_MAX: u64 = 300;

struct State {
    random: Source,
    /// Who answers for a member now, and how often it was started.
    members: BTreeMap<u64, (u64, Arc<Receiver>)>,
    starts: u64,
    /// How often somebody was asked who was down.
    refused: u64,
    cuts: BTreeSet<(u64, u64)>,
}

/// Clones are the same network.
#[derive(Clone)]
pub(super) struct Network(Arc<Mutex<State>>);

/// A member as it was started once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    member: u64,
    start: u64,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Source::new(seed, 1),
            members: BTreeMap::new(),
            starts: 0,
            refused: 0,
            cuts: BTreeSet::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics with it")
    }

    /// The ways of a member that is about to start.
    pub(super) fn begin(&self, member: u64) -> (Life, Arc<dyn Couriers>) {
        let mut state = self.state();
        state.starts += 1;
        let life = Life {
            member,
            start: state.starts,
        };
        let network = self.clone();
        (life, Arc::new(Ways { network, life }))
    }

    pub(super) fn join(&self, life: Life, receiver: Arc<Receiver>) {
        let mut state = self.state();
        state.members.insert(life.member, (life.start, receiver));
    }

    pub(super) fn leave(&self, member: u64) {
        self.state().members.remove(&member);
    }

    /// Nobody is reached any more.
    pub(super) fn end(&self) {
        let members = std::mem::take(&mut self.state().members);
        drop(members);
    }

    pub(super) fn cut(&self, from: u64, to: u64) {
        self.state().cuts.insert((from, to));
    }

    pub(super) fn heal(&self) {
        self.state().cuts.clear();
    }

    pub(super) fn refused(&self) -> u64 {
        self.state().refused
    }

    fn life_of(&self, member: u64) -> Option<(Life, Arc<Receiver>)> {
        let state = self.state();
        let (start, receiver) = state.members.get(&member)?;
        let start = *start;
        Some((Life { member, start }, Arc::clone(receiver)))
    }

    fn lives(&self, life: Life) -> bool {
        let state = self.state();
        let now = state.members.get(&life.member);
        now.is_some_and(|(start, _)| *start == life.start)
    }

    fn delay(&self) -> Duration {
        let random = &mut self.state().random;
        let late = random.below(LATE_EVERY) == 0;
        let late_ms = if late { random.below(LATE_MS_MAX) } else { 0 };
        Duration::from_micros(50 + random.below(2_000) + 1_000 * late_ms)
    }

    fn passes(&self, from: Life, to: Life) -> bool {
        let way = (from.member, to.member);
        !self.state().cuts.contains(&way) && self.lives(from) && self.lives(to)
    }

    /// Returns when a datagram has crossed; never, if it is lost.
    async fn cross(&self, from: Life, to: Life) {
        sleep(self.delay()).await;
        if !self.passes(from, to) {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when a piece of a stream has crossed; false if the stream broke.
    async fn stream_across(&self, from: Life, to: Life) -> bool {
        sleep(self.delay()).await;
        let begun = Instant::now();
        while !self.passes(from, to) {
            if !self.lives(from) || !self.lives(to) || begun.elapsed() > SILENCE_LIMIT {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }

    /// Carries a stream; what comes out ends when it breaks.
    fn carry(&self, mut bodies: Bodies, from: Life, to: Life) -> (Bodies, Broken) {
        let (sender, receiver) = mpsc::channel(1_024);
        let (broken, breaks) = mpsc::channel(1);
        let network = self.clone();
        // Ends with the stream, or when nobody listens.
        tokio::spawn(async move {
            loop {
                let crossed = match timeout(SILENCE_LIMIT, bodies.next()).await {
                    Ok(None) => return,
                    Ok(Some(body)) => match network.stream_across(from, to).await {
                        true => Some(body),
                        false => None,
                    },
                    // A ping, and its answer.
                    Err(_) if network.passes(from, to) && network.passes(to, from) => continue,
                    Err(_) => None,
                };
                let Some(body) = crossed else {
                    let _ = broken.try_send(());
                    return;
                };
                if sender.send(body).await.is_err() {
                    return;
                }
            }
        });
        (ReceiverStream::new(receiver).boxed(), breaks)
    }
}

/// Says when a stream broke; silent for ever when it ended in order.
type Broken = mpsc::Receiver<()>;

struct Ways {
    network: Network,
    life: Life,
}

impl Couriers for Ways {
    fn cluster_id(&self) -> u64 {
        1
    }

    fn to(&self, member: u64, _urls: &[String]) -> Result<Arc<dyn Courier>, PeerError> {
        let (network, from) = (self.network.clone(), self.life);
        Ok(Arc::new(Way {
            network,
            from,
            member,
        }))
    }
}

#[derive(Clone)]
struct Way {
    network: Network,
    from: Life,
    member: u64,
}

impl Way {
    /// Who answers there now, if the way is open.
    async fn connect(&self) -> Result<(Life, Arc<Receiver>), PeerError> {
        let member = self.member;
        let why = || "nobody listens".to_owned();
        let unreachable = || PeerError::Unreachable { member, why: why() };
        let Some((to, receiver)) = self.network.life_of(member) else {
            sleep(self.network.delay()).await;
            self.network.state().refused += 1;
            return Err(unreachable());
        };
        self.network.cross(self.from, to).await;
        Ok((to, receiver))
    }

    fn late(&self, limit: Duration) -> PeerError {
        let member = self.member;
        PeerError::Late { member, limit }
    }

    fn stream(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
        serve: fn(&Receiver, Bodies) -> Bodies,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>> {
        let way = self.clone();
        Box::pin(async move {
            let opened = timeout(limit, way.connect()).await;
            let (to, receiver) = opened.map_err(|_| way.late(limit))??;
            let (there, _) = way.network.carry(bodies.map(Ok).boxed(), way.from, to);
            let answers = serve(&receiver, there);
            let (back, mut breaks) = way.network.carry(answers, to, way.from);
            let member = way.member;
            let why = "the connection broke".to_owned();
            let broken = async move {
                let broke = breaks.recv().await;
                broke.map(|()| Err(PeerError::Broken { member, why }))
            };
            let end = futures_util::stream::once(broken);
            Ok(back.chain(end.filter_map(std::future::ready)).boxed())
        })
    }
}

impl Courier for Way {
    fn ask(&self, body: Bytes, limit: Duration) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let way = self.clone();
        Box::pin(async move {
            let asked = async {
                let (to, receiver) = way.connect().await?;
                let answer = receiver.ask(body).await;
                way.network.cross(to, way.from).await;
                answer
            };
            let answer = timeout(limit, asked).await;
            answer.unwrap_or_else(|_| Err(way.late(limit)))
        })
    }

    fn describe(&self, limit: Duration) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let way = self.clone();
        Box::pin(async move {
            let asked = async {
                let (to, receiver) = way.connect().await?;
                let answer = receiver.describe().await;
                way.network.cross(to, way.from).await;
                answer
            };
            let answer = timeout(limit, asked).await;
            answer.unwrap_or_else(|_| Err(way.late(limit)))
        })
    }

    fn append(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>> {
        self.stream(bodies, limit, |receiver, bodies| receiver.append(bodies))
    }

    fn install(
        &self,
        bodies: BoxStream<'static, Bytes>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Bodies, PeerError>> {
        self.stream(bodies, limit, |receiver, bodies| receiver.install(bodies))
    }
}
