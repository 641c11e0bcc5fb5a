//! `coracle demo`: members of this executable, and the tour typed at them with the real commands.
//!
//! Everything is in one temporary directory; the members and the directory are gone when this ends,
//! however it ends: only SIGKILL leaves the directory, the members go even then.

mod cluster;
mod member;
mod screen;
mod single;

use std::ffi::OsString;
use std::pin::pin;

use futures_util::future::{join_all, select_all};
use tokio::signal::unix::{SignalKind, signal};

use crate::adapter::host::TemporaryDirectory;
use crate::adapter::net;
use crate::cli::Matches;
use crate::cli::demo;
use crate::error::{Exit, Failure};
use crate::role::demo::member::{Member, Settings, folder};
use crate::role::demo::screen::{Screen, say};

const WHAT: &str = "the tour cannot go on";

/// The members, some of which may be down.
struct Stage {
    settings: Vec<Settings>,
    members: Vec<Member>,
    screen: Screen,
    _directory: TemporaryDirectory,
}

pub fn run(_face: &'static str, matches: &Matches) -> Result<Exit, Failure> {
    let flags = demo::flags(matches);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::FAILED, WHAT, error))?;
    runtime.block_on(async {
        let mut told_to_end = pin!(told_to_end()?);
        let mut stage = Stage::set(flags.nodes.into())?;
        let started = tokio::select! {
            started = stage.starts() => started,
            () = &mut told_to_end => Err(Failure::silent(Exit::FAILED)),
        };
        if let Err(failure) = started {
            stage.abandon().await;
            return Err(failure);
        }
        let toured = tokio::select! {
            toured = stage.tour() => toured,
            () = &mut told_to_end => Err(Failure::silent(Exit::FAILED)),
        };
        let done = match toured {
            Ok(()) if !flags.once => tokio::select! {
                stayed = stage.stays() => stayed,
                () = &mut told_to_end => Ok(()),
            },
            toured => toured,
        };
        stage.end().await?;
        done.map(|()| Exit::DONE)
    })
}

/// Waits for Ctrl-C, for the terminal to close, or for whoever else ends us; heard from now on.
fn told_to_end() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(broken);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
    })
}

impl Stage {
    /// Starts `count` members and does not wait.
    fn set(count: usize) -> Result<Self, Failure> {
        let directory = TemporaryDirectory::new("coracle-demo").map_err(broken)?;
        let program = std::env::current_exe().map_err(broken)?;
        // Peers must know each other beforehand, and clients find a member again that comes back.
        let ports = net::free_ports(2 * count).map_err(broken)?;
        let urls: Vec<String> = ports
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}"))
            .collect();
        let (clients, peers) = urls.split_at(count);
        let names: Vec<String> = (1..=count).map(|number| format!("node{number}")).collect();
        let named = names.iter().zip(peers);
        let all: Vec<String> = named.map(|(name, url)| format!("{name}={url}")).collect();
        let all = all.join(",");
        let mut settings = Vec::new();
        for ((name, client), peer) in names.iter().zip(clients).zip(peers) {
            let mut flags = vec!["--name", name, "--listen-client-urls", client];
            if count > 1 {
                flags.extend(["--listen-peer-urls", peer, "--initial-cluster", &all]);
            }
            settings.push(Settings {
                program: program.clone(),
                directory: folder(directory.path(), name)?,
                flags: flags.into_iter().map(OsString::from).collect(),
            });
        }
        let members = settings.iter().map(Settings::spawn);
        Ok(Self {
            members: members.collect::<Result<_, _>>()?,
            settings,
            screen: Screen {
                program,
                endpoints: clients.join(","),
            },
            _directory: directory,
        })
    }

    /// Waits until every member serves.
    async fn starts(&mut self) -> Result<(), Failure> {
        let starting = join_all(self.members.iter_mut().map(Member::starts)).await;
        starting.into_iter().collect()
    }

    async fn tour(&mut self) -> Result<(), Failure> {
        match self.members.len() {
            1 => single::tour(&self.screen).await,
            _ => cluster::tour(self).await,
        }
    }

    /// Says how to reach them; returns only if one ends by itself.
    async fn stays(&mut self) -> Result<(), Failure> {
        let (program, endpoints) = (self.screen.program.display(), &self.screen.endpoints);
        let first = &self.members[0].url;
        match self.members.len() {
            1 => say("\nThe member stays up until Ctrl-C. Try, in another terminal:")?,
            _ => say("\nThe members stay up until Ctrl-C. Try, in another terminal:")?,
        }
        say(format_args!("  export CORACLE_ENDPOINTS={endpoints}"))?;
        say(format_args!("  {program} kv get --prefix ''"))?;
        if self.members.len() > 1 {
            say(format_args!("  {program} cluster status"))?;
        }
        say(format_args!("  curl {first}/health"))?;
        let ended = self
            .members
            .iter_mut()
            .map(|member| Box::pin(member.ended()));
        let (why, ..) = select_all(ended).await;
        Err(Failure::new(Exit::FAILED, "a member ended by itself", why))
    }

    /// Ends members that do not serve and have nothing to keep.
    async fn abandon(mut self) {
        join_all(self.members.iter_mut().map(Member::kill)).await;
    }

    /// Ends all in order.
    async fn end(mut self) -> Result<(), Failure> {
        let ended = join_all(self.members.iter_mut().map(Member::end)).await;
        ended.into_iter().collect()
    }
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::FAILED, WHAT, error)
}
