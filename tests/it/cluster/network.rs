//! A network of its own for each member, joined by a bridge: what one sends to another can be lost
//! without a word, each way by itself.
//!
//! It wants root, `ip` and `nft`: who is cut off from whom is a rule of the receiver's, so that the
//! sender is told nothing. The bridge's name is the claim on its addresses (198.18.0.0/15 is set
//! aside for such networks), so that tests beside each other get networks of their own. Everything
//! goes with the value. A test that runs its body by [`in_own_network`] leaves this machine's own
//! network as it is.

use std::ffi::OsString;
use std::process::Command;

use crate::faults::in_namespaces;
use crate::rig::{left_out, output};

/// Networks beside each other at most.
const NETWORKS_MAX: u8 = 250;

/// The last number of the first member's address.
const FIRST_MEMBER: usize = 11;

pub(crate) struct Network {
    number: u8,
    members: usize,
    /// Whether a process can be given a clock of its own.
    has_clocks: bool,
}

/// `ip` with these words; whether it did as it was told.
fn ip(line: &str) -> bool {
    output(Command::new("ip").args(line.split(' ')))
        .status
        .success()
}

/// `nft` with this line in a namespace; whether it did as it was told.
fn nft(space: &str, line: &str) -> bool {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", space, "nft", line]);
    output(&mut command).status.success()
}

/// Runs the test `name` in a process whose network has nothing but its own loopback and what the
/// test makes there.
pub(crate) fn in_own_network(name: &str, body: impl Future<Output = ()>) {
    in_namespaces(name, &["--mount", "--net"], "made a network of", async {
        // `ip netns` keeps names below it.
        let mut mount = Command::new("mount");
        let mounted = output(mount.args(["-t", "tmpfs", "tmpfs", "/run"]));
        assert!(mounted.status.success(), "{mounted:?}");
        assert!(ip("link set lo up"));
        body.await;
    });
}

impl Network {
    /// `None`, and said so, where there is no right to it.
    pub(crate) fn of(members: usize) -> Option<Self> {
        for (tool, package) in [("ip", "iproute2"), ("nft", "nftables")] {
            if Command::new(tool).arg("-V").output().is_err() {
                left_out(&format!("no {tool} (apt-get install {package})"));
                return None;
            }
        }
        let made = |number: &u8| ip(&format!("link add coracle{number} type bridge"));
        let Some(number) = (1..=NETWORKS_MAX).find(made) else {
            left_out("no network of its own for each member: run as root");
            return None;
        };
        let clocks = Command::new("unshare").args(["--time", "true"]).output();
        let network = Self {
            number,
            members,
            has_clocks: clocks.is_ok_and(|it| it.status.success()),
        };
        let all = [
            format!("addr add 198.18.{number}.1/24 dev coracle{number}"),
            format!("link set coracle{number} up"),
        ];
        let each = (0..members).flat_map(|at| {
            let (space, own) = (network.space(at), format!("cor{number}m{at}"));
            [
                format!("netns add {space}"),
                format!("link add {own} type veth peer name eth0 netns {space}"),
                format!("link set {own} master coracle{number} up"),
                format!("-n {space} addr add {}/24 dev eth0", network.address(at)),
                format!("-n {space} link set eth0 up"),
                format!("-n {space} link set lo up"),
            ]
        });
        for line in all.into_iter().chain(each) {
            assert!(ip(&line), "ip {line}");
        }
        for space in (0..members).map(|at| network.space(at)) {
            let chain = "add chain ip coracle heard { type filter hook input priority 0; }";
            for line in ["add table ip coracle", chain] {
                assert!(nft(&space, line), "nft {line}");
            }
        }
        eprintln!("made a network of {members}");
        Some(network)
    }

    fn space(&self, at: usize) -> String {
        format!("coracle{}m{at}", self.number)
    }

    pub(crate) fn address(&self, at: usize) -> String {
        format!("198.18.{}.{}", self.number, FIRST_MEMBER + at)
    }

    /// What starts a program as a member. Its monotonic clock stands `ahead_s` seconds from the
    /// others', where the kernel can do that.
    pub(crate) fn wrapper(&self, at: usize, ahead_s: u64) -> Vec<OsString> {
        let mut words = format!("ip netns exec {}", self.space(at));
        if self.has_clocks {
            words += &format!(" unshare --time --monotonic {ahead_s} --boottime {ahead_s} --");
        }
        words.split(' ').map(OsString::from).collect()
    }

    /// From now on nothing that `from` sends reaches `to`.
    pub(crate) fn cut(&self, from: usize, to: usize) {
        let line = format!(
            "add rule ip coracle heard ip saddr {} drop",
            self.address(from)
        );
        assert!(nft(&self.space(to), &line), "nft {line}");
    }

    /// Pulls a member's cable: nobody reaches it, not even the test.
    pub(crate) fn unplug(&self, at: usize) {
        self.plug(at, "down");
    }

    fn plug(&self, at: usize, how: &str) {
        let line = format!("link set cor{}m{at} {how}", self.number);
        assert!(ip(&line), "ip {line}");
    }

    /// Everything reaches everybody again.
    pub(crate) fn heal(&self) {
        for at in 0..self.members {
            self.plug(at, "up");
            assert!(nft(&self.space(at), "flush chain ip coracle heard"));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for at in 0..self.members {
            // By itself it would go some time after its other end's namespace.
            ip(&format!("link del cor{}m{at}", self.number));
            ip(&format!("netns del {}", self.space(at)));
        }
        ip(&format!("link del coracle{}", self.number));
    }
}
