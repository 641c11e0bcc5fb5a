//! The one list of the daemon's keys: what each is called, takes and means.

/// One key of the configuration.
pub struct Key {
    pub name: &'static str,
    /// What stands for the value in help; none for a switch.
    pub value: Option<&'static str>,
    /// All that it may be; empty where that is no list.
    pub choices: &'static [&'static str],
    pub help: &'static str,
    /// What is assumed when nobody sets it, in words where it is computed.
    pub default: &'static str,
}

/// Every key, in the order of the manual.
pub const KEYS: &[Key] = &[
    key("name", "NAME", "Name of this member", "default"),
    key(
        "data-dir",
        "DIR",
        "Where everything is kept",
        "/var/lib/coracle as root, else $XDG_DATA_HOME/coracle",
    ),
    key(
        "listen-client-urls",
        "URLS",
        "Where clients are served",
        "http://127.0.0.1:2379",
    ),
    key(
        "advertise-client-urls",
        "URLS",
        "What clients are told to connect to",
        "the URLs that are listened on, without those of loopback if there are others",
    ),
    key(
        "listen-metrics-urls",
        "URLS",
        "Where only /metrics and /health are served",
        "none",
    ),
    key(
        "listen-peer-urls",
        "URLS",
        "Where the other members are served",
        "none, or http://127.0.0.1:2380 with an initial cluster or when it joins one, and https:// \
         where it joins by that",
    ),
    key(
        "initial-advertise-peer-urls",
        "URLS",
        "Where the other members reach this one",
        "the peer URLs that are listened on, without those of loopback if there are others",
    ),
    key(
        "initial-cluster",
        "MEMBERS",
        "Who founds the cluster: NAME=URL for every founder, with commas",
        "this member alone",
    ),
    choice(
        &["new", "existing"],
        key(
            "initial-cluster-state",
            "STATE",
            "Whether the members of --initial-cluster found it, or have added this one to it",
            "new",
        ),
    ),
    key(
        "initial-cluster-token",
        "TOKEN",
        "What tells this cluster from others that had the same URLs",
        "coracle-cluster",
    ),
    key(
        "replace-after",
        "SPAN",
        "How long a voting member may be gone before a learner that has caught up takes its place; \
         0 for ever",
        "10m",
    ),
    key(
        "join",
        "URLS",
        "Where members of a cluster that this machine is to join are reached by other members",
        "none",
    ),
    key(
        "token",
        "TOKEN",
        "What lets this machine join, from `coracle cluster token create`",
        "none",
    ),
    key(
        "voters",
        "N",
        "How many of the machines that joined are made voting members: 1, 3, 5 or 7",
        "3",
    ),
    key(
        "machine-id",
        "ID",
        "Id of this machine: 32 hexadecimal digits",
        "/etc/machine-id, else one that is kept in --data-dir",
    ),
    key(
        "metadata",
        "PAIRS",
        "What is said of this machine: KEY=VALUE, several with commas",
        "none",
    ),
    key(
        "fleetlock-token",
        "TOKEN",
        "What FleetLock clients must show, as `authorization: Bearer TOKEN`; whoever lists \
         processes sees a flag, and none sees the variable",
        "none, whoever can open a connection may ask",
    ),
    key(
        "cert-file",
        "FILE",
        "PEM certificate for https:// URLs of clients and of metrics, read again when it changes",
        "that of a cluster with an authority of its own, see `coracle cluster init`",
    ),
    key("key-file", "FILE", "PEM key of --cert-file", "none"),
    key(
        "trusted-ca-file",
        "FILE",
        "PEM authorities: only clients with a certificate of theirs are served",
        "anybody is served",
    ),
    switch(
        "client-cert-auth",
        "Serve only clients with a certificate, which --trusted-ca-file alone means too",
    ),
    key(
        "peer-cert-file",
        "FILE",
        "PEM certificate for https:// peer URLs, for both ends of a connection",
        "as for --cert-file",
    ),
    key(
        "peer-key-file",
        "FILE",
        "PEM key of --peer-cert-file",
        "none",
    ),
    key(
        "peer-trusted-ca-file",
        "FILE",
        "PEM authorities of the other members' certificates",
        "none",
    ),
    switch(
        "peer-client-cert-auth",
        "Talk only to members with a certificate, which --peer-trusted-ca-file alone means too",
    ),
    key(
        "socket",
        "PATH",
        "Unix socket for clients on this machine, or `off`",
        "/run/coracle/coracle.sock as root, else $XDG_RUNTIME_DIR/coracle.sock, or in --data-dir",
    ),
    key(
        "quota-backend-bytes",
        "SIZE",
        "Space after which writes are refused; negative for no limit",
        "2GiB",
    ),
    key(
        "max-request-bytes",
        "SIZE",
        "Largest request that is accepted, 16MiB at most",
        "1572864",
    ),
    key(
        "max-txn-ops",
        "N",
        "Most operations in one transaction",
        "128",
    ),
    key(
        "max-concurrent-streams",
        "N",
        "Most streams of one client connection",
        "65536",
    ),
    choice(
        &["bytes", "periodic", "revision"],
        key(
            "auto-compaction-mode",
            "MODE",
            "What bounds the superseded versions",
            "bytes",
        ),
    ),
    key(
        "auto-compaction-retention",
        "BOUND",
        "How much is kept, by mode: a size with its unit, a duration (a bare number is hours) or a \
         count; 0 for all",
        "16MiB for bytes, else 0",
    ),
    key(
        "snapshot-count",
        "N",
        "Commands between two checkpoints, at least",
        "10000",
    ),
    key(
        "snapshot-log-bytes",
        "SIZE",
        "Size of the log between two checkpoints, at least, and half of the state's; less is less \
         to read at a start and sooner given back, for more checkpoints",
        "64MiB",
    ),
    key(
        "heartbeat-interval",
        "MS",
        "Milliseconds between heartbeats",
        "100",
    ),
    key(
        "election-timeout",
        "MS",
        "Milliseconds without a leader before an election",
        "1000",
    ),
    key(
        "watch-progress-notify-interval",
        "SPAN",
        "How long a quiet watch waits for a notice of progress",
        "10m",
    ),
    key(
        "certificate-validity",
        "SPAN",
        "How long the certificates are valid that this member signs for the nodes of the cluster; \
         each is renewed after two thirds of it. 2160h are 90 days",
        "2160h",
    ),
    key(
        "backup-dir",
        "DIR",
        "Where the daemon keeps snapshots of the store; in the file: dir in [backup]",
        "`backup` in --data-dir",
    ),
    key(
        "backup-interval",
        "SPAN",
        "How often it takes one, if anything has changed; 0 for never; in the file: interval in \
         [backup]",
        "1h",
    ),
    key(
        "backup-keep",
        "N",
        "How many it keeps; in the file: keep in [backup]",
        "24",
    ),
    choice(
        &["off", "lock", "immediate", "fleetlock"],
        key(
            "reboot-strategy",
            "STRATEGY",
            "What is done when a reboot of this machine is wanted: nothing by itself, one machine \
             of a group at a time, at once, or as a FleetLock server allows; in the file: strategy \
             in [reboot], and so on",
            "off",
        ),
    ),
    key(
        "reboot-group",
        "GROUP",
        "Group of machines that share the semaphore of `lockctl`",
        "default",
    ),
    key(
        "reboot-windows",
        "WINDOWS",
        "When it may reboot, such as \"Mon-Fri 02:00-04:00 Europe/Berlin\"; several with \
         semicolons, in the file as a list. Days and time zone may be left out",
        "none, at any time",
    ),
    key(
        "reboot-sentinel-files",
        "FILES",
        "A reboot is wanted while one of these is there and was not before the last reboot",
        "/run/reboot-required,/var/run/reboot-required",
    ),
    key(
        "reboot-blockers",
        "COMMANDS",
        "Commands for the shell that must all succeed before a reboot, one on a line, in the file \
         as a list; what one says when it fails is shown",
        "none",
    ),
    key(
        "reboot-prometheus-url",
        "URL",
        "A Prometheus whose alerts that are firing block",
        "none",
    ),
    key(
        "reboot-alert-filter",
        "NAMES",
        "Which alerts, with commas: * stands for any text, and !NAME takes one out",
        "*",
    ),
    key(
        "reboot-users-delay",
        "SPAN",
        "How long people who are logged in are given after they were told; 0 not to ask them",
        "5m",
    ),
    key(
        "reboot-command",
        "COMMAND",
        "What reboots the machine, for the shell",
        "by logind, else by the kernel after a sync",
    ),
    key(
        "reboot-drain-timeout",
        "SPAN",
        "How long what runs on the machine may take to go elsewhere",
        "5m",
    ),
    key(
        "reboot-health-dir",
        "DIR",
        "Programs that must all succeed after a reboot before the place is given back",
        "/etc/coracle/health.d",
    ),
    key(
        "reboot-health-deadline",
        "SPAN",
        "How long after a reboot they may fail; after that the place stays held",
        "10m",
    ),
    key(
        "reboot-release-absent-after",
        "SPAN",
        "How long a machine may be down until its place is taken from it, as the leader's setting \
         says; 0 for ever. One that is removed from the cluster loses its place at once",
        "0",
    ),
    key(
        "reboot-fleetlock-url",
        "URL",
        "The FleetLock server that is asked, such as airlock",
        "none",
    ),
    key(
        "reboot-fleetlock-token",
        "TOKEN",
        "What is shown to it, as `authorization: Bearer TOKEN`",
        "none",
    ),
    key(
        "reboot-check-interval",
        "SPAN",
        "How often blockers are asked and files are looked for",
        "1m",
    ),
    key(
        "boot-id-file",
        "FILE",
        "Where it is said which boot this is; another one makes a test of reboots",
        "/proc/sys/kernel/random/boot_id",
    ),
    key(
        "corrupt-check-time",
        "SPAN",
        "How often the members' states are compared; 0 for never",
        "10m",
    ),
    Key {
        name: "force-new-cluster",
        value: None,
        choices: &[],
        help: "Go on alone with what this member of a lost cluster has: the others are left, and \
               the cluster has a new id. Take it away afterwards",
        default: "false",
    },
    choice(
        &["debug", "info", "warn", "error"],
        key("log-level", "LEVEL", "How much is told", "info"),
    ),
    switch(
        "insecure",
        "Allow to listen beyond this machine without TLS, and to members without certificates",
    ),
];

const fn key(
    name: &'static str,
    value: &'static str,
    help: &'static str,
    default: &'static str,
) -> Key {
    Key {
        name,
        value: Some(value),
        choices: &[],
        help,
        default,
    }
}

const fn switch(name: &'static str, help: &'static str) -> Key {
    Key {
        name,
        value: None,
        choices: &[],
        help,
        default: "false",
    }
}

const fn choice(choices: &'static [&'static str], of: Key) -> Key {
    Key { choices, ..of }
}
