//! What a manual page says beyond its command line: exit codes, files, environment, examples.
//!
//! Pure data. Every page has an entry in [`PAGES`] and every entry its page; a test compares them.
//! The page of a verb group inherits what it does not say from the page of its face.

/// Name and what it is for.
pub type Row = (&'static str, &'static str);

/// What is added to one page.
pub struct Page {
    /// The page's name without its section: `kvctl`, `kvctl-lease`, `coracle-daemon`.
    pub name: &'static str,
    /// The codes it can end with, and what each then means.
    pub exits: &'static [Row],
    pub files: &'static [Row],
    /// Variables beyond those that the command line itself reads.
    pub environment: &'static [Row],
    /// What to type, and what it does.
    pub examples: &'static [Row],
}

pub const PAGES: &[Page] = &[
    Page {
        name: "coracle",
        exits: &[
            ("0", "done"),
            ("1", "failed"),
            ("2", "usage: the command line is wrong and nothing was done"),
            ("3 to 7", "as the page of the applet says"),
        ],
        files: &[(
            "/usr/local/bin/coracle",
            "the one executable; each other face is a link to it",
        )],
        environment: &[("NO_COLOR", "set to anything: no colour in help and errors")],
        examples: &[
            ("coracle help", "lists the applets"),
            ("coracle --version", "prints the version"),
        ],
    },
    Page {
        name: "coracle-cluster",
        exits: &[
            ("0", "done; of health: the cluster is well"),
            (
                "1",
                "failed; of health: degraded, it works and something is to be done",
            ),
            ("2", "usage: the command line is wrong and nothing was done"),
            (
                "4",
                "unavailable: no member answers; of health: no majority answers, or nobody leads",
            ),
            (
                "5",
                "refused: the member wants to know who asks, or does not allow it; of restore: \
                 the snapshot's checksum is wrong, or it was cut",
            ),
            (
                "6",
                "conflict: of restore: the directory is in use or not empty; of init: a cluster or \
                 an authority is there already",
            ),
        ],
        files: &[
            (
                "/run/coracle/coracle.sock",
                "the socket of the daemon on this machine, as root",
            ),
            (
                "$XDG_RUNTIME_DIR/coracle.sock",
                "the socket of an ordinary user's daemon; else in its data directory",
            ),
        ],
        environment: &[],
        examples: &[
            (
                "coracle cluster status",
                "shows the members, and for each problem what to type",
            ),
            (
                "coracle cluster health || mail -s 'cluster' root </dev/null",
                "for a script that tells somebody",
            ),
            (
                "coracle cluster status -o json | jq -r .leader",
                "prints the id of the leader",
            ),
            (
                "coracle cluster restore backup.db --data-dir /srv/new",
                "makes a new cluster of one member from a snapshot",
            ),
            (
                "coracle cluster members",
                "lists voters, learners and workers, and which machine each is",
            ),
        ],
    },
    Page {
        name: "coracle-cluster-certificate",
        exits: &[
            ("0", "done"),
            ("1", "failed"),
            ("2", "usage: the command line is wrong and nothing was done"),
            (
                "3",
                "no: this machine has no key of an authority, as it is no member",
            ),
            ("6", "conflict: the files are there already"),
        ],
        files: &[("trust", "in the data directory: the authority")],
        environment: &[],
        examples: &[(
            "coracle cluster certificate create me --out here",
            "makes here/me.pem, here/me.key and here/ca.pem",
        )],
    },
    Page {
        name: "coracle-cluster-token",
        exits: &[
            ("0", "done"),
            ("1", "failed"),
            ("2", "usage: the command line is wrong and nothing was done"),
            ("3", "no: there is no such token"),
            ("4", "unavailable: no member answers"),
        ],
        files: &[],
        environment: &[],
        examples: &[
            (
                "coracle cluster token create --ttl 1h --uses 2",
                "prints a token by which two machines can join within the hour",
            ),
            (
                "coracle daemon --join http://127.0.0.1:2380 --token TOKEN",
                "joins with it",
            ),
            ("coracle cluster token revoke ID", "ends it at once"),
        ],
    },
    Page {
        name: "coracle-daemon",
        exits: &[
            ("0", "ended in order, as it was told to"),
            ("1", "failed: it cannot start, or cannot go on"),
            ("2", "usage: the command line or a setting is wrong"),
            (
                "4",
                "unavailable: no member lets this machine in; with --initial-cluster-state \
                 existing, no other member answers",
            ),
            (
                "5",
                "refused: the token lets nobody in or is of another cluster, or a certificate is \
                 not valid now",
            ),
            (
                "6",
                "conflict: another daemon uses the directory or the socket, another machine has \
                 the id of this one, a restore into it was interrupted, --force-new-cluster makes \
                 no sense, the member has another state than the others, or the cluster does not \
                 know it, knows it with data that are not here, or has removed it",
            ),
        ],
        files: &[
            ("/var/lib/coracle", "the data, as root"),
            ("~/.local/share/coracle", "the data of an ordinary user"),
            ("backup", "in the data directory: snapshots, one an hour"),
            (
                "trust",
                "in the data directory: ca.pem, the authority of the cluster; ca.key, its key, on \
                 members; node.pem and node.key, this node's certificate",
            ),
            (
                "/etc/coracle.env",
                "variables for the service, one a line, if it is there",
            ),
            (
                "~/.config/coracle.env",
                "the same for the service of an ordinary user",
            ),
            (
                "/run/coracle/coracle.sock",
                "the socket for clients on this machine, as root",
            ),
            (
                "$XDG_RUNTIME_DIR/coracle.sock",
                "the socket of an ordinary user; in the data directory where that is not set",
            ),
        ],
        environment: &[(
            "CORACLE_DATA_DIR",
            "stands for --data-dir; every other flag has its variable too",
        )],
        examples: &[
            ("coracle daemon", "serves this machine"),
            (
                "coracle daemon --data-dir /srv/kv --listen-client-urls http://127.0.0.1:2380",
                "keeps its data elsewhere and listens on another port",
            ),
            (
                "coracle daemon --config /etc/coracle.toml --check-config",
                "prints the settings that a file gives",
            ),
            (
                "coracle daemon --auto-compaction-mode periodic --auto-compaction-retention 1h",
                "keeps the versions of the last hour, as etcd does with these flags",
            ),
        ],
    },
    Page {
        name: "coracle-demo",
        exits: &[
            ("0", "done: every step showed what it should"),
            ("1", "failed"),
            ("2", "usage: the command line is wrong"),
        ],
        files: &[(
            "/tmp",
            "the demo keeps its data in a new directory there and removes it",
        )],
        environment: &[("TMPDIR", "used instead of /tmp")],
        examples: &[
            (
                "coracle demo",
                "shows put, get, watch and lease, then serves until Ctrl-C",
            ),
            ("coracle demo --once", "ends after the tour"),
            (
                "coracle demo --nodes 3",
                "forms a cluster, and kills its leader before your eyes",
            ),
        ],
    },
    Page {
        name: "kvctl",
        exits: &[
            ("0", "done"),
            ("1", "failed"),
            ("2", "usage: the command line is wrong and nothing was done"),
            (
                "3",
                "no: there is no such lease or member, or no such key with --exists",
            ),
            (
                "4",
                "unavailable: no server answers in time, or it has no leader",
            ),
            (
                "5",
                "refused: the server wants to know who asks, or does not allow it",
            ),
            ("6", "conflict: the state of the server does not allow it"),
        ],
        files: &[
            (
                "/run/coracle/coracle.sock",
                "the socket of the daemon on this machine, as root",
            ),
            (
                "$XDG_RUNTIME_DIR/coracle.sock",
                "the socket of an ordinary user's daemon; else in its data directory",
            ),
        ],
        environment: &[
            (
                "ETCDCTL_ENDPOINTS, ETCDCTL_WRITE_OUT and so on",
                "read when called as etcdctl, each for the flag of its name",
            ),
            (
                "ETCDCTL_WATCH_KEY, ETCDCTL_WATCH_RANGE_END",
                "stand for the arguments of watch",
            ),
            (
                "ETCD_WATCH_REVISION, ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY, ETCD_WATCH_VALUE",
                "what the command of a watch is told of its event; texts are quoted",
            ),
        ],
        examples: &[
            ("kvctl put config/colour blue", "writes a key"),
            ("kvctl get --prefix config/", "reads all keys that begin so"),
            (
                "kvctl watch --prefix config/",
                "prints each change as it happens",
            ),
            (
                "kvctl watch --prefix config/ --forever --exec 'systemctl reload app'",
                "runs a command for each change, and goes on after a restart of the server",
            ),
            (
                "kvctl put session/7 alice --ttl 30s",
                "writes a key that ends after half a minute",
            ),
            (
                "kvctl put session/8 bob --lease 1a2b3c4d5e6f7081",
                "binds a key to a lease that was granted before",
            ),
            (
                "printf '%s\\n' 'mod(\"a\") = \"0\"' '' 'put a 1' '' 'get a' '' | kvctl txn",
                "writes a key if there is none, and reads it otherwise",
            ),
        ],
    },
    Page {
        name: "kvctl-lease",
        exits: &[],
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl lease grant 60", "grants a lease of a minute"),
            ("kvctl lease list", "lists the leases"),
            (
                "kvctl put node/7 up --lease 1a2b3c4d5e6f7081",
                "binds a key to the lease: it goes when the lease does",
            ),
            (
                "kvctl lease keep-alive 1a2b3c4d5e6f7081",
                "renews the lease until it is stopped",
            ),
        ],
    },
    Page {
        name: "kvctl-endpoint",
        exits: &[],
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl endpoint health", "asks whether the server is well"),
            ("kvctl endpoint status", "prints its version, size and term"),
        ],
    },
    Page {
        name: "kvctl-member",
        exits: &[],
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl member list", "lists the members"),
            (
                "kvctl member add db4 --peer-urls http://10.0.0.4:2380",
                "adds a member, and prints the settings to start its daemon with",
            ),
            (
                "kvctl member remove 8e9e05c52164694d",
                "removes a member; its daemon ends with exit code 6",
            ),
        ],
    },
    Page {
        name: "kvctl-snapshot",
        exits: &[],
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl snapshot save backup.db", "saves the whole store"),
            (
                "kvctl snapshot status backup.db",
                "prints what a saved file holds",
            ),
        ],
    },
    Page {
        name: "kvctl-check",
        exits: &[],
        files: &[],
        environment: &[],
        examples: &[(
            "kvctl check perf",
            "loads the store for a minute and judges how it bears it",
        )],
    },
    Page {
        name: "kvctl-alarm",
        exits: &[],
        files: &[],
        environment: &[],
        examples: &[
            ("kvctl alarm list", "lists the alarms"),
            ("kvctl alarm disarm", "clears them"),
        ],
    },
    Page {
        name: "lockctl",
        exits: &[
            ("0", "done; of held: somebody holds it"),
            ("1", "failed"),
            ("2", "usage: the command line is wrong and nothing was done"),
            (
                "3",
                "no: of unlock: it held no place; of reboot and need-reboot: there is no such \
                 machine, or with --cancel nobody told it to; of held, info and break: nobody \
                 holds it",
            ),
            (
                "4",
                "unavailable: no member answers; of exec and run-once: the lock was lost, and the \
                 command was stopped",
            ),
            ("6", "conflict: others hold it, or wait for it"),
            (
                "125",
                "of exec and run-once: the command could not be started or guarded",
            ),
            (
                "126",
                "of exec and run-once: the command cannot be executed",
            ),
            ("127", "of exec and run-once: there is no such command"),
            (
                "any other",
                "of exec and run-once: the command's own, or 128 and the number of the signal that \
                 ended it",
            ),
        ],
        files: &[
            (
                "/etc/machine-id",
                "the id of this machine, see machine-id(5)",
            ),
            (
                "/coracle/lock/reboot/GROUP",
                "in the store: the semaphore of a group, as JSON",
            ),
            (
                "/coracle/reboot/ID",
                "in the store: how the reboot of a machine is, as JSON, while its daemon is up and \
                 there is something to say",
            ),
            (
                "/coracle/lock/wanted/ID",
                "in the store: what reboot and need-reboot tell a machine",
            ),
            (
                "/coracle/lock/named/NAME/LEASE",
                "in the store: who holds a lock or waits for it; the revision at which it was made \
                 is the fence",
            ),
        ],
        environment: &[
            ("CORACLE_LOCK_NAME", "set by exec and run-once: the lock"),
            (
                "CORACLE_LOCK_FENCE",
                "set by exec and run-once: a number that rises with each holder; `kvctl put \
                 --if-held NAME` reads it",
            ),
            (
                "CORACLE_LOCK_REVISION",
                "set by exec and run-once: the revision of the store at which the lock was taken",
            ),
        ],
        examples: &[
            ("lockctl status", "shows who holds a place, and who waits"),
            (
                "lockctl need-reboot db1 --reason 'new kernel'",
                "has db1 rebooted when its windows, blockers and the others agree",
            ),
            (
                "lockctl lock --wait 10m --reason 'new kernel' && reboot",
                "reboots this machine when it is its turn",
            ),
            (
                "lockctl unlock",
                "gives the place back, once the machine is well again",
            ),
            (
                "lockctl set-max --group web 2",
                "lets two machines of the group web reboot at a time",
            ),
            (
                "lockctl exec deploy:web --wait 10m -- ./deploy.sh",
                "runs a command when nobody else deploys",
            ),
            (
                "lockctl exec build --slots 4 -- make",
                "runs it while at most three others build",
            ),
            (
                "lockctl exec stock -- sh -c 'kvctl put --if-held stock count 7'",
                "writes only while the lock is held",
            ),
            (
                "lockctl run-once migrate:42 -- ./migrate.sh",
                "on every machine: one of them does it, the others say who did",
            ),
            (
                "kvctl watch --prefix /coracle/lock/",
                "prints each change of a lock",
            ),
        ],
    },
];

/// The entry of the page called `name`.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}
